"""The order in which repairs run, which is found by running them.

The scratch database is given the differences of the checked one: the comparison the other way round
says how. Then the repairs run there. One that PostgreSQL refuses is tried again after the others,
then with what depends on it dropped before and created again behind it. What it refuses in every
order, or after a repair only that needs a decision, needs one as well. No rows are there, so what
rows refuse is not found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from sqlalchemy import URL, Connection, text
from sqlalchemy.exc import DBAPIError

from townhall.check.findings import Finding
from townhall.check.recreation import Recreation
from townhall.check.repair import AUTOGENERATE, DECLARE, takes_away
from townhall.check.scratch import ordinary_owner
from townhall.check.snapshot import Snapshot
from townhall.engines import autocommit
from townhall.migrate.savepoints import rolled_back
from townhall.pg.catalog import Grantees

_ROUNDS = 4
_AFTER = "it runs only after a repair that needs a decision"
_ENDED = "none: the repairs before it end this difference as well"

Key = tuple[str, str]


@dataclass(frozen=True)
class Sides:
    """What differs.

    Attributes:
        declared: What the revisions make.
        actual: What the checked database has.
        compare: Returns the differences between what is declared and what a database has.
        read: Reads what a database has from a connection.
        by_default: The roles to which the default privileges of the checked database give
            something.
    """

    declared: Snapshot
    actual: Snapshot
    compare: Callable[[Snapshot, Snapshot], Sequence[Finding]]
    read: Callable[[Connection], Snapshot]
    by_default: Grantees


def in_order(scratch: URL, findings: Sequence[Finding], sides: Sides) -> list[Finding]:
    """Return differences in an order in which their repairs run one after the other.

    Those that appear only after others were repaired follow, such as the parts of a missing schema.

    Args:
        scratch: The scratch database, at the revisions that the checked one is compared with. It is
            empty at the end.
        findings: The differences.
        sides: What differs.
    """
    if not findings:
        return []
    with ordinary_owner(scratch) as owned, autocommit(owned) as connection:
        connection.execute(text("set client_min_messages = warning"))
        _make_alike(connection, sides)
        return _Trial(connection, sides, {_key(each): each for each in findings}).ordered()


@contextmanager
def _transaction(connection: Connection) -> Iterator[Connection]:
    with (
        connection.engine.connect() as other,
        other.execution_options(isolation_level="READ COMMITTED").begin(),
    ):
        yield other


def _read(connection: Connection, sides: Sides) -> Snapshot:
    # The search path with which both sides were read is one of a transaction.
    with _transaction(connection) as reading:
        return sides.read(reading)


def _make_alike(connection: Connection, sides: Sides) -> None:
    for _ in range(_ROUNDS):
        present = _read(connection, sides)
        opposite = sides.compare(sides.actual, present)
        if not opposite:
            return
        runner = _Runner(connection)
        runner.run(list(dict.fromkeys(map(_sql, opposite))))
        recreation = Recreation(sides.actual, present, sides.by_default, may_lose=True)
        for finding in opposite:
            if _sql(finding) in runner.refused:
                around = runner.around(recreation, finding)
                # What else goes with it comes back in the next round.
                runner.run([around] if around else [])
                runner.run([f"{_sql(finding)} cascade"] if takes_away(_sql(finding)) else [])


@dataclass
class _Runner:
    # Runs SQL, each text in a transaction of its own.
    connection: Connection
    refused: dict[str, DBAPIError] = field(default_factory=dict)

    def run(self, scripts: Sequence[str]) -> list[int]:
        """Run scripts until none works any more.

        Returns:
            The numbers of those that worked, in the order in which they did.
        """
        done: list[int] = []
        pending = list(range(len(scripts)))
        while worked := [each for each in pending if self._works(scripts[each])]:
            done += worked
            pending = [each for each in pending if each not in worked]
        return done

    def around(self, recreation: Recreation, finding: Finding) -> str | None:
        """Return the repair of a finding with what depends on its object dropped and created."""
        with _transaction(self.connection) as connection, rolled_back(connection):
            return recreation.around(connection, finding)

    def _works(self, script: str) -> bool:
        try:
            self.connection.exec_driver_sql(script, execution_options={"no_parameters": True})
        except DBAPIError as error:
            self.refused[script] = error
            return False
        self.refused.pop(script, None)
        return True


@dataclass
class _Trial:
    connection: Connection
    sides: Sides
    found: dict[Key, Finding]
    done: dict[Key, Finding] = field(default_factory=dict)
    present: Snapshot = field(default_factory=dict)
    is_certain: bool = True

    def ordered(self) -> list[Finding]:
        """Run the repairs, and return the differences in the order in which they ended."""
        now = self._differences()
        # What the scratch database can't be given, such as a role, is not tried.
        others = [each for key, each in self.found.items() if key not in now]
        invented = now.keys() - self.found.keys()
        now = {key: each for key, each in now.items() if key not in invented}
        # What is certain runs without the rest, against which a person may decide.
        for self.is_certain in (True, False):
            for _ in range(_ROUNDS if now else 0):
                self._run(list(now.values()))
                former, now = now, self._differences()
                self._end(each for key, each in former.items() if key not in now)
                now = {key: each for key, each in now.items() if key not in invented}
                if now.keys() == former.keys():
                    break
        # Such objects of others use what is dropped.
        first = [each for each in others if takes_away(each.repair)]
        last = [each for each in others if each not in first]
        refused = self._refused(list(now.values()))
        return [*first, *self.done.values(), *refused, *last]

    def _differences(self) -> dict[Key, Finding]:
        self.present = _read(self.connection, self.sides)
        found = self.sides.compare(self.sides.declared, self.present)
        return {_key(each): self.found.get(_key(each), each) for each in found}

    def _run(self, findings: Iterable[Finding]) -> None:
        stuck = self._attempt([each for each in findings if self._is_tried(each)])
        runner = _Runner(self.connection)
        recreation = Recreation(self.sides.declared, self.present, self.sides.by_default)
        for each in stuck:
            if around := runner.around(recreation, each):
                self._attempt([replace(each, repair=around)])
        self._attempt([each for each in stuck if _key(each) not in self.done])

    def _is_tried(self, finding: Finding) -> bool:
        is_certain = finding.decision is None
        return finding.repair != AUTOGENERATE and (is_certain or not self.is_certain)

    def _attempt(self, findings: Sequence[Finding]) -> list[Finding]:
        # Appends those whose repairs work to what is done, and returns the others.
        worked = _Runner(self.connection).run(list(map(_sql, findings)))
        for number in worked:
            self._append(findings[number])
        return [each for number, each in enumerate(findings) if number not in worked]

    def _append(self, finding: Finding) -> None:
        # Where a repair has to run again, because another one undid it, the last time counts.
        self.done.pop(_key(finding), None)
        self.done[_key(finding)] = finding if self.is_certain else _decided(finding, _AFTER)

    def _end(self, findings: Iterable[Finding]) -> None:
        for each in findings:
            if _key(each) not in self.done:
                self._append(replace(each, repair=_ENDED))

    def _refused(self, findings: Sequence[Finding]) -> list[Finding]:
        for each in findings:
            self.done.pop(_key(each), None)
        runner = _Runner(self.connection)
        runner.run([_sql(each) for each in findings if each.repair != AUTOGENERATE])
        return [
            each
            if each.repair == AUTOGENERATE
            else _decided(each, _refusal(runner.refused.get(_sql(each))))
            for each in findings
        ]


def _key(finding: Finding) -> Key:
    return finding.object, finding.difference


def _sql(finding: Finding) -> str:
    return finding.repair.removeprefix(DECLARE)


def _decided(finding: Finding, why: str) -> Finding:
    return finding if finding.decision else replace(finding, decision=why)


def _refusal(error: DBAPIError | None) -> str:
    if error is None:
        return "it does not end the difference"
    first_line = str(error.orig).partition("\n")[0]
    return f"PostgreSQL refuses it: {first_line}"
