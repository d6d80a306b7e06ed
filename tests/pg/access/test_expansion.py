"""What rules are expanded to: row level security, exact grants, one policy per command and role."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest

from tests.pg.access.models import Note, Receipt, Team
from townhall import pg
from townhall.pg.access import (
    Access,
    Principal,
    anyone,
    anyone_with,
    entities_of,
    grants_of,
    membership,
    owner,
    signed_in,
)
from townhall.roles import Roles

MY_TEAM_IDS = membership("my_team_ids", Team.id, "select 1", "The caller's teams.")
members = anyone_with(Note.team_id, MY_TEAM_IDS, "members of the team")
SERVICE_ONLY = "the service can do everything"


def policies(rule: Access, roles: Roles | None = None) -> dict[str, pg.Policy]:
    return {
        entity.name: entity
        for entity in entities_of([rule], roles or Roles())
        if isinstance(entity, pg.Policy)
    }


def table_access(rule: Access, roles: Roles | None = None) -> pg.TableAccess:
    (access,) = (
        entity
        for entity in entities_of([rule], roles or Roles())
        if isinstance(entity, pg.TableAccess)
    )
    return access


def test_rule_without_principals_is_for_the_service_alone() -> None:
    assert table_access(Access(Note)).row_security
    assert table_access(Access(Note)).grants == {"service_role": ("all",)}
    assert policies(Access(Note)).keys() == {SERVICE_ONLY}


def test_entities_are_those_of_the_rules_table() -> None:
    assert {entity.name_parts[:2] for entity in entities_of([Access(Team, read=signed_in)])} == {
        ("app", "teams")
    }


def test_grants_list_the_columns_that_clients_may_write() -> None:
    rule = Access(
        Note, read=members, write=owner(Note.owner_id), fixed=(Note.team_id, Note.owner_id)
    )
    assert grants_of(rule) == {
        "authenticated": (
            "select",
            "insert (id, owner_id, team_id, text)",
            "update (text)",
            "delete",
        ),
        "service_role": ("all",),
    }


def test_policy_names_are_sentences() -> None:
    rule = Access(Note, read=members, write=owner(Note.owner_id))
    assert list(policies(rule)) == [
        "members of the team can read",
        "the owner can insert",
        "the owner can update",
        "the owner can delete",
        "the service can do everything",
    ]


def test_check_of_an_update_repeats_its_condition() -> None:
    made = policies(Access(Note, read=signed_in, write=owner(Note.owner_id)))
    updated = made["the owner can update"]
    assert updated.using == updated.check == "owner_id = (select auth.uid())"
    assert made["the owner can insert"].using is None
    assert made["the owner can delete"].check is None


def test_check_of_an_update_is_the_condition_of_becomes() -> None:
    new = members.where("likes = 0", "while it is new")
    updated = policies(Access(Note, read=signed_in, update=members, becomes=new))[
        "members of the team can update"
    ]
    assert updated.using == members.condition
    assert updated.check == f"({members.condition})\nand (likes = 0)"


def test_given_policies_replace_those_of_the_principals() -> None:
    own = pg.Policy(
        table="notes",
        name="own notes",
        command="all",
        roles=("authenticated",),
        using=owner(Note.owner_id).condition,
        check=owner(Note.owner_id).condition,
    )
    rule = Access(Note, read=owner(Note.owner_id), policies=(own,))
    assert policies(rule).keys() == {"own notes", SERVICE_ONLY}
    assert policies(rule)["own notes"].using == "owner_id = (select auth.uid())"
    assert grants_of(rule)["authenticated"] == ("select",)


def test_anonymous_callers_have_grants_and_policies_of_their_own() -> None:
    popular = anyone.where("likes > 9", "reading a popular note")
    rule = Access(Note, read=popular | members, insert=anyone)
    made = policies(rule)
    assert made["anyone reading a popular note can read without signing in"] == pg.Policy(
        table="notes",
        name="anyone reading a popular note can read without signing in",
        command="select",
        roles=("anon",),
        using="likes > 9",
    )
    assert made["anyone can insert without signing in"].check == "true"
    assert made["anyone reading a popular note or members of the team can read"].roles == (
        "authenticated",
    )
    assert grants_of(rule)["anon"] == ("select", "insert (id, owner_id, team_id, text)")


def test_anonymous_update_becomes_its_anonymous_part() -> None:
    rule = Access(
        Note,
        read=anyone,
        update=anyone,
        becomes=anyone.where("likes = 0", "of new notes") | members,
    )
    made = policies(rule)
    assert made["anyone can update without signing in"].check == "likes = 0"
    assert made["anyone can update"].check == f"likes = 0\nor {members.condition}"


@pytest.mark.parametrize("command", ["select", "insert", "update", "delete"])
def test_command_has_one_permissive_policy_per_role(command: str) -> None:
    rule = Access(Note, read=anyone, write=owner(Note.owner_id) | anyone)
    for role in ("anon", "authenticated", "service_role"):
        made = [
            policy
            for policy in policies(rule).values()
            if role in policy.roles and policy.command in {command, "all"}
        ]
        assert len(made) == 1


def test_rules_are_expanded_for_the_roles_of_an_application() -> None:
    roles = Roles(
        anonymous="web", user="app user", service=None, caller="app.me()", caller_type=int
    )
    rule = Access(Note, read=anyone, update=owner(Note.owner_id))
    assert table_access(rule, roles).grants == {
        "app user": ("select", "update (owner_id, team_id, text)"),
        "web": ("select",),
    }
    assert table_access(rule, roles).api_roles == ("web", "app user")
    made = policies(rule, roles)
    assert SERVICE_ONLY not in made
    assert made["the owner can update"].roles == ("app user",)
    assert made["the owner can update"].using == "owner_id = (select app.me())"


def test_rule_for_anyone_needs_no_users() -> None:
    roles = Roles(anonymous="web", user=None, service=None)
    assert policies(Access(Note, read=anyone), roles).keys() == {
        "anyone can read without signing in"
    }


@pytest.mark.parametrize(
    ("rule", "roles", "refusal"),
    [
        (
            Access(Note, read=anyone),
            Roles(anonymous=None),
            "the access rule of Note is for anonymous callers, and the application has no role",
        ),
        (
            Access(Note, read=signed_in),
            Roles(user=None),
            r"for users who are signed in, .* set Roles\(user=…\) or leave them out of the rule",
        ),
        (Access(Note, read=anyone, insert=signed_in), Roles(user=None), "who are signed in"),
    ],
)
def test_rule_for_a_role_that_is_absent_is_refused(
    rule: Access, roles: Roles, refusal: str
) -> None:
    with pytest.raises(ValueError, match=refusal):
        entities_of([rule], roles)


def test_caller_is_replaced_in_entities() -> None:
    function, view, trigger = entities_of(
        [
            pg.Function(name="me", returns="uuid", body="select :caller, x::caller from :callers"),
            pg.View(name="mine", definition="select n.id from notes as n where n.owner = :caller"),
            pg.ReplicaIdentity(table="notes"),
        ],
        Roles(caller="me()", caller_type=UUID),
    )
    assert isinstance(function, pg.Function)
    assert isinstance(view, pg.View)
    assert function.body == "select (select me()), x::caller from :callers"
    assert view.definition.endswith("where n.owner = (select me())")
    assert trigger == pg.ReplicaIdentity(table="notes")


@pytest.mark.parametrize(
    "text",
    [
        "'like :caller' || 'it''s :caller'",
        """E'it\\'s :caller'""",
        '":caller"',
        "$$ :caller $$ || $a$ :caller $$ :caller $a$",
        "true -- of :caller",
        "/* of\n :caller */ true",
        "x::caller",
        ":callers",
    ],
)
def test_caller_in_a_string_a_name_or_a_comment_stays(text: str) -> None:
    policy = pg.Policy(
        table="notes",
        name="p",
        command="select",
        roles=("authenticated",),
        using=f"{text}\nor :caller = owner",
    )
    (expanded,) = entities_of([policy])
    assert isinstance(expanded, pg.Policy)
    assert expanded.using == f"{text}\nor (select auth.uid()) = owner"


def test_two_rules_for_a_table_are_refused() -> None:
    with pytest.raises(ValueError, match=r"table access public\.notes is declared 2 times"):
        entities_of([Access(Note, read=signed_in), Access(Receipt), Access(Note)])


def test_helper_declared_twice_is_refused() -> None:
    with pytest.raises(ValueError, match=r"private\.my_team_ids\(\) is declared 2 times"):
        entities_of([MY_TEAM_IDS, MY_TEAM_IDS])


@pytest.mark.parametrize(
    ("read", "role", "refusal"),
    [
        (signed_in, "stranger", "policies has 'p' for stranger, which the rule grants no all"),
        (signed_in, "anon", "policies has 'p' for anon, which the rule grants no all"),
        (anyone, "authenticated", "policies has no permissive policy for select and anon, which"),
    ],
)
def test_policies_that_do_not_fit_the_grants_are_refused(
    read: Principal, role: str, refusal: str
) -> None:
    policy = pg.Policy(table="notes", name="p", command="all", roles=(role,), using="true")
    with pytest.raises(ValueError, match=f"^the access rule of Note: {refusal}"):
        entities_of([Access(Note, read=read, policies=(policy,))])
    assert entities_of([Access(Note, read=read, policies=(replace(policy, roles=("public",)),))])
