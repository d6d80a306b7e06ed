"""What functions and procedures have in common."""

from __future__ import annotations

import json
import re
from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Literal, Self

from sqlalchemy import Connection, RowMapping, text

from townhall.pg import catalog, sql
from townhall.pg.arguments import arguments_of, refused_arguments
from townhall.pg.entity import Entity, comment_statement
from townhall.pg.layout import without_comments
from townhall.pg.owned import OwnedEntity
from townhall.pg.privileges import (
    grant_statements,
    grantee_of,
    refused_grantees,
    split_grantee,
    unmanaged,
)

Security = Literal["invoker", "definer"]
SearchPath = Literal["safe", "as found"]


class Routine(OwnedEntity):
    """A function or a procedure.

    Its fields are those of the subclasses, in an order of their own.
    """

    name_fields: ClassVar[tuple[str, ...]] = ("schema", "name", "arguments")
    sql_fields: ClassVar[tuple[str, ...]] = ("body",)
    holds_statements: ClassVar[bool] = True

    name: str
    arguments: Mapping[str, str]
    language: str
    body: str
    verbatim: bool
    security: Security
    settings: Mapping[str, str]
    search_path: SearchPath
    execute: tuple[str, ...]
    api_roles: tuple[str, ...]
    comment: str | None

    def __post_init__(self) -> None:
        """Refuse what PostgreSQL would refuse of both.

        Raises:
            InputError: A value has another type than its field, or values contradict each other.
        """
        super().__post_init__()
        if self.language.lower() in _LANGUAGES - {self.language}:
            self._refuse(f"language is {self.language!r}: write {self.language.lower()!r}")
        for name in _LISTS & self.settings.keys():
            if not sql.is_list(value := self.settings[name]):
                self._refuse(
                    f"{name} is {value!r}, which is no list of names: separate them by commas, and"
                    " put one with a comma or a quote into double quotes"
                )
        why = refused_arguments(arguments_of(self.arguments), returns_table=self.returns_table)
        if why or (why := refused_grantees(self.execute)):
            self._refuse(why)

    @property
    def returns_table(self) -> bool:
        """Whether the result has named columns."""
        return False

    @property
    def laid_out_fields(self) -> tuple[str, ...]:
        """The body, unless it is stored byte for byte."""
        return () if self.verbatim or self.language not in _LAID_OUT else self.sql_fields

    @property
    def name_parts(self) -> tuple[str, ...]:
        """Schema and name with the types of the arguments."""
        return (self.schema, f"{self.name}({', '.join(self.argument_types)})")

    @property
    def is_hijackable(self) -> bool:
        """Whether objects that its caller creates are used with its owner's privileges."""
        last_of_path = sql.split_list(self.settings.get("search_path", ""))[-1]
        return self.security == "definer" and last_of_path != "pg_temp"

    @property
    def argument_types(self) -> tuple[str, ...]:
        """The types of the input arguments, which are a part of the function's name."""
        return tuple([each.type for each in arguments_of(self.arguments) if each.is_input])

    @property
    def literal_signature(self) -> str:
        """The function with the types of its arguments, as SQL names it."""
        return f"{self.literal_name}({', '.join(self.argument_types)})"

    @property
    def literal_name(self) -> str:
        """The function without its arguments as a qualified identifier."""
        return sql.qualified(self.schema, self.name)

    def create_statements(self) -> Iterable[str]:
        """Yield the routine, its owner, the roles that may execute it, and its comment."""
        yield "\n".join(self._definition())
        target = self.literal_signature
        yield from self._owner(target)
        grants = dict(map(_grant, self.execute))
        yield from grant_statements(f"{self.kind} {target}", grants, self.api_roles, self.owner)
        yield comment_statement(self.kind, target, self.comment)

    @abstractmethod
    def _definition(self) -> Iterable[str]:
        """Yield the lines of the statement that creates it."""

    def _settings_and_body(self) -> Iterable[str]:
        for setting, value in self.settings.items():
            yield f"set {sql.quote(setting)} = {_setting(setting, value)}"
        yield self.body if self.is_standard_body else f"as {sql.dollar_quoted(self.source)}"

    @property
    def is_standard_body(self) -> bool:
        """Whether the body is in the form of the SQL standard, which is parsed and not stored."""
        return not self.verbatim and self.language == "sql" and is_standard(self.body)

    @property
    def source(self) -> str:
        """The body as PostgreSQL stores it, unless it is in the form of the SQL standard."""
        return f"\n{self.body}\n" if self.laid_out_fields else self.body

    def drop_statements(self) -> Iterable[str]:
        """Yield the drop of the routine."""
        yield f"drop {self.kind} if exists {self.literal_signature}"

    def with_unmanaged_grants_of(self, actual: Entity) -> Self:
        """Return the routine with the unmanaged roles that may execute the actual one."""
        if not isinstance(actual, Routine):
            return self
        others = unmanaged(dict(map(_grant, actual.execute)), self.api_roles)
        kept = [each for each in actual.execute if _grant(each)[0] in others]
        every = tuple(dict.fromkeys([*kept, *self.execute]))
        return replace(self, execute=every)  # type: ignore[call-arg] # a field of the subclasses

    def has_arguments_for(self, other: Routine) -> bool:
        """Tell whether ``create or replace`` takes the arguments in place of others.

        Names and types must stay, and defaults can only be added.

        Args:
            other: The same routine in another state.
        """
        return list(self.arguments) == list(other.arguments) and all(
            mine[:3] == theirs[:3] and (mine.default is not None or theirs.default is None)
            for mine, theirs in zip(
                arguments_of(self.arguments), arguments_of(other.arguments), strict=True
            )
        )

    @classmethod
    def keys_in_database(
        cls, connection: Connection, entities: Sequence[Entity]
    ) -> dict[tuple[str, ...], tuple[str, ...]]:
        """Return the declared keys with the types as PostgreSQL spells them: ``integer``.

        A type is found on the search path, and spelled with its schema, as in what is read.
        """
        routines = [entity for entity in entities if isinstance(entity, Routine)]
        declared = [
            {
                "signature": each.literal_signature,
                "schema": each.schema,
                "name": each.name,
                "types": each.argument_types,
            }
            for each in routines
        ]
        found = connection.execute(text(_RESOLVE), {"routines": json.dumps(declared)}).all()
        with catalog.empty_search_path(connection):
            spelled = connection.execute(text(_SPELL), {"routines": [row.oid for row in found]})
            types_of = {row.oid: row.types for row in spelled}
        types = {row.signature: types_of[row.oid] for row in found}
        return {
            each.key: (
                each.kind,
                each.schema,
                f"{each.name}({', '.join(types[each.literal_signature])})",
            )
            for each in routines
            if each.literal_signature in types
        }


def shared_values(row: RowMapping) -> dict[str, Any]:
    """Return the values of the fields that every routine has.

    Args:
        row: A row of :func:`query`.
    """
    return {
        "schema": row["schema"],
        "name": row["name"],
        "arguments": dict(row["arguments"] or ()),
        "language": row["language"],
        **_read_body(row["language"], row["source"], row["parsed"]),
        "security": row["security"],
        "settings": dict(map(_read_setting, row["settings"] or ())),
        "execute": tuple(sorted(map(grantee_of, row["entries"] or ()))),
        "comment": row["comment"],
        "owner": row["owner"],
    }


def is_standard(body: str) -> bool:
    """Tell whether the body of an SQL function is in the form of the SQL standard."""
    return _STANDARD.match(without_comments(body)) is not None


def _read_body(language: str, source: str, parsed: str | None) -> dict[str, Any]:
    if parsed is not None:
        return {"body": parsed}
    if language not in _LAID_OUT:
        return {"body": source}
    body = sql.layout(source)
    if source == f"\n{body}\n" and not (language == "sql" and is_standard(body)):
        return {"body": body}
    return {"body": source, "verbatim": True}


def _setting(name: str, value: str) -> str:
    parts = sql.split_list(value) if name in _LISTS else [value]
    return ", ".join(map(sql.literal, parts))


def _read_setting(stored: str) -> tuple[str, str]:
    name, _, value = stored.partition("=")
    if name in _LISTS:
        value = sql.join_list(list(map(sql.unquote, _PARTS.findall(value))))
    return name, value


def _grant(grantee: str) -> tuple[str, tuple[str, ...]]:
    role, option = split_grantee(grantee)
    return role, (f"execute{option}",)


_STANDARD = re.compile(r"\s*(begin\s+atomic|return)\b", re.IGNORECASE)
_LAID_OUT = {"sql", "plpgsql"}
_LANGUAGES = {"sql", "plpgsql", "c", "internal"}
_LISTS = {"search_path", "temp_tablespaces"}
_PARTS = re.compile(sql.IDENTIFIER)

# Before version 16 to_regprocedure() raises an error where a type does not exist yet.
_RESOLVE = """
    select s.signature, p.oid
    from jsonb_to_recordset(cast(:routines as jsonb))
        as s (signature text, schema text, name text, types jsonb)
    join pg_catalog.pg_namespace as n on n.nspname = s.schema
    join pg_catalog.pg_proc as p on p.pronamespace = n.oid and p.proname = s.name
    where p.proargtypes::text = (
        select coalesce(
            string_agg(coalesce(to_regtype(a.type)::oid, 0)::text, ' ' order by a.position), ''
        )
        from jsonb_array_elements_text(s.types) with ordinality as a (type, position)
    )
"""
_SPELL = """
    select
        p.oid,
        array(
            select pg_catalog.format_type(a.type, null)
            from unnest(p.proargtypes::oid[]) with ordinality as a (type, position)
            order by a.position
        ) as types
    from pg_catalog.pg_proc as p
    where p.oid = any (:routines)
"""


def query(kind: Literal["f", "p"], own_columns: str = "") -> str:
    """Return a query that reads routines.

    Args:
        kind: ``f`` for functions, ``p`` for procedures.
        own_columns: What only these have, with a comma behind each.
    """
    return f"""
    select
        n.nspname as schema,
        p.proname as name,
        (
            select json_agg(json_build_array(
                coalesce(nullif(a.name, ''), '$' || a.position),
                concat_ws(
                    ' ',
                    case a.mode
                        when 'o' then 'out' when 'b' then 'inout' when 'v' then 'variadic'
                    end,
                    pg_catalog.format_type(a.type, null),
                    'default ' || pg_catalog.pg_get_function_arg_default(p.oid, a.position::integer)
                )
            ) order by a.position)
            from unnest(
                coalesce(p.proallargtypes, p.proargtypes::oid[]), p.proargmodes, p.proargnames
            ) with ordinality as a (type, mode, name, position)
            where a.mode is distinct from 't'
        ) as arguments,
        {own_columns}
        l.lanname as language,
        p.prosrc as source,
        pg_catalog.pg_get_function_sqlbody(p.oid) as parsed,
        case when p.prosecdef then 'definer' else 'invoker' end as security,
        p.proconfig as settings,
        {catalog.other_owner("p.proowner")} as owner,
        {catalog.entries("p.proacl", "p.proowner", "f")} as entries,
        {catalog.comment("pg_proc", "p")} as comment
    from pg_catalog.pg_proc as p
    join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
    join pg_catalog.pg_language as l on l.oid = p.prolang
    where n.nspname = any (%(schemas)s)
        and p.prokind = '{kind}'
        -- One of a library has no source.
        and p.probin is null
        and {catalog.not_of_an_extension("pg_proc", "p")}
        and {catalog.NOT_A_CONSTRUCTOR}
"""
