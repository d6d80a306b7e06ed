"""The Python of the guides runs."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from sqlalchemy import func, insert, select, text, update
from sqlalchemy.exc import DatabaseError

from tests.events.data import insert_events
from tests.support.blocks import blocks_of, run_blocks
from tests.support.organizations import MANAGER, ORGANIZATION, STRANGER, insert_organizations
from tests.wizard.data import OWNER, SESSION, insert_wizard
from townhall import (
    Event,
    Organization,
    Participant,
    SessionFactory,
    SocialFeedComment,
    SocialFeedPost,
)
from townhall.base.asking import asking_for
from townhall.errors import Kind, explain
from townhall.session import Actor
from townhall.testing import access_cases, acting, create_account, outcome

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from sqlalchemy.orm import Session


def test_guide_to_consent_runs(
    townhall_connection: Connection, townhall_sessions: SessionFactory
) -> None:
    founder = create_account(townhall_connection)
    run_blocks(blocks_of("docs/consent.md", "python"), sessions=townhall_sessions, founder=founder)


def test_guide_to_documents_runs(townhall_session: Session) -> None:
    club, event_id = uuid4(), uuid4()
    townhall_session.execute(insert(Organization).values(id=club, name="Club", slug="club"))
    event = {"id": event_id, "organization_id": club, "name": "Dinner", "settings": {"seats": 4}}
    townhall_session.execute(insert(Event).values(event))
    row = townhall_session.get_one(Event, event_id)
    names = {"Event": Event, "event": row, "event_id": event_id, "update": update}
    run_blocks(blocks_of("docs/documents.md", "python"), **names)
    townhall_session.flush()
    townhall_session.refresh(row)
    assert row.settings == {"seats": 4, "language": "he"}


def test_guide_to_async_runs(townhall_database: str) -> None:
    names: dict[str, Any] = run_blocks(blocks_of("docs/async.md", "python"), url=townhall_database)

    async def run() -> list[str]:
        found: list[str] = await names["names_of_events"](uuid4())
        await names["engine"].dispose()
        return found

    assert asyncio.run(run()) == []


def test_guide_to_pgbouncer_runs(townhall_database: str) -> None:
    names: dict[str, Any] = run_blocks(
        blocks_of("docs/pgbouncer.md", "python"), url=townhall_database
    )
    with names["engine"].connect() as connection:
        assert connection.connection.dbapi_connection.prepare_threshold is None
    names["engine"].dispose()


def test_guide_to_the_start_runs(townhall_database: str) -> None:
    (example,) = blocks_of("docs/start.md", "python")
    url = "postgresql+psycopg://app@localhost/mine"
    assert url in example.text
    ours = replace(example, text=example.text.replace(url, townhall_database))
    names: dict[str, Any] = run_blocks([ours], user_id=uuid4())
    with names["sessions"].as_service() as session:
        session.get_bind().dispose()
    assert "event" not in names  # of no organization


def test_login_role_of_the_guide_is_made(townhall_connection: Connection) -> None:
    (statements,) = blocks_of("docs/acting.md", "sql")
    if not townhall_connection.scalar(text("select current_setting('is_superuser') = 'on'")):
        pytest.skip("roles are made by a superuser here")
    townhall_connection.execute(text("drop role if exists app"))
    for statement in statements.text.split(";")[:-1]:
        townhall_connection.execute(text(statement))
    townhall_connection.execute(text("set local session authorization app"))
    townhall_connection.execute(text("set local role authenticated"))


def test_view_of_an_old_name_gets_a_column_of_the_application(
    townhall_connection: Connection,
) -> None:
    (view,) = blocks_of("docs/coaching.md", "sql")
    add = text("alter table public.participant_sessions add column notes text")
    townhall_connection.execute(add)
    townhall_connection.execute(text(view.text))
    assert townhall_connection.execute(text("select notes from campaign_assignments")).keys()


def test_rule_that_a_function_names_is_explained(townhall_connection: Connection) -> None:
    (raised,) = blocks_of("docs/errors.md", "sql")
    declared = blocks_of("docs/errors.md", "python", under="Tables and functions of an application")
    names: dict[str, Any] = run_blocks(declared, explain=explain, Kind=Kind)
    body = text(f"do $do$ begin {raised.text} end $do$")
    with pytest.raises(DatabaseError) as refused:
        townhall_connection.execute(body)
    explanation = names["explain_ours"](refused.value)
    assert explanation.sentence == "The price of a sold ticket is fixed."


def test_procedure_of_the_wizard_takes_what_is_shown(townhall_connection: Connection) -> None:
    (call,) = blocks_of("docs/wizard.md", "sql")
    insert_wizard(townhall_connection)
    with acting(townhall_connection, Actor.user(OWNER)):
        statement = text(call.text.replace("…", str(SESSION)).replace(":", "\\:"))
        (saved,) = townhall_connection.execute(statement).all()
    assert saved.state["venue"] == {"city": "Haifa"}


def test_statements_that_ask_for_the_rows_of_an_event_and_of_a_post_are_built() -> None:
    classes = (Event, Participant, SocialFeedComment, SocialFeedPost)
    names = {each.__name__: each for each in classes} | {"event_id": uuid4(), "post_id": uuid4()}
    run_blocks(
        blocks_of("src/townhall/base/asking.py"),
        asking_for=asking_for,
        func=func,
        select=select,
        **names,
    )


def test_matrix_of_the_docstring_holds(townhall_connection: Connection) -> None:
    insert_organizations(townhall_connection)
    insert_events(townhall_connection)
    names: dict[str, Any] = run_blocks(
        blocks_of("src/townhall/testing/access.py"),
        Actor=Actor,
        STRANGER=STRANGER,
        MANAGER=MANAGER,
        STATEMENTS={
            "select": select(Event),
            "insert": insert(Event).values(organization_id=ORGANIZATION, name="Dinner"),
            "update": update(Event).values(name="Supper"),
        },
        access_cases=access_cases,
        acting=acting,
        outcome=outcome,
        pytest=pytest,
    )
    for case in names["MATRIX"]:
        names["test_access"](case, townhall_connection)
