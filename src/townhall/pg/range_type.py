"""Range types."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

from sqlalchemy import Connection

from townhall.pg import catalog, sql
from townhall.pg.alterable import Previous
from townhall.pg.data_type import SHARED_COLUMNS, DataType, shared_values, types_of_kind
from townhall.pg.requirements import guarded, type_exists
from townhall.roles import LONGEST_NAME


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class RangeType(DataType):
    """A type of ranges, with its multirange type.

    A function that brings ranges into a canonical form can't be declared: it must be written in C.

    Attributes:
        subtype: The type of the bounds, as SQL.
        operator_class: The operator class that sorts them, as SQL; None for the default one.
        collation: The collation as SQL, where it is not that of the subtype.
        subtype_diff: The function that returns the distance of two bounds, as SQL.
        multirange: The name of the multirange type, in the same schema; None for PostgreSQL's
            choice: ``period_multirange``, and for ``timerange`` ``timemultirange``.
    """

    kind: ClassVar[str] = "range type"
    letter: ClassVar[str] = "r"

    subtype: str
    operator_class: str | None = None
    collation: str | None = None
    subtype_diff: str | None = None
    multirange: str | None = None

    def _definition(self) -> str:
        multirange = self.multirange and sql.qualified(self.schema, self.multirange)
        options = {
            "subtype": self.subtype,
            "subtype_opclass": self.operator_class,
            "collation": self.collation,
            "subtype_diff": self.subtype_diff,
            "multirange_type_name": multirange,
        }
        given = ", ".join(f"{name} = {value}" for name, value in options.items() if value)
        return f"create type {self.literal_name} as range ({given})"

    def rename_statements(self, name: str) -> Iterable[str]:
        """Yield the renaming of the type, of its multirange type and of their constructors."""
        yield from _rename(self.literal_name, name)
        if self.multirange is not None:
            multirange = sql.qualified(self.schema, self.multirange)
            yield from _rename(multirange, sql.shortened(name, _LONGEST_STEM) + _SUFFIX)

    def can_alter(self, previous: Previous) -> bool:
        """Tell whether at most the name of the multirange type changes."""
        names = {"comment", "usage", "multirange"}
        return {*self.differences(previous)} <= names and self.multirange is not None

    def _changes(self, previous: Previous) -> Iterable[str]:
        if self.multirange and previous.multirange and self.multirange != previous.multirange:
            name = sql.qualified(self.schema, previous.multirange)
            yield from _rename(name, self.multirange)

    @classmethod
    def read(cls, connection: Connection, schemas: Sequence[str]) -> Sequence[Self]:
        """Return the range types in ``schemas``."""
        return [
            cls.found(
                **shared_values(row),
                subtype=row["subtype"],
                operator_class=row["operator_class"],
                collation=row["collation"],
                subtype_diff=row["subtype_diff"],
                multirange=row["multirange"],
            )
            for row in catalog.rows(connection, _QUERY, schemas)
        ]


_SUFFIX = "_multirange"
_LONGEST_STEM = LONGEST_NAME - len(_SUFFIX)


def _rename(literal_name: str, name: str) -> Iterable[str]:
    # The functions that make the type's values have its name, which renaming it leaves to them.
    rename = sql.literal(f" rename to {sql.quote(name)}")
    body = (
        "\ndeclare\n    constructor regprocedure;\nbegin\n    for constructor in\n"
        "        select p.oid\n"
        "        from pg_catalog.pg_depend as d\n"
        "        join pg_catalog.pg_proc as p on p.oid = d.objid\n"
        "        where d.classid = 'pg_catalog.pg_proc'::regclass\n"
        "            and d.refclassid = 'pg_catalog.pg_type'::regclass\n"
        f"            and d.refobjid = to_regtype({sql.literal(literal_name)})\n"
        f"            and d.deptype = 'i' and p.proname <> {sql.literal(name)}\n"
        f"    loop\n        execute 'alter function ' || constructor || {rename};\n"
        "    end loop;\nend\n"
    )
    yield f"do {sql.dollar_quoted(body)}"
    renaming = f"alter type {literal_name} rename to {sql.quote(name)}"
    yield guarded(type_exists(literal_name), [renaming])


_QUERY = f"""
    select
        {SHARED_COLUMNS},
        pg_catalog.format_type(r.rngsubtype, null) as subtype,
        case when not o.opcdefault then
            (
                select pg_catalog.quote_ident(s.nspname)
                from pg_catalog.pg_namespace as s
                where s.oid = o.opcnamespace
            ) || '.' || pg_catalog.quote_ident(o.opcname)
        end as operator_class,
        nullif(r.rngcollation, b.typcollation)::regcollation::text as collation,
        nullif(r.rngsubdiff, 0)::regproc::text as subtype_diff,
        m.typname as multirange
    {
    types_of_kind(
        "r",
        "join pg_catalog.pg_range as r on r.rngtypid = t.oid",
        "join pg_catalog.pg_opclass as o on o.oid = r.rngsubopc",
        "join pg_catalog.pg_type as b on b.oid = r.rngsubtype",
        "join pg_catalog.pg_type as m on m.oid = r.rngmultitypid",
    )
}
"""
