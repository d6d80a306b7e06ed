"""Whether a migration of the database is running, or was interrupted.

What such a database lacks or has too much may be the work of the migration. So that is said first,
and nothing is proposed that would take it away.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection, text

from townhall.check.findings import Finding
from townhall.check.repair import UPGRADE, takes_away
from townhall.check.report import Answer
from townhall.check.snapshot import Object, Snapshot
from townhall.migrate.guard.locks import migration_processes
from townhall.pg.catalog import Constraint, Index

QUESTION = "migration"

_ADOPT = "run townhall adopt --apply again, with the same decisions"
_WAIT = "none while the migration runs: check again when it has ended"
_LEFT = "an interrupted build or validation may have left it"
_FIRST = "none until what the migration left is repaired: check again then"

# The processes are visible to every role, unlike what they build.
_BUILDS = text(
    """
    select p.pid
    from pg_catalog.pg_stat_progress_create_index as p
    where p.datname = current_database()
    order by p.pid
    """
)


@dataclass(frozen=True)
class Running:
    """What runs in the database.

    Attributes:
        migrations: The server processes that hold the lock of migrations.
        builds: Those that build an index.
    """

    migrations: Sequence[int]
    builds: Sequence[int]

    def __bool__(self) -> bool:
        """Whether something runs."""
        return bool(self.migrations or self.builds)

    def __str__(self) -> str:
        """Return what runs, in words."""
        if self.migrations:
            return f"running in server process {_listed(self.migrations)}"
        return f"an index is being built in server process {_listed(self.builds)}"


@dataclass(frozen=True)
class Migration:
    """A migration that is running, or that was interrupted.

    Attributes:
        running: What runs.
        begun: The pending revision of which a part is there; None for none.
        unfinished: The indexes that are not valid and the constraints that were not validated, by
            identity.
        of_adoption: Those that an adoption has left, which its next run completes.
        is_pending: Whether a revision is pending, which finishes them.
    """

    running: Running
    begun: str | None
    unfinished: Sequence[str]
    of_adoption: Sequence[str]
    is_pending: bool

    def answers(self) -> Iterable[Answer]:
        """Yield the answer to the question whether there is one; none where there is none."""
        if self.running:
            words = f"{self.running}; what differs may be its unfinished work"
        elif self.of_adoption:
            yield from interrupted_adoption(self.of_adoption)
            return
        elif self.begun is not None:
            words = f"interrupted: revision {self.begun} is half done: {UPGRADE}"
        elif self.unfinished:
            ending = f": {UPGRADE}" if self.is_pending else ""
            words = f"interrupted: {_not_valid(self.unfinished)}{ending}"
        else:
            return
        yield Answer(QUESTION, words, is_good=False)

    def without_harm(self, findings: Iterable[Finding]) -> list[Finding]:
        """Return findings whose repairs take nothing away that the migration may have made.

        Args:
            findings: The differences.
        """
        if self.running:
            return [_withheld(each, _WAIT) for each in findings]
        if self.of_adoption:
            return [
                _withheld(each, _ADOPT) if takes_away(each.repair) else each for each in findings
            ]
        if self.begun is None and not self.unfinished:
            return list(findings)
        return [self._harmless(each) if takes_away(each.repair) else each for each in findings]

    def _harmless(self, finding: Finding) -> Finding:
        if self.is_pending:
            return _withheld(finding, UPGRADE)
        if finding.object in self.unfinished:
            return replace(finding, decision=_LEFT)
        return _withheld(finding, _FIRST)


def interrupted_adoption(unfinished: Sequence[object]) -> Iterator[Answer]:
    """Yield the answer that an adoption was interrupted; none where it was not.

    Args:
        unfinished: What it has left that is not valid.
    """
    if unfinished:
        words = f"interrupted: {_not_valid([*map(str, unfinished)])}: {_ADOPT}"
        yield Answer(QUESTION, words, is_good=False)


def read_running(connection: Connection) -> Running:
    """Return what runs in the database of a connection, which is only read."""
    builds = list(connection.execute(_BUILDS).scalars())
    return Running(migration_processes(connection), builds)


def unfinished(snapshot: Snapshot, declared: Snapshot) -> list[str]:
    """Return the indexes and constraints that an interrupted migration may have left, by identity.

    Args:
        snapshot: The objects of the database.
        declared: What the revisions make, where a constraint may be meant to be not valid.
    """
    return [
        item.identity
        for key, item in sorted(snapshot.items())
        if not _is_valid(item) and (key not in declared or _is_valid(declared[key]))
    ]


def explained(differences: Iterable[Finding], at_head: Iterable[Finding]) -> list[Finding]:
    """Return the differences that a part of the pending revisions has made.

    Args:
        differences: Those from what the database's own revisions make.
        at_head: Those from what all revisions make.
    """
    remaining = {(each.object, each.difference) for each in at_head}
    return [each for each in differences if (each.object, each.difference) not in remaining]


def _is_valid(item: Object) -> bool:
    match item.record:
        case Index(is_valid=is_valid):
            return is_valid
        case Constraint(is_validated=is_validated):
            return is_validated
    return True


def _withheld(finding: Finding, instead: str) -> Finding:
    return replace(finding, repair=instead, decision=None)


def _not_valid(parts: Sequence[str]) -> str:
    return f"{', '.join(parts)} {'is' if len(parts) == 1 else 'are'} not valid"


def _listed(processes: Sequence[int]) -> str:
    return ", ".join(map(str, processes))
