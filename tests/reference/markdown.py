"""Text as Markdown shows it."""

from __future__ import annotations


def code(text: str) -> str:
    """Return text as code, on one line; it may have backticks."""
    line = " ".join(text.split())
    return f"`` {line} ``" if "`" in line else f"`{line}`"
