"""The triggers of the wizard: timestamps, and the state of completed sessions."""

from __future__ import annotations

from townhall.pg import SAFE_SEARCH_PATH, Entity, Function, Trigger
from townhall.refusals import Kind, Refusal

UPDATE_WIZARD_SESSION_TIMESTAMP = Function(
    name="update_wizard_session_timestamp",
    language="plpgsql",
    settings={"search_path": SAFE_SEARCH_PATH},
    # clock_timestamp(), unlike now(), differs between two saves in one transaction.
    body="""
        declare
            saved_at constant timestamptz := clock_timestamp();
        begin
            if tg_op = 'UPDATE' then
                if old.status = 'completed' and new.state is distinct from old.state then
                    raise exception 'wizard session % is completed: its state stays', old.id
                        using errcode = 'check_violation',
                            hint = 'Set its status to in_progress first.',
                            schema = 'public',
                            table = 'wizard_sessions',
                            column = 'state',
                            constraint = 'wizard_session_is_open';
                end if;
                new.last_saved_at := saved_at;
            end if;
            if new.status is distinct from 'completed' then
                new.completed_at := null;
            elsif tg_op = 'INSERT' then
                new.completed_at := coalesce(new.completed_at, saved_at);
            elsif old.status <> 'completed' then
                new.completed_at := saved_at;
            end if;
            return new;
        end
    """,
    comment="Sets last_saved_at and completed_at; refuses a change of a completed session's state.",
)

REFUSALS = {
    "wizard_session_is_open": Refusal(
        Kind.WRONG_STATE, "This wizard session is completed: what was entered stays."
    ),
}

ENTITIES: tuple[Entity, ...] = (
    UPDATE_WIZARD_SESSION_TIMESTAMP,
    Trigger(
        table="wizard_sessions",
        name="update_wizard_session_timestamp",
        timing="before",
        events=("insert", "update"),
        function=UPDATE_WIZARD_SESSION_TIMESTAMP,
        comment="Sets last_saved_at and completed_at; refuses a change of a completed"
        " session's state.",
    ),
)
