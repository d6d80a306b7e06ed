"""Types of columns as SQLAlchemy has them, and the Python types of their values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from townhall.migrate.write.python_source import quoted
from townhall.pg import Domain, EnumType, sql


class TypeSource(NamedTuple):
    """A type as Python source.

    Attributes:
        expression: The type of the column: ``sa.String(80)``.
        annotation: The type of its values: ``str``.
        is_number: Whether it is one of the types that SQLAlchemy makes serial by itself.
    """

    expression: str
    annotation: str
    is_number: bool = False


class TypeNames:
    """The types of columns of a database, of which some have a constant of their own."""

    def __init__(self, enums: Mapping[str, str], domains: Mapping[str, Domain]) -> None:
        """Take the types of the database.

        Args:
            enums: The constants of enums, by the type as SQL names it.
            domains: The domains, by the type as SQL names it.
        """
        self._enums, self._domains = enums, domains

    @property
    def constants(self) -> frozenset[str]:
        """The constants of enums."""
        return frozenset(self._enums.values())

    def source(self, type_: str, collation: str | None = None) -> TypeSource:
        """Return the source of a type.

        Args:
            type_: The type as PostgreSQL writes it with an empty search path.
            collation: The collation as SQL, where it is not that of the type.
        """
        if type_.endswith("[]") and collation is None:
            element = self.source(type_.removesuffix("[]"))
            return TypeSource(
                f"postgresql.ARRAY({element.expression})", f"list[{element.annotation}]"
            )
        if type_ in self._enums:
            constant = self._enums[type_]
            return TypeSource(constant, "str")
        if type_ in self._domains:
            base = self.source(self._domains[type_].base)
            return TypeSource(_by_name(type_, collation), base.annotation)
        known = _known(type_)
        if known is None:
            return TypeSource(_by_name(type_, collation), _ANNOTATIONS.get(_base(type_), "Any"))
        return known if collation is None else _collated(known, type_, collation)


def _by_name(type_: str, collation: str | None) -> str:
    return (
        f"pg.ColumnType({quoted(type_ if collation is None else f'{type_} collate {collation}')})"
    )


def _collated(known: TypeSource, type_: str, collation: str) -> TypeSource:
    schema, _, name = collation.rpartition(".")
    plain = re.fullmatch(r"sa\.(\w+)(?:\((\d+)\))?", known.expression)
    if schema not in {"", "pg_catalog"} or plain is None:
        return TypeSource(_by_name(type_, collation), known.annotation)
    arguments = [*filter(None, [plain[2]]), f"collation={quoted(sql.unquote(name))}"]
    return TypeSource(f"sa.{plain[1]}({', '.join(arguments)})", known.annotation)


def _known(type_: str) -> TypeSource | None:
    if type_ in _TYPES:
        return _TYPES[type_]
    for pattern, expression, annotation in _WITH_MODIFIERS:
        if match := pattern.fullmatch(type_):
            return TypeSource(expression.format(*match.groups()), annotation)
    return None


def _base(type_: str) -> str:
    # The name of a type of an extension, without its schema and modifiers.
    return type_.rpartition(".")[2].partition("(")[0]


def enum_key(enum: EnumType) -> str:
    """Return an enum as PostgreSQL writes the type of a column."""
    return sql.qualified(enum.schema, enum.name)


_TYPES = {
    "smallint": TypeSource("sa.SmallInteger", "int", is_number=True),
    "integer": TypeSource("sa.Integer", "int", is_number=True),
    "bigint": TypeSource("sa.BigInteger", "int", is_number=True),
    "numeric": TypeSource("sa.Numeric", "decimal.Decimal"),
    "real": TypeSource("sa.REAL", "float"),
    "double precision": TypeSource("sa.Double", "float"),
    "text": TypeSource("sa.Text", "str"),
    "character varying": TypeSource("sa.String", "str"),
    "boolean": TypeSource("sa.Boolean", "bool"),
    "uuid": TypeSource("sa.Uuid", "uuid.UUID"),
    "date": TypeSource("sa.Date", "dt.date"),
    "timestamp with time zone": TypeSource("sa.DateTime(timezone=True)", "dt.datetime"),
    "timestamp without time zone": TypeSource("sa.DateTime", "dt.datetime"),
    "time without time zone": TypeSource("sa.Time", "dt.time"),
    "time with time zone": TypeSource("sa.Time(timezone=True)", "dt.time"),
    "interval": TypeSource("sa.Interval", "dt.timedelta"),
    "bytea": TypeSource("sa.LargeBinary", "bytes"),
    "json": TypeSource("sa.JSON", "Any"),
    "jsonb": TypeSource("postgresql.JSONB", "Any"),
    "inet": TypeSource("postgresql.INET", "Any"),
    "cidr": TypeSource("postgresql.CIDR", "Any"),
    "macaddr": TypeSource("postgresql.MACADDR", "str"),
    "tsvector": TypeSource("postgresql.TSVECTOR", "str"),
    "int4range": TypeSource("postgresql.INT4RANGE", "Any"),
    "int8range": TypeSource("postgresql.INT8RANGE", "Any"),
    "numrange": TypeSource("postgresql.NUMRANGE", "Any"),
    "daterange": TypeSource("postgresql.DATERANGE", "Any"),
    "tsrange": TypeSource("postgresql.TSRANGE", "Any"),
    "tstzrange": TypeSource("postgresql.TSTZRANGE", "Any"),
}
_WITH_MODIFIERS = (
    (re.compile(r"character varying\((\d+)\)"), "sa.String({})", "str"),
    (re.compile(r"character\((\d+)\)"), "sa.CHAR({})", "str"),
    (re.compile(r"numeric\((\d+),(\d+)\)"), "sa.Numeric({}, {})", "decimal.Decimal"),
    (
        re.compile(r"timestamp\((\d)\) with time zone"),
        "postgresql.TIMESTAMP(timezone=True, precision={})",
        "dt.datetime",
    ),
    (
        re.compile(r"timestamp\((\d)\) without time zone"),
        "postgresql.TIMESTAMP(precision={})",
        "dt.datetime",
    ),
    (
        re.compile(r"time\((\d)\) with time zone"),
        "postgresql.TIME(timezone=True, precision={})",
        "dt.time",
    ),
    (re.compile(r"time\((\d)\) without time zone"), "postgresql.TIME(precision={})", "dt.time"),
)
_ANNOTATIONS = {"citext": "str", "ltree": "str", "xml": "str", "vector": "Any"}
