"""The first revision, whose steps were tried in an empty scratch database."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Connection

from townhall.engines import engine_of
from townhall.migrate.compare.simulation import Failure
from townhall.migrate.savepoints import NO_PRIVILEGE, sqlstate
from townhall.migrate.write.decisions import comment
from townhall.migrate.write.python_source import render_sql
from townhall.pg.state import read_state
from townhall.pull.declarable import Declarable
from townhall.pull.scratch import Scratch
from townhall.pull.source import Source, roles_of
from townhall.pull.steps import Step, steps_of, table_step_name
from townhall.pull.trial import in_order
from townhall.roles import Roles

_TEMPLATE = '''"""The schema as it was pulled.

On the database that it was read from, `alembic stamp head` tells Alembic that it is there already.
A downgrade drops everything, with all rows.

Revision: {revision}
Revises:
"""

from __future__ import annotations

{imports}

revision = "{revision}"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
{upgrade}


def downgrade() -> None:
{downgrade}
'''
_IMPORTS = {
    "op.": "from alembic import op",
    "pg.": "from townhall import pg",
    "safety.": "from townhall.migrate import safety",
    "Roles(": "from townhall.roles import Roles",
}


class Written(NamedTuple):
    """What became of the steps that did not run in the scratch database, in words.

    Attributes:
        untried: Those that only a superuser may run; the revision has them as they are.
        refused: Those that PostgreSQL refused; the revision has them as undecided.
    """

    untried: Sequence[str]
    refused: Sequence[str]


def write_first_revision(
    folder: Path, package: str, source: Source, declared: Declarable, scratch: Scratch
) -> Written:
    """Write the first revision of a pulled application.

    Args:
        folder: The folder of the application.
        package: The name of its package.
        source: The database that it was read from.
        declared: The entities of the database.
        scratch: The scratch database.

    Returns:
        The steps that did not run.
    """
    with engine_of(scratch.database).connect() as connection:
        tried = _tried(connection, source, declared, scratch)
    path = folder / "migrations" / "versions" / f"{package}_0001_the_schema_as_it_was_pulled.py"
    path.write_text(_text(f"{package}_0001", source, tried), encoding="utf-8")
    return Written([each.name for each in tried.untried], [*map(_in_words, tried.refused)])


@dataclass(frozen=True)
class _Tried:
    steps: Sequence[Step]
    drops: Sequence[Step]
    untried: Sequence[Step]
    not_made: Sequence[Failure[Step]]
    not_dropped: Sequence[Failure[Step]]

    @property
    def refused(self) -> Sequence[Failure[Step]]:
        return [*self.not_made, *self.not_dropped]


def _tried(
    connection: Connection, source: Source, declared: Declarable, scratch: Scratch
) -> _Tried:
    entities = read_state(connection, source.schemas)
    steps, failures = in_order(connection, steps_of(source, declared, entities))
    failures = [*scratch.refused, *failures]
    # The scratch database belongs to an ordinary role.
    untried = [each.step for each in failures if sqlstate(each.error) == NO_PRIVILEGE]
    drops, left = _dropped(connection, [each for each in reversed(steps) if each.drop_calls])
    # An extension can only be dropped by who created it, which is not this role.
    first = [*scratch.schemas, *scratch.extensions]
    return _Tried(
        [*first, *steps],
        [*_reversed(untried), *drops, *_reversed(first)],
        untried,
        [each for each in failures if each.step not in untried],
        left,
    )


def _reversed(steps: Sequence[Step]) -> Sequence[Step]:
    return [each.reversed for each in reversed(steps)]


def _text(revision: str, source: Source, tried: _Tried) -> str:
    return _written(
        revision,
        [
            *_create_roles(roles_of(source)),
            *(call for step in tried.steps for call in step.calls),
            *(line for step in tried.untried for line in [*comment(_UNTRIED), *step.calls]),
            *(line for each in tried.not_made for line in _undecided(each)),
        ],
        [
            *(call for step in tried.drops for call in step.calls),
            *(line for each in tried.not_dropped for line in _undecided(each)),
        ],
    )


_UNTRIED = "Not tried when it was pulled: only a superuser may run it."


def _dropped(
    connection: Connection, steps: Sequence[Step]
) -> tuple[Sequence[Step], Sequence[Failure[Step]]]:
    drops, left = in_order(connection, [each.reversed for each in steps if not each.goes_with])
    # A policy on one table may read another one that can only be dropped before it.
    tables = {failure.step.name for failure in left}
    policies = [
        each.reversed
        for each in steps
        if each.goes_with and table_step_name(each.goes_with) in tables
    ]
    if not policies:
        return drops, left
    more, left = in_order(connection, [*policies, *(failure.step for failure in left)])
    return [*drops, *more], left


def _create_roles(roles: Roles) -> Iterable[str]:
    if roles.names:
        every = ("anonymous", "user", "service")
        given = ", ".join(f"{each}={getattr(roles, each)!r}" for each in every)
        yield f"safety.create_roles(Roles({given}))"


def _undecided(failure: Failure[Step]) -> Iterable[str]:
    yield from comment(f"UNDECIDED: {_in_words(failure)}")
    yield from comment("Write what fits in place of the call. PostgreSQL refused:")
    for call in failure.step.calls:
        yield from (f"#     {line}".rstrip() for line in call.split("\n"))
    yield f"pg.undecided({render_sql(_in_words(failure), 12)})"


def _in_words(failure: Failure[Step]) -> str:
    reason, _, _ = failure.message.partition("\n")
    return f"{failure.step.name}: {reason}"


def _written(revision: str, upgrade: Sequence[str], downgrade: Sequence[str]) -> str:
    bodies = [textwrap.indent("\n".join(calls) or "pass", "    ") for calls in (upgrade, downgrade)]
    return _TEMPLATE.format(
        revision=revision,
        imports="\n".join(
            line for mark, line in _IMPORTS.items() if any(mark in body for body in bodies)
        ),
        upgrade=bodies[0],
        downgrade=bodies[1],
    )
