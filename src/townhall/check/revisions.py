"""The revisions of a database beside those of its history."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, text

from townhall.check.errors import CheckError
from townhall.check.findings import Finding
from townhall.check.history import History
from townhall.check.impact import Severity
from townhall.check.repair import ADOPT, UPGRADE
from townhall.check.report import Answer
from townhall.migrate.guard.unknown_revisions import describe_unknown


def current_revisions(connection: Connection) -> set[str] | None:
    """Return the revisions in the version table, or None if this role may not read it."""
    readable = connection.scalar(text(_IS_READABLE))
    if readable is None:
        return set()
    if not readable:
        return None
    return set(connection.execute(text("select version_num from public.alembic_version")).scalars())


class Revisions:
    """Where a database is in a history."""

    def __init__(self, history: History, current: set[str] | None) -> None:
        """Compare the revisions of a database with a history.

        Args:
            history: The history.
            current: The revisions in the version table; None if it can't be read.
        """
        self._history = history
        self._current = current
        known = history.known()
        self.unknown = sorted((current or set()) - known)
        self._known = (current or set()) & known
        self._pending = history.after(self._known) if self._known else []

    def refuse_unknown(self) -> None:
        """Refuse a database whose revisions the history ought to have.

        Townhall alone lacks those of an application, and what it made can be compared all the same.
        But what a later release made would differ, and the repairs would undo it.

        Raises:
            CheckError: There are such revisions.
        """
        product = self._history.product
        own = "" if product is None else f"{product.name}_"  # so begin the ids of a product
        if any(name.startswith(own) for name in self.unknown):
            raise CheckError(describe_unknown(self.unknown, product))

    @property
    def has_none(self) -> bool:
        """Whether no revision has run in the database, and the history has some."""
        return self._current is not None and not self._current and bool(self._history.heads)

    @property
    def next(self) -> str | None:
        """The first pending revision; None where none is pending."""
        return self._pending[0].revision if self._pending else None

    @property
    def at_head(self) -> bool:
        """Whether the database is compared with the last revisions."""
        return not self._pending

    @property
    def to_compare(self) -> set[str]:
        """The revisions to compare the database with: its own, or the last ones."""
        return self._history.heads if self.at_head else self._known

    def answer(self) -> Answer:
        """Return the answer to the question about the revision."""
        heads = ", ".join(sorted(self._history.heads)) or "none"
        if self._current is None:
            words = f"not readable for this role, compared with {heads} (head)"
            return Answer("revision", words, is_good=True)
        if not self._current:
            is_good = not self._history.heads
            words = "none (head)" if is_good else f"none; head is {heads}"
            return Answer("revision", words, is_good=is_good)
        names = ", ".join(sorted(self._current))
        if self._pending:
            words = f"{names}; {len(self._pending)} pending: {UPGRADE}"
            return Answer("revision", words, is_good=False)
        if self.unknown:
            words = f"{names}; name the alembic.ini of the application with --config"
            return Answer("revision", words, is_good=True)
        return Answer("revision", f"{names} (head)", is_good=True)

    def findings(self, begun: str | None = None) -> Iterable[Finding]:
        """Yield a finding for each pending revision.

        Args:
            begun: The one of which a part is there already; None for none.
        """
        for script in self._pending:
            yield Finding(
                f"revision {script.revision}",
                "is half done" if script.revision == begun else "has not run",
                Severity.FUNCTIONAL,
                " ".join(script.doc.split()).rstrip("."),
                UPGRADE,
            )

    def first_step(self, existing: Sequence[str]) -> Finding:
        """Return the one finding of a database in which no revision has run.

        Args:
            existing: The tables of declared names that it has.
        """
        if not existing:
            impact = "nothing that is declared is there"
            return Finding("database", _NO_REVISION, Severity.FUNCTIONAL, impact, UPGRADE)
        impact = f"no revision made its tables {', '.join(existing)}, which are declared"
        return Finding("database", _NO_REVISION, Severity.FUNCTIONAL, impact, ADOPT)


_NO_REVISION = "no revision has run in it"

_IS_READABLE = """
    select pg_catalog.has_table_privilege(c.oid, 'select')
        and not pg_catalog.row_security_active(c.oid)
    from pg_catalog.pg_class as c
    where c.relnamespace = 'public'::regnamespace and c.relname = 'alembic_version'
"""
