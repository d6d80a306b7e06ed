"""The rules of a database as values: roles, relations, policies, functions and foreign keys."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from townhall.pg import PUBLIC, TableAccess, sql


@dataclass(frozen=True)
class Callers:
    """The roles that requests act as, as far as they exist.

    Attributes:
        anonymous: The role of a request without a token, or None where it is not known.
        signed_in: The roles of signed-in users and of the service.
        names: The role of a signed-in user, and the anonymous one. Empty where none is known: every
            role that row level security applies to then counts.
        memberships: For each role the roles whose privileges it has, itself included.
        bypassing: The roles that row level security does not apply to.
        schemas: The schemas that PostgREST is set to expose; empty where no role has the setting.
    """

    anonymous: str | None
    signed_in: tuple[str, ...]
    names: tuple[str, ...]
    memberships: Mapping[str, frozenset[str]]
    bypassing: frozenset[str]
    schemas: tuple[str, ...]

    def among(self, roles: Iterable[str]) -> list[str]:
        """Return the callers that are meant by the roles of a policy or of a privilege.

        Args:
            roles: Names of roles, ``public`` for all roles.
        """
        named = set(roles)
        if PUBLIC in named:
            return [PUBLIC]
        if not self.names:
            return sorted(named - self.bypassing)
        return [each for each in self.names if named & self.memberships[each]]

    def may_have(self, grantees: Iterable[str]) -> bool:
        """Tell whether a caller has a privilege; it may, where no role of requests is known.

        Args:
            grantees: Names of roles, ``public`` for all roles.
        """
        return not self.names or bool(self.among(grantees))

    def may_create(self, creators: Iterable[str]) -> list[str]:
        """Return those of the roles that may create through whom a caller may.

        Args:
            creators: Names of roles, ``public`` for all roles.
        """
        return [
            each
            for each in creators
            if each == PUBLIC or any(each in self.memberships[name] for name in self.names)
        ]

    def may_be_anonymous(self, grantees: Iterable[str]) -> list[str]:
        """Return those of the grantees through whom a caller without a token has a privilege.

        Args:
            grantees: Names of roles, ``public`` for all roles.
        """
        roles = self.memberships.get(self.anonymous or "", frozenset())
        return [each for each in grantees if each == PUBLIC or each in roles]


@dataclass(frozen=True)
class Relation:
    """A table, a view or a materialized view.

    Attributes:
        oid: Its number in the catalog.
        schema: Its schema.
        name: Its name.
        kind: ``r``, ``p``, ``v``, ``m`` or ``f``, as in ``pg_class``.
        row_security: Whether row level security is enabled.
        owner: Its owner.
        is_owned_by_bypassing: Whether its owner bypasses row level security everywhere.
        is_forced: Whether row level security holds for its owner too.
        is_child: Whether it is a partition, or inherits from another table.
        is_invoker: Whether it is a view that reads its tables as its reader.
        grantees: Who holds a privilege to read or write it or a column of it, except its owner.
        reads: The relations that it reads itself, if it is a view.
        is_of_extension: Whether an extension brought it.
    """

    oid: int
    schema: str
    name: str
    kind: str
    row_security: bool
    owner: str
    is_owned_by_bypassing: bool
    is_forced: bool
    is_child: bool
    is_invoker: bool
    grantees: tuple[str, ...]
    reads: tuple[int, ...]
    is_of_extension: bool

    @property
    def key(self) -> tuple[str, ...]:
        """What identifies it among the declarations, if it is a view."""
        return ("materialized view" if self.kind == "m" else "view", self.schema, self.name)

    @property
    def is_table(self) -> bool:
        """Whether it is a table that can have row level security."""
        return self.kind in {"r", "p"}

    @property
    def is_open_table(self) -> bool:
        """Whether it is such a table, of no extension, and row level security is off."""
        return self.is_table and not self.row_security and not self.is_of_extension

    @property
    def literal(self) -> str:
        """Its qualified name in SQL."""
        return sql.qualified(self.schema, self.name)


@dataclass(frozen=True)
class FoundPolicy:
    """A policy, with its conditions as PostgreSQL renders them.

    Attributes:
        schema: The schema of its table.
        table: Its table.
        name: Its name.
        command: Its command, ``all`` for all commands.
        is_permissive: Whether it is permissive.
        roles: Its roles, ``public`` for all roles.
        using: The condition for existing rows.
        check: The condition for new rows.
        functions: The functions that it calls, by number.
        columns: The columns that it reads, each as the number of its relation and its own, and its
            name: ``16384 2 kind``. The number is 0 where it reads no column, or the whole row.
    """

    schema: str
    table: str
    name: str
    command: str
    is_permissive: bool
    roles: tuple[str, ...]
    using: str | None
    check: str | None
    functions: tuple[int, ...]
    columns: tuple[str, ...]


@dataclass(frozen=True)
class FoundFunction:
    """A function or procedure outside of PostgreSQL's own schemas.

    Attributes:
        oid: Its number in the catalog.
        schema: Its schema.
        signature: Its name with the types of its arguments, as messages have it.
        kind: ``function`` or ``procedure``.
        literal: Its qualified name without arguments, in SQL.
        target: The same with the types of its arguments.
        returns: The type that it returns.
        is_trigger: Whether only a trigger can call it.
        is_set: Whether it returns several rows.
        is_definer: Whether it runs as its owner.
        is_stable: Whether its result is the same for each row of a statement.
        search_path: Its own search path, None without one.
        grantees: Who may execute it, except its owner.
        body: Its body.
        is_own: Whether neither an extension nor the platform brought it.
    """

    oid: int
    schema: str
    signature: str
    kind: str
    literal: str
    target: str
    returns: str
    is_trigger: bool
    is_set: bool
    is_definer: bool
    is_stable: bool
    search_path: str | None
    grantees: tuple[str, ...]
    body: str
    is_own: bool

    @property
    def key(self) -> tuple[str, ...]:
        """What identifies it among the declarations."""
        return (self.kind, self.schema, self.signature)


@dataclass(frozen=True)
class ForeignKey:
    """A foreign key that no complete index covers.

    Attributes:
        schema: The schema of its table.
        table: Its table.
        name: Its name.
        columns: Its columns, in the order of the key.
        predicates: The conditions of the partial indexes that cover it.
    """

    schema: str
    table: str
    name: str
    columns: tuple[str, ...]
    predicates: tuple[str, ...]


@dataclass(frozen=True)
class ViewQuery:
    """The query of a view or a materialized view.

    Attributes:
        columns: The names of its columns.
        query: The query as PostgreSQL stores it.
    """

    columns: tuple[str, ...]
    query: str


@dataclass(frozen=True)
class Rules:
    """What is looked at.

    Attributes:
        callers: The roles that requests act as.
        exposed: The schemas whose objects requests can name.
        reachable: Those of them that a caller has the privilege to use.
        creators: The roles through whom callers may create, of each schema in which they may.
        relations: The relations, by number.
        open_tables: The access of the tables without row level security, by schema and name.
        policies: The policies.
        always_true: The conditions of policies that are always true, each with schema and table.
        functions: The functions, by number.
        queries: The queries of the views that may lead to the metadata of users, by number.
        metadata: The columns of tables that have this metadata, by the number of the table.
        metadata_fields: The fields of rows that are called as this metadata, by the number of the
            type and their own.
        names: Schema and name of each relation, indexes included, where a foreign key lacks one.
        foreign_keys: The foreign keys that may lack an index.
    """

    callers: Callers
    exposed: tuple[str, ...]
    reachable: frozenset[str]
    creators: Mapping[str, Sequence[str]]
    relations: Mapping[int, Relation]
    open_tables: Mapping[tuple[str, str], TableAccess]
    policies: Sequence[FoundPolicy]
    always_true: frozenset[tuple[tuple[str, str], str]]
    functions: Mapping[int, FoundFunction]
    queries: Mapping[int, ViewQuery]
    metadata: Mapping[int, int]
    metadata_fields: Mapping[tuple[int, int], str]
    names: frozenset[tuple[str, str]]
    foreign_keys: Sequence[ForeignKey]

    @cached_property
    def has_policies(self) -> frozenset[tuple[str, str]]:
        """Schema and name of each table that has a policy."""
        return frozenset((each.schema, each.table) for each in self.policies)

    @cached_property
    def schemas(self) -> list[str]:
        """The schemas of the functions and views, and those in which callers may create."""
        found = {each.schema for each in self.relations.values() if each.kind in {"v", "m"}}
        found |= {each.schema for each in self.functions.values() if each.is_own}
        return sorted(found | self.creators.keys())

    @cached_property
    def by_name(self) -> Mapping[tuple[str, str], Relation]:
        """The relations by schema and name."""
        return {(each.schema, each.name): each for each in self.relations.values()}
