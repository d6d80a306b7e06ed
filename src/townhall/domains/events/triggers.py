"""What the database does by itself for events."""

from __future__ import annotations

from townhall.domains.identity.triggers import keep_updated_at
from townhall.pg import SAFE_SEARCH_PATH, Entity, Function, Trigger

APPLY_EVENT_NETWORKING_DEFAULT = Function(
    name="apply_event_networking_default",
    language="plpgsql",
    settings={"search_path": SAFE_SEARCH_PATH},
    body="""
        begin
            new.networking_opt_in := coalesce(
                (
                    select e.settings -> 'default_networking_opt_in' = 'true'::jsonb
                    from public.events as e
                    where e.id = new.event_id
                ),
                false
            );
            return new;
        end
    """,
    comment="ברירת המחדל של האירוע להסכמה לנטוורקינג"
    " (Gives a participant whose choice is not known the event's default; false where unset)",
)

FILL_PARTICIPANT_TRACK_EVENT = Function(
    name="fill_participant_track_event",
    language="plpgsql",
    settings={"search_path": SAFE_SEARCH_PATH},
    body="""
        begin
            new.event_id := (
                select p.event_id
                from public.participants as p
                where p.id = new.participant_id
            );
            return new;
        end
    """,
    comment="Fills the event of a placement from its participant.",
)

ENTITIES: tuple[Entity, ...] = (
    APPLY_EVENT_NETWORKING_DEFAULT,
    FILL_PARTICIPANT_TRACK_EVENT,
    keep_updated_at("events"),
    keep_updated_at("participants"),
    keep_updated_at("tracks"),
    keep_updated_at("table_assignments", comment="מעדכן את updated_at (Keeps updated_at)"),
    Trigger(
        table="participants",
        name="apply_event_networking_default",
        event="before insert",
        action="""
            for each row
            when (new.networking_opt_in is null)
            execute function public.apply_event_networking_default()
        """,
        comment="NULL הופך לברירת המחדל של האירוע (NULL becomes the event's default)",
    ),
    Trigger(
        table="participant_tracks",
        name="fill_participant_track_event",
        event="before insert or update of participant_id, event_id",
        action="for each row execute function public.fill_participant_track_event()",
        comment="Keeps the event of a placement that of its participant.",
    ),
)
