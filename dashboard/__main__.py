"""`python -m dashboard` is `dashboard`."""

from dashboard.cli import main

main()
