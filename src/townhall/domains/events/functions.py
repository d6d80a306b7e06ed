"""The functions of events: memberships for policies, and what clients call."""

from __future__ import annotations

from dataclasses import replace

from townhall.domains.events.models import Event, Participant
from townhall.domains.identity.functions import MY_MANAGED_ORGANIZATION_IDS
from townhall.pg import AUTHENTICATED, SAFE_SEARCH_PATH, Function
from townhall.pg.access import Declaration, membership, public_wrapper
from townhall.pg.layout import indented
from townhall.refusals import Kind, Refusal

# With offset, the membership is looked up for the event: joined, all of the caller's may be read.
MY_EVENT_IDS = membership(
    "my_event_ids",
    Event.id,
    """
    select e.id
    from public.events as e
    where e.organization_id = any (array(select private.my_organization_ids()))
    """,
    "The events of the organizations that the caller belongs to.",
    by_id="""
    select e.id
    from public.events as e
    where exists (
        select
        from public.organization_members as m
        where m.organization_id = e.organization_id
            and m.user_id = :caller
        offset 0
    )
    """,
)

MY_MANAGED_EVENT_IDS = membership(
    "my_managed_event_ids",
    Event.id,
    """
    select e.id
    from public.events as e
    where e.organization_id = any (
        array(select private.my_managed_organization_ids())
    )
    """,
    "The events that the caller manages, with an account.",
    by_id=f"""
    select e.id
    from public.events as e
    where exists (
        select
        from (
{indented(MY_MANAGED_ORGANIZATION_IDS.by_id or "", " " * 12)}
        ) as managed (id)
        where managed.id = e.organization_id
        offset 0
    )
    """,  # noqa: S608 - a query of ours
)

MY_PARTICIPANT_IDS = membership(
    "my_participant_ids",
    Participant.id,
    """
    select p.id
    from public.participants as p
    where p.user_id = :caller
    """,
    "The participants who have the caller's account.",
)

# Consent is the guest's own answer. A manager passes on that of a guest who has no account.
SET_NETWORKING_OPT_IN = Function(
    schema="private",
    name="set_networking_opt_in",
    arguments={"participant_id": "uuid", "opt_in": "boolean"},
    returns="void",
    language="plpgsql",
    security="definer",
    settings={"search_path": SAFE_SEARCH_PATH},
    body="""
        begin
            if opt_in is null then
                raise exception 'consent to networking is true or false, not null'
                    using errcode = 'not_null_violation',
                        schema = 'public',
                        table = 'participants',
                        column = 'networking_opt_in',
                        constraint = 'networking_opt_in_is_given';
            end if;
            update public.participants as p
            set networking_opt_in = set_networking_opt_in.opt_in
            where p.id = set_networking_opt_in.participant_id
                and (
                    p.user_id = :caller
                    or p.user_id is null
                        and private.my_managed_event_ids_include(p.event_id)
                );
            if not found then
                raise exception 'participant % is not yours', participant_id
                    using errcode = 'insufficient_privilege',
                        hint = 'Participants set their own opt-in, and managers'
                            ' that of guests without an account.',
                        schema = 'public',
                        table = 'participants',
                        column = 'networking_opt_in',
                        constraint = 'networking_opt_in_is_own';
            end if;
        end
    """,
    execute=(AUTHENTICATED,),
    comment="מעדכן בהרשאות הבעלים את ההסכמה: המשתתף את שלו, מנהל את של אורח ללא חשבון"
    " (Sets a networking opt-in with its owner's rights: the caller's own, or as a manager that of"
    " a guest without an account)",
)

PUBLIC_SET_NETWORKING_OPT_IN = replace(
    public_wrapper(SET_NETWORKING_OPT_IN),
    comment="מגדיר הסכמה לנטוורקינג: המשתתף את שלו, מנהל את של אורח ללא חשבון"
    " (Sets a networking opt-in: the caller's own, or as a manager that of a guest without an"
    " account; an error for another participant)",
)

REFUSALS = {
    "networking_opt_in_is_given": Refusal(Kind.OUT_OF_RANGE, "Answer yes or no."),
    "networking_opt_in_is_own": Refusal(
        Kind.DENIED,
        "Participants answer for themselves, and managers for guests without an account.",
    ),
}

ENTITIES: tuple[Declaration, ...] = (
    MY_EVENT_IDS,
    MY_MANAGED_EVENT_IDS,
    MY_PARTICIPANT_IDS,
    SET_NETWORKING_OPT_IN,
    PUBLIC_SET_NETWORKING_OPT_IN,
)
