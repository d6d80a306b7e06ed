"""The first revision, whose steps were tried in an empty scratch database."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path

from sqlalchemy import URL, Connection, NullPool, create_engine

from townhall.migrate.compare.schemas import missing_schemas
from townhall.migrate.compare.simulation import Failure
from townhall.migrate.write.decisions import comment
from townhall.migrate.write.python_source import render_sql
from townhall.pg import Extension
from townhall.pg.state import read_state
from townhall.pull.declarable import Declarable
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


def write_first_revision(
    folder: Path, package: str, source: Source, declared: Declarable, database: URL
) -> Sequence[str]:
    """Write the first revision of a pulled application.

    Args:
        folder: The folder of the application.
        package: The name of its package.
        source: The database that it was read from.
        declared: The entities of the database.
        database: The scratch database, which has what the platform has.

    Returns:
        The steps that PostgreSQL refused, in words; the revision has them as undecided.
    """
    with create_engine(database, poolclass=NullPool).connect() as connection:
        text, refused = _tried(connection, package, source, declared)
    path = folder / "migrations" / "versions" / f"{package}_0001_the_schema_as_it_was_pulled.py"
    path.write_text(text, encoding="utf-8")
    return [_in_words(each) for each in refused]


def _tried(
    connection: Connection, package: str, source: Source, declared: Declarable
) -> tuple[str, Sequence[Failure[Step]]]:
    extensions = {each.schema for each in declared.made if isinstance(each, Extension)}
    missing = missing_schemas(connection, {*source.schemas, *extensions})
    names = [each.name for each in missing]
    entities = read_state(connection, source.schemas)
    steps, refused = in_order(connection, steps_of(source, declared, names, entities))
    drops, left = _dropped(connection, [each for each in reversed(steps) if each.drop_calls])
    upgrade = [
        *_create_roles(roles_of(source)),
        *(call for step in steps for call in step.calls),
        *(line for each in refused for line in _undecided(each)),
    ]
    downgrade = [
        *(call for step in drops for call in step.calls),
        *(line for each in left for line in _undecided(each)),
    ]
    return _written(f"{package}_0001", upgrade, downgrade), [*refused, *left]


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
