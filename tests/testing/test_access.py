"""Acting as a persona, and the outcomes."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest
from sqlalchemy import (
    Column,
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
from sqlalchemy.exc import DBAPIError, IntegrityError, ProgrammingError

from townhall.testing import AccessCase, Outcome, access_cases, acting, outcome

if TYPE_CHECKING:
    from sqlalchemy import Connection

ALICE = UUID("00000000-0000-4000-8000-00000000000a")
BOB = UUID("00000000-0000-4000-8000-00000000000b")

PERSONAS: dict[str, tuple[str, UUID | None]] = {
    "anonymous": ("anon", None),
    "author": ("authenticated", ALICE),
    "stranger": ("authenticated", BOB),
    "service": ("service_role", None),
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

EXPECTED = access_cases(
    """
    notes   anonymous          author             stranger           service
    select  permission_denied  allowed            no_rows            allowed
    insert  permission_denied  allowed            violates_policy    allowed
    edit    permission_denied  allowed            no_rows            allowed
    star    permission_denied  permission_denied  permission_denied  allowed
    give    permission_denied  violates_policy    no_rows            allowed
    delete  permission_denied  allowed            no_rows            allowed
    """
)


@pytest.fixture
def note(connection: Connection) -> UUID:
    note = uuid4()
    connection.execute(insert(notes).values(id=note, author=ALICE, body="first"))
    return note


def _read(connection: Connection, note: UUID) -> tuple[object, ...]:
    statement = select(notes.c.author, notes.c.body).where(notes.c.id == note)
    return tuple(connection.execute(statement).one())


def _whoever(connection: Connection) -> tuple[object, ...]:
    return tuple(
        connection.execute(
            text(
                """
                select
                    current_user,
                    nullif(current_setting('request.jwt.claims', true), ''),
                    nullif(current_setting('request.headers', true), '')
                """
            )
        ).one()
    )


@pytest.mark.parametrize("case", EXPECTED, ids=str)
def test_the_outcomes_are_told_apart(connection: Connection, note: UUID, case: AccessCase) -> None:
    with acting(connection, *PERSONAS[case.persona]):
        assert outcome(connection, STATEMENTS[case.command]) is case.expected
    if case.command == "edit":
        body = "changed" if case.expected is Outcome.ALLOWED else "first"
        assert _read(connection, note) == (ALICE, body)


def test_a_function_is_denied_like_a_table(connection: Connection) -> None:
    call = text("select public.secret()")
    with acting(connection, "anon"):
        assert outcome(connection, call) is Outcome.PERMISSION_DENIED
    assert outcome(connection, call) is Outcome.ALLOWED


def test_an_error_that_a_function_raises_is_no_denial(connection: Connection) -> None:
    with acting(connection, "anon"), pytest.raises(DBAPIError, match="row-level security policy"):
        outcome(connection, text("select public.refuse()"))


def test_other_errors_are_raised_and_leave_the_transaction_usable(connection: Connection) -> None:
    letter = insert(letters).values(body="hello")
    with acting(connection, "anon"):
        assert outcome(connection, letter) is Outcome.ALLOWED
        with pytest.raises(IntegrityError):
            outcome(connection, letter)
    assert connection.scalars(select(letters.c.body)).all() == ["hello"]


def test_an_insert_needs_no_right_to_select_unless_it_returns(connection: Connection) -> None:
    letter = insert(letters).values(body="hello")
    with acting(connection, "anon"):
        returning = letter.returning(letters.c.body)
        assert outcome(connection, returning) is Outcome.PERMISSION_DENIED
        assert outcome(connection, letter) is Outcome.ALLOWED
        spam = insert(letters).values(body="spam")
        assert outcome(connection, spam) is Outcome.VIOLATES_POLICY


def test_parameters_are_bound(connection: Connection) -> None:
    with acting(connection, "anon"):
        assert outcome(connection, insert(letters), [{"body": "a"}, {"body": "b"}])
    assert connection.scalars(select(letters.c.body)).all() == ["a", "b"]


def test_an_update_to_the_same_values_proves_nothing(connection: Connection, note: UUID) -> None:
    same = update(notes).where(notes.c.id == note).values(body="first")
    with pytest.raises(AssertionError, match="write a value that differs"):
        outcome(connection, same)


def test_a_persona_has_role_claims_and_headers(connection: Connection) -> None:
    before = _whoever(connection)
    with acting(
        connection, "authenticated", ALICE, claims={"aal": "aal2"}, headers={"user-agent": "x"}
    ):
        role, claims, headers = _whoever(connection)
    assert role == "authenticated"
    assert claims == f'{{"aal": "aal2", "sub": "{ALICE}", "role": "authenticated"}}'
    assert headers == '{"user-agent": "x"}'
    assert _whoever(connection) == before


def test_a_persona_within_a_persona_ends_with_its_block(connection: Connection) -> None:
    with acting(connection, "authenticated", ALICE):
        outer = _whoever(connection)
        with acting(connection, "anon"):
            assert _whoever(connection)[0] == "anon"
        assert _whoever(connection) == outer


def test_older_claims_of_somebody_else_do_not_show_through(connection: Connection) -> None:
    setting = text("select current_setting('request.jwt.claim.sub')")
    connection.execute(text("select set_config('request.jwt.claim.sub', 'mallory', true)"))
    with acting(connection, "authenticated", ALICE):
        assert connection.scalar(setting) == ""
    assert connection.scalar(setting) == "mallory"


def test_what_a_persona_did_stays(connection: Connection) -> None:
    with acting(connection, "authenticated", ALICE):
        connection.execute(insert(notes).values(author=ALICE, body="kept").inline())
    assert connection.scalar(select(notes.c.body)) == "kept"


def _write_and_fail(connection: Connection) -> None:
    with acting(connection, "authenticated", ALICE):
        connection.execute(insert(notes).values(author=ALICE, body="lost").inline())
        raise LookupError


def test_an_exception_undoes_what_a_persona_did(connection: Connection) -> None:
    before = _whoever(connection)
    with pytest.raises(LookupError):
        _write_and_fail(connection)
    assert _whoever(connection) == before
    assert connection.scalar(select(notes.c.body)) is None


def test_a_block_may_end_with_its_transaction_failed(connection: Connection) -> None:
    before = _whoever(connection)
    with acting(connection, "anon"), pytest.raises(ProgrammingError):
        connection.execute(select(notes))
    assert _whoever(connection) == before


def test_a_user_id_is_a_uuid(connection: Connection) -> None:
    with (
        pytest.raises(ValueError, match="badly formed"),
        acting(connection, "authenticated", "x' or true"),
    ):
        pass


def test_a_superuser_is_refused(connection: Connection) -> None:
    superuser = str(connection.scalar(text("select current_user")))
    with (
        pytest.raises(ValueError, match="is a superuser: row level security does not hold"),
        acting(connection, superuser),
    ):
        pass


def test_a_role_with_bypassrls_is_refused(connection: Connection) -> None:
    with (
        pytest.raises(ValueError, match="supabase_postgres has bypassrls"),
        acting(connection, "supabase_postgres"),
    ):
        pass


def test_an_owner_is_refused_until_row_level_security_is_forced(connection: Connection) -> None:
    connection.execute(text("alter table public.notes owner to supabase_auth_admin"))
    connection.execute(text("grant supabase_auth_admin to anon"))
    for owner in ("supabase_auth_admin", "anon"):
        with (
            pytest.raises(ValueError, match=f"{owner} owns notes: row level security does not"),
            acting(connection, owner),
        ):
            pass
    connection.execute(text("alter table public.notes force row level security"))
    with acting(connection, "supabase_auth_admin"):
        assert outcome(connection, select(notes)) is Outcome.NO_ROWS


def test_a_role_that_is_not_there_is_refused(connection: Connection) -> None:
    with pytest.raises(ValueError, match="there is no role nobody"), acting(connection, "nobody"):
        pass
