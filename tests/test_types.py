"""The conversion of values that are assigned to JSON attributes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError
from sqlalchemy import column, func, select, text
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from townhall.base import JsonObject
from townhall.types import JsonValue, TrackedObject, TypedJson, convert_on_assignment

if TYPE_CHECKING:
    from sqlalchemy import Connection


class Size(JsonValue):
    width: int


class Converting(DeclarativeBase):
    """A base of an application that converts."""


convert_on_assignment(Converting)


class Plain(DeclarativeBase):
    """A base of an application that does not."""


class Box(Converting):
    __tablename__ = "boxes"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    size: Mapped[Size] = mapped_column(TypedJson(Size))
    labels: Mapped[JsonObject]

    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "box"}  # noqa: RUF012  read once


class Crate(Box):
    """A class that inherits the attributes."""

    __mapper_args__ = {"polymorphic_identity": "crate"}  # noqa: RUF012  read once


class Bag(Plain):
    __tablename__ = "bags"

    id: Mapped[int] = mapped_column(primary_key=True)
    size: Mapped[Size] = mapped_column(TypedJson(Size))
    labels: Mapped[JsonObject]


@pytest.fixture
def session(townhall_connection: Connection) -> Session:
    for base in (Converting, Plain):
        base.metadata.create_all(townhall_connection)
    return Session(townhall_connection, join_transaction_mode="create_savepoint")


@pytest.mark.parametrize("mapped", [Box, Crate])
def test_assigned_mapping_becomes_a_value_of_the_shape(mapped: type[Box]) -> None:
    row = mapped(size={"width": 3})
    assert row.size == Size(width=3)
    with pytest.raises(ValidationError, match="width"):
        row.size = {"width": "wide"}  # type: ignore[assignment]  # as an attribute takes it
    assert row.size == Size(width=3)


@pytest.mark.parametrize("mapped", [Box, Crate])
def test_changed_key_of_an_object_is_stored(session: Session, mapped: type[Box]) -> None:
    row = mapped(id=1, size=Size(width=3), labels={"colour": "red"})
    assert isinstance(row.labels, TrackedObject)
    session.add(row)
    session.commit()
    row.labels["weight"] = 7
    session.commit()
    assert session.scalar(select(mapped.labels)) == {"colour": "red", "weight": 7}


def test_object_can_be_set_to_an_expression(session: Session) -> None:
    row: Any = Box(id=1, size=Size(width=3))
    row.labels = func.jsonb_build_object("n", 1)
    session.add(row)
    session.commit()
    assert row.labels == {"n": 1}


def test_base_that_does_not_convert_is_not_affected(session: Session) -> None:
    row: Any = Bag(id=1, size={"width": 3}, labels={"colour": "red"})
    assert (type(row.size), type(row.labels)) == (dict, dict)
    session.add(row)
    session.commit()
    assert session.scalar(select(Bag.size)) == Size(width=3)


def test_value_is_validated_when_it_is_stored_on_every_base(session: Session) -> None:
    session.add(Bag(id=1, size={"width": "wide"}, labels={}))
    with pytest.raises(Exception, match="valid integer"):
        session.flush()
    session.rollback()
    assert session.scalar(select(func.count()).select_from(text("bags"))) == 0


def test_part_of_a_value_is_plain_json(session: Session) -> None:
    session.add(Box(id=1, size=Size(width=3), labels={}))
    session.flush()
    assert session.scalar(select(Box.size["width"].as_integer())) == 3
    assert session.scalar(select(column("labels")).select_from(Box)) == {}
