"""Measurements of the whole program, each beside what it is compared with, in one run: `python -m bench`.

Nothing here asserts anything and nothing here is shipped: each command prints a Markdown table, the command that made
it, and the facts of the machine.
"""
