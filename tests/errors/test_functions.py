"""Every error that a declared function raises names its rule, and is explained."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from townhall import entities, metadata
from townhall.domains.community.models.communities import MOST_LEVELS
from townhall.domains.product import PRODUCT
from townhall.errors import Kind, explain
from townhall.pg import Function

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlalchemy import Connection

    from townhall.session import SessionFactory

RAISE = re.compile(r"\braise\s+(?!warning|notice|info|debug|log)\w[^;]*;")
ITEM = re.compile(r"\b(constraint|schema|table|column) = '(\w+)'")
SENTENCE = re.compile(r"[A-Z][^_{}]*\.")


def raises() -> Iterator[tuple[str, dict[str, str]]]:
    """Yield each statement that raises an error, with the name of its function."""
    for entity in entities:
        if isinstance(entity, Function):
            for statement in RAISE.findall(entity.body):
                yield entity.name, dict(ITEM.findall(statement))


RULES = {items.get("constraint", name): items for name, items in raises()}
CONSTRAINTS = {str(each.name) for table in metadata.tables.values() for each in table.constraints}


@dataclass(frozen=True)
class Case:
    """What makes a function raise an error.

    Attributes:
        statement: The statement; ``given`` are its parameters.
        kind: The kind that the error is explained as.
        given: Queries for the parameters; ``user`` is the user who runs the statement.
        prepared: Statements that run before, as a superuser.
        role: Who runs it, where no user does.
        claims: Claims of the user's token.
    """

    statement: str
    kind: Kind
    given: Mapping[str, str] = field(default_factory=dict)
    prepared: tuple[str, ...] = ()
    role: str = "service"
    claims: Mapping[str, object] = field(default_factory=dict)


def in_chain(levels: int, **columns: str) -> tuple[str, ...]:
    """Return the inserts of communities, each below the one before it."""
    given = {"name": "'c'", "slug": "'c' || {}", "is_private": "false", **columns}
    return tuple(
        f"insert into communities (id, parent_community_id, {', '.join(given)})"
        f" values ({key(each)}, {key(each - 1) if each else 'null'}, "
        f"{', '.join(given.values()).format(each)})"
        for each in range(levels)
    )


def key(number: int) -> str:
    return f"'00000000-0000-4000-8000-{number:012}'"


MINE = {"id": "select id from wizard_sessions", "user": "select user_id from wizard_sessions"}
OWN = {
    "id": "select id from participant_sessions",
    "user": "select user_id from participant_sessions",
}
COMPLETED = ("update wizard_sessions set status = 'completed'",)
STRANGER = {"user": "select gen_random_uuid()"}

CASES = {
    "organization_has_owner": Case(
        "delete from organization_members where user_id = :user",
        Kind.WRONG_STATE,
        {"user": "select user_id from organization_members"},
        ("update organization_members set role = 'owner'",),
    ),
    "community_has_owner": Case(
        "delete from community_members where user_id = :user",
        Kind.WRONG_STATE,
        {"user": "select user_id from community_members where role = 'owner'"},
        ("update community_members set role = 'owner'",),
    ),
    "community_is_not_below_itself": Case(
        f"update communities set parent_community_id = {key(1)} where id = {key(0)}",
        Kind.WRONG_STATE,
        prepared=in_chain(2),
    ),
    "community_levels": Case(
        in_chain(MOST_LEVELS + 1)[-1], Kind.WRONG_STATE, prepared=in_chain(MOST_LEVELS)
    ),
    "community_below_private_is_private": Case(
        f"update communities set is_private = false where id = {key(1)}",
        Kind.WRONG_STATE,
        prepared=in_chain(2, is_private="true"),
    ),
    "community_above_public_is_public": Case(
        f"update communities set is_private = true where id = {key(0)}",
        Kind.WRONG_STATE,
        prepared=in_chain(2),
    ),
    "parent_community_is_moderated": Case(
        f"update communities set parent_community_id = {key(0)} where id = :id",
        Kind.DENIED,
        {
            "id": "select community_id from community_members where role = 'owner'",
            "user": "select user_id from community_members where role = 'owner'",
        },
        in_chain(1),
    ),
    "blocker_is_signed_in": Case(
        "select public.block_founder(gen_random_uuid())", Kind.DENIED, role="nobody"
    ),
    "blocker_has_account": Case(
        "select public.block_founder(gen_random_uuid())",
        Kind.DENIED,
        {"user": "select user_id from community_members limit 1"},
        claims={"is_anonymous": True},
    ),
    "a_benchmark_is_refreshed": Case(
        "select public.refresh_benchmark_aggregates()",
        Kind.WRONG_STATE,
        prepared=(
            """
            do $$
            declare
                dropped text;
            begin
                for dropped in
                    select i.indexrelid::regclass::text
                    from pg_index as i
                    join pg_class as c on c.oid = i.indrelid
                    where c.relkind = 'm' and i.indisunique
                loop
                    execute 'drop index ' || dropped;
                end loop;
            end
            $$
            """,
        ),
    ),
    "wizard_session_is_own": Case(
        "select public.save_wizard_session(gen_random_uuid())", Kind.DENIED, STRANGER
    ),
    "wizard_session_is_in_progress": Case(
        "select public.save_wizard_session(:id)", Kind.WRONG_STATE, MINE, COMPLETED
    ),
    "wizard_session_is_open": Case(
        """update wizard_sessions set state = '{"a": 1}'""", Kind.WRONG_STATE, MINE, COMPLETED
    ),
    "tenant_has_domain": Case(
        "select public.verify_custom_domain(:id, 'nowhere.example')",
        Kind.WRONG_STATE,
        {"id": "select id from tenant_profiles"},
    ),
    "participant_session_is_own": Case(
        "select public.start_participant_session(gen_random_uuid())", Kind.DENIED, STRANGER
    ),
    "participant_session_is_pending": Case(
        "select public.start_participant_session(:id)",
        Kind.WRONG_STATE,
        OWN,
        ("update participant_sessions set status = 'completed'",),
    ),
    "participant_session_is_in_progress": Case(
        "select public.complete_participant_session(:id)", Kind.WRONG_STATE, OWN
    ),
    "pk_usage_events": Case(
        "select public.log_usage_event(gen_random_uuid(), 'x', p_id => :id)",
        Kind.DUPLICATE,
        {"id": "select id from usage_events"},
    ),
    "networking_opt_in_is_given": Case(
        "select public.set_networking_opt_in(gen_random_uuid(), null)",
        Kind.OUT_OF_RANGE,
        STRANGER,
    ),
    "networking_opt_in_is_own": Case(
        "select public.set_networking_opt_in(:id, true)",
        Kind.DENIED,
        {"id": "select id from participants", **STRANGER},
    ),
    "fk_social_feed_comments_parent_comment": Case(
        "update social_feed_comments set parent_comment_id = gen_random_uuid()",
        Kind.MISSING_REFERENCE,
    ),
}


@pytest.mark.parametrize(("name", "items"), [*raises()])
def test_each_error_of_a_function_names_its_rule_and_table(
    name: str, items: dict[str, str]
) -> None:
    del name
    assert items.get("constraint") in PRODUCT.refusals.keys() | CONSTRAINTS
    if items["constraint"] == "a_benchmark_is_refreshed":
        return
    table = metadata.tables[items["table"]]
    assert items["schema"] == "public"
    assert items.get("column", "id") in table.columns


def test_each_rule_of_a_function_has_a_case_and_no_other_has() -> None:
    assert CASES.keys() == RULES.keys()
    assert PRODUCT.refusals.keys() == RULES.keys() - CONSTRAINTS


@pytest.mark.parametrize("rule", CASES)
def test_error_of_a_function_is_explained(
    filled_connection: Connection, filled_sessions: SessionFactory, rule: str
) -> None:
    case = CASES[rule]
    for statement in case.prepared:
        filled_connection.execute(text(statement))
    given = {name: filled_connection.scalar(text(query)) for name, query in case.given.items()}
    if case.role == "nobody":
        filled_connection.execute(text("set local role authenticated"))
        with pytest.raises(DBAPIError) as raised, filled_connection.begin_nested():
            filled_connection.execute(text(case.statement))
    else:
        user = given.get("user")
        acting = (
            filled_sessions.as_service()
            if user is None
            else filled_sessions.as_user(user, claims=case.claims)
        )
        with pytest.raises(DBAPIError) as raised, acting as session:
            session.execute(text(case.statement), given)
    found = explain(raised.value)
    assert found is not None
    items = RULES[rule]
    assert (found.kind, found.constraint) == (case.kind, rule)
    assert found.table == items.get("table")
    assert found.columns == ((items["column"],) if "column" in items else ())
    assert SENTENCE.fullmatch(found.sentence), found.sentence
    declared = PRODUCT.refusals.get(rule)
    assert declared is None or found.sentence == declared.sentence
