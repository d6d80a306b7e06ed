"""The program for the type checkers uses every public name."""

from __future__ import annotations

import ast
from pathlib import Path

import townhall

PROGRAM = Path(__file__).with_name("every_public_name.py")


def test_program_for_the_type_checkers_uses_every_public_name() -> None:
    used = {
        node.attr
        for node in ast.walk(ast.parse(PROGRAM.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "townhall"
    }
    assert set(townhall.__all__) - used == set()
