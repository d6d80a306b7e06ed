"""What every domain stands on: the trigger function that keeps ``updated_at``."""

from __future__ import annotations

from townhall.pg import Entity, Function, Trigger

UPDATE_UPDATED_AT_COLUMN = Function(
    name="update_updated_at_column",
    language="plpgsql",
    settings={"search_path": ""},
    body="""
        begin
            new.updated_at := now();
            return new;
        end
    """,
    comment="Stamps updated_at; the trigger function that every table with timestamps shares.",
)


def keep_updated_at(table: str) -> Trigger:
    """Return the trigger that stamps ``updated_at`` on every update of a table.

    Args:
        table: The name of a table of schema ``public``.
    """
    return Trigger(
        table=table,
        name=f"update_{table}_updated_at",
        event="before update",
        action="for each row execute function public.update_updated_at_column()",
        comment="Keeps updated_at.",
    )


ENTITIES: tuple[Entity, ...] = (UPDATE_UPDATED_AT_COLUMN,)
