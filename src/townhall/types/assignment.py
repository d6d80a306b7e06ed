"""The conversion and refusal of values that are assigned to mapped attributes."""

from __future__ import annotations

from functools import partial
from typing import Any

from sqlalchemy import event, inspect
from sqlalchemy.orm import DeclarativeBase, Mapper, QueryableAttribute

from townhall.input_error import InputError
from townhall.types.document import Document
from townhall.types.json_object import LoadedObject, TrackedObject, is_tracked
from townhall.types.stale import refuse_stale_documents
from townhall.types.typed_json import TypedJson
from townhall.types.unreadable import Unreadable


def convert_on_assignment(base: type[DeclarativeBase]) -> None:
    """Convert what is assigned to attributes of JSON columns, in the classes of a base.

    An :class:`Unreadable` is refused, unless the attribute has it already.

    A document of another row is copied, so that a change of the one is none of the other.

    The attribute of a :class:`TypedJson` column holds a value of its shape, that of a column with
    the info :data:`TRACKED` a :class:`TrackedObject`. A flush that writes a whole document raises
    :class:`StaleDocument` where it has changed since it was read. ``townhall.base.Base`` does so
    already; call it for a base of your own, before its classes are used.

    Args:
        base: The declarative base. Classes of other bases are not affected.
    """
    event.listen(base, "mapper_configured", _listen_to_attributes, propagate=True)
    refuse_stale_documents(base)


def _listen_to_attributes(mapper: Mapper[Any], mapped_class: type[Any]) -> None:
    for attribute in mapper.column_attrs:
        column = attribute.columns[0]
        mapped = getattr(mapped_class, attribute.key)
        event.listen(mapped, "set", partial(_refuse_unreadable, mapped), retval=True)
        if isinstance(column.type, Document):
            event.listen(mapped, "set", partial(_copy_of_another_row, mapped), retval=True)
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


def _refuse_unreadable(
    attribute: QueryableAttribute[Any],
    row: object,
    value: Any,  # noqa: ANN401 - what an attribute is set to
    _previous: object,
    _by: object,
) -> Any:  # noqa: ANN401 - the same
    # A merge sets it to what it has.
    if isinstance(value, Unreadable) and vars(row).get(attribute.key) != value:
        raise InputError(f"{attribute} can't be set to what could not be read: {value!r}")
    return value


def _copy_of_another_row(
    attribute: QueryableAttribute[Any],
    row: object,
    value: Any,  # noqa: ANN401 - what an attribute is set to
    _previous: object,
    _by: object,
) -> Any:  # noqa: ANN401 - the same, or a copy
    """Return a document that was not read with this row without what was read."""
    if vars(row).get(attribute.key) is value:
        return value
    match value:
        case TrackedObject():
            return value.given_to(inspect(row), attribute.key)
        case LoadedObject():
            return dict(value)
    return value
