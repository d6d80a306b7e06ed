"""Reading the text of objects with a known shape by pydantic alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache, partial
from types import MethodType
from typing import Any

from pydantic_core import SchemaValidator

from townhall.types.json_value import JsonValue

# Strict and from a text these either read what they read leniently from an object, or they refuse.
# A union is not among them, since it may choose another member; nor is a decimal, which has other
# digits; nor a validator around another one, since it may catch the refusal.
_EXACT = frozenset(
    {
        "any",
        "bool",
        "date",
        "datetime",
        "default",
        "definition-ref",
        "definitions",
        "dict",
        "enum",
        "float",
        "frozenset",
        "function-after",
        "function-before",
        "function-plain",
        "int",
        "list",
        "literal",
        "model",
        "model-field",
        "model-fields",
        "none",
        "nullable",
        "set",
        "str",
        "time",
        "timedelta",
        "tuple",
        "uuid",
    }
)

# Where a schema has others. A default or an example may look like one, and is none.
_PARTS = ("schema", "items_schema", "keys_schema", "values_schema", "definitions")

_CHECK = vars(JsonValue)["_checked"].__func__


@cache
def exact_reader(shape: type[JsonValue]) -> Callable[[str], JsonValue] | None:
    """Return what reads the text of objects that have the keys of a shape and no others.

    The text is that of ``jsonb``, which can't hold NUL. It raises ``pydantic.ValidationError`` for
    an object with other keys or values that need a conversion, and reads nothing else than
    :meth:`JsonValue.from_stored`; there is none for a shape whose ``from_stored`` is its own, and
    for one with a part that could be read as something else.

    Args:
        shape: The class of the values.
    """
    if shape.from_stored.__func__ is not JsonValue.from_stored.__func__:  # type: ignore[attr-defined]
        return None
    shape.model_rebuild()
    schema = _of_text(shape.__pydantic_core_schema__)
    if not all(map(_is_exact, _within(schema))):
        return None
    reader = SchemaValidator(schema)
    return partial(reader.validate_json, strict=True, extra="forbid", by_alias=True, by_name=False)


def _of_text(schema: Any) -> Any:  # noqa: ANN401 - a schema
    """Return a schema without the checks for NUL, that refuses numbers no float can be."""
    match schema:
        case {"function": {"function": MethodType() as function}, "schema": inner} if (
            function.__func__ is _CHECK
        ):
            reference = {"ref": schema["ref"]} if "ref" in schema else {}
            return _of_text(inner | reference)
        case {"type": "float"}:
            return schema | {"allow_inf_nan": False}
        case {"type": "model-fields"}:
            fields = {name: _of_text(field) for name, field in schema["fields"].items()}
            return schema | {"fields": fields}
    return schema | {key: _each_of_text(schema[key]) for key in _PARTS if key in schema}


def _each_of_text(part: Any) -> Any:  # noqa: ANN401 - a schema or several
    return [_of_text(one) for one in part] if isinstance(part, list) else _of_text(part)


def _within(schema: Any) -> Iterator[Any]:  # noqa: ANN401 - a schema
    yield schema
    parts = [schema[key] for key in _PARTS if key in schema]
    if schema["type"] == "model-fields":
        parts.append([*schema["fields"].values()])
    for part in parts:
        for one in part if isinstance(part, list) else [part]:
            yield from _within(one)


def _is_exact(schema: Any) -> bool:  # noqa: ANN401 - a schema
    match schema:
        case {"function": {"type": "with-info"}}:
            return False  # it can tell a text from an object
        case {"on_error": "default" | "omit"}:
            return False
    return schema["type"] in _EXACT
