"""The example for white-label coaching, through its HTTP interface."""

from __future__ import annotations

import asyncio
import sys
import time
from contextlib import asynccontextmanager
from importlib import import_module
from inspect import isasyncgenfunction, isgeneratorfunction
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import jwt
import pytest
from httpx import ASGITransport, AsyncClient
from sqlalchemy import NullPool, create_engine, select, text, update
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import create_async_engine

from tests.coaching.data import (
    CREATOR,
    OTHER_SESSION,
    OUTSIDER,
    OWNER,
    PARTICIPANT,
    SESSION,
    STORED_BRAND,
    STRANGER,
    insert_coaching,
)
from tests.support.blocks import blocks_of
from tests.support.every_version import townhall_server
from townhall import ParticipantSession, SessionStatus, TenantProfile
from townhall.testing.accounts import managing_accounts

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from fastapi.dependencies.models import Dependant
    from sqlalchemy import Engine
    from sqlalchemy.ext.asyncio import AsyncEngine

    from townhall.testing.databases import Databases

__all__ = ["townhall_server"]

FOLDER = Path(__file__).parents[2] / "docs" / "examples" / "coaching"
SECRET = "a secret of at least thirty-two bytes"  # noqa: S105  of the tests alone


@pytest.fixture(autouse=True)
def _example(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(FOLDER), *sys.path])


@asynccontextmanager
async def _client(database: AsyncEngine) -> AsyncIterator[AsyncClient]:
    app = import_module("app").create_app(database, SECRET)
    async with AsyncClient(transport=ASGITransport(app), base_url="http://elsewhere") as client:
        yield client


@pytest.fixture
async def client(
    townhall_engine: Engine, townhall_async_engine: AsyncEngine
) -> AsyncIterator[AsyncClient]:
    """Yield a client of the application, on a database of this test's own."""
    with townhall_engine.begin() as connection:
        insert_coaching(connection)
    async with _client(townhall_async_engine) as client:
        yield client


@pytest.fixture(scope="module")
def shared_database(townhall_databases: Databases, townhall_template: str) -> Iterator[str]:
    """Yield the URL of a database that is only read."""
    with townhall_databases.create(townhall_template) as url:
        with create_engine(url, poolclass=NullPool).begin() as connection:
            insert_coaching(connection)
        yield url


@pytest.fixture
async def reading_client(shared_database: str) -> AsyncIterator[AsyncClient]:
    """Yield a client of the application, on a database that others read too."""
    async with _client(create_async_engine(shared_database, poolclass=NullPool)) as client:
        yield client


def _as(user: UUID | str, **changes: Any) -> dict[str, str]:  # noqa: ANN401  claims
    """Return the header of a request of a user's, with a token as Supabase issues it."""
    now = int(time.time())
    claims = {
        "aud": "authenticated",
        "exp": now + 3600,
        "iat": now,
        "iss": "https://project.supabase.co/auth/v1",
        "sub": str(user),
        "email": "owner@example.org",
        "role": "authenticated",
        "app_metadata": {"provider": "email"},
        "user_metadata": {"role": "service_role"},
        "session_id": str(uuid4()),
        "is_anonymous": False,
    }
    secret = changes.pop("secret", SECRET)
    algorithm = changes.pop("algorithm", "HS256")
    claims = {name: value for name, value in (claims | changes).items() if value is not None}
    return {"Authorization": f"Bearer {jwt.encode(claims, secret, algorithm)}"}


@pytest.mark.parametrize(
    "url",
    [
        "/t/green-tree",
        "http://coach.green-tree.example/",
        "http://COACH.Green-Tree.example:8000/",
        "http://coach.green-tree.example./",
    ],
)
async def test_anonymous_visitor_gets_the_branded_page(
    reading_client: AsyncClient, url: str
) -> None:
    page = await reading_client.get(url)
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "<h1>Green Tree</h1>" in page.text
    assert 'src="https://example.org/logo.svg" alt="A tree" width="120"' in page.text
    for color in STORED_BRAND["colors"].values():
        assert color in page.text
    assert '"Playfair Display"' in page.text
    assert "Powered by" not in page.text


async def test_logo_of_the_first_tenant_is_served(reading_client: AsyncClient) -> None:
    page = await reading_client.get("/t/leadingwithmeaning")
    assert 'src="/tenants/leadingwithmeaning/logo.svg"' in page.text
    logo = await reading_client.get("/tenants/leadingwithmeaning/logo.svg")
    assert logo.status_code == 200
    assert logo.headers["content-type"] == "image/svg+xml"


async def test_tenant_without_a_brand_has_a_page(reading_client: AsyncClient) -> None:
    page = await reading_client.get("/t/rival")
    assert page.status_code == 200
    assert "<img" not in page.text


async def test_content_security_policy_allows_a_logo_on_another_host(
    reading_client: AsyncClient,
) -> None:
    policy = (await reading_client.get("/t/green-tree")).headers["content-security-policy"]
    assert "img-src 'self' https:;" in policy


@pytest.mark.parametrize(
    "url", ["/", "/t/unknown", "/t/green-tree'--", "/t/%00", "http://unknown.example/"]
)
async def test_unknown_slug_and_domain_are_not_found(reading_client: AsyncClient, url: str) -> None:
    assert (await reading_client.get(url)).status_code == 404


@pytest.mark.parametrize("host", ["", "[::1]:80", "a b", "%00", "coach.green-tree.example/x"])
async def test_host_that_is_no_domain_is_not_found(reading_client: AsyncClient, host: str) -> None:
    assert (await reading_client.get("/", headers={"Host": host})).status_code == 404


async def test_domain_that_is_not_verified_is_not_found(
    client: AsyncClient, townhall_engine: Engine
) -> None:
    with townhall_engine.begin() as connection:
        connection.execute(update(TenantProfile).values(custom_domain_verified_at=None))
    assert (await client.get("http://coach.green-tree.example/")).status_code == 404


async def test_page_of_an_inactive_tenant_is_not_found(
    client: AsyncClient, townhall_engine: Engine
) -> None:
    with townhall_engine.begin() as connection:
        connection.execute(update(TenantProfile).values(is_active=False))
    assert (await client.get("/t/green-tree")).status_code == 404


async def test_html_in_the_name_of_a_tenant_is_escaped(
    client: AsyncClient, townhall_engine: Engine
) -> None:
    with townhall_engine.begin() as connection:
        connection.execute(update(TenantProfile).values(display_name="<script>alert(1)</script>"))
    page = await client.get("/t/green-tree")
    assert "<script>" not in page.text
    assert "&lt;script&gt;" in page.text


async def test_participant_starts_and_completes_their_session(client: AsyncClient) -> None:
    mine = (await client.get("/sessions", headers=_as(PARTICIPANT))).json()
    assert [(row["id"], row["status"]) for row in mine] == [(str(SESSION), "pending")]
    started = await client.post(f"/sessions/{SESSION}/start", headers=_as(PARTICIPANT))
    assert started.status_code == 200
    assert started.json()["status"] == "in_progress"
    completed = await client.post(f"/sessions/{SESSION}/complete", headers=_as(PARTICIPANT))
    assert completed.json()["status"] == "completed"
    assert completed.json()["started_at"] == started.json()["started_at"]
    pipeline = (await client.get("/coach/pipeline", headers=_as(OWNER))).json()
    assert [row["id"] for row in pipeline["completed"]] == [str(SESSION)]


async def test_caller_gets_their_own_data(reading_client: AsyncClient) -> None:
    answer = await reading_client.get("/me/data", headers=_as(PARTICIPANT))
    assert answer.status_code == 200
    (mine,) = answer.json()["participant_sessions"]
    assert (mine["id"], mine["user_id"]) == (str(SESSION), str(PARTICIPANT))
    assert str(OTHER_SESSION) not in answer.text
    assert (await reading_client.get("/me/data", headers=_as(uuid4()))).json() == {}
    assert (await reading_client.get("/me/data")).status_code == 401


@pytest.mark.parametrize("account", ["deleted", "remains"])
async def test_caller_deletes_their_account(
    client: AsyncClient, townhall_engine: Engine, account: str
) -> None:
    if account == "deleted":
        with townhall_engine.begin() as connection, managing_accounts(connection):
            connection.execute(text("grant select, update, delete on auth.users to service_role"))
    others = (await client.get("/me/data", headers=_as(OWNER))).json()
    assert (await client.delete("/me")).status_code == 401
    answer = await client.delete("/me", headers=_as(PARTICIPANT))
    assert (answer.status_code, answer.json()["account"]) == (200, account)
    told = {each["table"] for each in answer.json()["remaining"]}
    assert "participant_sessions" in told
    assert ("auth.users" in told) == (account == "remains")
    assert (
        "participant_sessions"
        not in (await client.get("/me/data", headers=_as(PARTICIPANT))).json()
    )
    with townhall_engine.connect() as connection:
        kept = connection.execute(select(ParticipantSession.__table__).filter_by(id=SESSION)).one()
    assert (kept.user_id, kept.stakeholder_name, kept.stakeholder_email) == (None, None, None)
    assert (await client.get("/me/data", headers=_as(OWNER))).json() == others


@pytest.mark.parametrize("user", [OWNER, OUTSIDER, STRANGER])
@pytest.mark.parametrize("step", ["start", "complete"])
async def test_session_of_another_user_cannot_be_started_or_completed(
    reading_client: AsyncClient, user: UUID, step: str
) -> None:
    refused = await reading_client.post(f"/sessions/{SESSION}/{step}", headers=_as(user))
    assert refused.status_code == 403
    assert refused.json() == {"detail": "This session is not yours.", "kind": "denied"}
    assert str(SESSION) not in refused.text
    pipeline = (await reading_client.get("/coach/pipeline", headers=_as(OWNER))).json()
    assert list(pipeline) == ["registered"]


async def test_invalid_change_of_status_is_a_conflict(client: AsyncClient) -> None:
    for step, expected in (("complete", 409), ("start", 200), ("start", 409)):
        answer = await client.post(f"/sessions/{SESSION}/{step}", headers=_as(PARTICIPANT))
        assert answer.status_code == expected
    assert answer.json() == {"detail": "This session was started before.", "kind": "wrong_state"}


async def test_fault_of_the_server_is_not_answered_as_a_refusal(
    client: AsyncClient, townhall_engine: Engine
) -> None:
    with townhall_engine.begin() as connection:
        connection.execute(text("drop function public.start_participant_session(uuid)"))
    with pytest.raises(ProgrammingError, match="does not exist"):
        await client.post(f"/sessions/{SESSION}/start", headers=_as(PARTICIPANT))


# A constraint that is checked with the commit, as an application may have.
_REFUSE_THE_COMMIT = """
    create function public.refuse() returns trigger language plpgsql as $$
        begin
            raise exception 'not now' using errcode = 'check_violation';
        end
    $$;
    create constraint trigger refuse after update on public.participant_sessions
        deferrable initially deferred for each row execute function public.refuse();
"""


async def test_answer_of_200_is_stored_and_a_failed_commit_is_an_error(
    client: AsyncClient, townhall_engine: Engine
) -> None:
    status = select(ParticipantSession.status).where(ParticipantSession.id == SESSION)
    with townhall_engine.begin() as connection:
        connection.execute(text(_REFUSE_THE_COMMIT))
    answer = await client.post(f"/sessions/{SESSION}/start", headers=_as(PARTICIPANT))
    assert answer.status_code == 409
    with townhall_engine.begin() as connection:
        assert connection.scalar(status) is SessionStatus.PENDING
        connection.execute(text("drop trigger refuse on public.participant_sessions"))
    answer = await client.post(f"/sessions/{SESSION}/start", headers=_as(PARTICIPANT))
    assert answer.status_code == 200
    with townhall_engine.begin() as connection:
        assert connection.scalar(status) is SessionStatus.IN_PROGRESS


def test_session_of_every_route_ends_before_the_answer_is_sent() -> None:
    found = {
        (dependency.call.__name__, dependency.scope)
        for name in ("participants", "coach", "pages")
        for route in import_module(name).router.routes
        for dependency in _dependencies(route.dependant)
        if isasyncgenfunction(dependency.call) or isgeneratorfunction(dependency.call)
    }
    assert found == {("session_of_the_user", "function")}


def _dependencies(dependant: Dependant) -> Iterator[Dependant]:
    for each in dependant.dependencies:
        yield each
        yield from _dependencies(each)


def test_guide_shows_the_dependency_of_the_example() -> None:
    source = "".join(path.read_text() for path in FOLDER.glob("*.py"))
    shown = blocks_of("docs/fastapi.md", "python")
    assert shown
    assert all(block.text in source for block in shown)


@pytest.mark.thorough
async def test_coach_sees_only_their_own_pipeline_and_usage(
    client: AsyncClient, townhall_engine: Engine
) -> None:
    with townhall_engine.begin() as connection:
        connection.execute(text("update public.usage_events set created_at = '2026-11-10'"))
    for user, session in ((OWNER, SESSION), (OUTSIDER, OTHER_SESSION)):
        pipeline = (await client.get("/coach/pipeline", headers=_as(user))).json()
        assert [row["id"] for row in pipeline["registered"]] == [str(session)]
        usage = (await client.get("/coach/usage?month=2026-11-01", headers=_as(user))).json()
        assert [(row["event_type"], row["events"]) for row in usage] == [("chat", 1)]
    for month in ("0001-01-01", "2026-10-01", "9999-12-01"):
        none = await client.get(f"/coach/usage?month={month}", headers=_as(OWNER))
        assert none.json() == []


@pytest.mark.parametrize("user", [CREATOR, PARTICIPANT, STRANGER])
async def test_user_without_a_tenant_has_no_pipeline_and_no_usage(
    reading_client: AsyncClient, user: UUID
) -> None:
    assert (await reading_client.get("/coach/pipeline", headers=_as(user))).status_code == 404
    usage = await reading_client.get("/coach/usage?month=2026-11-01", headers=_as(user))
    assert usage.json() == []


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer nonsense"},
        {"Authorization": "Basic abc"},
        _as(OWNER, exp=1),
        _as(OWNER, exp=None),
        _as(OWNER, aud="anon"),
        _as(OWNER, aud=None),
        _as(OWNER, role="service_role"),
        _as(OWNER, role="anon"),
        _as(OWNER, role=None),
        _as(OWNER, sub=None),
        _as("not a uuid"),
        _as(OWNER, secret=SECRET[::-1]),
        _as(OWNER, secret=SECRET * 2, algorithm="HS512"),
        _as(OWNER, secret=None, algorithm="none"),
    ],
)
async def test_invalid_token_is_unauthorized(
    reading_client: AsyncClient, headers: dict[str, str]
) -> None:
    for path in ("/sessions", "/coach/pipeline", "/coach/usage"):
        refused = await reading_client.get(path, headers=headers)
        assert refused.status_code == 401
        assert refused.headers["www-authenticate"] == "Bearer"


async def test_concurrent_requests_act_each_as_its_caller(reading_client: AsyncClient) -> None:
    users = [OWNER, OUTSIDER] * 10
    answers = await asyncio.gather(
        *(reading_client.get("/coach/pipeline", headers=_as(user)) for user in users)
    )
    found = [answer.json()["registered"][0]["id"] for answer in answers]
    assert found == [str(SESSION), str(OTHER_SESSION)] * 10
