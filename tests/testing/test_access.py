"""Acting as a persona, and the outcomes of statements."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest
from sqlalchemy import (
    Column,
    Connection,
    Executable,
    Integer,
    MetaData,
    Table,
    Text,
    Uuid,
    delete,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.exc import IntegrityError, ProgrammingError
from sqlalchemy.orm import Session

from townhall.roles import Roles
from townhall.session import Actor, SessionFactory
from townhall.testing import AccessCase, Outcome, access_cases, acting, outcome

if TYPE_CHECKING:
    from collections.abc import Callable

ALICE = UUID("00000000-0000-4000-8000-00000000000a")
BOB = UUID("00000000-0000-4000-8000-00000000000b")

PERSONAS = {
    "anon": Actor.anonymous(),
    "author": Actor.user(ALICE),
    "stranger": Actor.user(BOB),
    "service": Actor.service(),
}

notes = Table(
    "notes",
    MetaData(schema="public"),
    Column("id", Uuid, primary_key=True, server_default=text("gen_random_uuid()")),
    Column("author", Uuid),
    Column("body", Text),
    Column("stars", Integer, server_default=text("0")),
)
letters = Table("letters", MetaData(schema="public"), Column("body", Text, primary_key=True))

STATEMENTS: dict[str, Executable] = {
    "select": select(notes),
    "insert": insert(notes).values(author=ALICE, body="another"),
    "edit": update(notes).values(body="changed"),
    "star": update(notes).values(stars=1),
    "give": update(notes).values(author=uuid4()),
    "delete": delete(notes),
}

MATRIX = access_cases(
    """
    notes   anon author stranger service
    select  x    +      0        +
    insert  x    +      !        +
    edit    x    +      0        +
    star    x    x      x        +
    give    x    !      0        +
    delete  x    +      0        +
    """
)

SETTINGS = text(
    """
    select
        current_user,
        current_setting('search_path'),
        nullif(current_setting('request.jwt.claims', true), ''),
        nullif(current_setting('request.jwt.claim', true), ''),
        nullif(current_setting('request.jwt.claim.sub', true), ''),
        nullif(current_setting('request.jwt.claim.role', true), ''),
        nullif(current_setting('request.jwt.claim.email', true), ''),
        nullif(current_setting('request.headers', true), '')
    """
)
"""The settings that a persona has."""


@pytest.fixture
def note(connection: Connection) -> UUID:
    note = uuid4()
    connection.execute(insert(notes).values(id=note, author=ALICE, body="first"))
    return note


def _read(connection: Connection, note: UUID) -> tuple[object, ...]:
    statement = select(notes.c.author, notes.c.body).where(notes.c.id == note)
    return tuple(connection.execute(statement).one())


def _settings(connection: Connection) -> tuple[object, ...]:
    return tuple(connection.execute(SETTINGS).one())


@pytest.mark.parametrize("case", MATRIX, ids=str)
def test_each_outcome_is_recognized(connection: Connection, note: UUID, case: AccessCase) -> None:
    with acting(connection, PERSONAS[case.persona]):
        assert outcome(connection, STATEMENTS[case.command]) is case.expected
    if case.command == "edit":
        body = "changed" if case.expected is Outcome.ALLOWED else "first"
        assert _read(connection, note) == (ALICE, body)


def test_call_without_execute_privilege_is_permission_denied(connection: Connection) -> None:
    call = text("select public.secret()")
    with acting(connection, "anon"):
        assert outcome(connection, call) is Outcome.PERMISSION_DENIED
    assert outcome(connection, call) is Outcome.ALLOWED


def test_insufficient_privilege_raised_by_a_function_is_refused(connection: Connection) -> None:
    """Its text is that of a violated policy, which it is not."""
    with acting(connection, "anon"):
        assert outcome(connection, text("select public.refuse()")) is Outcome.REFUSED


def test_other_errors_with_the_sqlstate_of_a_denial_are_raised(connection: Connection) -> None:
    with acting(connection, "anon"), pytest.raises(ProgrammingError, match="permission denied"):
        outcome(connection, text("create role townhall_other"))


def test_other_errors_are_raised_and_the_transaction_stays_usable(connection: Connection) -> None:
    letter = insert(letters).values(body="hello")
    with acting(connection, "anon"):
        assert outcome(connection, letter) is Outcome.ALLOWED
        with pytest.raises(IntegrityError):
            outcome(connection, letter)
    assert connection.scalars(select(letters.c.body)).all() == ["hello"]


def test_insert_needs_the_select_privilege_only_with_returning(connection: Connection) -> None:
    letter = insert(letters).values(body="hello")
    with acting(connection, "anon"):
        returning = letter.returning(letters.c.body)
        assert outcome(connection, returning) is Outcome.PERMISSION_DENIED
        assert outcome(connection, letter) is Outcome.ALLOWED
        spam = insert(letters).values(body="spam")
        assert outcome(connection, spam) is Outcome.VIOLATES_POLICY


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("select from public.notes", Outcome.ALLOWED),
        ("delete from public.notes where body = :body", Outcome.NO_ROWS),
        ("delete from public.notes", Outcome.ALLOWED),
        ("insert into public.notes (author, body) values (:other, '')", Outcome.VIOLATES_POLICY),
        ("update public.notes set stars = 1", Outcome.PERMISSION_DENIED),
    ],
)
@pytest.mark.usefixtures("note")
def test_outcome_of_text_is_that_of_the_statement(
    connection: Connection, statement: str, expected: Outcome
) -> None:
    values = {"body": "another", "other": BOB}
    parameters = {name: value for name, value in values.items() if f":{name}" in statement}
    with acting(connection, Actor.user(ALICE)):
        assert outcome(connection, statement, parameters) is expected


def test_outcome_binds_parameters(connection: Connection) -> None:
    with acting(connection, "anon"):
        assert outcome(connection, insert(letters), [{"body": "a"}, {"body": "b"}])
    assert connection.scalars(select(letters.c.body)).all() == ["a", "b"]


def test_update_that_changes_no_value_is_an_error(connection: Connection, note: UUID) -> None:
    same = update(notes).where(notes.c.id == note).values(body="first")
    with pytest.raises(AssertionError, match="write a value that differs"):
        outcome(connection, same)


@pytest.mark.parametrize(
    "actor",
    [
        Actor.anonymous(),
        Actor.user(ALICE),
        Actor.user(ALICE, {"email": "alice@example.org"}, {"User-Agent": "x"}),
        Actor.service(),
    ],
    ids=["anonymous", "user", "user with claims and headers", "service"],
)
def test_persona_has_the_settings_of_a_session_that_acts(
    connection: Connection, actor: Actor
) -> None:
    own = _settings(connection)
    with SessionFactory(connection).acting(actor) as session:
        of_session = tuple(session.execute(SETTINGS).one())
    with acting(connection, actor):
        assert _settings(connection) == of_session
    assert own != of_session
    assert _settings(connection) == own


@pytest.mark.parametrize(
    ("role", "user_id", "actor"),
    [
        ("anon", None, Actor.anonymous()),
        ("authenticated", str(ALICE), Actor.user(ALICE)),
        ("service_role", None, Actor.service()),
    ],
    ids=["anonymous", "user", "service"],
)
def test_role_and_user_id_are_the_same_as_an_actor(
    connection: Connection, role: str, user_id: str | None, actor: Actor
) -> None:
    with acting(connection, actor):
        of_actor = _settings(connection)
    with acting(connection, role, user_id):
        assert _settings(connection) == of_actor


def test_user_id_beside_an_actor_is_refused(connection: Connection) -> None:
    with (
        pytest.raises(TypeError, match="give it to Actor"),
        acting(connection, Actor.user(ALICE), BOB),
    ):
        pass


def test_nested_persona_ends_with_its_block(connection: Connection) -> None:
    with acting(connection, "authenticated", ALICE):
        outer = _settings(connection)
        with acting(connection, "anon"):
            assert _settings(connection)[0] == "anon"
        assert _settings(connection) == outer


def test_earlier_claims_of_the_connection_are_replaced(connection: Connection) -> None:
    setting = text("select current_setting('request.jwt.claim.sub')")
    connection.execute(text("select set_config('request.jwt.claim.sub', 'mallory', true)"))
    with acting(connection, "authenticated", ALICE):
        assert connection.scalar(setting) == str(ALICE)
    assert connection.scalar(setting) == "mallory"


def test_writes_of_a_persona_are_kept_after_the_block(connection: Connection) -> None:
    with acting(connection, "authenticated", ALICE):
        connection.execute(insert(notes).values(author=ALICE, body="kept").inline())
    assert connection.scalar(select(notes.c.body)) == "kept"


def _write_and_fail(connection: Connection) -> None:
    with acting(connection, "authenticated", ALICE):
        connection.execute(insert(notes).values(author=ALICE, body="lost").inline())
        raise LookupError


def test_exception_undoes_the_writes_of_a_persona(connection: Connection) -> None:
    before = _settings(connection)
    with pytest.raises(LookupError):
        _write_and_fail(connection)
    assert _settings(connection) == before
    assert connection.scalar(select(notes.c.body)) is None


def _begin_a_savepoint(connection: Connection) -> None:
    connection.begin_nested()


def _leave_a_session_open(connection: Connection) -> None:
    session = Session(connection, join_transaction_mode="create_savepoint")
    session.execute(text("select 1"))


def _end_the_savepoint(connection: Connection) -> None:
    savepoint = connection.get_nested_transaction()
    assert savepoint is not None
    savepoint.rollback()


def _roll_back_behind_the_back(connection: Connection) -> None:
    connection.exec_driver_sql("rollback")


def _fail_in_a_block(connection: Connection, leave: Callable[[Connection], None]) -> None:
    with acting(connection, Actor.anonymous()):
        leave(connection)
        raise LookupError("mine")


LEFT_BEHIND = (
    _begin_a_savepoint,
    _leave_a_session_open,
    _end_the_savepoint,
    _roll_back_behind_the_back,
    Connection.rollback,
    Connection.close,
    Connection.invalidate,
)


@pytest.mark.parametrize("leave", LEFT_BEHIND)
def test_exception_of_a_block_is_raised_whatever_it_has_left_behind(
    connection: Connection, leave: Callable[[Connection], None]
) -> None:
    with pytest.raises(LookupError, match="mine"):
        _fail_in_a_block(connection, leave)


def test_savepoints_of_a_block_end_with_its_exception(connection: Connection) -> None:
    with connection.begin_nested() as outer:
        with pytest.raises(LookupError):
            _fail_in_a_block(connection, _begin_a_savepoint)
        assert connection.get_nested_transaction() is outer
        assert connection.scalar(text("select current_user")) != "anon"


def test_failed_transaction_is_usable_after_the_block(connection: Connection) -> None:
    before = _settings(connection)
    with acting(connection, "anon"), pytest.raises(ProgrammingError):
        connection.execute(select(notes))
    assert _settings(connection) == before


def test_user_id_that_is_no_uuid_is_refused(connection: Connection) -> None:
    with (
        pytest.raises(ValueError, match="not a UUID"),
        acting(connection, "authenticated", "x' or true"),
    ):
        pass


def test_superuser_is_refused(connection: Connection) -> None:
    superuser = str(connection.scalar(text("select current_user")))
    with (
        pytest.raises(ValueError, match=f"does not apply to {superuser}: it is a superuser"),
        acting(connection, superuser),
    ):
        pass


def test_service_role_of_an_application_is_accepted(connection: Connection) -> None:
    roles = Roles(anonymous=None, user="authenticated", service="supabase_postgres")
    with acting(connection, Actor.service(roles), roles=roles):
        assert connection.scalar(text("select current_user")) == "supabase_postgres"


def test_role_with_bypassrls_is_refused(connection: Connection) -> None:
    with (
        pytest.raises(ValueError, match="supabase_postgres: it has bypassrls"),
        acting(connection, "supabase_postgres"),
    ):
        pass


def test_owner_of_a_table_is_refused_unless_row_level_security_is_forced(
    connection: Connection,
) -> None:
    connection.execute(text("alter table public.notes owner to supabase_auth_admin"))
    connection.execute(text("grant supabase_auth_admin to anon"))
    for role, why in (
        ("supabase_auth_admin", "it owns tables"),
        ("anon", "it is a member of supabase_auth_admin, which owns tables"),
    ):
        with (
            pytest.raises(ValueError, match=f"does not apply to {role}: {why}; a test as this"),
            acting(connection, role),
        ):
            pass
    connection.execute(text("alter table public.notes force row level security"))
    with acting(connection, "supabase_auth_admin"):
        assert outcome(connection, select(notes)) is Outcome.NO_ROWS


def test_role_that_does_not_exist_is_refused(connection: Connection) -> None:
    with (
        pytest.raises(ValueError, match="there is no role missing on this server"),
        acting(connection, "missing"),
    ):
        pass
