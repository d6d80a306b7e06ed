"""The triggers of events: timestamps, consent to networking, the event of a track placement."""

from __future__ import annotations

from townhall.domains.identity.triggers import of_clients, updated_at_trigger
from townhall.pg import SAFE_SEARCH_PATH, Entity, Function, Trigger
from townhall.pg.layout import indented

START_NETWORKING_OPT_IN = Function(
    schema="private",
    name="start_networking_opt_in",
    language="plpgsql",
    security="definer",
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
    comment="ההסכמה לנטוורקינג של משתתף חדש שלא ענה בעצמו: NULL הופך לברירת המחדל של האירוע"
    " (Sets the opt-in of a new participant who has not answered: NULL to the event's default, or"
    " to false)",
)

# It tells clients apart within its body: a condition that calls functions is prepared for each
# statement, also where the first half is false.
LEAVE_NETWORKING_OPT_IN = Function(
    schema="private",
    name="leave_networking_opt_in",
    language="plpgsql",
    settings={"search_path": SAFE_SEARCH_PATH},
    body=f"""
        begin
            if {indented(of_clients("participants"), " " * 16).lstrip()}
            then
                new.networking_opt_in := false;
            end if;
            return new;
        end
    """,
    comment="בעל חשבון עונה בעצמו (Leaves the opt-in of a person with an account to them: what a"
    " client gives becomes false)",
)

WITHDRAW_NETWORKING_OPT_IN = Function(
    name="withdraw_networking_opt_in",
    language="plpgsql",
    settings={"search_path": SAFE_SEARCH_PATH},
    body="""
        begin
            new.networking_opt_in := false;
            return new;
        end
    """,
    comment="מבטל את ההסכמה לנטוורקינג (Sets the networking opt-in to false)",
)

FILL_PARTICIPANT_TRACK_EVENT = Function(
    schema="private",
    name="fill_participant_track_event",
    language="plpgsql",
    security="definer",
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
    START_NETWORKING_OPT_IN,
    LEAVE_NETWORKING_OPT_IN,
    WITHDRAW_NETWORKING_OPT_IN,
    FILL_PARTICIPANT_TRACK_EVENT,
    updated_at_trigger("events"),
    updated_at_trigger("participants"),
    updated_at_trigger("tracks"),
    updated_at_trigger("table_assignments", comment="מעדכן את updated_at (Sets updated_at)"),
    Trigger(
        table="participants",
        name="start_networking_opt_in",
        timing="before",
        events=("insert",),
        condition="new.networking_opt_in is null",
        function=START_NETWORKING_OPT_IN,
        comment="NULL הופך לברירת המחדל של האירוע (NULL becomes the event's default)",
    ),
    # Its name is before that of the trigger above, so that it fires first, and leaves the event's
    # default as it is.
    Trigger(
        table="participants",
        name="leave_networking_opt_in",
        timing="before",
        events=("insert",),
        condition="new.networking_opt_in and new.user_id is not null",
        function=LEAVE_NETWORKING_OPT_IN,
        comment="בעל חשבון עונה בעצמו (A person with an account answers for themselves)",
    ),
    Trigger(
        table="participants",
        name="withdraw_networking_opt_in",
        timing="before",
        events=("update",),
        columns=("user_id",),
        condition="old.user_id is distinct from new.user_id",
        function=WITHDRAW_NETWORKING_OPT_IN,
        comment="ההסכמה אינה עוברת לאדם אחר (A consent does not pass to another person)",
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
