"""Differences that need a hand: steps that are written, and refuse to run until they are edited."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from alembic.operations import MigrateOperation, Operations

from townhall.pg.decisions import undecided


@dataclass(frozen=True)
class Answer:
    """A usual way to make a difference disappear.

    Attributes:
        what: What it does, with its price: ``convert each value; one that is no number fails``.
        statements: The SQL; none where it is written elsewhere.
    """

    what: str
    statements: Sequence[str] = ()


class UndecidedOp(MigrateOperation):
    """A difference for which several revisions are possible, of which the author writes one."""

    def __init__(  # noqa: PLR0913 - each is a part of what is written
        self,
        difference: str,
        reason: str,
        answers: Sequence[Answer] = (),
        *,
        refused: Sequence[MigrateOperation] = (),
        steps: Sequence[MigrateOperation] = (),
        is_way_back: bool = False,
    ) -> None:
        """Take what is undecided.

        Args:
            difference: The difference in words: ``alter_column public.events number``.
            reason: Why it needs a hand: PostgreSQL's message.
            answers: The usual answers.
            refused: The operations that PostgreSQL refuses, to be written as a comment.
            steps: The operations that run once it is decided: they could not be tried.
            is_way_back: Whether it undoes what is decided in the upgrade.
        """
        self.difference, self.reason, self.answers = difference, reason, tuple(answers)
        self.refused, self.steps = tuple(refused), tuple(steps)
        self.is_way_back = is_way_back

    @property
    def summary(self) -> str:
        """The difference and the reason, on one line."""
        return f"{self.difference}: {self.reason.partition(chr(10))[0]}"

    def reverse(self) -> UndecidedOp:
        """Return the way back, which needs a hand as well."""
        return UndecidedOp(
            self.difference,
            "it undoes what upgrade() does there",
            steps=[step.reverse() for step in reversed(self.steps)],
            is_way_back=not self.is_way_back,
        )

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """Return the diff tuple: ``("undecided", "alter_column public.events number: …")``."""
        return ("undecided", self.summary)


class LaterOp(UndecidedOp):
    """A difference that the next revision removes, when this one is committed."""

    def reverse(self) -> LaterOp:
        """Return the operation itself: nothing is done."""
        return self

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """Return the diff tuple: ``("in_the_next_revision", "add_check public.events …: …")``."""
        return ("in_the_next_revision", self.summary)


@Operations.implementation_for(UndecidedOp)
def _refuse(operations: Operations, operation: UndecidedOp) -> None:
    del operations
    undecided(operation.summary)


@Operations.implementation_for(LaterOp)
def _do_nothing(operations: Operations, operation: LaterOp) -> None:
    del operations, operation
