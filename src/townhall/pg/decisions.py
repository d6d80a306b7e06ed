"""The step of a revision that its author has not decided yet."""

from __future__ import annotations

from alembic.util import CommandError


def undecided(difference: str) -> None:
    """Refuse to run a revision until a difference in it is decided.

    Autogenerate writes it where PostgreSQL can't tell what is meant, with the usual answers.

    Args:
        difference: What is undecided, and why.

    Raises:
        CommandError: Always.
    """
    words = " ".join(difference.split())
    raise CommandError(
        f"this revision is not finished, and was rolled back: {words}. Open it, write what is"
        " to be done in place of pg.undecided(...), and run it again."
    )
