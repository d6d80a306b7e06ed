"""A value of any type comes back as it was stored, or is refused with the name of its column."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, assume, given, reject, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from sqlalchemy import Column, column, inspect, select, table, text, update
from sqlalchemy.exc import DBAPIError, StatementError
from sqlalchemy.orm import Session

from tests.coaching.data import BRAND
from tests.structure.models import MODELS
from townhall import BrandConfig, EmailConfig, Unreadable, VisibilitySettings
from townhall.base import is_read_only
from townhall.types import JsonValue, TextEnum, TypedJson

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from townhall import Base

CHARACTERS = st.characters(exclude_categories=()) | st.sampled_from("\0\u200f\u202e\ud800")
TEXTS = st.text(CHARACTERS, max_size=30) | st.integers(1, 40_000).map(lambda length: "ש" * length)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(CHARACTERS, max_size=9),
    lambda items: (
        st.lists(items, max_size=4)
        | st.dictionaries(st.text(CHARACTERS, max_size=4), items, max_size=4)
    ),
    max_leaves=12,
)


def _nested(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(levels):
        value = {"a": value}
    return value


OBJECTS = (
    st.dictionaries(st.text(CHARACTERS, max_size=4), JSON, max_size=4)
    | st.integers(0, 40).map(_nested)
    | st.sampled_from([900, 5000]).map(_nested)
    | st.integers(300, 5000).map(lambda digits: {"n": 10**digits})
    | st.integers(250_000, 270_000).map(lambda size: {"text": "x" * size})
)


@st.composite
def _changed(draw: st.DrawFn, value: JsonValue, field: str) -> JsonValue:
    try:
        return value.model_copy(update={field: draw(TEXTS)})
    except ValidationError:  # it can't be made, so that it is no value of the type
        reject()


SHAPES: dict[type, st.SearchStrategy[Any]] = {
    BrandConfig: _changed(BRAND, "tagline") | _changed(BRAND, "welcome_message"),
    EmailConfig: _changed(EmailConfig(reply_to="a@example.org"), "signature"),
    VisibilitySettings: st.builds(VisibilitySettings, show_bio=st.booleans()),
}
VALUES: dict[type, st.SearchStrategy[Any]] = {
    str: TEXTS,
    int: st.integers() | st.integers(-(2**31) - 2, 2**31 + 2) | st.integers(0, 9),
    bool: st.booleans(),
    Decimal: st.decimals().filter(lambda number: not number.is_snan())
    | st.decimals(-1000, 1000, places=2),
    list: st.lists(TEXTS, max_size=3) | st.integers(0, 120).map(lambda size: ["x"] * size),
    dict: OBJECTS,
    datetime: st.datetimes() | st.datetimes(timezones=st.timezones()),
    date: st.dates(),
}

_NUMBERS = st.sampled_from(["1e308", "1e309", "-1e400", "1e5000", "1e-5000", "0.1", "1" * 40])
_LITERALS = st.one_of(
    st.integers(-4713, 294_000).map(lambda year: f"{abs(year) or 1}-06-01{' BC' * (year < 0)}"),
    st.sampled_from(["infinity", "-infinity", "0001-01-01", "9999-12-31 23:59:59.999999+00"]),
)
LITERALS: dict[type, st.SearchStrategy[str]] = {
    str: st.text(max_size=20) | st.integers(1, 30_000).map(lambda length: "x" * length),
    int: st.integers(-(2**31), 2**31 - 1).map(str),
    bool: st.sampled_from(["true", "false"]),
    Decimal: st.sampled_from(["NaN", "Infinity", "-Infinity", "0", "99.99", "1e300"]),
    list: st.sampled_from(["{}", "{a,NULL}", "{{a},{b}}", "[5:6]={a,b}", '{"\n\u200f"}', "{{{}}}"]),
    dict: st.builds('{{"n": {}}}'.format, _NUMBERS)
    | st.builds('{{"a": [{{"b": {}}}]}}'.format, _NUMBERS)
    | st.integers(1, 3000).map(lambda levels: '{"a":' * levels + "1" + "}" * levels)
    | st.integers(1, 3000).map(lambda levels: '{"a":' + "[" * levels + "]" * levels + "}")
    | st.integers(1, 2_000_000).map(lambda size: json.dumps({"a": "x" * size})),
    datetime: _LITERALS,
    date: _LITERALS,
}

ATTRIBUTES = {
    f"{model.__name__}.{attribute.key}": (model, attribute.key, attribute.columns[0])
    for model in MODELS
    for attribute in inspect(model).column_attrs
    if not attribute.columns[0].foreign_keys
    and not is_read_only(attribute.columns[0])
    and attribute.columns[0].type.python_type.__name__ != "UUID"
}
TELLING = {
    "Profile.full_name",
    "Organization.name",
    "SocialFeedPost.metadata_",
    "WizardSession.state",
    "CommunityProfile.achievements",
    "CommunityProfile.visibility_settings",
    "TenantProfile.brand_config",
    "Event.starts_at",
    "Milestone.due_date",
    "UsageEvent.tokens_used",
    "UsageEvent.cost_cents",
    "TableAssignment.seat_number",
}
"""One of each kind; the others are tried by the exhaustive tests."""

EACH_ATTRIBUTE = pytest.mark.parametrize(
    ("model", "key", "stored"),
    [
        pytest.param(
            model, key, stored, id=name, marks=[] if name in TELLING else pytest.mark.exhaustive
        )
        for name, (model, key, stored) in ATTRIBUTES.items()
    ],
)
_SETTINGS = settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def _values(type_: Any) -> st.SearchStrategy[Any]:  # noqa: ANN401 - of a column
    if isinstance(type_, TextEnum):
        return st.sampled_from(type_.vocabulary)
    return SHAPES[type_.shape] if isinstance(type_, TypedJson) else VALUES[type_.python_type]


def _literals(type_: Any) -> st.SearchStrategy[str]:  # noqa: ANN401 - of a column
    if isinstance(type_, TextEnum):
        vocabulary: Any = type_.vocabulary
        return st.sampled_from([*vocabulary, "unheard of"])
    return LITERALS[dict if isinstance(type_, TypedJson) else type_.python_type]


def _names_the_column(error: Exception, stored: Column[Any]) -> bool:
    if isinstance(error, DBAPIError):
        diagnosis = getattr(error.orig, "diag", None)
        if diagnosis is not None and (diagnosis.constraint_name or diagnosis.column_name):
            return True
    reason = error.orig if isinstance(error, StatementError) else error
    return stored.name in str(reason)


@EACH_ATTRIBUTE
@_SETTINGS
@given(data=st.data())
def test_value_comes_back_as_it_was_or_is_refused_by_name(
    filled: Connection, model: type[Base], key: str, stored: Column[Any], data: st.DataObject
) -> None:
    value = data.draw(_values(stored.type))
    assume(value is not None)
    with (
        filled.begin_nested() as savepoint,
        Session(filled, join_transaction_mode="create_savepoint") as session,
    ):
        row = session.scalars(select(model)).all()[0]
        try:
            setattr(row, key, value)
            session.flush()
        except (StatementError, ValueError) as error:
            assert _names_the_column(error, stored), error  # noqa: PT017 - it may work as well
        else:
            session.refresh(row)
            # Python calls a time that is skipped or repeated equal to none of another zone.
            expected = value.astimezone(UTC) if isinstance(value, datetime) else value
            assert getattr(row, key) == expected
        session.rollback()
        savepoint.rollback()


@EACH_ATTRIBUTE
@_SETTINGS
@given(data=st.data())
def test_every_value_that_postgresql_accepts_is_loaded(
    filled: Connection, model: type[Base], key: str, stored: Column[Any], data: st.DataObject
) -> None:
    literal = data.draw(_literals(stored.type))
    plain = table(stored.table.name, column(stored.name), schema="public")
    type_ = stored.type.compile(filled.dialect)
    store = update(plain).values({stored.name: text(f"cast(:value as {type_})")})
    with filled.begin_nested() as savepoint:
        try:
            filled.execute(store, {"value": literal})
        except DBAPIError:
            savepoint.rollback()
            return
        with Session(filled, join_transaction_mode="create_savepoint") as session:
            row = session.scalars(select(model)).all()[0]
            # An object of another shape is not the value of a typed column.
            assert isinstance(stored.type, TypedJson) or not isinstance(
                getattr(row, key), Unreadable
            )
        savepoint.rollback()
