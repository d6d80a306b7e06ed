"""Row level security policies."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, Self

from sqlalchemy import Connection

from townhall.pg import catalog, sql
from townhall.pg.entity import Entity, TableEntity, comment_statement

_LONGEST_NAME = 63  # bytes

Command = Literal["select", "insert", "update", "delete", "all"]


@dataclass(frozen=True, kw_only=True)
class Policy(TableEntity):
    """A policy: which rows of a table some roles may reach with a command.

    Attributes:
        name: The name of the policy: a sentence that an auditor understands.
        command: The command it is for.
        roles: The roles it is for. There is no default: a policy says for whom it is.
        using: Which existing rows may be reached.
        check: Which rows may come out of it.
        permissive: Whether it gives access; a restrictive policy only narrows it.
        comment: What the policy is for.
    """

    kind: ClassVar[str] = "policy"
    name_fields: ClassVar[tuple[str, ...]] = ("schema", "table", "name")

    name: str
    command: Command
    roles: tuple[str, ...]
    using: str | None = None
    check: str | None = None
    permissive: bool = True
    comment: str | None = None

    def __post_init__(self) -> None:
        """Lay out the conditions and refuse a policy that PostgreSQL would refuse, or worse.

        Raises:
            ValueError: No role is named, the name is too long, or the conditions do not fit the
                command.
        """
        if not self.roles:
            self._refuse("names no role: add roles=('authenticated',)")
        if len(self.name.encode()) > _LONGEST_NAME:
            self._refuse(f"has a name of more than {_LONGEST_NAME} bytes, which PostgreSQL cuts")
        if self.command == "insert" and self.using is not None:
            self._refuse("is for insert, which has no existing row: use check instead of using")
        if self.command in {"select", "delete"} and self.check is not None:
            self._refuse(f"is for {self.command}, which makes no row: use using instead of check")
        if self.command == "insert" and self.check is None:
            self._refuse("is for insert and says nothing of the new row: add check")
        if self.command != "insert" and self.using is None:
            self._refuse(f"is for {self.command} and says nothing of the row: add using")
        for condition in ("using", "check"):
            text = getattr(self, condition)
            if text is not None:
                object.__setattr__(self, condition, sql.layout(text))

    def _refuse(self, why: str) -> None:
        raise ValueError(f"policy {self.name!r} on {self.schema}.{self.table} {why}")

    @property
    def name_parts(self) -> tuple[str, ...]:
        """Schema, table and policy."""
        return (self.schema, self.table, self.name)

    @property
    def _target(self) -> str:
        return f"{sql.quote(self.name)} on {self.literal_table}"

    def create_statements(self) -> Iterable[str]:
        """Yield the policy and its comment; one of this name that is there gives way."""
        kind = "permissive" if self.permissive else "restrictive"
        yield from self.drop_statements()
        yield f"create policy {self._target}\nas {kind} for {self.command}{self._clauses()}"
        yield comment_statement("policy", self._target, self.comment)

    def replace_statements(self) -> Iterable[str]:
        """Yield the change of the policy; at no moment is the table without it."""
        yield f"alter policy {self._target}{self._clauses()}"
        yield comment_statement("policy", self._target, self.comment)

    def drop_statements(self) -> Iterable[str]:
        """Yield the drop of the policy."""
        yield f"drop policy if exists {self._target}"

    def _clauses(self) -> str:
        using = f"\nusing ({sql.indented(self.using)})" if self.using is not None else ""
        check = f"\nwith check ({sql.indented(self.check)})" if self.check is not None else ""
        return f"\nto {sql.roles(self.roles)}{using}{check}"

    def can_replace(self, other: Entity) -> bool:
        """Tell whether ``alter policy`` will do: it can't change the command, nor take away."""
        return (
            isinstance(other, Policy)
            and self.command == other.command
            and self.permissive == other.permissive
            and (self.check is not None or other.check is None)
        )

    @classmethod
    def read(cls, connection: Connection, schemas: Sequence[str]) -> Sequence[Self]:
        """Return the policies on tables in ``schemas``; a condition left out reads as true."""
        return [
            cls(
                schema=row["schema"],
                table=row["table"],
                name=row["name"],
                command=row["command"],
                roles=tuple(row["roles"]),
                using=row["using"],
                check=row["check"],
                permissive=row["permissive"],
                comment=row["comment"],
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
        coalesce(
            pg_catalog.pg_get_expr(p.polqual, p.polrelid),
            case when p.polcmd <> 'a' then 'true' end
        ) as using,
        coalesce(
            pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid),
            case when p.polcmd = 'a' then 'true' end
        ) as check,
        p.polpermissive as permissive,
        {catalog.comment("pg_policy", "p")} as comment
    from pg_catalog.pg_policy as p
    join pg_catalog.pg_class as c on c.oid = p.polrelid
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where n.nspname = any (%(schemas)s)
"""
