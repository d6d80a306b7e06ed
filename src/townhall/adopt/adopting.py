"""Taking over a database as it was decided."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from alembic.util import CommandError
from sqlalchemy import URL

from townhall.adopt.adoption import Adoption, Outcome
from townhall.adopt.comparison import tables_of
from townhall.adopt.decisions import Decisions
from townhall.adopt.expressions import Declared, enclosed, refuse_expressions
from townhall.adopt.findings import Finding, Weight, listed
from townhall.adopt.looking import look_at
from townhall.adopt.plan import Choices, before_upgrade
from townhall.adopt.states import States, read_states
from townhall.adopt.words import counted
from townhall.check.connection import reading
from townhall.migrate.guard.limits import milliseconds
from townhall.migrate.guard.lock_timeouts import LockTimeout
from townhall.migrate.guard.wait_limits import BY_DEFAULT, WaitLimit
from townhall.migrate.urls import psycopg_url
from townhall.pg import sql

LOCK_TIMEOUT = "5s"
"""How long a statement waits for a lock, as PostgreSQL writes durations."""

_MOST = 10


def adopt(  # noqa: PLR0913 - each is an option of its own
    url: str | URL,
    decisions: Decisions | None = None,
    *,
    config: Path | None = None,
    scratch: str | None = None,
    lock_timeout: str = LOCK_TIMEOUT,
    wait: str = BY_DEFAULT,
    tell: Callable[[str], None] = lambda _: None,
) -> Outcome:
    """Take over a database: bring its tables to the declared shape, and upgrade it to head.

    Each step is committed before the next one. An interrupted adoption goes on with the next call;
    where nothing is left to do, nothing is done.

    Args:
        url: The database, as the role that owns its tables.
        decisions: What was decided about what a look finds; None for nothing.
        config: The ``alembic.ini`` of an application on top of townhall; None for townhall alone.
        scratch: The URL of a database on a server of the same major version, as a role that may
            create databases there; None for the embedded server.
        lock_timeout: How long a statement waits for a lock while other sessions queue behind it, as
            PostgreSQL writes durations.
        wait: How long to wait for another migration of the database: a number of seconds, or a
            duration as PostgreSQL writes it.
        tell: Is called with each step before it runs.

    Raises:
        CheckError: The database can't be read; the message says why and what to do.
        CommandError: Something stands in the way or is not decided, and nothing was changed; or a
            step was refused, and those before it are kept.
        DecisionError: A decision is about nothing that was found, or its SQL is not exactly one
            expression.
    """
    limit = WaitLimit(wait, "--wait 30min")
    return _prepared(url, decisions, config, scratch, lock_timeout).run(tell, limit)


def script(
    url: str | URL,
    decisions: Decisions | None = None,
    *,
    config: Path | None = None,
    scratch: str | None = None,
    lock_timeout: str = LOCK_TIMEOUT,
) -> str:
    """Return what :func:`adopt` does as a script for psql; the database is only read.

    Args:
        url: As for :func:`adopt`.
        decisions: As for :func:`adopt`.
        config: As for :func:`adopt`.
        scratch: As for :func:`adopt`.
        lock_timeout: As for :func:`adopt`.

    Raises:
        CheckError: As for :func:`adopt`.
        CommandError: Something stands in the way or is not decided.
        DecisionError: As for :func:`adopt`.
    """
    return _prepared(url, decisions, config, scratch, lock_timeout).script()


def _prepared(
    url: str | URL,
    decisions: Decisions | None,
    config: Path | None,
    scratch: str | None,
    lock_timeout: str,
) -> Adoption:
    milliseconds(lock_timeout)  # refuses what is no duration
    database = psycopg_url(url, "the URL") if isinstance(url, str) else url
    decided = decisions or Decisions()
    states = read_states(database, config=config, scratch=scratch)
    findings = look_at(database, states).findings
    declared = _declared(states)
    if not states.is_begun:
        decided.check(findings, _never_null(declared))
    with reading(database) as connection:
        refuse_expressions(connection, decided, declared)
    decided = decided.named_at_head(states.renames)
    _refuse(findings, decided)
    choices = Choices(
        {column: enclosed(value) for column, value in decided.fill.items()},
        {column: enclosed(value) for column, value in decided.convert.items()},
        frozenset(name for name, answer in decided.objects.items() if answer == "drop"),
    )
    timeout = LockTimeout(lock_timeout, "--lock-timeout 30s")
    return Adoption(database, states, choices, config, timeout)


def _declared(states: States) -> Declared:
    former = before_upgrade(states.creations, states.at_head, states.actual)
    pending = [item for key, item in states.at_head.items() if key not in states.actual]
    return Declared(
        tables_of({**former, **states.declared}),
        tables_of(states.actual),
        frozenset(
            name
            for item in pending
            for first, *rest in [item.names]
            for part in [rest[0].partition("(")[0] if rest else first]
            for name in (part, f"{first}.{part}")
        ),
    )


def _never_null(declared: Declared) -> Iterator[str]:
    # A fill of a column that has no NULL does nothing.
    for name in declared.tables.keys() & declared.actual.keys():
        for column in declared.tables[name].columns.values():
            if not column.is_nullable:
                yield sql.qualified(*name, column.name)


def _refuse(findings: Iterable[Finding], decisions: Decisions) -> None:
    stops = [each for each in findings if each.weight is Weight.STOP]
    if stops:
        first = [f"{each.object} {each.text}: {each.plan}." for each in stops[:_MOST]]
        if len(stops) > _MOST:
            first.append(f"`townhall adopt` names {len(stops) - _MOST} more.")
        number = counted(len(stops), "finding")
        raise CommandError(
            f"nothing was changed, because of {number} to correct by hand. {' '.join(first)}"
        )
    undecided = [each.key for each in decisions.undecided(findings)]
    if undecided:
        raise CommandError(
            f"nothing was changed, because {listed(undecided, _MOST)}"
            f" {'needs a decision' if len(undecided) == 1 else 'need decisions'}: give it with"
            " --drop or --keep, or let --write-decisions FILE write a file of the questions, answer"
            " them, and name the file with --decisions."
        )
