"""The triggers of people and organizations, and the one that every domain shares."""

from __future__ import annotations

from collections.abc import Iterable

from townhall.pg import Entity, Trigger, sql


def keep_updated_at(
    table: str, columns: Iterable[str] = (), comment: str = "Keeps updated_at."
) -> Trigger:
    """Return the trigger that stamps ``updated_at`` on every update of a table.

    Args:
        table: The name of a table of schema ``public``.
        columns: The columns whose update counts as one; none for all of them.
        comment: The comment on the trigger.
    """
    return Trigger(
        table=table,
        name=f"update_{table}_updated_at",
        event=" of ".join(filter(None, ("before update", sql.quote_all(columns)))),
        action="for each row execute function public.update_updated_at_column()",
        comment=comment,
    )


ENTITIES: tuple[Entity, ...] = (keep_updated_at("profiles"), keep_updated_at("organizations"))
