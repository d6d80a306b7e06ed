"""The texts of constants in the reference, which stand below them where they are assigned.

A value that is long or has an address in memory is left out: it explains nothing.
"""

from __future__ import annotations

import ast
import importlib.util
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from docutils import nodes
    from sphinx.application import Sphinx

_LONGEST = 300
"""How many characters of a value are still read, and not only scrolled past."""

_CLASSES = re.compile(r"\((?:<class '[^']+'>(?:, )?)+\)")
"""A default of many classes."""


def text_of(module: str, name: str) -> str:
    """Return the text below an assignment, also where the module only imports the name.

    Args:
        module: The module that has the name.
        name: The name of the constant.
    """
    body = _body(module)
    for node, following in zip(body, [*body[1:], None], strict=True):
        if name in _assigned(node) and isinstance(following, ast.Expr):
            constant = following.value
            return str(constant.value) if isinstance(constant, ast.Constant) else ""
        if isinstance(node, ast.ImportFrom) and node.module and name in _imported(node):
            original = next(each.name for each in node.names if name in {each.asname, each.name})
            return text_of(node.module, original)
    return ""


def _assigned(node: ast.stmt) -> set[str]:
    targets = node.targets if isinstance(node, ast.Assign) else []
    targets = [node.target] if isinstance(node, ast.AnnAssign) else targets
    names = (name for each in targets for name in ast.walk(each))
    return {each.id for each in names if isinstance(each, ast.Name)}


def _imported(node: ast.ImportFrom) -> set[str]:
    return {each.asname or each.name for each in node.names}


@cache
def _body(module: str) -> list[ast.stmt]:
    specification = importlib.util.find_spec(module)
    origin = specification.origin if specification is not None else None
    if origin is None or not origin.endswith(".py"):
        return []
    stub = Path(origin).with_suffix(".pyi")
    sources = [path for path in (stub, Path(origin)) if path.is_file()]
    return [node for path in sources for node in ast.parse(path.read_text(encoding="utf-8")).body]


def _describe(_: Sphinx, what: str, name: str, *rest: Any) -> None:  # noqa: ANN401 - autodoc's
    lines: list[str] = rest[-1]
    module, __, constant = name.rpartition(".")
    if what == "data" and (text := text_of(module, constant)):
        lines[:] = [*text.splitlines(), ""]


def is_readable(value: str) -> bool:
    """Return whether a value is worth its place in an entry.

    Args:
        value: The value as Python prints it.
    """
    return len(value) <= _LONGEST and " at 0x" not in value


def _shorten(_: Sphinx, document: nodes.document) -> None:
    for found in [*document.findall(lambda node: node.tagname == "desc_annotation")]:
        sign, _sign, value = found.astext().strip().partition("= ")
        if not sign and not is_readable(value):
            found.parent.remove(found)


def _sign(_: Sphinx, *about: Any) -> tuple[str | None, str | None]:  # noqa: ANN401 - autodoc's
    signature, annotation = about[-2:]
    return signature and _CLASSES.sub("…", signature), annotation


def setup(app: Sphinx) -> dict[str, Any]:
    """Add it to Sphinx, before other extensions read the text."""
    app.setup_extension("sphinx.ext.autodoc")
    app.connect("autodoc-process-docstring", _describe, priority=100)
    app.connect("autodoc-process-signature", _sign)
    app.connect("doctree-read", _shorten)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
