"""Domains."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql import DOMAIN
from sqlalchemy.dialects.postgresql.base import PGDDLCompiler

from townhall.pg import catalog, ddl, sql
from townhall.pg.alterable import Previous
from townhall.pg.data_type import SHARED_COLUMNS, DataType, shared_values, types_of_kind
from townhall.pg.dialect import named_dialect
from townhall.pg.entity import comment_statement

_dialect = named_dialect()
_compiler = PGDDLCompiler(_dialect, None)  # type: ignore[arg-type] # nothing to compile

NOT_VALID = " not valid"
"""The suffix of a check that values which were there before it need not satisfy."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Domain(DataType):
    """A type with constraints on its values.

    The domains of columns (``sqlalchemy.dialects.postgresql.DOMAIN``) are declared by these.

    Attributes:
        base: The type that it is made of, as SQL: ``numeric(5,2)``.
        collation: The collation as SQL, where it is not that of the base.
        default: The default of columns of this type, as SQL.
        is_nullable: Whether NULL is accepted.
        checks: The conditions by name: ``{"in_range": "value between 0 and 100"}``, with the suffix
            ``not valid`` where values that were there before it were not checked.
        check_comments: What the checks are for, by name.
    """

    kind: ClassVar[str] = "domain"
    letter: ClassVar[str] = "d"
    sql_kind: ClassVar[str] = "domain"

    base: str
    collation: str | None = None
    default: str | None = None
    is_nullable: bool = True
    checks: Mapping[str, str] = field(default_factory=dict)
    check_comments: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, domain: DOMAIN, comment: str | None = None) -> Self:
        """Return the type of a column's domain.

        Args:
            domain: A domain of SQLAlchemy.
            comment: What the type is for.
        """
        name = sql.shortened(str(domain.name))
        constraint, check, default = domain.constraint_name, domain.check, domain.default
        return cls(
            schema=domain.schema or "public",
            name=name,
            base=domain.data_type.compile(_dialect),
            collation=domain.collation and sql.quote(domain.collation),
            default=None if default is None else _compiler.render_default_string(default),
            is_nullable=not domain.not_null,
            checks={} if check is None else {constraint or f"{name}_check": _condition(check)},
            comment=comment,
        )

    def __post_init__(self) -> None:
        """Refuse a check without a name.

        Raises:
            InputError: A value has another type than its field, or a check has no name.
        """
        super().__post_init__()
        for name in self.checks:
            if not sql.is_name(name):
                self._refuse(f"check {name!r} must have a name of 1 to 63 bytes")

    def create_statements(self) -> Iterable[str]:
        """Yield the domain, its privileges, its comment, and checks that are not valid."""
        yield from super().create_statements()
        for name, check in self.checks.items():
            if check.endswith(NOT_VALID):
                yield from self._replace_check(name)
        for name in self.check_comments:
            yield self._comment_on_check(name)

    def alter_statements(self, previous: Self) -> Iterable[str]:
        """Yield what changes the domain, its privileges and its comments."""
        yield from super().alter_statements(previous)
        for name in self.checks:
            is_kept = self.checks[name] == previous.checks.get(name)
            before = previous.check_comments.get(name) if is_kept else None
            if self.check_comments.get(name) != before:
                yield self._comment_on_check(name)

    def _comment_on_check(self, name: str) -> str:
        target = f"{sql.quote(name)} on domain {self.literal_name}"
        return comment_statement("constraint", target, self.check_comments.get(name))

    def _definition(self) -> str:
        return " ".join(self._clauses())

    def _clauses(self) -> Iterable[str]:
        yield f"create domain {self.literal_name} as {self.base}"
        if self.collation is not None:
            yield f"collate {self.collation}"
        if self.default is not None:
            yield f"default {self.default}"
        if not self.is_nullable:
            yield "not null"
        for name, check in self.checks.items():
            if not check.endswith(NOT_VALID):
                yield ddl.define_constraint(name, _check(check))

    def can_alter(self, previous: Previous) -> bool:
        """Tell whether base and collation stay."""
        return (self.base, self.collation) == (previous.base, previous.collation)

    def reads_rows(self, previous: Previous) -> bool:
        """Tell whether values must satisfy something new."""
        return (self.checks, self.is_nullable) != (previous.checks, previous.is_nullable)

    def _changes(self, previous: Previous) -> Iterable[str]:
        alter = f"alter domain {self.literal_name}"
        if self.default != previous.default:
            default = "drop default" if self.default is None else f"set default {self.default}"
            yield f"{alter} {default}"
        if self.is_nullable != previous.is_nullable:
            yield f"{alter} {'drop' if self.is_nullable else 'set'} not null"
        for name in sorted({*previous.checks} - {*self.checks}):
            yield f"{alter} drop constraint if exists {sql.quote(name)}"
        for name, check in self.checks.items():
            before = previous.checks.get(name)
            if before == f"{check}{NOT_VALID}":
                yield f"{alter} validate constraint {sql.quote(name)}"
            elif before != check:
                yield from self._replace_check(name)

    def _replace_check(self, name: str) -> Iterable[str]:
        alter = f"alter domain {self.literal_name}"
        yield f"{alter} drop constraint if exists {sql.quote(name)}"
        yield f"{alter} add {ddl.define_constraint(name, _check(self.checks[name]))}"

    @classmethod
    def read(cls, connection: Connection, schemas: Sequence[str]) -> Sequence[Self]:
        """Return the domains in ``schemas``."""
        return [
            cls.found(
                **shared_values(row),
                base=row["base"],
                collation=row["collation"],
                default=row["default"],
                is_nullable=row["is_nullable"],
                checks=row["checks"] or {},
                check_comments=row["check_comments"] or {},
            )
            for row in catalog.rows(connection, _QUERY, schemas)
        ]


def _condition(check: Any) -> str:  # noqa: ANN401 - SQLAlchemy's
    return _compiler.sql_compiler.process(check, include_table=False, literal_binds=True)


def _check(text: str) -> str:
    condition = text.removesuffix(NOT_VALID)
    return f"check {sql.parenthesized(condition)}{text[len(condition) :]}"


_QUERY = f"""
    select
        {SHARED_COLUMNS},
        pg_catalog.format_type(t.typbasetype, t.typtypmod) as base,
        (
            select nullif(t.typcollation, b.typcollation)::regcollation::text
            from pg_catalog.pg_type as b
            where b.oid = t.typbasetype
        ) as collation,
        coalesce(pg_catalog.pg_get_expr(t.typdefaultbin, 0), t.typdefault) as default,
        not t.typnotnull as is_nullable,
        (
            select jsonb_object_agg(
                o.conname,
                pg_catalog.pg_get_expr(o.conbin, 0)
                    || case when o.convalidated then '' else '{NOT_VALID}' end
                order by o.conname
            )
            from pg_catalog.pg_constraint as o
            where o.contypid = t.oid and o.contype = 'c'
        ) as checks,
        (
            select jsonb_object_agg(o.conname, d.description order by o.conname)
            from pg_catalog.pg_constraint as o
            join pg_catalog.pg_description as d
                on d.classoid = 'pg_catalog.pg_constraint'::regclass and d.objoid = o.oid
            where o.contypid = t.oid and o.contype = 'c'
        ) as check_comments
    {types_of_kind("d")}
"""
