"""Keys that are replaced, and that foreign keys refer to."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING, NamedTuple

import psycopg
import pytest
from alembic import command
from sqlalchemy import NullPool, create_engine, text

from tests.adopt.conftest import Found
from tests.pull.pulled import libpq
from tests.support.applications import SmallApplication
from tests.support.dump import dump
from townhall.adopt import Decisions, Weight, adopt, look
from townhall.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

DECLARED = "create table books (id integer, shelf integer, constraint pk_books primary key (id));"
ACTUAL = """
    create table books (id integer, shelf integer, primary key (id, shelf));
    create table loans (book integer, shelf integer, foreign key (book, shelf) references books);
"""


def test_key_that_foreign_keys_refer_to_stops_where_they_can_refer_to_no_declared_one(
    found: Found,
) -> None:
    stops = [each for each in found(DECLARED, ACTUAL) if each.weight is Weight.STOP]
    (stop,) = [each for each in stops if each.kind == "key that is referred to"]
    assert stop.object == "constraint public.books books_pkey"
    assert stop.text == (
        "is another key than the declared PRIMARY KEY (id), and foreign keys refer to it:"
        " loans_book_shelf_fkey on public.loans"
    )


def test_statements_of_a_stop_let_the_foreign_keys_refer_to_a_key_that_stays(
    found: Found,
) -> None:
    (stop,) = [each for each in found(DECLARED, ACTUAL) if each.weight is Weight.STOP]
    statements = stop.plan.removeprefix("run ").partition("; and keep")[0].split("; ")
    within = [each for each in statements if each not in {"begin", "commit"}]
    changed = ACTUAL + "; ".join(within).replace(" concurrently", "")
    after = found(DECLARED, changed)
    assert [each.object for each in after if each.weight is Weight.STOP] == []
    (question,) = [each.question for each in after if each.weight is Weight.DECIDE]
    assert question is not None
    assert question.key == "constraint public.books books_id_shelf_key"


def test_key_that_nothing_refers_to_is_replaced(found: Found) -> None:
    alone = ACTUAL.partition(";")[0]
    assert {each.weight for each in found(DECLARED, alone)} == {Weight.CHANGE}


class Case(NamedTuple):
    """A key as declared, and what others have in its place."""

    declared: str
    actual: str


CASES = {
    "order": Case('PrimaryKeyConstraint("shelf", "id", name="pk")', "primary key (id, shelf)"),
    "included": Case(
        'UniqueConstraint("shelf", "id", name="uq", postgresql_include=["title"])',
        "constraint uq unique (id, shelf)",
    ),
    "constraint": Case(
        'Index("ix", "id", "shelf", unique=True)', "constraint theirs unique (id, shelf)"
    ),
}
_DECLARED = """
from sqlalchemy import Index, PrimaryKeyConstraint, UniqueConstraint
Table("books", metadata, *[
    Column("id", Integer, nullable=False),
    Column("shelf", Integer, nullable=False),
    Column("title", Text),
    {key},
])
"""
_REVISION = """
import sqlalchemy as sa
from alembic import op
from sqlalchemy import Index, PrimaryKeyConstraint, UniqueConstraint
from townhall.migrate import safety

revision = "books"
down_revision = None


def upgrade():
    op.create_table(
        "books",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("shelf", sa.Integer, nullable=False),
        sa.Column("title", sa.Text),
        {constraint}
        if_not_exists=True,
    )
    {index}


def downgrade():
    safety.drop_table("books")
"""
_THEIRS = """
    create table books (id integer not null, shelf integer not null, title text, {key});
    create table loans (
        book integer,
        shelf integer,
        constraint loaned foreign key (book, shelf) references books (id, shelf) on delete cascade
    );
    comment on constraint loaned on loans is 'Theirs.';
    insert into books values (1, 2, 'A');
    insert into loans values (1, 2)
"""


@pytest.fixture
def application(
    request: pytest.FixtureRequest, owned_database: str, townhall_server: str, tmp_path: Path
) -> SmallApplication:
    """Return an application that declares a key over a table of others, by the name of its case."""
    case = CASES[request.param]
    application = SmallApplication(tmp_path, owned_database, townhall_server)
    application.declare(_DECLARED.format(key=case.declared))
    is_index = case.declared.startswith("Index")
    revision = _REVISION.format(
        constraint="" if is_index else f"{case.declared},",
        index='safety.create_index("ix", "books", "(id, shelf)", unique=True)' if is_index else "",
    )
    (tmp_path / "versions" / "books.py").write_text(revision)
    with create_engine(owned_database, poolclass=NullPool).begin() as connection:
        connection.execute(text(_THEIRS.format(key=case.actual)))
    return application


def run(
    application: SmallApplication, tell: Callable[[str], None] = lambda _: None
) -> tuple[Sequence[str], Sequence[str]]:
    """Adopt the database, and return what was done and what differs."""
    ini = application.folder / "alembic.ini"
    done = adopt(application.url, Decisions(), config=ini, scratch=application.scratch, tell=tell)
    return done.done, done.differences


def told_by_script(application: SmallApplication, move: Callable[..., None]) -> list[str]:
    """Return what psql shows of the script of a command that has no step to take."""
    config = application.config
    config.output_buffer = StringIO()
    move(config, "books:books", sql=True)
    told: list[str] = []
    with psycopg.connect(libpq(application.url), autocommit=True) as connection:
        connection.add_notice_handler(lambda each: told.append(str(each.message_primary)))
        connection.execute(config.output_buffer.getvalue().encode())
    return told


def loaned(application: SmallApplication) -> tuple[object, ...]:
    """Return whether the foreign key of others is valid, and its comment."""
    query = """
        select convalidated, obj_description(oid, 'pg_constraint')
        from pg_constraint
        where conname = 'loaned'
    """
    with create_engine(application.url, poolclass=NullPool).connect() as connection:
        return tuple(connection.execute(text(query)).one())


@pytest.mark.parametrize(
    "application",
    [
        pytest.param(
            each, marks=pytest.mark.thorough if each == "order" else pytest.mark.exhaustive
        )
        for each in CASES
    ],
    indirect=True,
)
def test_key_that_foreign_keys_refer_to_is_replaced_and_given_back(
    application: SmallApplication,
) -> None:
    before = dump(application.url)
    done, differences = run(application)
    assert "validate the foreign keys that refer to public.books" in done
    assert differences == []
    assert run(application) == ([], [])
    assert loaned(application) == (True, "Theirs.")
    command.downgrade(application.config, "base")
    with create_engine(application.url, poolclass=NullPool).begin() as connection:
        connection.execute(text("drop table alembic_version"))
    assert sorted(dump(application.url).splitlines()) == sorted(before.splitlines())


@pytest.mark.thorough
@pytest.mark.parametrize("application", ["order"], indirect=True)
def test_moves_tell_what_an_interrupted_adoption_left_until_its_next_run(
    application: SmallApplication, caplog: pytest.LogCaptureFixture
) -> None:
    def interrupt(title: str) -> None:
        if title.startswith("validate the foreign keys"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(application, interrupt)
    line = (
        "an adoption was interrupted and has left what is not valid:"
        " constraint public.loans loaned; run townhall adopt --apply again, with the same decisions"
    )
    assert line not in caplog.messages
    for move in (command.upgrade, command.downgrade, command.stamp):
        caplog.clear()
        move(application.config, "books")
        assert caplog.messages.count(line) == 1
        assert told_by_script(application, move) == [line]
    run(application)
    assert loaned(application) == (True, "Theirs.")
    caplog.clear()
    command.upgrade(application.config, "head")
    assert line not in caplog.messages
    assert told_by_script(application, command.upgrade) == []


@pytest.mark.exhaustive
@pytest.mark.parametrize("application", ["order"], indirect=True)
def test_foreign_keys_that_an_interruption_left_are_told_and_validated_by_the_next_run(
    application: SmallApplication, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(title: str) -> None:
        if title.startswith("validate the foreign keys"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(application, interrupt)
    assert loaned(application)[0] is False
    left = "constraint public.loans loaned"
    answer = application.check().answers[0].answer
    assert answer.startswith(f"interrupted: {left} is not valid: run townhall adopt --apply again")
    ini = application.folder / "alembic.ini"
    looked = look(application.url, config=ini, scratch=application.scratch)
    found = [each for each in looked.findings if each.object == left]
    assert [each.weight for each in found] == [Weight.CHANGE]
    assert main(["status", "--url", application.url]) == 0
    assert f"Not valid {left}: an adoption was interrupted; run it again" in capsys.readouterr().out
    told: list[str] = []
    run(application, told.append)
    assert told[0] == f"go on with what an interrupted run left not valid: {left}"
    assert loaned(application) == (True, "Theirs.")
    assert run(application) == ([], [])
    assert "migration" not in {each.question for each in application.check().answers}
