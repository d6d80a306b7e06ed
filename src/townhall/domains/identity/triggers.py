"""The triggers of identity, and the one for updated_at that all domains share."""

from __future__ import annotations

from collections.abc import Iterable

from townhall.pg import SAFE_SEARCH_PATH, Entity, Function, Trigger

UPDATE_UPDATED_AT_COLUMN = Function(
    schema="private",
    name="update_updated_at_column",
    language="plpgsql",
    settings={"search_path": SAFE_SEARCH_PATH},
    body="""
        begin
            new.updated_at := now();
            return new;
        end
    """,
    comment="Sets updated_at to now(); shared by all tables with timestamps.",
)


def updated_at_trigger(
    table: str, columns: Iterable[str] = (), comment: str = "Sets updated_at."
) -> Trigger:
    """Return the trigger that sets ``updated_at`` on every update of a table.

    Args:
        table: The name of a table of schema ``public``.
        columns: The columns whose update counts as one; none for all of them.
        comment: The comment on the trigger.
    """
    return Trigger(
        table=table,
        name=f"update_{table}_updated_at",
        timing="before",
        events=("update",),
        columns=tuple(columns),
        function=UPDATE_UPDATED_AT_COLUMN,
        comment=comment,
    )


ENTITIES: tuple[Entity, ...] = (
    UPDATE_UPDATED_AT_COLUMN,
    updated_at_trigger("profiles"),
    updated_at_trigger("organizations"),
)
