"""Row level security policies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal, Self

from sqlalchemy import Connection

from townhall.pg import catalog, sql
from townhall.pg.entity import Entity, TableEntity, comment_statement
from townhall.roles import LONGEST_NAME

Command = Literal["select", "insert", "update", "delete", "all"]

CODES: Mapping[Command, str] = {
    "select": "r",
    "insert": "a",
    "update": "w",
    "delete": "d",
    "all": "*",
}
"""The commands as ``pg_policy`` has them."""

VERBS: Mapping[Command, str] = {
    "select": "read",
    "insert": "insert",
    "update": "update",
    "delete": "delete",
    "all": "read, insert, update and delete",
}
"""What the commands do, as the sentence of a message says it."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Policy(TableEntity):
    """A policy: which rows of a table some roles may read or write with a command.

    Attributes:
        name: The name of the policy: a sentence that an auditor understands.
        command: The command it is for.
        roles: The roles it is for, ``("public",)`` for all. There is no default.
        using: The condition for existing rows, in SQL.
        check: The condition for new rows and for rows after an update, in SQL. Without it ``using``
            holds for them.
        permissive: Whether it gives access; a restrictive policy narrows the access that others
            give.
        comment: What the policy is for.
        incomplete: Whether a condition is missing, as policies were found that have none: a
            permissive one lets no row through then, and a restrictive one every row.
    """

    kind: ClassVar[str] = "policy"
    is_for_platform: ClassVar[bool] = True
    name_fields: ClassVar[tuple[str, ...]] = ("schema", "table", "name")
    sql_fields: ClassVar[tuple[str, ...]] = ("using", "check")

    name: str
    command: Command
    roles: tuple[str, ...]
    using: str | None = None
    check: str | None = None
    permissive: bool = True
    comment: str | None = None
    incomplete: bool = field(default=False, compare=False)

    def __post_init__(self) -> None:
        """Refuse a policy that PostgreSQL would refuse, and one without a condition or a role.

        Raises:
            InputError: A value has another type than its field, no role is named, or the
                conditions do not fit the command.
        """
        super().__post_init__()
        if not self.roles:
            self._refuse("no role is named: add roles=('authenticated',)")
        self._check_texts()
        if "public" in self.roles and len(self.roles) > 1:
            self._refuse("public means every role: name it alone, or the other roles without it")
        if self.command == "insert" and self.using is not None:
            self._refuse("insert has no existing row: use check instead of using")
        if self.command in {"select", "delete"} and self.check is not None:
            self._refuse(f"{self.command} makes no new row: use using instead of check")
        if self.incomplete:
            return
        if self.command == "insert" and self.check is None:
            self._refuse("insert has no condition for the new row: add check")
        if self.command != "insert" and self.using is None:
            self._refuse(f"{self.command} has no condition for the row: add using")

    def _check_texts(self) -> None:
        for role in self.roles:
            if not sql.is_name(role):
                self._refuse(
                    f"{role!r} is no name of a role: give one of 1 to {LONGEST_NAME} bytes"
                )
        if "" in {self.using, self.check}:
            self._refuse("a condition is empty: write it, such as 'true'")

    @property
    def name_parts(self) -> tuple[str, ...]:
        """Schema, table and policy."""
        return (self.schema, self.table, self.name)

    @property
    def _target(self) -> str:
        return f"{sql.quote(self.name)} on {self.literal_table}"

    def create_statements(self) -> Iterable[str]:
        """Yield the policy and its comment, after the drop of one of the same name."""
        kind = "permissive" if self.permissive else "restrictive"
        yield from self.drop_statements()
        yield f"create policy {self._target}\nas {kind} for {self.command}{self._clauses()}"
        yield from self._comment()

    def replace_statements(self) -> Iterable[str]:
        """Yield ``alter policy``, which never leaves the table without the policy."""
        yield f"alter policy {self._target}{self._clauses()}"
        yield from self._comment()

    def _comment(self) -> Iterable[str]:
        # Supabase lets others than the owner of a table make its policies, and no comments.
        if not self.is_shared or self.comment is not None:
            yield comment_statement("policy", self._target, self.comment)

    def drop_statements(self) -> Iterable[str]:
        """Yield the drop of the policy."""
        yield f"drop policy if exists {self._target}"

    def _clauses(self) -> str:
        using = f"\nusing ({sql.on_own_lines(self.using)})" if self.using is not None else ""
        check = f"\nwith check ({sql.on_own_lines(self.check)})" if self.check is not None else ""
        return f"\nto {sql.roles(self.roles)}{using}{check}"

    def can_replace(self, other: Entity) -> bool:
        """Tell whether ``alter policy`` can do it.

        It can neither change the command or the mode, nor remove a condition. On a table of others
        a comment goes with the policy alone.
        """
        return (
            isinstance(other, Policy)
            and self.command == other.command
            and self.permissive == other.permissive
            and (self.check is not None or other.check is None)
            and (self.using is not None or other.using is None)
            and not self.loses_comment(other.comment, self.comment)
        )

    @classmethod
    def read(cls, connection: Connection, schemas: Sequence[str]) -> Sequence[Self]:
        """Return the policies on tables in ``schemas``."""
        return [
            cls.found(
                schema=row["schema"],
                table=row["table"],
                name=row["name"],
                command=row["command"],
                roles=tuple(row["roles"]),
                using=row["using"],
                check=row["check"],
                permissive=row["permissive"],
                comment=row["comment"],
                incomplete=row["incomplete"],
            )
            for row in catalog.rows(connection, _QUERY, schemas)
        ]


_QUERY = f"""
    select
        n.nspname as schema,
        c.relname as table,
        p.polname as name,
        case p.polcmd
            when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update'
            when 'd' then 'delete' else 'all'
        end as command,
        array(
            select case when r.oid = 0 then 'public' else pg_catalog.pg_get_userbyid(r.oid) end
            from unnest(p.polroles) as r (oid)
            order by 1
        ) as roles,
        pg_catalog.pg_get_expr(p.polqual, p.polrelid) as using,
        pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid) as check,
        case when p.polcmd = 'a' then p.polwithcheck else p.polqual end is null as incomplete,
        p.polpermissive as permissive,
        {catalog.comment("pg_policy", "p")} as comment
    from pg_catalog.pg_policy as p
    join pg_catalog.pg_class as c on c.oid = p.polrelid
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where n.nspname = any (%(schemas)s)
"""
