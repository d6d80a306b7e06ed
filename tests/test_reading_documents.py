"""The values that are made of the text of documents."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, Self
from uuid import UUID

import pytest
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    ValidationError,
    ValidationInfo,
    WrapValidator,
    create_model,
    field_validator,
    model_validator,
)
from sqlalchemy.dialects.postgresql import psycopg

from tests.coaching.data import STORED_BRAND
from townhall import BrandConfig, EmailConfig, Unreadable, VisibilitySettings
from townhall.types import JsonValue, OptionalJson, TextEnum, TypedJson
from townhall.types.exact_reader import exact_reader

if TYPE_CHECKING:
    from collections.abc import Callable


class Unit(StrEnum):
    CENTIMETRE = "cm"
    INCH = "in"


class Side(JsonValue):
    type: str  # words of pydantic's own schemas
    function: int = 1


class Package(JsonValue):
    """A shape with what can be read in more than one way."""

    first: Side
    second: Side | None = None
    inner: list[Package] = []  # noqa: RUF012  pydantic copies it
    pair: tuple[Side, float] | None = None
    unit: Unit = Unit.CENTIMETRE
    price: Decimal | None = None
    packed_at: datetime | None = None
    whole: int | str | None = None
    anything: Any = None

    @field_validator("inner")
    @classmethod
    def _few(cls, inner: list[Package]) -> list[Package]:
        if len(inner) > 2:
            raise ValueError("at most two")
        return inner


class Renamed(JsonValue):
    """A shape that reads what an older version stored."""

    width: int

    @classmethod
    def from_stored(cls, stored: Mapping[str, Any]) -> Self:
        """Return the value with a width in millimetres."""
        return super().from_stored({"width": stored["width"] * 10})


class Open(JsonValue):
    """A shape that takes any other key from Python too."""

    model_config = ConfigDict(extra="allow")

    width: int


SIDE = {"type": "flat"}
OPEN_BRAND = {**STORED_BRAND, "darkMode": True, "show_powered_by": "never"}
STORED: list[tuple[type[JsonValue], dict[str, Any]]] = [
    (BrandConfig, STORED_BRAND),
    (BrandConfig, OPEN_BRAND),
    (BrandConfig, {**STORED_BRAND, "showPoweredBy": "yes"}),
    (BrandConfig, {**STORED_BRAND, "logo": {**STORED_BRAND["logo"], "height": 1, "width": "7"}}),
    (EmailConfig, {"replyTo": "me@example.org"}),
    (VisibilitySettings, {}),
    (VisibilitySettings, {"show_name": False}),
    (VisibilitySettings, {"show_name": "yes", "show_bio": 1, "show_age": True}),
    (Package, {"first": SIDE}),
    (Package, {"first": SIDE, "second": {"type": "round", "function": 2}, "unit": "in"}),
    (Package, {"first": SIDE, "inner": [{"first": SIDE, "inner": [{"first": SIDE}]}]}),
    (Package, {"first": SIDE, "inner": [{"first": {**SIDE, "more": 1}}]}),
    (Package, {"first": SIDE, "pair": [SIDE, 1]}),
    (Package, {"first": SIDE, "price": 0.1, "whole": 10**40, "anything": {"a": [1.5, None, 1e30]}}),
    (Package, {"first": SIDE, "price": "1.10", "whole": "1", "packed_at": "2026-11-27T20:00:00Z"}),
    (Package, {"first": SIDE, "whole": True, "anything": "\\u0000 ש"}),
    (Renamed, {"width": 1}),
    (Open, {"width": 1, "height": 2}),
]


def _processor(column_type: Any, loads: Callable[[str], Any] | None = None) -> Any:  # noqa: ANN401  a function
    dialect: Any = psycopg.dialect
    return column_type.result_processor(dialect(json_deserializer=loads), None)


@pytest.mark.parametrize(("shape", "stored"), STORED)
def test_text_is_read_as_the_object_that_it_is_of(
    shape: type[JsonValue], stored: dict[str, Any]
) -> None:
    value = _processor(TypedJson(shape))(json.dumps(stored))
    expected = shape.from_stored(stored)
    assert type(value) is shape
    assert value == expected
    assert value.model_fields_set == expected.model_fields_set
    assert value.as_stored() == expected.as_stored()
    assert repr(value) == repr(expected)  # of the same types


@pytest.mark.parametrize(
    ("shape", "text"),
    [
        (BrandConfig, "{}"),
        (BrandConfig, "[]"),
        (EmailConfig, '{"replyTo": "nobody"}'),
        (Package, '{"first": {}}'),
        (VisibilitySettings, '"text"'),
        (VisibilitySettings, "[" * 5000),
    ],
)
def test_text_of_another_shape_is_unreadable(shape: type[JsonValue], text: str) -> None:
    assert _processor(TypedJson(shape))(text) == Unreadable(text)


def test_null_is_none_and_so_is_an_empty_optional_object() -> None:
    assert _processor(TypedJson(VisibilitySettings))(None) is None
    assert _processor(TypedJson(VisibilitySettings))("null") is None
    assert _processor(TypedJson(VisibilitySettings))("{}") == VisibilitySettings()
    assert _processor(OptionalJson(VisibilitySettings))("{}") is None


def test_deserializer_of_the_engine_is_used() -> None:
    def loads(text: str) -> Any:  # noqa: ANN401  JSON
        return json.loads(text, parse_float=Decimal)

    value = _processor(TypedJson(Package), loads)('{"first": {"type": "a"}, "anything": 1.10}')
    assert repr(value.anything) == "Decimal('1.10')"


@pytest.mark.parametrize(
    ("package", "path"),
    [
        ({"first": {"type": "a\0"}}, ("first", "type")),
        ({"first": SIDE, "inner": [{"first": {"type": "\0"}}]}, ("inner", 0, "first", "type")),
    ],
)
def test_nul_is_refused_wherever_a_value_is_made(
    package: dict[str, Any], path: tuple[str | int, ...]
) -> None:
    ways: tuple[Callable[[], object], ...] = (
        lambda: Package(**package),
        lambda: Package.model_validate(package),
        lambda: Package.model_validate_json(json.dumps(package)),
        lambda: Package.from_stored(package),
    )
    for way in ways:
        with pytest.raises(ValidationError, match="NUL") as refusal:
            way()
        assert [each["loc"] for each in refusal.value.errors()] == [path]


def test_validator_of_a_shape_holds_for_what_is_read() -> None:
    text = json.dumps({"first": SIDE, "inner": [{"first": SIDE}] * 3})
    assert isinstance(_processor(TypedJson(Package))(text), Unreadable)


def test_vocabulary_is_read_as_its_members() -> None:
    read = _processor(TextEnum(Unit))
    assert [read(each) for each in ("in", None, "feet")] == [Unit.INCH, None, Unreadable("feet")]
    assert read("in") is Unit.INCH


def test_shapes_within_a_shape_have_names_in_its_json_schema() -> None:
    # FastAPI names the parts of its documentation by these.
    assert set(BrandConfig.model_json_schema()["$defs"]) == {
        "BrandColors",
        "BrandFonts",
        "BrandLogo",
    }


class Number(IntEnum):
    ONE = 1
    TWO = 2


class Choice(Enum):
    YES = True
    HALF = 0.5


class Point(NamedTuple):
    x: int = 1
    y: int = 2


class Cat(JsonValue):
    kind: Literal["cat"]
    lives: int


class Dog(JsonValue):
    kind: Literal["dog"]
    lives: str


class Plain(BaseModel):
    model_config = ConfigDict(extra="ignore")

    lives: int = 0


class Stray(JsonValue):
    """A shape that reads nothing where something is wrong."""

    lives: int = 9

    @model_validator(mode="wrap")
    @classmethod
    def _or_nothing(cls, value: Any, validate: ModelWrapValidatorHandler[Self]) -> Self:  # noqa: ANN401  any value
        try:
            return validate(value)
        except ValidationError:
            return cls()


class Preset(JsonValue):
    """A shape whose defaults are of other types than JSON has, or look like a schema."""

    lives: int = 9
    place: Any = Point()
    schema_like: Any = {"type": "unknown", "schema": {"type": "unknown"}}  # noqa: RUF012  pydantic copies it


def _or_none(value: Any, validate: Callable[[Any], int]) -> int | None:  # noqa: ANN401  any value
    try:
        return validate(value)
    except ValidationError:
        return None


def _where_from(value: object, info: ValidationInfo) -> str:
    return f"{value} of {info.mode}"


KINDS: list[Any] = [
    *(int, float, bool, str, None, Any, date, datetime, time, timedelta, UUID, Decimal, bytes),
    *(Unit, Number, Choice, Literal["a", 1, True], Cat, Stray, Preset, Plain, Cat | Dog),
    *(int | str, str | int, bool | int, Decimal | str, float | Decimal, datetime | str, UUID | str),
    *(int | Number, date | datetime, Unit | str, Cat | dict[str, Any], Plain | Cat, int | None),
    *(list[int], tuple[int, str], tuple[int, ...], set[Any], frozenset[str], list[Decimal]),
    *(dict[str, float], dict[int, Any], dict[float, Any], dict[UUID, int], dict[datetime, int]),
    Annotated[Cat | Dog, Field(discriminator="kind")],
    Annotated[int | str, Field(union_mode="left_to_right")],
    Annotated[float | bool, Field(union_mode="left_to_right")],
    Annotated[float, Field(strict=True)],
    Annotated[str, Field(coerce_numbers_to_str=True)],
    Annotated[int | None, WrapValidator(_or_none)],
    Annotated[str, BeforeValidator(repr)],
    Annotated[int, BeforeValidator(lambda value: value if isinstance(value, int) else 7)],
    Annotated[str, BeforeValidator(_where_from)],
    Annotated[int, AfterValidator(lambda value: value + 1)],
]
TEXTS = [
    *("null", "true", "false", "0", "1", "-1", "2.0", "0.5", "-0.0", "1.10", "0.1", "1e300"),
    *("9007199254740993", "12345678901234567890.123456789", "1" * 40, "1" * 400, "1" * 4400),
    *(json.dumps(text) for text in ("", "a", "1", " 1 ", "1.0", "1_0", "1e400", "NaN", "inf")),
    *(json.dumps(text) for text in ("yes", "cm", "2026-11-27", "2026-11-27T20:00:00Z", "20:00")),
    *(json.dumps(text) for text in ("P1D", "aGk=", "\ud83d\ude00", str(UUID(int=1)), "f" * 32)),
    *("[]", "[1]", '[1, "a"]', '["a"]', "[1, true, 1.0]", "{}", '{"a": 1}', '{"1": 1, "01": 2}'),
    *('{"inf": 1}', '{"lives": 3}', '{"lives": "3"}', '{"lives": 3, "more": 1}'),
    *('{"kind": "cat", "lives": 3}', '{"kind": "cat", "lives": "3"}', '{"kind": "dog"}'),
    *(f'{{"{UUID(int=1)}": 1}}', '{"2026-11-27T20:00:00Z": 1}', "[" * 300 + "]" * 300),
]


@pytest.mark.parametrize("kind", KINDS)
def test_field_of_any_kind_is_read_as_the_object_has_it(kind: Any) -> None:  # noqa: ANN401  any type
    shape = create_model("Shape", __base__=JsonValue, field=(kind, ...))
    read = _processor(TypedJson(shape))
    for text in (f'{{"field": {each}}}' for each in TEXTS):
        assert _described(read(text)) == _described(_read_by_object(shape, text)), text


def _read_by_object(shape: type[JsonValue], text: str) -> object:
    try:
        return shape.from_stored(json.loads(text))
    except (ValueError, RecursionError):
        return Unreadable(text)


def _described(value: Any) -> object:  # noqa: ANN401  a value
    if isinstance(value, Unreadable):
        return None
    field = value.field
    return repr(value), type(field), getattr(field, "model_fields_set", None)


@pytest.mark.parametrize("shape", [BrandConfig, EmailConfig, VisibilitySettings, Cat, Preset])
def test_shape_of_plain_fields_is_read_at_once(shape: type[JsonValue]) -> None:
    assert exact_reader(shape) is not None
