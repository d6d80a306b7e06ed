"""Functions, with the roles that may execute them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import ClassVar, Literal, Self

from sqlalchemy import Connection, RowMapping

from townhall.pg import catalog, sql
from townhall.pg.arguments import arguments_of
from townhall.pg.entity import Entity
from townhall.pg.privileges import API_ROLES
from townhall.pg.routine import Routine, SearchPath, Security, query, shared_values

Volatility = Literal["volatile", "stable", "immutable"]
Parallel = Literal["unsafe", "restricted", "safe"]

SAFE_SEARCH_PATH = "pg_catalog, pg_temp"
"""The ``search_path`` of a function in whose body all names but PostgreSQL's own are qualified.
Under a path without ``pg_temp``, even an empty one, temporary tables and types of the caller are
found before PostgreSQL's own:
https://www.postgresql.org/docs/current/sql-createfunction.html#SQL-CREATEFUNCTION-SECURITY"""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Function(Routine):
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
    sql_kind: ClassVar[str] = "function"

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
            InputError: A value has another type than its field, or values contradict each other.
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
        yield from self._settings_and_body()

    @property
    def returns_table(self) -> bool:
        """Whether the result has named columns."""
        return _TABLE.match(self.returns) is not None

    @property
    def returns_set(self) -> bool:
        """Whether it returns any number of rows."""
        return _SET.match(self.returns) is not None

    def can_replace(self, other: Entity) -> bool:
        """Tell whether arguments and result stay, and defaults are only added."""
        return (
            isinstance(other, Function)
            and self.returns == other.returns
            and self.has_arguments_for(other)
        )

    @classmethod
    def read(cls, connection: Connection, schemas: Sequence[str]) -> Sequence[Self]:
        """Return the functions in ``schemas``, without aggregates and procedures."""
        return [cls._from_row(row) for row in catalog.rows(connection, _QUERY, schemas)]

    @classmethod
    def _from_row(cls, row: RowMapping) -> Self:
        return cls.found(
            **shared_values(row),
            returns=row["returns"],
            volatility=row["volatility"],
            is_strict=row["is_strict"],
            is_leakproof=row["is_leakproof"],
            parallel=row["parallel"],
            cost=row["cost"],
            rows=row["rows"],
        )


_SET = re.compile(r"(setof|table)\b", re.IGNORECASE)
_TABLE = re.compile(r"table\b", re.IGNORECASE)

_QUERY = query(
    "f",
    """
        pg_catalog.pg_get_function_result(p.oid) as returns,
        case p.provolatile when 'i' then 'immutable' when 's' then 'stable' else 'volatile' end
            as volatility,
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
    """,
)
