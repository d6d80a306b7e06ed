"""The triggers of events: timestamps, consent to networking, the event of a track placement."""

from __future__ import annotations

from townhall.domains.identity.triggers import updated_at_trigger
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
    comment="ברירת המחדל של האירוע להסכמה לנטוורקינג (Sets the opt-in of a participant"
    " without a choice to the event's default, or to false)",
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
    comment="Sets event_id to the event of the participant.",
)

ENTITIES: tuple[Entity, ...] = (
    APPLY_EVENT_NETWORKING_DEFAULT,
    FILL_PARTICIPANT_TRACK_EVENT,
    updated_at_trigger("events"),
    updated_at_trigger("participants"),
    updated_at_trigger("tracks"),
    updated_at_trigger("table_assignments", comment="מעדכן את updated_at (Sets updated_at)"),
    Trigger(
        table="participants",
        name="apply_event_networking_default",
        timing="before",
        events=("insert",),
        condition="new.networking_opt_in is null",
        function=APPLY_EVENT_NETWORKING_DEFAULT,
        comment="NULL הופך לברירת המחדל של האירוע (NULL becomes the event's default)",
    ),
    Trigger(
        table="participant_tracks",
        name="fill_participant_track_event",
        timing="before",
        events=("insert", "update"),
        columns=("participant_id", "event_id"),
        function=FILL_PARTICIPANT_TRACK_EVENT,
        comment="Sets event_id to the event of the participant.",
    ),
)
