"""Functions, with the roles that may execute them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import inf
from typing import Any, ClassVar, Literal, Self

from sqlalchemy import Connection, RowMapping, text

from townhall.pg import catalog, sql
from townhall.pg.arguments import arguments_of, refused_arguments
from townhall.pg.entity import Entity, comment_statement
from townhall.pg.layout import without_comments
from townhall.pg.privileges import (
    API_ROLES,
    WITH_GRANT_OPTION,
    grant_statements,
    refused_grantees,
    split_grantee,
    unmanaged,
)

Volatility = Literal["volatile", "stable", "immutable"]
Security = Literal["invoker", "definer"]
Parallel = Literal["unsafe", "restricted", "safe"]
SearchPath = Literal["safe", "as found"]

SAFE_SEARCH_PATH = "pg_catalog, pg_temp"
"""The ``search_path`` of a function in whose body all names but PostgreSQL's own are qualified.
Under a path without ``pg_temp``, even an empty one, temporary tables and types of the caller are
found before PostgreSQL's own:
https://www.postgresql.org/docs/current/sql-createfunction.html#SQL-CREATEFUNCTION-SECURITY"""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Function(Entity):
    """A function, and the roles that may execute it.

    Attributes:
        name: The name of the function.
        arguments: The types of the arguments by name, a default behind the type:
            ``{"tokens": "bigint default 0"}``. A mode stands before the type (``out``, ``inout``,
            ``variadic``); an argument without a name is called ``$1``, ``$2`` and so on.
        returns: The type of the result, ``table (…)`` and ``setof`` included.
        language: ``sql``, ``plpgsql`` or another that the server has.
        body: The source between the dollar quotes. In ``sql`` and ``plpgsql`` it is stored on lines
            of its own, without the indentation that it has in Python; text that stands in quotes
            or in a comment is never changed. Sources in other languages are stored as they are.
        verbatim: Whether the body is stored byte for byte as it is given, as revisions write one
            that was read from a database and has another layout.
        volatility: Whether it may return something else when it is called again: in one
            statement, too (``volatile``), only in another one (``stable``), or never
            (``immutable``).
        security: Whether it has the privileges of its caller (``invoker``) or its owner
            (``definer``).
        settings: Settings for the time of a call. A ``definer`` function needs a ``search_path``
            that ends with ``pg_temp``, as :data:`SAFE_SEARCH_PATH` does; otherwise its caller
            decides which objects its names stand for. A list is written as PostgreSQL reads it:
            ``'"a, b", pg_temp'``. So does a trigger function: rows that a
            foreign key deletes are deleted as the owner of their table.
        search_path: Whether autogenerate refuses a ``definer`` function with an unsafe search path
            (``safe``), or takes it ``as found``, as code that was there before. `townhall check`
            tells of it in either case.
        is_strict: Whether it returns null for a null argument without being called.
        is_leakproof: Whether it reveals nothing about its arguments except by its result.
        parallel: Whether parallel workers may call it.
        cost: What a call costs in units of ``cpu_operator_cost``; None for the language's default.
        rows: With a set as the result, how many rows the planner expects; None for PostgreSQL's
            default.
        execute: The roles that may execute it.
        api_roles: The roles that may not execute it unless they are in ``execute``; ``public`` is
            always among them. Any other role keeps what it has.
        comment: What the function is for.
    """

    kind: ClassVar[str] = "function"
    name_fields: ClassVar[tuple[str, ...]] = ("schema", "name", "arguments")
    sql_fields: ClassVar[tuple[str, ...]] = ("body",)

    name: str
    arguments: Mapping[str, str] = field(default_factory=dict)
    returns: str = "trigger"
    language: str = "sql"
    body: str
    verbatim: bool = False
    volatility: Volatility = "volatile"
    security: Security = "invoker"
    settings: Mapping[str, str] = field(default_factory=dict)
    search_path: SearchPath = field(default="safe", compare=False)
    is_strict: bool = False
    is_leakproof: bool = False
    parallel: Parallel = "unsafe"
    cost: float | None = None
    rows: float | None = None
    execute: tuple[str, ...] = ()
    api_roles: tuple[str, ...] = field(default=API_ROLES, compare=False)
    comment: str | None = None

    def __post_init__(self) -> None:
        """Refuse a function that PostgreSQL would refuse.

        Raises:
            ValueError: A value has another type than its field, or values contradict each other.
        """
        super().__post_init__()
        if self.language == "sql" and self.returns.lower() in {"trigger", "event_trigger"}:
            returns = self.returns.lower()
            self._refuse(f"SQL has no {returns} functions: add returns or language='plpgsql'")
        if self.rows is not None and not self.returns_set:
            self._refuse("rows is for a function that returns a set: leave it out")
        for name in ("cost", "rows"):
            if (value := getattr(self, name)) is not None and not 0 < value < inf:
                self._refuse(f"{name} is {value} and must be greater than 0, and finite")
        if self.language.lower() in _LANGUAGES - {self.language}:
            self._refuse(f"language is {self.language!r}: write {self.language.lower()!r}")
        for name in _LISTS & self.settings.keys():
            if not sql.is_list(value := self.settings[name]):
                self._refuse(
                    f"{name} is {value!r}, which is no list of names: separate them by commas, and"
                    " put one with a comma or a quote into double quotes"
                )
        why = refused_arguments(
            arguments_of(self.arguments), returns_table=_TABLE.match(self.returns) is not None
        )
        if why or (why := refused_grantees(self.execute)):
            self._refuse(why)

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
        return tuple(each.type for each in arguments_of(self.arguments) if each.is_input)

    @property
    def literal_signature(self) -> str:
        """The function with the types of its arguments, as SQL names it."""
        return f"{self.literal_name}({', '.join(self.argument_types)})"

    @property
    def literal_name(self) -> str:
        """The function without its arguments as a qualified identifier."""
        return sql.qualified(self.schema, self.name)

    def create_statements(self) -> Iterable[str]:
        """Yield the function, the roles that may execute it, and its comment."""
        yield "\n".join(self._definition())
        target = self.literal_signature
        grants = dict(map(_grant, self.execute))
        yield from grant_statements(f"function {target}", grants, self.api_roles)
        yield comment_statement("function", target, self.comment)

    def _definition(self) -> Iterable[str]:
        arguments = ", ".join(map(str, arguments_of(self.arguments)))
        yield f"create or replace function {self.literal_name}({arguments})"
        yield f"returns {self.returns}"
        yield f"language {sql.quote(self.language)}"
        traits = [self.volatility, f"security {self.security}", f"parallel {self.parallel}"]
        traits += ["strict"] * self.is_strict + ["leakproof"] * self.is_leakproof
        traits += [f"cost {self.cost}"] * (self.cost is not None)
        traits += [f"rows {self.rows}"] * (self.rows is not None)
        yield " ".join(traits)
        for setting, value in self.settings.items():
            yield f"set {sql.quote(setting)} = {_setting(setting, value)}"
        yield self.body if self.is_standard_body else f"as {sql.dollar_quoted(self.source)}"

    @property
    def returns_set(self) -> bool:
        """Whether it returns any number of rows."""
        return _SET.match(self.returns) is not None

    @property
    def is_standard_body(self) -> bool:
        """Whether the body is in the form of the SQL standard, which is parsed and not stored."""
        return not self.verbatim and self.language == "sql" and is_standard(self.body)

    @property
    def source(self) -> str:
        """The body as PostgreSQL stores it, unless it is in the form of the SQL standard."""
        return f"\n{self.body}\n" if self.laid_out_fields else self.body

    def drop_statements(self) -> Iterable[str]:
        """Yield the drop of the function."""
        yield f"drop function if exists {self.literal_signature}"

    def with_unmanaged_grants_of(self, actual: Entity) -> Self:
        """Return the function with the unmanaged roles that may execute the actual one."""
        if not isinstance(actual, Function):
            return self
        others = unmanaged(dict(map(_grant, actual.execute)), self.api_roles)
        kept = [each for each in actual.execute if _grant(each)[0] in others]
        return replace(self, execute=tuple(dict.fromkeys([*kept, *self.execute])))

    def can_replace(self, other: Entity) -> bool:
        """Tell whether arguments and result stay, and defaults are only added."""
        return (
            isinstance(other, Function)
            and self.returns == other.returns
            and list(self.arguments) == list(other.arguments)
            and all(
                mine[:3] == theirs[:3] and (mine.default is not None or theirs.default is None)
                for mine, theirs in zip(
                    arguments_of(self.arguments), arguments_of(other.arguments), strict=True
                )
            )
        )

    @classmethod
    def read(cls, connection: Connection, schemas: Sequence[str]) -> Sequence[Self]:
        """Return the functions in ``schemas``, without aggregates and procedures."""
        return [cls._from_row(row) for row in catalog.rows(connection, _QUERY, schemas)]

    @classmethod
    def keys_in_database(
        cls, connection: Connection, entities: Sequence[Entity]
    ) -> dict[tuple[str, ...], tuple[str, ...]]:
        """Return the declared keys with the types as PostgreSQL spells them: ``integer``."""
        functions = [entity for entity in entities if isinstance(entity, Function)]
        found = connection.execute(
            text(_RESOLVE), {"signatures": [each.literal_signature for each in functions]}
        )
        types = {row.signature: row.types for row in found}
        return {
            each.key: (
                each.kind,
                each.schema,
                f"{each.name}({', '.join(types[each.literal_signature])})",
            )
            for each in functions
            if each.literal_signature in types
        }

    @classmethod
    def _from_row(cls, row: RowMapping) -> Self:
        return cls(
            schema=row["schema"],
            name=row["name"],
            arguments=dict(row["arguments"] or ()),
            returns=row["returns"],
            language=row["language"],
            **_read_body(row["language"], row["source"], row["parsed"]),
            volatility=row["volatility"],
            security=row["security"],
            settings=dict(map(_read_setting, row["settings"] or ())),
            is_strict=row["is_strict"],
            is_leakproof=row["is_leakproof"],
            parallel=row["parallel"],
            cost=row["cost"],
            rows=row["rows"],
            execute=tuple(sorted(map(_grantee, row["entries"] or ()))),
            comment=row["comment"],
        )


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


def _grantee(entry: Mapping[str, Any]) -> str:
    return f"{entry['grantee']}{WITH_GRANT_OPTION if entry['is_grantable'] else ''}"


_SET = re.compile(r"(setof|table)\b", re.IGNORECASE)
_TABLE = re.compile(r"table\b", re.IGNORECASE)
_STANDARD = re.compile(r"\s*(begin\s+atomic|return)\b", re.IGNORECASE)
_LAID_OUT = {"sql", "plpgsql"}
_LANGUAGES = {"sql", "plpgsql", "c", "internal"}
_LISTS = {"search_path", "temp_tablespaces"}
_PARTS = re.compile(sql.IDENTIFIER)

_RESOLVE = """
    select
        s.signature,
        array(
            select pg_catalog.format_type(a.type, null)
            from unnest(p.proargtypes::oid[]) with ordinality as a (type, position)
            order by a.position
        ) as types
    from unnest(cast(:signatures as text[])) as s (signature)
    join pg_catalog.pg_proc as p on p.oid = pg_catalog.to_regprocedure(s.signature)
"""

_QUERY = f"""
    select
        n.nspname as schema,
        p.proname as name,
        (
            select jsonb_agg(jsonb_build_array(
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
        pg_catalog.pg_get_function_result(p.oid) as returns,
        l.lanname as language,
        p.prosrc as source,
        pg_catalog.pg_get_function_sqlbody(p.oid) as parsed,
        case p.provolatile when 'i' then 'immutable' when 's' then 'stable' else 'volatile' end
            as volatility,
        case when p.prosecdef then 'definer' else 'invoker' end as security,
        p.proconfig as settings,
        p.proisstrict as is_strict,
        p.proleakproof as is_leakproof,
        case p.proparallel when 's' then 'safe' when 'r' then 'restricted' else 'unsafe' end
            as parallel,
        -- As JSON, whole numbers are integers.
        to_jsonb(case
            when p.procost <> case when l.lanname in ('c', 'internal') then 1 else 100 end
                then p.procost
        end) as cost,
        to_jsonb(case when p.proretset and p.prorows <> 1000 then p.prorows end) as rows,
        {catalog.entries("p.proacl", "p.proowner", "f")} as entries,
        {catalog.comment("pg_proc", "p")} as comment
    from pg_catalog.pg_proc as p
    join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
    join pg_catalog.pg_language as l on l.oid = p.prolang
    where n.nspname = any (%(schemas)s)
        and p.prokind = 'f'
        and {catalog.not_of_an_extension("pg_proc", "p")}
        -- The constructors of a range are a part of its type.
        and p.oid not in (
            select d.objid
            from pg_catalog.pg_depend as d
            where d.classid = 'pg_catalog.pg_proc'::regclass and d.deptype = 'i'
        )
"""
