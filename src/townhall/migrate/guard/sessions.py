"""Other sessions of the server, as messages name them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from townhall.printing import abridged

COLUMNS = """
    {alias}.pid,
    {alias}.usename as role,
    {alias}.application_name as application,
    {alias}.backend_type as kind,
    {alias}.state,
    date_trunc('second', {alias}.xact_start) as since,
    extract(epoch from clock_timestamp() - {alias}.xact_start)::int as seconds,
    date_trunc('second', {alias}.backend_start) as connected,
    {alias}.query,
    current_user::text as reader
"""
"""The columns of a :class:`Session`; ``alias`` is the one of ``pg_stat_activity``."""

_TIME = "%Y-%m-%d %H:%M:%S %Z"
_SHOWN = 3  # sessions in one message


class Session(NamedTuple):
    """A session, with what ``pg_stat_activity`` says of it.

    Attributes:
        pid: Its server process; 0 stands for a prepared transaction.
        role: The role that it logged in as.
        application: Its ``application_name``.
        kind: The kind of its server process.
        state: Whether it runs a statement; None where that is hidden from the reader.
        since: The start of its transaction.
        seconds: The age of its transaction in seconds.
        connected: When it connected.
        query: Its last statement.
        reader: The role that reads this.
    """

    pid: int | None
    role: str | None
    application: str | None
    kind: str | None
    state: str | None
    since: datetime | None
    seconds: int | None
    connected: datetime | None
    query: str | None
    reader: str

    def __str__(self) -> str:
        """Return who it is, since when its transaction runs, and what it runs."""
        if not self.pid:
            return "a prepared transaction (pg_prepared_xacts lists them)"
        who = [f"role {self.role}"] if self.role else [self.kind] if self.kind else []
        who += [f"application {self.application}"] if self.application else []
        name = f"server process {self.pid}" + (f" ({', '.join(who)})" if who else "")
        return f"{name}{self._activity()}"

    def _activity(self) -> str:
        if self.state is None:
            return (
                f"; what it runs is hidden from the role {self.reader}, which pg_read_all_stats"
                " would show it to"
                if self.role
                else ""
            )
        since = ""
        if self.since:
            since = f", in a transaction since {self.since:{_TIME}} ({self.seconds} s)"
        elif self.connected:
            since = f", connected since {self.connected:{_TIME}}"
        verb = "running" if self.state == "active" else "idle after"
        return f"{since}, {verb}: {abridged(self.query or '')}"


def listed(sessions: Sequence[Session]) -> str:
    """Return sessions as one text, the first ones in full."""
    others = len(sessions) - _SHOWN
    more = [f"{others} more"] if others > 0 else []
    return "; ".join([*map(str, sessions[:_SHOWN]), *more])


def of_rows(rows: Iterable[Sequence[Any]]) -> list[Session]:
    """Return the sessions whose columns a query selected first."""
    count = len(Session._fields)
    return [Session(*row[:count]) for row in rows]
