"""The function with which clients save wizard sessions."""

from __future__ import annotations

from townhall.pg import AUTHENTICATED, SAFE_SEARCH_PATH, SERVICE, Entity, Function
from townhall.refusals import Kind, Refusal

# A save is one update, so that concurrent saves from two tabs lose nothing: the second waits for
# the first and merges its patch into the result. A caller who did not get the answer repeats the
# call: where the session has that status and all of the patch, there is nothing left to do.
SAVE_WIZARD_SESSION = Function(
    name="save_wizard_session",
    arguments={
        "session_id": "uuid",
        "patch": "jsonb default '{}'::jsonb",
        "stage": "integer default null::integer",
        "status": "text default null::text",
        "removed": "text[] default '{}'::text[]",
    },
    returns="public.wizard_sessions",
    language="plpgsql",
    settings={"search_path": SAFE_SEARCH_PATH},
    body="""
        declare
            saved public.wizard_sessions;
        begin
            update public.wizard_sessions as w
            set state =
                    (w.state - save_wizard_session.removed) || save_wizard_session.patch,
                stage = coalesce(save_wizard_session.stage, w.stage),
                status = coalesce(save_wizard_session.status, w.status)
            where w.id = save_wizard_session.session_id and w.status = 'in_progress'
            returning w.* into saved;
            if found then
                return saved;
            end if;
            select w.*
            into saved
            from public.wizard_sessions as w
            where w.id = save_wizard_session.session_id;
            if not found then
                raise exception 'wizard session % is not yours', session_id
                    using errcode = 'insufficient_privilege',
                        schema = 'public',
                        table = 'wizard_sessions',
                        constraint = 'wizard_session_is_own';
            end if;
            if saved.status = save_wizard_session.status
                and saved.stage = coalesce(save_wizard_session.stage, saved.stage)
                and saved.state =
                    (saved.state - save_wizard_session.removed)
                    || save_wizard_session.patch
            then
                return saved;
            end if;
            raise exception 'wizard session % is %', session_id, saved.status
                using errcode = 'check_violation',
                    hint = 'Only a session in progress can be saved.',
                    schema = 'public',
                    table = 'wizard_sessions',
                    column = 'status',
                    constraint = 'wizard_session_is_in_progress';
        end
    """,
    execute=(AUTHENTICATED, SERVICE),
    comment="Removes keys of a session in progress, merges a patch, and moves it to a stage"
    " or status; a call that is repeated returns the session.",
)

REFUSALS = {
    "wizard_session_is_own": Refusal(Kind.DENIED, "This wizard session is not yours."),
    "wizard_session_is_in_progress": Refusal(
        Kind.WRONG_STATE, "This wizard session is not in progress any more."
    ),
}

ENTITIES: tuple[Entity, ...] = (SAVE_WIZARD_SESSION,)
