"""Packages whose public names are loaded when they are first asked for.

The stub file ``__init__.pyi`` of such a package is the table of its names: type checkers read it,
and so does the package. Its lines are ``from MODULE import NAME as NAME``.
"""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

_LINE = re.compile(r"^from (\S+) import (\w+) as \w+$", re.MULTILINE)


def names_of_stub(package: str) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """Return the functions ``__getattr__`` and ``__dir__`` of a package (PEP 562).

    Args:
        package: The name of the package.
    """

    @cache
    def modules() -> dict[str, str]:
        stub = Path(str(sys.modules[package].__file__)).with_suffix(".pyi")
        found = _LINE.findall(stub.read_text(encoding="utf-8"))
        return {name: module for module, name in found}

    def load(name: str) -> object:
        if name == "__all__":
            return sorted(modules())
        if name.startswith("__") or name not in modules():
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value: object = getattr(importlib.import_module(modules()[name]), name)
        vars(sys.modules[package])[name] = value
        return value

    def names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *modules()})

    return load, names
