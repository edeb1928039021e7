"""What `make check` runs: lint, format, types, import floors, budgets."""
