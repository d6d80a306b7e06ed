"""An adoption from its first step to the check at its end, run or written as a script."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from alembic.config import Config
from sqlalchemy import URL, Connection, text

from townhall.adopt.comparison import tables_of
from townhall.adopt.created_tables import CreatedTable
from townhall.adopt.findings import listed
from townhall.adopt.foreign import (
    as_remembered,
    drops_after,
    in_the_way,
    named_at_head,
    others,
    owners,
    replaced,
)
from townhall.adopt.plan import Choices, Plan, before_upgrade
from townhall.adopt.running import run_step, script_of
from townhall.adopt.states import States
from townhall.adopt.step import Step
from townhall.adopt.triggers import Triggers
from townhall.adopt.upgrade import Upgrade
from townhall.adopt.writes import Sources
from townhall.check.snapshot import Key, Snapshot, read
from townhall.migrate.guard.connections import connected
from townhall.migrate.guard.limits import limits_of_script, reset_of_script
from townhall.migrate.guard.lock_timeouts import LockTimeout
from townhall.migrate.guard.migrating import migrating
from townhall.migrate.guard.ownership import (
    other_owners,
    owned_by_others,
    refuse_without_temporary_objects,
)
from townhall.migrate.guard.refusal import refuse_online
from townhall.migrate.guard.wait_limits import WaitLimit
from townhall.migrate.origins import Origins
from townhall.migrate.origins.kept import keep
from townhall.migrate.origins.unfinished import read_unfinished
from townhall.migrate.savepoints import run_script
from townhall.pg import sql
from townhall.pg.catalog import TableName


@dataclass(frozen=True)
class Outcome:
    """What an adoption did.

    Attributes:
        done: The titles of its steps; none where nothing was left to do.
        differences: What ``alembic check`` says at the end; nothing where it is silent.
    """

    done: Sequence[str]
    differences: Sequence[str]


class Adoption:
    """An adoption of one database."""

    def __init__(
        self,
        database: URL,
        states: States,
        choices: Choices,
        ini: Path | None,
        lock_timeout: LockTimeout,
    ) -> None:
        """Take what a look has read.

        Args:
            database: The database, as the role that owns it.
            states: What is declared and what the database has.
            choices: What was decided.
            ini: The ``alembic.ini`` of an application; None for townhall alone.
            lock_timeout: How long a statement waits for a lock.
        """
        self._database = database
        self._states = states
        self._choices = choices
        self._lock_timeout = lock_timeout
        self._upgrade = Upgrade(ini, lock_timeout)
        settings = states.settings
        self._schemas = (*settings.schemas, settings.helper_schema)
        self._origins = Origins(settings.helper_schema, settings.roles.names)

    def run(self, tell: Callable[[str], None], limit: WaitLimit) -> Outcome:
        """Adopt the database; what an interrupted run has done is not done again.

        Args:
            tell: Is called with each step before it runs.
            limit: How long to wait for another migration.

        Raises:
            CommandError: Another migration did not end in time, a step was refused, or a lock was
                not granted in time; the steps before it are kept.
        """
        done: list[str] = []
        timeout = self._lock_timeout.duration
        with (
            _connected(self._database, self._schemas) as connection,
            migrating(connection, self._lock_timeout, limit, is_passed=False),
        ):

            def run(steps: Iterable[Step]) -> None:
                for step in steps:
                    tell(step.title)
                    run_step(connection, self._origins, step, timeout)
                    done.append(step.title)

            self._refuse(connection)
            with connection.begin():
                unfinished = read_unfinished(connection)
            if unfinished:
                tell(f"go on with what an interrupted run left not valid: {_listed(unfinished)}")
            self._run_script(connection, self._begin())
            alone, going = self._replaced()
            run([*alone, *self._before(connection)])
            if self._states.is_behind:
                for title in (*(each.title for each in chain(*going.values())), _UPGRADE):
                    tell(title)
                    done.append(title)
                self._upgrade.run(connection, _statements(going))
            run(self._left(connection))
            self._run_script(connection, self._keep())
            return Outcome(done, self._upgrade.differences(connection))

    def script(self) -> str:
        """Return the same as a script for psql, which is not run.

        The steps behind the upgrade are those that are known before it.
        """
        alone, going = self._replaced()
        with _connected(self._database, self._schemas) as connection, connection.begin():
            wanted = self._wanted()
            plan = Plan(connection, self._choices, self._states.actual, wanted)
            before = [*alone, *self._opened(wanted), *plan.steps_before()]
            tables = tables_of(self._states.at_head)
            renames = self._states.renames
            at_head = {
                name: table
                for name in tables_of(wanted)
                if (table := tables.get(renames.get(name, name))) is not None
            }
            actual = named_at_head(self._states.actual, renames)
            after = [*plan.steps_after(at_head), *self._drops_after(actual)]
        timeout = self._lock_timeout.duration
        current = self._states.current
        upgrade = (
            self._upgrade.script(current, _statements(going)) if self._states.is_behind else ""
        )
        return "\n".join(
            [
                "\\set ON_ERROR_STOP on",
                *_closed(limits_of_script(timeout)),
                *_closed(self._begin()),
                *script_of(self._origins, before, timeout),
                f"-- {_UPGRADE}\n",
                upgrade,
                *_closed(limits_of_script(timeout)),
                *script_of(self._origins, after, timeout),
                *_closed(self._keep()),
                *_closed(reset_of_script()),
                "",
            ]
        )

    def _refuse(self, connection: Connection) -> None:
        with connection.begin():
            refuse_without_temporary_objects(connection)
            run_script(connection, self._origins.install())
            messages = [other_owners(self._names()), owned_by_others(owners(self._states))]
            refuse_online(connection, messages)

    def _names(self) -> list[TableName]:
        creations = self._states.creations
        return [
            *(_name(each) for each in creations),
            *(each.name for each in creations if each.name is not None),
        ]

    def _begin(self) -> list[str]:
        states = self._states
        in_way = in_the_way(states.at_head, states.actual, states.made, self._choices.drops)
        return [
            *self._origins.install(),
            self._origins.note(by_us=False),
            self._origins.remember([(schema, [name]) for schema, name in self._names()]),
            self._origins.remember_objects(map(as_remembered, in_way.values())),
        ]

    def _wanted(self) -> Snapshot:
        return before_upgrade(self._states.creations, self._states.at_head, self._states.actual)

    def _opened(self, wanted: Snapshot) -> Iterator[Step]:
        """Yield what lets the owner of tables reach all of their rows, which are filled next."""
        for key in wanted:
            access = self._states.actual.get(("table access", *key[1:]))
            if access is not None and access.facts["forced"]:
                table = sql.qualified(*key[1:])
                yield Step(
                    f"no longer force row level security on the owner of {table}",
                    (f"alter table {table} no force row level security",),
                )

    def _before(self, connection: Connection) -> list[Step]:
        with connection.begin():
            wanted = self._wanted()
            plan = Plan(connection, self._choices, self._states.actual, wanted)
            return [*self._opened(wanted), *plan.steps_before()]

    def _left(self, connection: Connection) -> list[Step]:
        settings, at_head = self._states.settings, self._states.at_head
        schemas = sorted({key[1] for key in at_head if key[0] == "schema"})
        with connection.begin():
            actual = read(connection, schemas, settings.roles.names, settings.kinds)
            found: set[Key] = {("table", *name) for name in self._found(connection)}
            declared = {key: item for key, item in at_head.items() if key in found}
            steps = Plan(connection, self._choices, actual, declared).steps()
            return [*steps, *self._drops_after(actual)]

    def _replaced(self) -> tuple[list[Step], dict[str, list[Step]]]:
        """Return what goes at once, and by revision what goes with what that makes in its place."""
        states = self._states
        tables = {*tables_of(states.at_head), *tables_of(states.actual)}
        bodies = (states.declared_bodies, states.bodies)
        code = (Sources(each, tables) for each in bodies)
        triggers = Triggers(states.at_head, states.actual, *code)
        alone: list[Step] = []
        by_revision: dict[str, list[Step]] = {}
        for each in replaced(states, self._choices.drops, triggers):
            revision = self._upgrade.first_to_make(each.by, states.current)
            if revision is None:
                alone.append(each.step)
            else:
                by_revision.setdefault(revision, []).append(each.step)
        return alone, by_revision

    def _drops_after(self, actual: Snapshot) -> Iterator[Step]:
        yield from drops_after(self._states.at_head, actual, self._choices.drops)

    def _keep(self) -> list[str]:
        # A table that was renamed is declared with its last name.
        former: set[Key] = {("table", *_name(each)) for each in self._states.creations}
        beside = others(self._states.at_head, self._states.actual, self._choices.drops)
        return keep(self._origins, self._states.at_head.keys(), beside - former)

    def _found(self, connection: Connection) -> list[TableName]:
        query = f"""
            select o.schema_name, o.object_name
            from {self._origins.table} as o
            where o.kind = 'table' and o.origin = 'found' and o.decision is null
        """
        if not self._origins.exists(connection):
            return []
        return [(row.schema_name, row.object_name) for row in connection.execute(text(query))]

    @staticmethod
    def _run_script(connection: Connection, statements: Sequence[str]) -> None:
        with connection.begin():
            run_script(connection, statements)


_MOST = 5
_UPGRADE = "upgrade to head"


def _statements(steps: Mapping[str, Sequence[Step]]) -> dict[str, list[str]]:
    return {
        revision: [statement for step in each for statement in step.statements]
        for revision, each in steps.items()
    }


def _listed(parts: Iterable[object]) -> str:
    return listed([*map(str, parts)], _MOST)


def _name(creation: CreatedTable) -> TableName:
    return creation.table.schema, creation.table.name


def _closed(statements: Iterable[str]) -> Iterator[str]:
    return (f"{sql.closed(each)};" for each in statements)


def _connected(database: URL, schemas: Iterable[str]) -> AbstractContextManager[Connection]:
    url = database.render_as_string(hide_password=False)
    return connected(Config(), {"url": url}, schemas)
