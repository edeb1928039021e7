"""`python -m dashboard.collectors` prints the table of all built-in families, as it stands in docs/collectors.md."""

from __future__ import annotations

from dashboard.collectors.load import built_in_families


def table() -> str:
    """Return the table in Markdown."""
    lines = ["| collector | family | type | unit | help |", "|---|---|---|---|---|"]
    lines += [
        f"| {collector} | `{family.name}` | {family.type} | {family.unit} | {family.help} |"
        for collector, family in built_in_families()
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
