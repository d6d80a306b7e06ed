"""The functions that all domains share."""

from __future__ import annotations

from townhall.pg import SAFE_SEARCH_PATH, Entity, Function

UPDATE_UPDATED_AT_COLUMN = Function(
    name="update_updated_at_column",
    language="plpgsql",
    settings={"search_path": SAFE_SEARCH_PATH},
    body="""
        begin
            new.updated_at := now();
            return new;
        end
    """,
    comment="Stamps updated_at; the trigger function that every table with timestamps shares.",
)

ENTITIES: tuple[Entity, ...] = (UPDATE_UPDATED_AT_COLUMN,)
