"""The texts of attributes, of which Napoleon would take what is before a colon for a type."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx

_ATTRIBUTES = {"attribute", "data", "property"}
_SECTION = re.compile(r"[A-Z]\w+:")
"""A line that begins a section, such as ``Returns:``."""

_texts: dict[str, list[str]] = {}


def _keep(_: Sphinx, what: str, name: str, *rest: Any) -> None:  # noqa: ANN401 - autodoc's
    if what in _ATTRIBUTES and not any(map(_SECTION.fullmatch, rest[-1])):
        _texts[name] = [*rest[-1]]


def _restore(_: Sphinx, __: str, name: str, *rest: Any) -> None:  # noqa: ANN401 - autodoc's
    if name in _texts:
        rest[-1][:] = _texts.pop(name)


def setup(app: Sphinx) -> dict[str, Any]:
    """Add it to Sphinx, before and behind Napoleon."""
    app.setup_extension("sphinx.ext.autodoc")
    app.connect("autodoc-process-docstring", _keep, priority=200)
    app.connect("autodoc-process-docstring", _restore, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
