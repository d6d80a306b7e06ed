"""Helper functions: memberships for policies, and public wrappers for clients."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.pg.access.models import Note, Team
from townhall import pg
from townhall.pg.access import (
    Access,
    Membership,
    anyone_with,
    entities_of,
    membership,
    owner,
    public_wrapper,
)
from townhall.roles import Roles

QUERY = "select m.team_id from public.members as m where m.user_id = :caller"


def function_of(helper: Membership, roles: Roles | None = None) -> pg.Function:
    (function,) = entities_of([helper], roles or Roles())
    assert isinstance(function, pg.Function)
    return function


def test_membership_is_a_definer_function_with_a_safe_search_path() -> None:
    function = function_of(membership("my_team_ids", Team.id, QUERY, "The caller's teams."))
    assert function.identity == "function private.my_team_ids()"
    assert function.security == "definer"
    assert function.volatility == "stable"
    assert function.settings == {"search_path": "pg_catalog, pg_temp"}
    assert function.execute == ("authenticated", "service_role")
    assert function.comment == "The caller's teams."


def test_membership_asks_for_the_caller_once() -> None:
    function = function_of(membership("my_team_ids", Team.id, QUERY, "The caller's teams."))
    asked = "select m.team_id from public.members as m where m.user_id = (select auth.uid())"
    assert f"\n        {asked}\n" in function.body


def test_membership_keeps_its_plan_for_the_session() -> None:
    function = function_of(membership("my_team_ids", Team.id, QUERY, "The caller's teams."))
    assert function.language == "plpgsql"


def test_membership_returns_the_type_of_its_column() -> None:
    assert function_of(membership("a", Team.id, QUERY, "")).returns == "setof bigint"
    assert function_of(membership("a", Note.id, QUERY, "")).returns == "setof integer"


def test_membership_with_account_returns_the_ids_to_those_alone_who_have_one() -> None:
    helper = membership("my_team_ids", Team.id, QUERY, "The caller's teams.")
    body = " ".join(helper.with_account.query.split())
    query = " ".join(helper.query.split())
    assert body.startswith(f"select mine.id from ( {query} ) as mine (id) where ( select")
    assert body.endswith("->> 'is_anonymous' ) is distinct from 'true'")
    assert helper.with_account.comment == helper.comment


def test_membership_is_made_for_the_roles_and_schema_of_an_application() -> None:
    helper = membership("my_team_ids", Team.id, QUERY, "", schema="helpers")
    function = function_of(
        helper, Roles(anonymous=None, user="app user", service=None, caller="app.me()")
    )
    assert function.schema == "helpers"
    assert function.execute == ("app user",)
    assert function.api_roles == ("app user",)
    assert "m.user_id = (select app.me())\n" in function.body


def test_membership_by_id_has_a_view_and_functions_that_look_up_a_single_id() -> None:
    helper = membership("my_team_ids", Team.id, QUERY, "", by_id=QUERY)
    ids, view, single, asking = entities_of([helper], Roles())
    assert isinstance(ids, pg.Function)
    assert isinstance(single, pg.Function)
    assert isinstance(view, pg.View)
    assert isinstance(asking, pg.Function)
    assert view.name == "my_team_ids_by_id"
    assert (view.security_invoker, view.security_barrier) == (False, True)
    assert view.grants == {"authenticated": ("select",), "service_role": ("select",)}
    assert "m.user_id = (select auth.uid())" in view.definition
    assert single.name == "my_team_ids_include"
    assert single.arguments == {"asked_id": "bigint"}
    assert single.returns == "boolean"
    assert "from private.my_team_ids_by_id as mine" in single.body
    assert "where mine.id = $1" in single.body
    assert (single.security, single.settings) == ("definer", ids.settings)
    assert (single.execute, single.api_roles) == (ids.execute, ids.api_roles)
    assert (asking.name, asking.security, asking.cost) == ("my_team_ids_ask_for", "invoker", 1)
    assert "when private.my_team_ids_include($1)\n" in asking.body
    (_, of_account, *_) = entities_of([helper.with_account], Roles())
    assert isinstance(of_account, pg.View)
    assert "is_anonymous" in of_account.definition


def test_row_that_is_written_is_checked_by_a_lookup_of_its_id() -> None:
    helper = membership("my_team_ids", Team.id, QUERY, "", by_id=QUERY)
    members = anyone_with(Note.team_id, helper, "members")
    rule = Access(Note, read=members, write=members | owner(Note.owner_id))
    lookup = "from private.my_team_ids_by_id as mine"
    for policy in entities_of([rule], Roles()):
        if not isinstance(policy, pg.Policy) or policy.roles != ("authenticated",):
            continue
        assert policy.using is None or "my_team_ids()" in policy.using
        assert policy.using is None or lookup not in policy.using
        assert policy.check is None or lookup in policy.check
    narrowed = members.where("title is not null", "with a title")
    assert lookup in narrowed.written
    assert narrowed.written.endswith("and (title is not null)")


def test_written_row_without_another_form_is_checked_as_it_is_read() -> None:
    members = anyone_with(Note.team_id, membership("my_team_ids", Team.id, QUERY, ""), "members")
    either = members | owner(Note.owner_id)
    assert (members.of_written_row, either.of_written_row) == ("", "")
    assert either.written == either.condition


def test_policy_with_a_membership_by_id_first_compares_with_the_ids_that_are_asked_for() -> None:
    helper = membership("my_team_ids", Team.id, QUERY, "", by_id=QUERY)
    condition = anyone_with(Note.team_id, helper, "members").condition
    asked, every = condition.split("\nor ")
    assert "current_setting('asked_for.app.teams.id', true), '')::bigint[]" in asked
    assert "where private.my_team_ids_include(asked.id)" in asked
    assert every == "team_id = any (array(select private.my_team_ids()))"


def test_policy_that_finds_rows_asks_for_the_id_of_the_first_one() -> None:
    helper = membership("my_team_ids", Team.id, QUERY, "", by_id=QUERY)
    members = anyone_with(Note.team_id, helper, "members")
    call = "or private.my_team_ids_ask_for(team_id) is not null"
    (asking,) = members.asking
    assert asking.endswith(call)
    either = members | owner(Note.owner_id)
    assert either.asking == members.asking
    assert either.condition.startswith("owner_id = :caller\nor team_id = any (")
    # A setting must not tell of a row that the rest of the rule hides.
    (narrowed,) = members.where("title is not null", "with a title").asking
    assert narrowed == f"(title is not null) is not true\nor {asking}"
    rule = Access(Note, read=members, write=members)
    for policy in entities_of([rule], Roles()):
        if isinstance(policy, pg.Policy) and policy.roles == ("authenticated",):
            assert policy.using is None or call in policy.using
            assert policy.check is None or call not in policy.check


@pytest.mark.parametrize("argument", ["name", "query", "schema", "by_id"])
def test_membership_with_an_empty_text_is_refused(argument: str) -> None:
    texts = {"name": "my_team_ids", "query": QUERY, "schema": "private", argument: " "}
    by_id = texts.get("by_id")
    with pytest.raises(ValueError, match=f"needs a {argument}; it is empty"):
        membership(texts["name"], Team.id, texts["query"], "", schema=texts["schema"], by_id=by_id)


def test_membership_of_a_name_is_refused() -> None:
    with pytest.raises(TypeError, match=r"membership\(\) takes a column as an attribute"):
        membership("my_team_ids", "teams.id", QUERY, "")  # type: ignore[arg-type] # refused


def test_public_wrapper_calls_the_function_with_its_callers_rights() -> None:
    function = pg.Function(
        schema="helpers",
        name="find",
        arguments={"slug": "inout text", "many": "integer default 1", "name": "out text"},
        returns="setof record",
        security="definer",
        body="select 1",
        execute=("authenticated",),
        comment="Finds.",
    )
    assert public_wrapper(function) == replace(
        function,
        schema="public",
        security="invoker",
        body="select * from helpers.find(slug, many)",
    )
    assert public_wrapper(function, schema="api").schema == "api"


def test_public_wrapper_leaves_all_settings_but_the_search_path_to_the_function() -> None:
    path = {"search_path": "pg_catalog, pg_temp"}
    function = pg.Function(
        schema="private",
        name="count",
        returns="bigint",
        settings={**path, "work_mem": "64MB"},
        body="select 1",
    )
    assert public_wrapper(function).settings == path


def test_public_wrapper_of_one_value_selects_it() -> None:
    function = pg.Function(
        schema="private", name="count", returns="bigint", language="plpgsql", body="begin end"
    )
    assert public_wrapper(function).body == "select private.count()"
    assert public_wrapper(function).language == "sql"


def test_public_wrapper_in_the_schema_of_the_function_is_refused() -> None:
    with pytest.raises(ValueError, match="is in schema public already"):
        public_wrapper(pg.Function(name="find", returns="integer", body="select 1"))


@pytest.mark.parametrize(
    ("arguments", "passed"),
    [
        ({"a": "integer", "b": "variadic integer[]"}, "a, variadic b"),
        ({"$1": "integer", "$2": "text"}, "$1, $2"),
        ({"$1": "out integer", "$2": "text"}, "$1"),
        ({"a": "inout integer", "$2": "variadic text[]"}, "a, variadic $2"),
    ],
)
def test_wrapper_passes_arguments_as_postgresql_takes_them(
    arguments: dict[str, str], passed: str
) -> None:
    function = pg.Function(
        schema="private", name="f", arguments=arguments, returns="integer", body="select 1"
    )
    assert public_wrapper(function).body == f"select private.f({passed})"


def test_wrapper_of_a_trigger_function_is_refused() -> None:
    function = pg.Function(schema="private", name="f", language="plpgsql", body="begin end")
    with pytest.raises(ValueError, match=r"private\.f\(\) is for a trigger and can't be called"):
        public_wrapper(function)
