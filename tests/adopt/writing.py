"""Files of decisions, as a person would write them."""

from __future__ import annotations

from pathlib import Path

from townhall.adopt.decisions import Decisions, quoted


def write(path: Path, decisions: Decisions) -> str:
    """Write a file of decisions."""
    lines = []
    for section in ("objects", "fill", "convert"):
        lines.append(f"[{section}]")
        lines += [
            f"{quoted(key)} = {quoted(answer)}"
            for key, answer in getattr(decisions, section).items()
        ]
    path.write_text("\n".join(lines), encoding="utf-8")
    return str(path)
