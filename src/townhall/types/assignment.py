"""The conversion of values that are assigned to mapped attributes."""

from __future__ import annotations

from typing import Any

from sqlalchemy import event
from sqlalchemy.orm import DeclarativeBase, Mapper

from townhall.types.json_object import TrackedObject, is_tracked
from townhall.types.typed_json import TypedJson


def convert_on_assignment(base: type[DeclarativeBase]) -> None:
    """Convert what is assigned to attributes of JSON columns, in the classes of a base.

    The attribute of a :class:`TypedJson` column holds a value of its shape, that of a column with
    the info :data:`TRACKED` a :class:`TrackedObject`. ``townhall.base.Base`` does so already; call
    it for a base of your own, before its classes are used.

    Args:
        base: The declarative base. Classes of other bases are not affected.
    """
    event.listen(base, "mapper_configured", _listen_to_attributes, propagate=True)


def _listen_to_attributes(mapper: Mapper[Any], mapped_class: type[Any]) -> None:
    for attribute in mapper.column_attrs:
        column = attribute.columns[0]
        mapped = getattr(mapped_class, attribute.key)
        if isinstance(column.type, TypedJson):
            event.listen(
                mapped,
                "set",
                lambda _row, value, _previous, _by, coerce=column.type.coerce: coerce(value),
                retval=True,
            )
        # SQLAlchemy passes it on to the attributes of subclasses.
        if attribute.parent is mapper and is_tracked(column):
            TrackedObject.associate_with_attribute(mapped)
