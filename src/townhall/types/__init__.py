"""Column types: text with the values of an enum, JSON objects, and JSONB with a known shape."""

from __future__ import annotations

from townhall.types.assignment import convert_on_assignment
from townhall.types.json_object import TRACKED, TrackedObject
from townhall.types.json_value import JsonValue
from townhall.types.text_enum import TextEnum
from townhall.types.typed_json import OptionalJson, TypedJson
from townhall.types.whole_number import WholeNumber

__all__ = [
    "TRACKED",
    "JsonValue",
    "OptionalJson",
    "TextEnum",
    "TrackedObject",
    "TypedJson",
    "WholeNumber",
    "convert_on_assignment",
]
