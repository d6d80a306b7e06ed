"""Column types: bounded text, documents, arrays and times, values of an enum, JSON with a shape."""

from __future__ import annotations

from townhall.types.assignment import convert_on_assignment
from townhall.types.bounded import Bounded, add_bounds, bounds_of
from townhall.types.bounded_labels import ARRAY_ITEMS, LabelArray
from townhall.types.bounded_text import LABEL_LENGTH, LINE_LENGTH, TEXT_LENGTH, BoundedText
from townhall.types.bounded_time import BoundedDate, BoundedTime
from townhall.types.document import DOCUMENT_LEVELS, DOCUMENT_SIZE, Document
from townhall.types.json_object import TRACKED, TrackedObject
from townhall.types.json_value import JsonValue
from townhall.types.numbers import BoundedBigInteger, BoundedInteger, ExactNumeric
from townhall.types.stale import StaleDocument
from townhall.types.text_enum import TextEnum
from townhall.types.typed_json import OptionalJson, TypedJson
from townhall.types.unreadable import Unreadable
from townhall.types.whole_number import WholeNumber

__all__ = [
    "ARRAY_ITEMS",
    "DOCUMENT_LEVELS",
    "DOCUMENT_SIZE",
    "LABEL_LENGTH",
    "LINE_LENGTH",
    "TEXT_LENGTH",
    "TRACKED",
    "Bounded",
    "BoundedBigInteger",
    "BoundedDate",
    "BoundedInteger",
    "BoundedText",
    "BoundedTime",
    "Document",
    "ExactNumeric",
    "JsonValue",
    "LabelArray",
    "OptionalJson",
    "StaleDocument",
    "TextEnum",
    "TrackedObject",
    "TypedJson",
    "Unreadable",
    "WholeNumber",
    "add_bounds",
    "bounds_of",
    "convert_on_assignment",
]
