"""Names of PostgreSQL as names of Python."""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Collection

ALIASES = ("dt", "decimal", "pg", "postgresql", "sa", "uuid")
"""The modules that a module of models imports under these names."""

_IN_BODIES = {
    *ALIASES,
    "Access",
    "Any",
    "Base",
    "Literal",
    "Mapped",
    "Principal",
    "TYPE_CHECKING",
    "annotations",
    "bool",
    "bytes",
    "float",
    "int",
    "list",
    "mapped_column",
    "relationship",
    "str",
}
"""Names that the modules of models and of access use, so that no class and no attribute may hide
them."""

_OF_MAPPED_CLASSES = {"metadata", "registry", "type_annotation_map", "mro"}
_ENDINGS = (("ies", "y"), ("sses", "ss"), ("shes", "sh"), ("ches", "ch"), ("xes", "x"))
_NO_PLURALS = ("ss", "us", "is", "news", "series")


def attribute_name(name: str, taken: Collection[str] = ()) -> str:
    """Return the attribute of a mapped class for a column or a relationship.

    Args:
        name: The name in the database.
        taken: The attributes that the class has.
    """
    word = _word(name).lstrip("_") or "column"
    if not word.isidentifier():
        word = f"column_{word}"
    hidden = keyword.iskeyword(word) or word in _IN_BODIES | _OF_MAPPED_CLASSES
    return unique(f"{word}_" if hidden else word, taken)


def class_name(table: str, taken: Collection[str] = ()) -> str:
    """Return the name of the class of a table: ``EventGuest`` for ``event_guests``.

    Args:
        table: The name of the table.
        taken: The names of the other classes.
    """
    words = [word for word in _word(table).split("_") if word]
    words[-1:] = [singular(word) for word in words[-1:]]
    name = "".join(word[0].upper() + word[1:] for word in words)
    if not name.isidentifier() or keyword.iskeyword(name) or name in _IN_BODIES:
        name = f"Table{name}"
    return unique(name, taken)


def constant_name(name: str, taken: Collection[str] = ()) -> str:
    """Return the name of a constant: ``EVENT_STATUS``.

    Args:
        name: The name in the database.
        taken: The names that the module has.
    """
    word = _word(_word(name).upper()).strip("_")
    return unique(word if word.isidentifier() else f"TYPE_{word}", taken)


def module_name(schema: str, taken: Collection[str] = ()) -> str:
    """Return the name of the package of a schema.

    Args:
        schema: The name of the schema.
        taken: The names of the other modules.
    """
    word = _word(_word(schema).lower()).strip("_")
    is_name = word.isidentifier() and not keyword.iskeyword(word)
    return unique(word if is_name else f"schema_{word}", taken)


def _word(name: str) -> str:
    # Python takes identifiers of the same normal form for the same.
    return re.sub(r"\W", "_", unicodedata.normalize("NFKC", name))


def singular(word: str) -> str:
    """Return the singular of an English word, if it looks like a plural."""
    lowered = word.lower()
    for ending, replacement in _ENDINGS:
        if lowered.endswith(ending) and len(word) > len(ending) + 1:
            return word[: -len(ending)] + replacement
    if lowered.endswith("s") and not lowered.endswith(_NO_PLURALS):
        return word[:-1] or word
    return word


def unique(name: str, taken: Collection[str]) -> str:
    """Return a name, with a number behind it where it is taken."""
    candidate, number = name, 1
    while candidate in taken:
        number += 1
        candidate = f"{name}_{number}"
    return candidate
