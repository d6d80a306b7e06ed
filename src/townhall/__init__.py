"""The PostgreSQL data layer for products that bring people together.

The mapped classes, their enums, ``Base`` and ``metadata`` are here, and so are the session
factories and ``entities``. Each name is loaded when it is first asked for; ``__init__.pyi`` is the
table of names.
"""

from __future__ import annotations

import ast
import importlib
from functools import cache
from importlib.resources import files


@cache
def _modules() -> dict[str, str]:
    """Return the module of each public name, as the stub file lists them."""
    stub = ast.parse(files(__name__).joinpath("__init__.pyi").read_text(encoding="utf-8"))
    return {
        alias.asname: str(statement.module)
        for statement in stub.body
        if isinstance(statement, ast.ImportFrom)
        for alias in statement.names
        if alias.asname
    }


def __getattr__(name: str) -> object:
    if name == "__all__":
        return sorted(_modules())
    if name.startswith("__") or name not in _modules():
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(importlib.import_module(_modules()[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_modules()})
