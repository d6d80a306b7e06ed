"""The memory of what was there before the revisions, and the statements that use it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, text

from townhall.migrate.origins.procedures import procedures
from townhall.pg import (
    DataType,
    DefaultPrivileges,
    Entity,
    MaterializedView,
    Policy,
    Routine,
    SchemaAccess,
    TableGrant,
    Trigger,
    View,
    sql,
)
from townhall.pg import Sequence as NumberSequence

ORIGINS_OPTION = "townhall_origins"
"""The option of a migration context with its :class:`Origins`."""

Origin = Literal["found", "made"]

Part = tuple[str, str, str, str]
"""The schema and the name of a table, and the kind and the name of what belongs to it."""


@dataclass(frozen=True)
class Origins:
    """Where the memory is, and its statements.

    It is a table in the schema of helpers that is made only where there is something to remember.
    Of each table of a declared name that no revision made it holds the parts that were there
    (``found``) with the SQL that makes them, and those that revisions or an adoption put beside
    them (``added``). ``made`` are tables of revisions that a stamp has taken out of the history.

    The statements call temporary functions: :meth:`install` creates them in a session first.

    Attributes:
        schema: The schema of helpers.
        api_roles: The roles that requests act as, which the memory is closed to.
    """

    schema: str
    api_roles: tuple[str, ...]

    TABLE = "townhall_origins"

    @property
    def table(self) -> str:
        """The qualified name of the memory."""
        return sql.qualified(self.schema, self.TABLE)

    @classmethod
    def of(cls, context: MigrationContext) -> Origins | None:
        """Return that of a run; None where another program than this package's runs it."""
        origins = context.opts.get(ORIGINS_OPTION)
        return origins if isinstance(origins, Origins) else None

    def exists(self, connection: Connection) -> bool:
        """Tell whether there is something to remember.

        Args:
            connection: A connection to the database.
        """
        exists = text("select pg_catalog.to_regclass(:name) is not null")
        return bool(connection.scalar(exists, {"name": self.table}))

    def install(self) -> list[str]:
        """Return the statements that create the temporary functions in a session."""
        return procedures(self.schema, self.TABLE, self.api_roles)

    def remember(
        self,
        tables: Iterable[tuple[str, Sequence[str]]],
        origin: Origin = "found",
        revision: str | None = None,
    ) -> str:
        """Return the statement that records tables that exist, with all that they have.

        Those that are known already stay as they are.

        Args:
            tables: A schema and the names that a table may have in it.
            origin: Whether they were found, or made by a revision that is applied no longer.
            revision: The revision that made them; applied again, it takes them over.
        """
        names = json.dumps([[schema, sorted(each)] for schema, each in tables])
        arguments = f"{sql.literal(names)}, {sql.literal(origin)}, {sql.literal(revision)}"
        return _do(f"perform pg_temp.townhall_remember({arguments});")

    def remember_objects(
        self, objects: Iterable[Part], origin: Origin = "found", revision: str | None = None
    ) -> str:
        """Return the statement that records objects beside tables, with the SQL that makes them.

        Args:
            objects: Kind, schema and name of each, and the name of a trigger or a policy of that
                table, the role of a grant, or the owner of default privileges.
            origin: As for :meth:`remember`.
            revision: As for :meth:`remember`.
        """
        listed = json.dumps([list(each) for each in objects])
        arguments = f"{sql.literal(listed)}, {sql.literal(origin)}, {sql.literal(revision)}"
        return _do(f"perform pg_temp.townhall_remember_objects({arguments});")

    def begin(self, objects: Iterable[Part], revision: str) -> str:
        """Return the statement that records what a revision makes before it commits on its way.

        If it is interrupted behind that, it meets what it has made. What was found stays found.

        Args:
            objects: Kind, schema and name of each, and the name of a trigger or a policy.
            revision: The revision; once it is applied, all of it is forgotten.
        """
        listed = json.dumps(sorted(list(each) for each in objects))
        return _do(
            f"perform pg_temp.townhall_begin({sql.literal(listed)}, {sql.literal(revision)});"
        )

    def forget(self, schema: str, name: str) -> str:
        """Return the statement that forgets a table that a revision drops.

        Args:
            schema: The schema of the table.
            name: The name of the table.
        """
        called = f"{sql.literal(schema)}, {sql.literal(name)}"
        return self.where_remembered(f"perform pg_temp.townhall_forget({called});")

    def note(self, *, by_us: bool, applied: Sequence[str] = ()) -> str:
        """Return the statement that records what has changed on tables that were found.

        Args:
            by_us: Whether a revision or an adoption has changed it: what is new is then added, and
                what is gone or changed comes back with a downgrade. Otherwise others have, and it
                is theirs.
            applied: Revisions that have just been applied; what they made is the history's again.
        """
        listed = ", ".join(map(sql.literal, applied))
        call = f"pg_temp.townhall_note({str(by_us).lower()}, array[{listed}]::text[])"
        return self.where_remembered(f"perform {call};")

    def intend(self, part: Part) -> str:
        """Return the statement that records that a part is going to be added.

        Where the step that adds it commits by itself, and is interrupted behind that, the next run
        would take the part for another's.

        Args:
            part: The schema and the name of its table, its kind and its name.
        """
        called = ", ".join(map(sql.literal, part))
        return self.where_remembered(f"perform pg_temp.townhall_intend({called});")

    def intend_drop(self, part: Part) -> str:
        """Return the statement that records that a part is going to be dropped.

        It comes back with a downgrade, also where the run is interrupted behind the drop.

        Args:
            part: As for :meth:`intend`.
        """
        is_part = f"({', '.join(map(sql.literal, part))})"
        return self.where_remembered(
            f"update {self.table} as o set seen = null"
            f" where (o.schema_name, o.object_name, o.kind, o.part) = {is_part};"
        )

    def drop_statements(self, entity: Entity, undone: str | None) -> list[str]:
        """Return the statements that drop an entity, or put back what had its name before.

        Args:
            entity: What a revision drops.
            undone: The revision that is being taken back, which puts back what it has replaced;
                None for a revision that is being applied, which drops.
        """
        statements = list(entity.drop_statements())
        remembered = self._remembered(entity)
        if undone is None or remembered is None:
            return statements
        drop = ";\n".join(statements)
        call = (
            f"pg_temp.townhall_drop_object({remembered}, {sql.literal(drop)},"
            f" {sql.literal(undone)})"
        )
        return [self.where_remembered(f"perform {call};", f"{drop};")]

    def _remembered(self, entity: Entity) -> str | None:
        """Return schema, name, kind and part of what an entity may have in the memory, as SQL."""
        match entity:
            case Routine():
                part = (
                    "(select oidvectortypes(p.proargtypes) from pg_catalog.pg_proc as p"
                    f" where p.oid = to_regprocedure({sql.literal(entity.literal_signature)}))"
                )
                names = ", ".join(map(sql.literal, (entity.schema, entity.name, "function")))
                return f"{names}, {part}"
            case View() | MaterializedView():
                place = (entity.name, "view", "")
            case DataType():
                place = (entity.name_parts[-1], "type", "")
            case NumberSequence():
                place = (entity.name_parts[-1], "sequence", "")
            case SchemaAccess():
                place = (entity.schema, "schema", "")
            case TableGrant():
                place = (entity.table, "table grant", entity.role)
            case DefaultPrivileges():
                place = (entity.objects, "default privileges", entity.owner or "")
                if entity.everywhere:
                    return ", ".join(map(sql.literal, ("", *place)))
            case Trigger() | Policy() if entity.is_shared:
                place = (entity.table, entity.kind, entity.name)
            case _:
                return None
        return ", ".join(map(sql.literal, (entity.schema, *place)))

    def end(self, version_table: str) -> str:
        """Return the statement that takes back the rest and ends the memory, at base.

        Args:
            version_table: The qualified name of Alembic's table, which is empty or gone at base.
        """
        return self.where_remembered(
            f"if to_regclass({sql.literal(version_table)}) is not null then"
            f" if exists (select from {version_table}) then return; end if;"
            " end if;\n        perform pg_temp.townhall_end();"
        )

    def renamed_part(self, schema: str, table: str, previous: str, name: str) -> str:
        """Return the statement that records that a constraint or an index was renamed.

        Args:
            schema: The schema of the table.
            table: The name of the table.
            previous: The name that the constraint or index had.
            name: The name that it has.
        """
        arguments = ", ".join(map(sql.literal, (schema, table, previous, name)))
        return _do(f"perform pg_temp.townhall_renamed_part({arguments});")

    def index_was_found(self, schema: str, name: str) -> str:
        """Return the condition that an index is as it was before, where there is a memory."""
        return f"pg_temp.townhall_index_was_found({sql.literal(schema)}, {sql.literal(name)})"

    def unless_index_was_found(self, schema: str, name: str, drop: str) -> str:
        """Return the statement that runs the drop of an index that was not there before."""
        condition = self.index_was_found(schema, name)
        guarded = f"if not {condition} then\n            {drop};\n        end if;"
        return self.where_remembered(guarded, f"{drop};")

    def where_remembered(self, statement: str, otherwise: str | None = None) -> str:
        """Return a statement that runs one where there is a memory, and otherwise another.

        Args:
            statement: A statement of PL/pgSQL, with its semicolon.
            otherwise: Another one; by default nothing.
        """
        present = f"to_regclass({sql.literal(self.table)}) is not null"
        rest = f"\n    else\n        {otherwise}" if otherwise else ""
        return _do(f"if {present} then\n        {statement}{rest}\n    end if;")


@contextmanager
def committed_apart(context: MigrationContext, part: Part | None = None) -> Iterator[None]:
    """Commit what a revision did so far, and run a block whose statements commit by themselves.

    What the block is going to add is recorded before: if the run is interrupted behind it, the next
    one would take it for found.

    Args:
        context: The migration context of the revision, within its transaction.
        part: The part that the block adds: the schema and the name of its table, its kind and name.
    """
    origins = Origins.of(context)
    with context.autocommit_block():
        if origins is not None and part is not None:
            context.execute(sql.statement(origins.intend(part)))
        yield


def _do(statement: str) -> str:
    return f"do $do$\nbegin\n    {statement}\nend\n$do$"
