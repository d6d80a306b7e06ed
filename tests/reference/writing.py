"""The generated pages of the documentation; ``make reference`` writes them."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from tests.reference import commands, messages, tables

DOCS = Path(__file__).parents[2] / "docs"


@cache
def pages() -> dict[str, str]:
    """Return the text of each generated page, by its path below ``docs``."""
    return {
        "reference/tables.md": tables.page(),
        "reference/commands.md": commands.page(),
        "messages.md": messages.page(),
    }


def main() -> None:
    """Write every page."""
    for name, text in pages().items():
        (DOCS / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
