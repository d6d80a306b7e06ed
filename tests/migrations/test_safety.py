"""The steps that revisions change tables with while others use them."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from io import StringIO
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from alembic import op
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, Engine, NullPool, create_engine, event, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from tests.migrations.locks import long_locks
from tests.support.blocked import wait_for_a_lock
from townhall.migrate import safety

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from townhall.testing.databases import Databases

TRANSACTION_PER_REVISION: dict[str, Any] = {"transaction_per_migration": True}


@pytest.fixture(scope="module")
def scratch(townhall_databases: Databases) -> Iterator[Engine]:
    with townhall_databases.create() as url:
        yield create_engine(url, poolclass=NullPool)


@pytest.fixture
def connection(scratch: Engine) -> Iterator[Connection]:
    """Yield a connection to a database with a table of five things."""
    with scratch.begin() as connection:
        connection.execute(text("drop schema public cascade"))
        connection.execute(text("create schema public"))
        connection.execute(
            text("create table things (id int primary key, thing int, changed int not null)")
        )
        connection.execute(
            text("insert into things select n, n / 2, 0 from generate_series(1, 5) as n")
        )
    with scratch.connect() as connection:
        yield connection


@contextmanager
def _revision(connection: Connection) -> Iterator[None]:
    """Be in a revision's upgrade."""
    context = MigrationContext.configure(connection, opts=TRANSACTION_PER_REVISION)
    with Operations.context(context), context.begin_transaction(_per_migration=True):
        yield
    connection.rollback()


@contextmanager
def _script() -> Iterator[StringIO]:
    """Be in a revision's upgrade that is written as a script."""
    buffer = StringIO()
    options = TRANSACTION_PER_REVISION | {"as_sql": True, "output_buffer": buffer}
    context = MigrationContext.configure(dialect_name="postgresql", opts=options)
    with Operations.context(context):
        yield buffer


def _rows(connection: Connection, query: str) -> list[Any]:
    rows = connection.execute(text(query)).all()
    connection.rollback()
    return [row[0] if len(row) == 1 else tuple(row) for row in rows]


STEPS: dict[str, tuple[Callable[[], None], str]] = {
    "a check": (
        lambda: safety.add_constraint("things", "positive", "check (id > 0)"),
        "CHECK ((id > 0))",
    ),
    "a foreign key": (
        lambda: safety.add_constraint(
            "things", "positive", "foreign key (id) references public.things (id)"
        ),
        "FOREIGN KEY (id) REFERENCES things(id)",
    ),
    "a key": (lambda: safety.add_unique("things", "positive", "(id, thing)"), "UNIQUE (id, thing)"),
}


@pytest.mark.parametrize("step", STEPS)
def test_constraint_is_added_without_a_long_exclusive_lock(
    step: str, connection: Connection
) -> None:
    run, definition = STEPS[step]
    for _ in range(2):  # the second time it is there
        with long_locks(connection) as found, _revision(connection):
            run()
        assert found == []
        assert _rows(
            connection,
            """
            select pg_get_constraintdef(oid), convalidated
            from pg_constraint
            where conname = 'positive'
            """,
        ) == [(definition, True)]


@pytest.mark.parametrize("step", STEPS)
def test_constraint_is_added_by_a_script(step: str, connection: Connection) -> None:
    run, definition = STEPS[step]
    with _script() as script:
        run()
    connection.exec_driver_sql(script.getvalue())
    connection.commit()
    assert _rows(
        connection,
        "select pg_get_constraintdef(oid) from pg_constraint where conname = 'positive'",
    ) == [definition]


BREAKING: dict[str, tuple[str, str]] = {
    "a check": (
        "check (id > 2)",
        "2 rows of public.things break large, check (id > 2): (id) = (1), (2)",
    ),
    "a check that is unknown for some": (
        "check (thing <> 0)",
        "1 row of public.things breaks large, check (thing <> 0): (id) = (1)",
    ),
    "a foreign key": (
        "foreign key (thing) references public.things (id)",
        (
            "1 row of public.things breaks large,"
            " foreign key (thing) references public.things (id): (id) = (1)"
        ),
    ),
    "a foreign key with match full": (
        "foreign key (thing, changed) references public.pairs (a, b) match full",
        (
            "6 rows of public.things break large,"
            " foreign key (thing, changed) references public.pairs (a, b) match full:"
            " (id) = (1), (2), (3), (4), (5) …"
        ),
    ),
}


@pytest.mark.parametrize("what", BREAKING)
@pytest.mark.parametrize("add", [safety.add_constraint, safety.add_constraint_at_once])
def test_rows_that_break_a_constraint_are_counted_and_named_before_it_is_added(
    what: str, add: Callable[[str, str, str], None], connection: Connection
) -> None:
    definition, message = BREAKING[what]
    connection.execute(text("insert into things values (6, null, 0)"))
    connection.execute(text("create table pairs (a int, b int, primary key (a, b))"))
    connection.commit()
    with pytest.raises(IntegrityError, match=re.escape(message)), _revision(connection):
        add("things", "large", definition)
    connection.rollback()
    assert _rows(connection, "select 1 from pg_constraint where conname = 'large'") == []
    with _script() as script:
        add("things", "large", definition)
    with pytest.raises(IntegrityError, match=re.escape(message)):
        connection.exec_driver_sql(script.getvalue())
    connection.rollback()
    connection.execute(text("delete from things"))
    connection.commit()
    with _revision(connection):
        add("things", "large", definition)
    assert _rows(connection, "select convalidated from pg_constraint where conname = 'large'") == [
        True
    ]


def test_rows_of_a_table_with_a_composite_key_and_without_one_are_named(
    connection: Connection,
) -> None:
    connection.execute(text('create table pairs (a int, "B" int, primary key (a, "B"))'))
    connection.execute(text("create table heap (a int)"))
    connection.execute(text("insert into pairs values (1, 2)"))
    connection.execute(text("insert into heap values (1)"))
    connection.commit()
    for table, keys in (("pairs", '(a, "B") = (1, 2)'), ("heap", "(ctid) = ((0,1))")):
        with pytest.raises(IntegrityError, match=re.escape(keys)), _revision(connection):
            safety.add_constraint(table, "large", "check (a > 1)")
        connection.rollback()


@pytest.mark.parametrize("definition", ["check (id > 0)", "foreign key (id) references things"])
def test_constraint_that_breaks_while_it_is_added_is_dropped_again(
    definition: str, scratch: Engine, connection: Connection
) -> None:
    """A row is written between the count and the constraint."""
    written = iter([True])

    def write(_: Connection, __: object, statement: str, *___: object) -> None:
        is_added = "add constraint large" in statement and "without_rows" not in statement
        if is_added and "pg_temp" not in statement and next(written, False):
            with scratch.begin() as application:
                application.execute(text("set session_replication_role = replica"))
                application.execute(text("insert into things values (-1, 1, 1)"))
                application.execute(text("delete from things where id = 5"))

    connection.execute(text("create table others (id int references things)"))
    connection.execute(text("insert into others values (5)"))
    connection.commit()
    table = "things" if definition.startswith("check") else "others"
    event.listen(connection, "before_cursor_execute", write)
    with (
        pytest.raises(IntegrityError, match=rf"1 row of public\.{table} breaks large"),
        _revision(connection),
    ):
        safety.add_constraint(table, "large", definition)
    connection.rollback()
    assert _rows(connection, "select 1 from pg_constraint where conname = 'large'") == []


def test_constraint_that_was_not_valid_before_stays_so_where_rows_break_it(
    connection: Connection,
) -> None:
    connection.execute(text("alter table things add constraint large check (id > 1) not valid"))
    connection.commit()
    with (
        pytest.raises(IntegrityError, match=r"1 row of public\.things breaks large"),
        _revision(connection),
    ):
        safety.add_constraint("things", "large", "check (id > 1)")
    connection.rollback()
    connection.execute(text("delete from things where id = 1"))
    connection.commit()
    with _revision(connection):
        safety.add_constraint("things", "large", "check (id > 1)")
    assert _rows(connection, "select convalidated from pg_constraint where conname = 'large'") == [
        True
    ]


@pytest.mark.parametrize(
    ("definition", "message"),
    [
        ("(thing)", "4 rows of public.things are equal in large, (thing): (1), (2)"),
        ("((thing / 9), changed)", "5 rows of public.things are equal in large,"),
        ("(thing) where id > 3", "2 rows of public.things are equal in large,"),
        ("(nothing) nulls not distinct", "5 rows of public.things are equal in large,"),
    ],
)
def test_rows_that_are_equal_in_a_unique_index_are_counted_before_it_is_built(
    definition: str, message: str, connection: Connection
) -> None:
    connection.execute(text("alter table things add nothing int"))
    connection.commit()
    with pytest.raises(IntegrityError, match=re.escape(message)), _revision(connection):
        safety.create_index("large", "things", definition, unique=True)
    connection.rollback()
    assert _indexes(connection) == []
    with _script() as script:
        safety.create_index("large", "things", definition, unique=True)
    with pytest.raises(IntegrityError, match=re.escape(message)):
        connection.exec_driver_sql(script.getvalue())
    connection.rollback()


def test_rows_without_a_value_are_counted_before_a_column_is_set_not_null(
    connection: Connection,
) -> None:
    connection.execute(text("update things set thing = null where id < 3"))
    connection.commit()
    with (
        pytest.raises(
            IntegrityError, match=r"2 rows of public.things .* not null\): \(id\) = \(1\), \(2\)"
        ),
        _revision(connection),
    ):
        safety.set_not_null("things", "thing")
    connection.rollback()
    assert _rows(connection, "select 1 from pg_constraint where conname ~ 'known'") == []


def test_column_is_set_not_null_without_a_long_exclusive_lock(connection: Connection) -> None:
    for _ in range(2):
        with long_locks(connection) as found, _revision(connection):
            safety.set_not_null("things", "thing")
        assert found == []
    with pytest.raises(IntegrityError, match='null value in column "thing"'):
        connection.execute(text("insert into things values (6, null, 0)"))
    connection.rollback()
    assert (
        _rows(
            connection,
            """
        select conname
        from pg_constraint
        where contype = 'c' and conrelid = 'things'::regclass
        """,
        )
        == []
    )


def test_index_is_built_concurrently(connection: Connection) -> None:
    for _ in range(2):
        with long_locks(connection) as found, _revision(connection):
            safety.create_index("ix_things_thing", "things", "(thing) where id > 1")
        assert found == []
        assert _indexes(connection) == [
            (
                "CREATE INDEX ix_things_thing ON public.things USING btree (thing) WHERE (id > 1)",
                True,
            )
        ]
    for _ in range(2):
        with long_locks(connection) as found, _revision(connection):
            safety.drop_index("ix_things_thing")
        assert found == []
        assert _indexes(connection) == []


def test_invalid_index_is_rebuilt(scratch: Engine, connection: Connection) -> None:
    unique = "CREATE UNIQUE INDEX uq_things_thing ON public.things USING btree (thing)"
    with (
        pytest.raises(IntegrityError, match="could not create unique index"),
        scratch.execution_options(isolation_level="AUTOCOMMIT").connect() as interrupted,
    ):
        interrupted.execute(text(unique.replace("INDEX", "INDEX CONCURRENTLY")))
    assert _indexes(connection) == [(unique, False)]
    connection.execute(text("update things set thing = id"))
    connection.commit()
    with _revision(connection):
        safety.create_index("uq_things_thing", "things", "(thing)", unique=True)
    assert _indexes(connection) == [(unique, True)]


def test_script_creates_indexes_in_a_transaction(connection: Connection) -> None:
    with _script() as script:
        safety.create_index("ix_things_thing", "things", "(thing)")
        safety.create_index("ix_things_id", "things", "(id)")
        safety.drop_index("ix_things_id")
    connection.exec_driver_sql(script.getvalue())
    connection.commit()
    assert [valid for _, valid in _indexes(connection)] == [True]


def _indexes(connection: Connection) -> list[Any]:
    return _rows(
        connection,
        """
        select pg_get_indexdef(indexrelid), indisvalid
        from pg_index
        where indrelid = 'things'::regclass and not indisprimary
        """,
    )


def test_rows_are_updated_in_batches(connection: Connection) -> None:
    with long_locks(connection) as found, _revision(connection):
        safety.update_in_batches(
            "things", "thing = t.id, changed = t.changed + 1", where="t.thing <> t.id", size=2
        )
    assert found == []
    assert _rows(connection, "select id, thing, changed from things order by id") == [
        (n, n, 1) for n in range(1, 6)
    ]


def test_batches_before_a_failed_one_are_kept(connection: Connection) -> None:
    connection.execute(text("alter table things add check (thing < 4)"))
    connection.commit()
    with pytest.raises(IntegrityError), _revision(connection):
        safety.update_in_batches("things", "thing = t.id", where="t.thing <> t.id", size=2)
    connection.rollback()
    assert _rows(connection, "select thing from things order by id") == [1, 2, 1, 2, 2]


def test_batch_sees_what_was_committed_while_it_waited_for_row_locks(
    scratch: Engine, connection: Connection
) -> None:
    connection.execute(text("create table parts (thing int)"))
    connection.commit()
    with ThreadPoolExecutor(1) as migration, scratch.connect() as application:
        application.execute(text("insert into parts values (1)"))
        application.execute(text("update things set changed = 0 where id = 1"))
        counting = migration.submit(_count_parts, connection)
        wait_for_a_lock(scratch)
        application.commit()
        counting.result(timeout=60)
    assert _rows(connection, "select changed from things where id = 1") == [1]


def _count_parts(connection: Connection) -> None:
    with _revision(connection):
        safety.update_in_batches(
            "things",
            "changed = (select count(*) from public.parts as p where p.thing = t.id)",
            where="true",
        )


def test_script_updates_all_rows_in_one_statement(connection: Connection) -> None:
    with _script() as script:
        safety.update_in_batches("things", "thing = t.id", where="t.thing <> t.id", size=2)
    connection.exec_driver_sql(script.getvalue())
    connection.commit()
    assert _rows(connection, "select thing from things order by id") == [1, 2, 3, 4, 5]


def test_revision_is_refused_where_rows_contradict_it(connection: Connection) -> None:
    large = "(select count(*) from public.things where id > 3)"
    with (
        pytest.raises(DBAPIError, match=r"2 things are too large(.|\n)*HINT:  Make them smaller"),
        _revision(connection),
    ):
        safety.refuse_if(large, "% things are too large", hint="Make them smaller.")
    connection.rollback()
    connection.execute(text("delete from things where id > 3"))
    connection.commit()
    with long_locks(connection) as found, _revision(connection):
        safety.refuse_if(large, "% things are too large", hint="Make them smaller.")
    assert found == []


def test_table_is_renamed_with_its_constraints_indexes_and_triggers(connection: Connection) -> None:
    connection.execute(text("create index ix_things_thing on things (thing)"))
    connection.execute(text("alter table things add constraint ck_things_id check (id > 0)"))
    connection.execute(
        text(
            "create trigger keep_things before update on things"
            " for each row execute function suppress_redundant_updates_trigger()"
        )
    )
    connection.commit()
    for _ in range(2):
        with long_locks(connection) as found, _revision(connection):
            safety.rename_table("things", "goods")
        assert found == []
    with _revision(connection):
        safety.rename_table("nothing", "something")
    assert _rows(
        connection, "select relname from pg_class where relname ~ 'thing|good' order by 1"
    ) == [*("goods", "goods_pkey", "ix_goods_thing")]
    assert _rows(connection, "select tgname from pg_trigger") == ["keep_goods"]
    names = _rows(connection, "select conname from pg_constraint where contype <> 'n'")
    assert {"ck_goods_id", "goods_pkey"} == set(names) & {
        "ck_goods_id",
        "goods_pkey",
        "ck_things_id",
    }


def test_table_is_renamed_to_a_quoted_name(connection: Connection) -> None:
    connection.execute(text("create index ix_things_thing on things (thing)"))
    connection.commit()
    with _revision(connection):
        safety.rename_table("things", "100% bob's")
        safety.rename_table("100% bob's", "goods")
        safety.rename_table("goods", "100% bob's")
    assert _rows(
        connection, "select relname from pg_class where relname ~ 'thing|good|bob' order by 1"
    ) == [*("100% bob's", "100% bob's_pkey", "ix_100% bob's_thing")]


def test_view_is_not_renamed(connection: Connection) -> None:
    connection.execute(text("create view old as select * from things"))
    connection.commit()
    with _revision(connection):
        safety.rename_table("old", "new")
    assert _rows(
        connection,
        "select relname from pg_class where relkind = 'v'"
        " and relnamespace = 'public'::regnamespace",
    ) == ["old"]


@pytest.mark.parametrize(("condition", "tables"), [("1 = 1", ["goods"]), ("1 = 2", [])])
def test_operations_are_skipped_where_the_condition_is_false(
    condition: str, tables: list[str], connection: Connection
) -> None:
    with _revision(connection):
        _make_goods(condition)
    assert _rows(connection, _GOODS) == tables
    connection.execute(text("drop table if exists goods"))
    connection.commit()
    with _script() as script:
        _make_goods(condition)
    connection.exec_driver_sql(script.getvalue())
    connection.commit()
    assert _rows(connection, _GOODS) == tables


def _make_goods(condition: str) -> None:
    with safety.only_where(condition):
        op.create_table("goods", sa.Column("word", sa.Text(), server_default="$$: it's"))


_GOODS = "select relname from pg_class where relname = 'goods'"


def test_column_is_filled_in_batches_with_its_default(connection: Connection) -> None:
    with connection.begin():
        for statement in (
            "create table parts (id int, changed int, note int) partition by list (id)",
            "create table first partition of parts for values in (1) partition by list (id)",
            "create table first_one partition of first default",
            "create table others partition of parts default",
            "create table own () inherits (things)",
            "alter table things alter changed drop not null, alter changed set default 7",
            "alter table own alter changed set default 8",
            "alter table parts alter changed set default 7",
            "update things set changed = null where id < 5",
            "insert into own (id, changed) values (9, null), (10, 1)",
            "insert into parts (id, changed) values (1, null), (2, null), (3, 1)",
        ):
            connection.execute(text(statement))
    with long_locks(connection) as found, _revision(connection):
        safety.fill_column("things", "changed")
        safety.fill_column("parts", "changed")
    assert found == []
    assert _rows(connection, "select id, changed from things order by id") == [
        *((each, 7) for each in range(1, 5)),
        (5, 0),
        (9, 8),
        (10, 1),
    ]
    assert _rows(connection, "select id, changed from parts order by id") == [
        (1, 7),
        (2, 7),
        (3, 1),
    ]


def test_script_fills_a_column_in_one_statement() -> None:
    with _script() as script:
        safety.fill_column("things", "thing")
    assert "update public.things set thing = default where thing is null" in script.getvalue()
