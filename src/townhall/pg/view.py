"""Views and materialized views, with their options, privileges, comments and indexes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal, Self

from sqlalchemy import Connection, RowMapping

from townhall.pg import catalog, sql
from townhall.pg.entity import Entity, comment_statement
from townhall.pg.owned import OwnedEntity
from townhall.pg.privileges import (
    API_ROLES,
    Grants,
    grant_statements,
    read_grants,
    refused_grants,
    unmanaged,
)

CheckOption = Literal["local", "cascaded"]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class _Relation(OwnedEntity):
    """A view or a materialized view.

    Attributes:
        name: The name of the view.
        definition: The query.
        grants: The privileges of each role.
        api_roles: The roles that have no privilege but those in ``grants``; ``public`` is always
            among them. A role that is neither here nor in ``grants`` keeps what it has.
        comment: What the view is for.
        column_comments: What its columns mean, by column.
        kept: What is set for it and can't be declared otherwise, as statements: rules, statistics
            targets of columns, comments on indexes, the cluster mark. It is read from the catalog,
            not compared, and kept where the view is created again.
        columns: Names, types and collations of the columns, read from the catalog and never
            declared.
    """

    name_fields: ClassVar[tuple[str, ...]] = ("schema", "name")
    sql_fields: ClassVar[tuple[str, ...]] = ("definition",)

    name: str
    definition: str
    grants: Grants = field(default_factory=dict)
    api_roles: tuple[str, ...] = field(default=API_ROLES, compare=False)
    comment: str | None = None
    column_comments: Mapping[str, str] = field(default_factory=dict)
    kept: Mapping[str, str] = field(default_factory=dict, compare=False)
    columns: tuple[str, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        """Refuse an unknown privilege.

        Raises:
            InputError: A value has another type than its field, or a privilege is none of a view.
        """
        super().__post_init__()
        if why := refused_grants(self.grants):
            self._refuse(why)

    @property
    def name_parts(self) -> tuple[str, ...]:
        """Schema and view."""
        return (self.schema, self.name)

    @property
    def literal_name(self) -> str:
        """The view as a qualified identifier."""
        return sql.qualified(self.schema, self.name)

    def with_unmanaged_grants_of(self, actual: Entity) -> Self:
        """Return the view with the grants of unmanaged roles on the actual one."""
        if not isinstance(actual, _Relation):
            return self
        others = unmanaged(actual.grants, self.api_roles)
        return replace(self, grants={**others, **self.grants}) if others else self

    def keeping(self, actual: Entity, created: Entity) -> Self:
        """Return the view with its grants, and what is set for columns and indexes that stay."""
        view = super().keeping(actual, created)
        if not (isinstance(actual, _Relation) and actual.kept and isinstance(created, _Relation)):
            return view
        subjects = created.subjects
        kept = {
            what: statement
            for what, statement in actual.kept.items()
            if (match := _SUBJECT.fullmatch(what)) is None or match[1] in subjects
        }
        return replace(view, kept={**kept, **self.kept})

    @property
    def column_names(self) -> tuple[str, ...]:
        """The names of the columns, of a view that was read from the catalog."""
        names = (match[0] for each in self.columns if (match := _NAME.match(each)))
        return tuple(map(sql.unquote, names))

    @property
    def subjects(self) -> set[str]:
        """What ``kept`` may be of, of a view that was read from the catalog."""
        return {f"column {name}" for name in self.column_names}

    def drop_statements(self) -> Iterable[str]:
        """Yield the drop of the view."""
        yield f"drop {self.sql_kind} if exists {self.literal_name}"

    def _privileges_and_comments(self) -> Iterable[str]:
        yield from self._owner(self.literal_name)
        yield from grant_statements(
            f"table {self.literal_name}", self.grants, self.api_roles, self.owner
        )
        yield comment_statement(self.sql_kind, self.literal_name, self.comment)
        for column, comment in self.column_comments.items():
            yield comment_statement("column", f"{self.literal_name}.{sql.quote(column)}", comment)
        yield from self.kept.values()


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class View(_Relation):
    """A view, which has the privileges of its reader unless it says otherwise.

    Attributes:
        security_invoker: Whether it reads its tables with the privileges of its reader and under
            row level security. If not, it reads them as its owner, and policies do not hold.
        security_barrier: Whether its conditions are evaluated before functions in its reader's
            query.
        check_option: Whether a row written through the view must be visible in it.
        column_defaults: What a column is set to where an insert into the view leaves it out, by
            column, in SQL.
        spelling: How options were written where one is not ``true`` or they stand in another
            order, as PostgreSQL keeps them: ``{"security_invoker": "on"}``. It is not compared.
    """

    kind: ClassVar[str] = "view"
    sql_kind: ClassVar[str] = "view"

    security_invoker: bool = True
    security_barrier: bool = False
    check_option: CheckOption | None = None
    column_defaults: Mapping[str, str] = field(default_factory=dict)
    spelling: Mapping[str, str] = field(default_factory=dict, compare=False)

    def create_statements(self) -> Iterable[str]:
        """Yield the view, its privileges and its comments."""
        options = ", ".join(self._options())
        with_options = f"\nwith ({options})" if options else ""
        yield f"create or replace view {self.literal_name}{with_options} as\n{self.definition}"
        for column, default in self.column_defaults.items():
            name = sql.quote(column)
            yield f"alter view {self.literal_name} alter column {name} set default {default}"
        yield from self._privileges_and_comments()

    def _options(self) -> Iterable[str]:
        for name in dict.fromkeys((*self.spelling, *_SWITCHES)):
            is_set = getattr(self, name)
            word = self.spelling.get(name)
            if word is not None and bool(_TRUE.fullmatch(word)) == is_set:
                yield f"{name} = {sql.literal(word)}"
            elif is_set:
                yield f"{name} = true"
        if self.check_option is not None:
            yield f"check_option = {self.check_option}"

    def can_replace(self, other: Entity) -> bool:
        """Tell whether columns stay, and comments and defaults of columns.

        ``create or replace view`` can only add columns, of which the downgrade could not remove
        any, and keeps the comments and defaults of columns.
        """
        return (
            isinstance(other, View)
            and self.columns == other.columns
            and other.column_comments.keys() <= self.column_comments.keys()
            and other.column_defaults.keys() <= self.column_defaults.keys()
        )

    def placeholder(self) -> View:
        """Return a view with the same columns that reads nothing, as ``pg_dump`` writes it.

        Only a view that was read from the catalog has one.
        """
        values = ", ".join(
            f"null::{each.removeprefix(name).strip()} as {name}"
            for each in self.columns
            if (match := _NAME.match(each)) and (name := match[0])
        )
        return replace(self, definition=f"select {values}", check_option=None, kept={})

    @classmethod
    def read(cls, connection: Connection, schemas: Sequence[str]) -> Sequence[Self]:
        """Return the views in ``schemas``."""
        version = catalog.server_version(connection)
        return [
            cls.found(
                **_shared_values(row, version),
                **_options_of(row["options"]),
                column_defaults=row["column_defaults"] or {},
            )
            for row in catalog.rows(connection, _VIEWS, schemas)
        ]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class MaterializedView(_Relation):
    """A materialized view with its indexes.

    Row level security does not apply to it: a role with ``select`` reads all rows.

    Attributes:
        indexes: Its indexes by name, as they follow the table in ``create index``, a unique one
            after the word ``unique``: ``{"idx_stage": "unique (stage)"}``.
        parameters: Its storage parameters by name: ``{"fillfactor": "70"}``.
        populated: Whether it is created with its rows; if not, it can't be read until it is
            refreshed. That is not compared: a view that is created again is as it was.
    """

    kind: ClassVar[str] = "materialized view"
    sql_kind: ClassVar[str] = "materialized view"

    indexes: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    populated: bool = field(default=True, compare=False)

    def keeping(self, actual: Entity, created: Entity) -> Self:
        """Return the view with all that is not declared, without rows where it has none."""
        view = super().keeping(actual, created)
        if not isinstance(actual, MaterializedView):
            return view
        return replace(view, populated=actual.populated)

    @property
    def subjects(self) -> set[str]:
        """What ``kept`` may be of, of a view that was read from the catalog."""
        return super().subjects | {f"index {name}" for name in self.indexes}

    def create_statements(self) -> Iterable[str]:
        """Yield the view with its rows, its indexes, privileges and comments."""
        yield from self._statements(with_data=self.populated)

    def create_without_data_statements(self) -> Iterable[str]:
        """Yield the same ``with no data``: computing the rows may take long."""
        yield from self._statements(with_data=False)

    def _statements(self, *, with_data: bool) -> Iterable[str]:
        query = self.definition if with_data else f"{self.definition}\nwith no data"
        yield f"create materialized view if not exists {self.literal_name} as\n{query}"
        if self.parameters:
            values = (f"{name} = {sql.literal(value)}" for name, value in self.parameters.items())
            yield f"alter materialized view {self.literal_name} set ({', '.join(values)})"
        for name, index in self.indexes.items():
            unique, of = ("unique ", index[7:]) if index.startswith("unique ") else ("", index)
            yield (
                f"create {unique}index if not exists {sql.quote(name)} on {self.literal_name} {of}"
            )
        yield from self._privileges_and_comments()

    def can_replace(self, other: Entity) -> bool:
        """Tell whether the query stays; indexes, parameters and comments may only be added."""
        return (
            isinstance(other, MaterializedView)
            and self.definition == other.definition
            and other.indexes.items() <= self.indexes.items()
            and other.parameters.keys() <= self.parameters.keys()
            and other.column_comments.keys() <= self.column_comments.keys()
        )

    @classmethod
    def read(cls, connection: Connection, schemas: Sequence[str]) -> Sequence[Self]:
        """Return the materialized views in ``schemas``."""
        version = catalog.server_version(connection)
        return [
            cls.found(
                **_shared_values(row, version),
                indexes={name: _index(text) for name, text in (row["indexes"] or {}).items()},
                parameters=row["parameters"] or {},
                populated=row["populated"],
            )
            for row in catalog.rows(connection, _MATERIALIZED_VIEWS, schemas)
        ]


def _shared_values(row: RowMapping, version: int) -> dict[str, Any]:
    return {
        "schema": row["schema"],
        "name": row["name"],
        "definition": row["definition"],
        "grants": read_grants([row["entries"], row["column_entries"]], version),
        "comment": row["comment"],
        "owner": row["owner"],
        "column_comments": row["column_comments"] or {},
        "kept": row["kept"] or {},
        "columns": tuple(row["columns"]),
    }


def _options_of(options: Sequence[str] | None) -> dict[str, Any]:
    # PostgreSQL stores an option as it was written: "security_invoker=TRUE", "=t", "=on" or "=1".
    values = dict(each.split("=", 1) for each in options or ())
    words = {name: word for name, word in values.items() if name in _SWITCHES}
    is_usual = words == dict.fromkeys(words, "true") and [*words] == sorted(
        words, key=_SWITCHES.index
    )
    check_option = values.get("check_option")
    return {
        **{name: _TRUE.fullmatch(words.get(name, "")) is not None for name in _SWITCHES},
        "check_option": check_option and check_option.lower(),
        "spelling": {} if is_usual else words,
    }


def _index(definition: str) -> str:
    match = _INDEX.match(definition)
    if match is None:  # pragma: no cover - PostgreSQL's own rendering
        raise RuntimeError(f"can't read the index {definition!r}")
    return f"{'unique ' if match['unique'] else ''}{match['of']}"


_SWITCHES = ("security_invoker", "security_barrier")
_NAME = re.compile(sql.IDENTIFIER)
_TRUE = re.compile("t|tr|tru|true|y|ye|yes|on|1", re.IGNORECASE)
_SUBJECT = re.compile(r".* of ((?:column|index) .+)", re.DOTALL)
_INDEX = re.compile(
    rf"CREATE (?P<unique>UNIQUE )?INDEX {sql.IDENTIFIER}"
    rf" ON {sql.IDENTIFIER}\.{sql.IDENTIFIER} (?P<of>USING .+)",
    re.DOTALL,
)


_DEFAULTS = """
            (
                select jsonb_object_agg(a.attname, pg_get_expr(d.adbin, d.adrelid))
                from pg_catalog.pg_attrdef as d
                join pg_catalog.pg_attribute as a on a.attrelid = d.adrelid and a.attnum = d.adnum
                where d.adrelid = c.oid
            ) as column_defaults,
            c.reloptions as options
"""
_INDEXES = """
            (
                select jsonb_object_agg(i.relname, pg_catalog.pg_get_indexdef(i.oid))
                from pg_catalog.pg_index as x
                join pg_catalog.pg_class as i on i.oid = x.indexrelid
                where x.indrelid = c.oid
            ) as indexes,
            (
                select json_object_agg(o.option_name, o.option_value)
                from pg_catalog.pg_options_to_table(c.reloptions) as o
            ) as parameters,
            c.relispopulated as populated
"""


def _query(relation_kind: Literal["v", "m"], own_columns: str, kept: str) -> str:
    return f"""
        select
            n.nspname as schema,
            c.relname as name,
            pg_catalog.pg_get_viewdef(c.oid) as definition,
            {own_columns},
            {catalog.other_owner("c.relowner")} as owner,
            {catalog.entries("c.relacl", "c.relowner", "r")} as entries,
            {catalog.column_entries("c")} as column_entries,
            array(
                select pg_catalog.quote_ident(a.attname) || ' '
                    || pg_catalog.format_type(a.atttypid, a.atttypmod)
                    || coalesce(
                        ' collate ' || nullif(a.attcollation, t.typcollation)::regcollation::text,
                        ''
                    )
                from pg_catalog.pg_attribute as a
                join pg_catalog.pg_type as t on t.oid = a.atttypid
                where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
                order by a.attnum
            ) as columns,
            {catalog.comment("pg_class", "c")} as comment,
            {catalog.column_comments("c")} as column_comments,
            (
                select jsonb_object_agg(k.what, k.statement) from ({kept}) as k
            ) as kept
        from pg_catalog.pg_class as c
        join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
        where c.relkind = '{relation_kind}'
            and n.nspname = any (%(schemas)s)
            and {catalog.not_of_an_extension("pg_class", "c")}
    """


_VIEWS = _query("v", _DEFAULTS, catalog.KEPT_OF_VIEW)
_MATERIALIZED_VIEWS = _query("m", _INDEXES, catalog.KEPT_OF_MATERIALIZED_VIEW)
