"""Sequences of their own, which belong to no identity or serial column."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Sequence as SequenceOf
from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal, Self

import sqlalchemy as sa
from sqlalchemy import Connection, RowMapping

from townhall.pg import catalog, ddl, sql
from townhall.pg.alterable import AlterableEntity, Previous
from townhall.pg.entity import Entity, comment_statement
from townhall.pg.privileges import (
    API_ROLES,
    WITH_GRANT_OPTION,
    Grants,
    grant_statements,
    read_grants,
    refused_grantee,
    unmanaged,
)

DataType = Literal["smallint", "integer", "bigint"]

_LARGEST: Mapping[DataType, int] = {
    "smallint": 2**15 - 1,
    "integer": 2**31 - 1,
    "bigint": 2**63 - 1,
}
_PRIVILEGES = ("all", "usage", "select", "update")


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Sequence(AlterableEntity):
    """A sequence that is created for itself.

    The sequence of an identity column belongs to that column, and so does one that a column owns
    whose default it is (a serial column). The number that comes next is not compared; a sequence
    that is dropped and comes back begins again at its start, and so does one whose new bounds hold
    none of the numbers that it had.

    Attributes:
        type: The type of its numbers.
        start: The first number; None for the bound at which the direction begins.
        increment: What is added each time; below 0 for a descending sequence.
        minimum: The lowest number; None for 1, or the lowest of the type for a descending sequence.
        maximum: The highest number; None for the highest of the type, or -1 for a descending one.
        cache: How many numbers a session takes at once.
        cycle: Whether it begins again behind its last number.
        unlogged: Whether it is not written to the log, so that it begins again after a crash of
            the server.
        owned_by: The table, in the same schema, and the column with which it is dropped.
        grants: The privileges of each role: ``{"authenticated": ("usage",)}``; None to leave them
            as they are.
        api_roles: The roles that have no privilege but those in ``grants``, where it is not None;
            ``public`` is always among them. Any other role keeps what it has.
        comment: What the sequence is for.
    """

    kind: ClassVar[str] = "sequence"
    sql_kind: ClassVar[str] = "sequence"

    type: DataType = "bigint"
    start: int | None = None
    increment: int = 1
    minimum: int | None = None
    maximum: int | None = None
    cache: int = 1
    cycle: bool = False
    unlogged: bool = False
    owned_by: tuple[str, ...] | None = None
    grants: Grants | None = None
    api_roles: tuple[str, ...] = field(default=API_ROLES, compare=False)
    comment: str | None = None

    @classmethod
    def of(cls, sequence: sa.Sequence) -> Self:
        """Return what a sequence of SQLAlchemy declares.

        Args:
            sequence: A sequence with a name.
        """
        return cls(
            schema=sequence.schema or "public",
            name=sql.shortened(sequence.name),
            type=_type_of(sequence),
            start=sequence.start,
            increment=1 if sequence.increment is None else sequence.increment,
            minimum=sequence.minvalue,
            maximum=sequence.maxvalue,
            cache=sequence.cache or 1,
            cycle=bool(sequence.cycle),
        )

    def __post_init__(self) -> None:
        """Refuse what PostgreSQL would refuse, and write out no default.

        Raises:
            InputError: A value has another type than its field, or a privilege is none of a
                sequence.
        """
        super().__post_init__()
        if self.increment == 0:
            self._refuse("increment is 0: numbers must ascend or descend")
        if self.owned_by is not None and len(self.owned_by) != len(("table", "column")):
            self._refuse("owned_by must be a table and a column: ('orders', 'number')")
        for role, privileges in (self.grants or {}).items():
            for text in privileges:
                if text.removesuffix(WITH_GRANT_OPTION) not in _PRIVILEGES:
                    allowed = ", ".join(_PRIVILEGES)
                    self._refuse(f"{role} has {text!r}; the privileges are {allowed}")
                if why := refused_grantee(role, text):
                    self._refuse(why)
        for name, default in self._defaults().items():
            if getattr(self, name) == default:
                object.__setattr__(self, name, None)

    def _defaults(self) -> Mapping[str, int]:
        largest = _LARGEST[self.type]
        if self.increment > 0:
            lowest, highest, first = 1, largest, self.minimum
        else:
            lowest, highest, first = -largest - 1, -1, self.maximum
        start = (lowest if self.increment > 0 else highest) if first is None else first
        return {"minimum": lowest, "maximum": highest, "start": start}

    def create_statements(self) -> Iterable[str]:
        """Yield the sequence, its privileges and its comment."""
        unlogged = "unlogged " if self.unlogged else ""
        yield f"create {unlogged}sequence if not exists {self.literal_name}\n{self.options}"
        # It must have the owner of the table that it belongs to.
        yield from self._owner(self.literal_name)
        if self.owned_by is not None:
            yield self._ownership()
        if self.grants is not None:
            yield from self._privileges(self.grants)
        yield comment_statement("sequence", self.literal_name, self.comment)

    @property
    def options(self) -> str:
        """The type and the numbers, as ``create sequence`` takes them."""
        minimum = "no minvalue" if self.minimum is None else f"minvalue {self.minimum}"
        maximum = "no maxvalue" if self.maximum is None else f"maxvalue {self.maximum}"
        return self._options_with(f"{minimum} {maximum}")

    def _options_with(self, bounds: str) -> str:
        start = self._defaults()["start"] if self.start is None else self.start
        cycle = "cycle" if self.cycle else "no cycle"
        return (
            f"as {self.type} increment by {self.increment} {bounds}"
            f" start with {start} cache {self.cache} {cycle}"
        )

    def _bounds(self) -> tuple[int, int]:
        defaults = self._defaults()
        return (
            defaults["minimum"] if self.minimum is None else self.minimum,
            defaults["maximum"] if self.maximum is None else self.maximum,
        )

    def _alteration(self, previous: Previous) -> str:
        # Where a bound was the type's, "as" makes "no minvalue" and "no maxvalue" that of the new
        # type, in whichever direction.
        lowest, highest = self._bounds()
        former_lowest, former_highest = previous._bounds()  # noqa: SLF001 - of the same class
        options = self._options_with(f"minvalue {lowest} maxvalue {highest}")
        is_out_of_bounds = former_highest < lowest or highest < former_lowest
        return f"{options} restart" if is_out_of_bounds else options

    def _ownership(self) -> str:
        owner = "none" if self.owned_by is None else sql.qualified(self.schema, *self.owned_by)
        return f"alter sequence {self.literal_name} owned by {owner}"

    def _privileges(self, grants: Grants) -> Iterable[str]:
        return grant_statements(f"sequence {self.literal_name}", grants, self.api_roles, self.owner)

    def can_alter(self, previous: Previous) -> bool:
        """Return True: everything can be changed."""
        del previous
        return True

    def alter_statements(self, previous: Previous) -> Iterable[str]:
        """Yield what changes the sequence; the number that comes next stays where it can."""
        if self.options != previous.options:
            yield f"alter sequence {self.literal_name}\n{self._alteration(previous)}"
        if self.unlogged != previous.unlogged:
            yield ddl.set_persistence(self.literal_name, is_unlogged=self.unlogged)
        if self.owned_by != previous.owned_by:
            yield self._ownership()
        if self.grants is not None and self.grants != previous.grants:
            yield from self._privileges(self.grants)
        if self.comment != previous.comment:
            yield comment_statement("sequence", self.literal_name, self.comment)

    def with_unmanaged_grants_of(self, actual: Entity) -> Self:
        """Return the sequence with the grants of unmanaged roles on the actual one."""
        if not isinstance(actual, Sequence) or self.grants is None:
            return self
        others = unmanaged(actual.grants or {}, self.api_roles)
        return replace(self, grants={**others, **self.grants}) if others else self

    def temporary(self) -> Self:
        """Return the same sequence in the schema of temporary objects.

        There no table owns it, and it can't be declared as unlogged.
        """
        return replace(super().temporary(), owned_by=None, unlogged=False)

    def rendered(self, temporary: Previous, actual: Previous) -> Self:
        """Return the declared state, with the actual privileges where none are declared."""
        rendered = replace(
            super().rendered(temporary, actual),
            unlogged=self.unlogged,  # which a temporary one never is
            owned_by=self.owned_by,
        )
        if self.grants is not None:
            return rendered
        # The roles that are named by default need not exist.
        return replace(rendered, grants=actual.grants, api_roles=actual.api_roles)

    @classmethod
    def read(cls, connection: Connection, schemas: SequenceOf[str]) -> SequenceOf[Self]:
        """Return the sequences in ``schemas``, without those of identity and serial columns."""
        version = catalog.server_version(connection)
        return [cls._from_row(row, version) for row in catalog.rows(connection, _QUERY, schemas)]

    @classmethod
    def _from_row(cls, row: RowMapping, version: int) -> Self:
        values = dict(row)
        column = values.pop("owned_by")
        entries = values.pop("entries")
        return cls(
            **values,
            owned_by=None if column is None else tuple(column),
            grants=read_grants([entries], version),
        )


def _type_of(sequence: sa.Sequence) -> DataType:
    if isinstance(sequence.data_type, sa.SmallInteger):
        return "smallint"
    if isinstance(sequence.data_type, sa.BigInteger):
        return "bigint"
    return "integer" if isinstance(sequence.data_type, sa.Integer) else "bigint"


_QUERY = f"""
    select
        n.nspname as schema,
        c.relname as name,
        pg_catalog.format_type(s.seqtypid, null) as type,
        s.seqstart as start,
        s.seqincrement as increment,
        s.seqmin as minimum,
        s.seqmax as maximum,
        s.seqcache as cache,
        s.seqcycle as cycle,
        c.relpersistence = 'u' as unlogged,
        (
            select array[t.relname, a.attname]::text[]
            from pg_catalog.pg_depend as d
            join pg_catalog.pg_class as t on t.oid = d.refobjid
            join pg_catalog.pg_attribute as a
                on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
            where d.classid = 'pg_catalog.pg_class'::regclass and d.objid = c.oid
                and d.refclassid = 'pg_catalog.pg_class'::regclass and d.deptype = 'a'
        ) as owned_by,
        {catalog.other_owner("c.relowner")} as owner,
        {catalog.entries("c.relacl", "c.relowner", "s")} as entries,
        {catalog.comment("pg_class", "c")} as comment
    from pg_catalog.pg_sequence as s
    join pg_catalog.pg_class as c on c.oid = s.seqrelid
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where n.nspname = any (%(schemas)s)
        and {catalog.not_of_an_extension("pg_class", "c")}
        and not {catalog.is_of_column("c")}
"""
