"""Roles and user ids of an application's own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.ext.asyncio import create_async_engine

from townhall.roles import Roles
from townhall.session import Actor, AsyncSessionFactory, RoleNotGranted, SessionFactory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Engine

    from tests.session.database import Logins

USER = UUID("5a1f9f6e-2d3c-4a57-9c0a-0c9f5b1d7e11")
_ACTS_AS = text(
    "select current_user, current_setting('request.jwt.claims')::json ->> 'sub',"
    " current_setting('request.jwt.claim.sub')"
)
_IDS: dict[type[Any], list[object]] = {
    UUID: [USER, str(USER).upper()],
    int: [42, "42", 0, -1, 2**63 - 1],
    str: ["noa", "42", str(USER), "נועה", "o'hara\\"],
}
_WRONG_IDS: dict[type[Any], list[object]] = {
    UUID: [42, "42", "noa", "", None],
    int: [USER, "noa", "", "4 2", " 42", "042", "+42", "4_2", "٤٢", 4.0, True, None, 2**63],
    str: [USER, 42, "", "a\0b", b"noa", None],
}


def _pairs(ids: dict[type[Any], list[object]]) -> list[tuple[type[Any], object]]:
    return [(kind, value) for kind, values in ids.items() for value in values]


@pytest.fixture
def roles(logins: Logins) -> Iterator[Roles]:
    """Return roles of an application that the member may take, and the stranger may not."""
    names = [f"townhall user {uuid4().hex[:8]}", f"townhall_service_{uuid4().hex[:8]}"]
    engine = create_engine(logins.owner, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for name in names:
            connection.execute(text(f'create role "{name}"'))
            connection.execute(text(f'grant "{name}" to "{logins.member.username}"'))
        yield Roles(anonymous=None, user=names[0], service=names[1], caller_type=int)
        for name in names:
            connection.execute(text(f'drop role "{name}"'))
    engine.dispose()


@pytest.mark.parametrize(("kind", "user_id"), _pairs(_IDS))
def test_subject_is_the_text_of_the_user_id(kind: type[Any], user_id: Any) -> None:  # noqa: ANN401  any id
    actor = Actor.user(user_id, roles=Roles(caller_type=kind))
    subject = str(user_id).lower() if kind is UUID else str(user_id)
    assert actor.user_id == subject
    assert json.loads(actor.claims) == {"sub": subject, "role": "authenticated"}


@pytest.mark.parametrize(("kind", "user_id"), _pairs(_WRONG_IDS))
def test_user_id_of_another_type_is_refused_before_a_connection_is_made(
    kind: type[Any],
    user_id: Any,  # noqa: ANN401  any id
) -> None:
    engine = create_engine("postgresql+psycopg://nobody@/nowhere?host=/nowhere")
    sessions = SessionFactory(engine, Roles(caller_type=kind))
    with pytest.raises(ValueError, match=r"^the user id is not an? (UUID|integer|text)") as error:
        sessions.as_user(user_id)
    assert error.value.__cause__ is None


@pytest.mark.parametrize(("kind", "user_id"), [(int, 42), (str, "noa")])
def test_subject_among_the_claims_must_be_the_user_id(kind: type[Any], user_id: Any) -> None:  # noqa: ANN401  any id
    roles = Roles(caller_type=kind)
    assert Actor.user(user_id, {"sub": str(user_id)}, roles=roles).user_id == str(user_id)
    for other in ("43", "", None, str(USER), [42]):
        with pytest.raises(ValueError, match=r"^the claim 'sub' contradicts the actor's own$"):
            Actor.user(user_id, {"sub": other}, roles=roles)


def test_role_among_the_claims_must_be_the_one_of_users() -> None:
    roles = Roles(user="app_user")
    assert Actor.user(USER, {"role": "app_user"}, roles=roles).role == "app_user"
    with pytest.raises(ValueError, match=r"^the claim 'role' contradicts the actor's own$"):
        Actor.user(USER, {"role": "authenticated"}, roles=roles)


def test_actor_of_a_role_that_is_absent_is_refused() -> None:
    roles = Roles(anonymous=None, user=None, service=None)
    with pytest.raises(ValueError, match=r"^there is no role for signed-in users: .*Roles\(user=…"):
        Actor.user(USER, roles=roles)
    with pytest.raises(ValueError, match=r"^there is no role for the service: .*Roles\(service=…"):
        Actor.service(roles)
    with pytest.raises(ValueError, match=r"anonymous callers: .*Roles\(anonymous=…\)$"):
        Actor.anonymous(roles)


_WRONG_NAMES: dict[str, tuple[object, str]] = {
    "no text": (5, "the name of a role is a text"),
    "an empty text": ("", "give the role one of 1 to 63 bytes"),
    "a name that PostgreSQL cuts": ("r" * 64, "give the role one of 1 to 63 bytes"),
    "a name of too many bytes": ("ע" * 32, "give the role one of 1 to 63 bytes"),
    "a zero byte": ("a\0b", "leave it out"),
    "the login role": ("none", "give the role another name"),
    "every role": ("public", "give the role another name"),
    "a reserved prefix": ("pg_member", "give the role another name"),
    "a grant option": ("member with grant option", "give the role another name"),
}


@pytest.mark.parametrize("parameter", ["anonymous", "user", "service"])
@pytest.mark.parametrize(("name", "correction"), _WRONG_NAMES.values(), ids=_WRONG_NAMES)
def test_role_that_no_transaction_can_act_as_is_refused(
    parameter: str,
    name: Any,  # noqa: ANN401  any name
    correction: str,
) -> None:
    with pytest.raises(ValueError, match=f"^Roles\\({parameter}=.*{correction}$"):
        Roles(**{parameter: name})


@pytest.mark.parametrize(("name", "correction"), _WRONG_NAMES.values(), ids=_WRONG_NAMES)
def test_actor_of_a_role_that_no_transaction_can_act_as_is_refused(
    name: Any,  # noqa: ANN401  any name
    correction: str,
) -> None:
    with pytest.raises(ValueError, match=f"^an actor can't have the role .*{correction}$"):
        Actor(role=name, claims="{}")


@pytest.mark.parametrize("name", ["r" * 63, "None", "Public", "pgmember", "with grant option"])
def test_role_of_an_unusual_name_is_accepted(name: str) -> None:
    assert Roles(user=name).user == name


@pytest.mark.parametrize("caller", [None, "", "  ", 5])
def test_caller_that_is_no_sql_is_refused(caller: Any) -> None:  # noqa: ANN401  any value
    with pytest.raises(ValueError, match=r"^Roles\(caller=.* such as 'auth.uid\(\)'$"):
        Roles(caller=caller)


def test_sessions_take_the_configured_roles(engine: Engine, roles: Roles) -> None:
    sessions = SessionFactory(engine, roles=roles)
    with sessions.as_user(42) as session:
        assert tuple(session.execute(_ACTS_AS).one()) == (roles.user, "42", "42")
    with sessions.as_service() as session:
        assert tuple(session.execute(_ACTS_AS).one()) == (roles.service, None, "")
    with pytest.raises(ValueError, match=r"^there is no role for anonymous callers"):
        sessions.as_anonymous()


async def test_async_sessions_take_the_configured_roles(logins: Logins, roles: Roles) -> None:
    engine = create_async_engine(logins.member)
    sessions = AsyncSessionFactory(engine, roles=roles)
    async with sessions.as_user("42") as session:
        assert tuple((await session.execute(_ACTS_AS)).one()) == (roles.user, "42", "42")
    with pytest.raises(ValueError, match=r"^there is no role for anonymous callers"):
        sessions.as_anonymous()
    await engine.dispose()


def test_text_id_reaches_the_database_as_it_is(engine: Engine) -> None:
    user_id = "o'hara\"; drop table notes --\\"
    with SessionFactory(engine, Roles(caller_type=str)).as_user(user_id) as session:
        assert tuple(session.execute(_ACTS_AS).one()) == ("authenticated", user_id, user_id)


def test_error_names_the_missing_grant_of_the_configured_role(
    logins: Logins, make_engine: Callable[..., Engine], roles: Roles
) -> None:
    sessions = SessionFactory(make_engine(logins.stranger), roles)
    with pytest.raises(RoleNotGranted) as error, sessions.as_user(42) as session:
        session.execute(text("select 1"))
    assert f'grant "{roles.user}" to "{logins.stranger.username}"' in str(error.value)
    with pytest.raises(RoleNotGranted) as error, sessions.as_service() as session:
        session.execute(text("select 1"))
    assert f'grant {roles.service} to "{logins.stranger.username}"' in str(error.value)
