"""Documents that two people change: what a flush refuses, and keys that are merged."""

from __future__ import annotations

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError
from sqlalchemy import Dialect, ForeignKey, Text, TypeDecorator, func, select, text, update
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy.orm.attributes import flag_modified
from sqlalchemy.orm.exc import StaleDataError

from tests.coaching.data import STORED_BRAND
from tests.support.blocked import wait_for_a_lock
from tests.wizard.data import EVENT, insert_wizard
from townhall import (
    AsyncSessionFactory,
    Event,
    SessionFactory,
    StaleDocument,
    TenantProfile,
)
from townhall.base import JsonObject
from townhall.input_error import InputError
from townhall.types import Document, JsonValue, OptionalJson, TypedJson, convert_on_assignment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection, Engine
    from sqlalchemy.ext.asyncio import AsyncEngine


class Size(JsonValue):
    width: int
    unit: str = "cm"


class Shelves(DeclarativeBase):
    """A base of an application."""


convert_on_assignment(Shelves)


class Shelf(Shelves):
    __tablename__ = "shelves"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    name: Mapped[str | None]
    size: Mapped[Size] = mapped_column(TypedJson(Size))
    spare: Mapped[Size | None] = mapped_column(OptionalJson(Size))
    labels: Mapped[JsonObject]
    plain: Mapped[dict[str, Any]] = mapped_column(Document())

    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "shelf"}  # noqa: RUF012  read once


class Rack(Shelf):
    """A shelf with a document in a table of its own."""

    __tablename__ = "racks"

    rack_id: Mapped[int] = mapped_column(ForeignKey("shelves.id"), primary_key=True)
    load: Mapped[dict[str, Any]] = mapped_column(Document())

    __mapper_args__ = {"polymorphic_identity": "rack"}  # noqa: RUF012  read once


class Code(TypeDecorator[int]):
    """A number that is stored as text."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: int | None, dialect: Dialect) -> str | None:
        del dialect
        return None if value is None else f"box {value}"

    def process_result_value(self, value: str | None, dialect: Dialect) -> int | None:
        del dialect
        return None if value is None else int(value.removeprefix("box "))


class Box(Shelves):
    __tablename__ = "boxes"

    code: Mapped[int] = mapped_column(Code, primary_key=True)
    content: Mapped[dict[str, Any]] = mapped_column(Document())


KEY = 7


def _new(**values: Any) -> Rack:  # noqa: ANN401  of attributes
    documents = {"size": Size(width=1), "labels": {"a": 1}, "plain": {"a": 1}, "load": {"a": 1}}
    return Rack(id=KEY, rack_id=KEY, **(documents | values))


@pytest.fixture(scope="module")
def shelves(townhall_shared_engine: Engine) -> Iterator[Connection]:
    """Yield a connection to tables with a rack."""
    with townhall_shared_engine.connect() as connection, connection.begin() as transaction:
        Shelves.metadata.create_all(connection)
        with (
            Session(connection, join_transaction_mode="create_savepoint") as session,
            session.begin(),
        ):
            session.add(_new())
        yield connection
        transaction.rollback()


@pytest.fixture
def session(shelves: Connection) -> Iterator[Session]:
    with (
        shelves.begin_nested() as savepoint,
        Session(shelves, join_transaction_mode="create_savepoint") as session,
    ):
        yield session
        session.close()
        savepoint.rollback()


def _change_by_another(session: Session, column: str, patch: str = '{"anothers": 2}') -> None:
    table = "racks" if column == "load" else "shelves"
    session.connection().execute(
        text(f"update {table} set {column} = {column} || cast(:patch as jsonb)"), {"patch": patch}
    )


def _set_key(row: Rack) -> None:
    row.labels["mine"] = 1


def _remove_key(row: Rack) -> None:
    del row.labels["a"]


def _set_key_after_a_nested_change(row: Rack) -> None:
    row.labels.setdefault("list", []).append(1)


def _replace_after_a_set_key(row: Rack) -> None:
    row.labels["mine"] = 1
    row.labels = {"mine": 2}


def _set_a_key_of_a_replacement(row: Rack) -> None:
    row.labels = {"mine": 1}
    row.labels["mine"] = 2


def _nested_change_that_is_marked(row: Rack) -> None:
    dict.__setitem__(row.labels, "mine", 1)
    flag_modified(row, "labels")


def _unpickled(row: Rack) -> None:
    row.labels = pickle.loads(pickle.dumps(row.labels)) | {"mine": 1}  # noqa: S301  our own


def _set_a_copy(row: Rack) -> None:
    row.size = row.size.model_copy(update={"width": 2})


CHANGES: dict[str, tuple[str, Callable[[Rack], None]]] = {
    "key set": ("labels", _set_key),
    "key removed": ("labels", _remove_key),
    "nested": ("labels", _set_key_after_a_nested_change),
    "set and replaced": ("labels", _replace_after_a_set_key),
    "replaced and set": ("labels", _set_a_key_of_a_replacement),
    "marked": ("labels", _nested_change_that_is_marked),
    "copied": ("labels", lambda row: setattr(row, "labels", copy.deepcopy(row.labels) | {"b": 1})),
    "unpickled": ("labels", _unpickled),
    "not tracked": ("plain", lambda row: setattr(row, "plain", {**row.plain, "mine": 1})),
    "typed": ("size", lambda row: setattr(row, "size", Size(width=2))),
    "typed copy": (
        "size",
        lambda row: setattr(row, "size", row.size.model_copy(update={"width": 2})),
    ),
    "of nothing": ("spare", lambda row: setattr(row, "spare", Size(width=2))),
    "of another table": ("load", lambda row: setattr(row, "load", {})),
}


@pytest.mark.parametrize(("column", "change"), CHANGES.values(), ids=CHANGES)
def test_whole_document_is_not_written_over_the_change_of_another(
    session: Session, column: str, change: Callable[[Rack], None]
) -> None:
    row = session.get_one(Rack, KEY)
    _change_by_another(session, column)
    change(row)
    with pytest.raises(StaleDocument) as caught:
        session.flush()
    table = "racks" if column == "load" else "shelves"
    assert (caught.value.table, caught.value.column, caught.value.key) == (table, column, (KEY,))
    assert str(caught.value).startswith(f"{table}.{column} of the row {KEY} has changed since")


@pytest.mark.parametrize(("column", "change"), CHANGES.values(), ids=CHANGES)
def test_change_is_stored_where_nobody_else_changed_the_document(
    session: Session, column: str, change: Callable[[Rack], None]
) -> None:
    row = session.get_one(Rack, KEY)
    for other in {"labels", "plain", "load"} - {column}:
        _change_by_another(session, other)
    before = getattr(row, column)
    change(row)
    changed = copy.deepcopy(getattr(row, column))
    session.flush()
    session.refresh(row)
    assert getattr(row, column) == changed
    assert before is None or isinstance(before, type(changed) | dict)


@pytest.mark.parametrize(
    "written",
    [{"n": 1e30}, {"n": -0.0}, {"n": 1e-7}, {"n": 0.1}, {"n": 10**40}, {"ש": ["\n", None, True]}],
    ids=str,
)
@pytest.mark.parametrize("column", ["labels", "plain"])
def test_changes_of_one_session_follow_each_other(
    session: Session, column: str, written: dict[str, Any]
) -> None:
    row = session.get_one(Rack, KEY)
    for number in range(2):
        setattr(row, column, {**written, "number": number})
        session.flush()
    if column == "labels":
        row.labels["number"] = 3
        session.flush()
    _change_by_another(session, column)
    setattr(row, column, written)
    with pytest.raises(StaleDocument):
        session.flush()


def test_row_that_this_session_inserted_is_compared_with_what_was_inserted(
    session: Session,
) -> None:
    row = _new()
    row.id = row.rack_id = KEY + 1
    session.add(row)
    session.flush()
    row.labels["b"] = 2
    session.flush()
    _change_by_another(session, "labels")
    row.labels["b"] = 3
    with pytest.raises(StaleDocument):
        session.flush()


def test_number_that_python_reads_inexactly_is_no_change(session: Session) -> None:
    _change_by_another(session, "labels", '{"n": 0.12345678901234567890123}')
    row = session.get_one(Rack, KEY)
    session.refresh(row)
    row.labels["mine"] = 1
    session.flush()


def test_change_to_another_type_of_json_is_stored_and_noticed(session: Session) -> None:
    row = session.get_one(Rack, KEY)
    row.labels = {"a": True}
    session.flush()
    session.refresh(row)
    assert row.labels["a"] is True
    _change_by_another(session, "labels", '{"a": 1}')
    row.labels["a"] = False
    with pytest.raises(StaleDocument):
        session.flush()


def test_another_column_is_stored_whatever_happened_to_the_documents(session: Session) -> None:
    row = session.get_one(Rack, KEY)
    _change_by_another(session, "labels")
    _change_by_another(session, "plain")
    row.name = "Upper"
    row.labels = dict(row.labels)  # the same
    session.flush()
    session.refresh(row)
    assert row.labels == {"a": 1, "anothers": 2}


def test_row_can_be_read_again_after_a_refusal(session: Session) -> None:
    row = session.get_one(Rack, KEY)
    savepoint = session.begin_nested()
    _change_by_another(session, "labels")
    row.labels["mine"] = 1
    with pytest.raises(StaleDocument):
        session.flush()
    savepoint.rollback()
    row.labels["mine"] = 1
    session.flush()
    session.refresh(row)
    assert row.labels == {"a": 1, "mine": 1}


def test_keys_are_merged_whatever_others_changed(session: Session) -> None:
    row: Any = session.get_one(Rack, KEY)
    for column in ("labels", "plain", "size"):
        _change_by_another(session, column, '{"unit": "m"}')
    row.labels = Rack.labels.concat({"mine": {"n": [1]}})
    row.plain = Rack.plain.concat({"mine": None})
    row.size = Rack.size.concat({"width": 3})
    session.flush()
    session.refresh(row)
    assert row.labels == {"a": 1, "unit": "m", "mine": {"n": [1]}}
    assert row.plain == {"a": 1, "unit": "m", "mine": None}
    assert row.size == Size(width=3, unit="m")
    row.labels["mine"] = 2  # based on what the database made of it
    session.flush()


def test_merged_keys_can_be_selected_and_written_in_bulk(session: Session) -> None:
    merged = session.scalar(select(Rack.size.concat({"unit": "m"})))
    assert merged == Size(width=1, unit="m")
    row = session.get_one(Rack, KEY)
    session.execute(update(Shelf).values(labels=Shelf.labels.concat({"b": 2})))
    assert row.labels == {"a": 1, "b": 2}
    row.labels["c"] = 3
    session.flush()


def test_bulk_update_of_a_whole_document_is_not_compared(session: Session) -> None:
    row = session.get_one(Rack, KEY)
    _change_by_another(session, "labels")
    session.execute(update(Shelf).values(labels={"bulk": 1}))
    session.refresh(row)
    assert row.labels == {"bulk": 1}


def test_expression_is_merged(session: Session) -> None:
    merged = Rack.labels.concat(func.jsonb_build_object("b", 2)).concat(Rack.plain)
    assert session.scalar(select(merged)) == {"a": 1, "b": 2}


@pytest.mark.parametrize(
    ("patch", "message"),
    [
        ({"width": "wide"}, "width"),
        ({"height": 1}, "height"),
        ([1], "valid dictionary"),
        ({"unit": "\0"}, "NUL"),
    ],
)
def test_key_of_a_shape_is_validated_before_it_is_sent(patch: Any, message: str) -> None:  # noqa: ANN401
    with pytest.raises(ValidationError, match=message):
        Rack.size.concat(patch)


def test_key_is_merged_under_its_stored_name() -> None:
    for patch in ({"welcome_message": "Hi"}, {"welcomeMessage": "Hi"}):
        merge = TenantProfile.brand_config.concat(patch).compile()
        assert list(merge.params.values()) == [{"welcomeMessage": "Hi"}]
    colors = {"colors": STORED_BRAND["colors"]}
    merge = TenantProfile.brand_config.concat(colors).compile()
    assert list(merge.params.values()) == [colors]


@pytest.mark.parametrize("patch", [[1], "text", None, 1])
def test_what_is_no_mapping_is_not_merged(patch: object) -> None:
    with pytest.raises(InputError, match=r"events.settings can be merged with a mapping of keys"):
        Event.settings.concat(patch)


def test_error_is_one_of_stale_data_and_can_be_pickled() -> None:
    error = StaleDocument("shelves", "labels", (KEY,))
    assert isinstance(error, StaleDataError)
    again = pickle.loads(pickle.dumps(error))  # noqa: S301  our own
    assert (str(again), again.key) == (str(error), (KEY,))


def test_object_keeps_its_text_when_it_is_pickled_with_its_row(session: Session) -> None:
    row = session.get_one(Rack, KEY)
    detached = pickle.loads(pickle.dumps(row))  # noqa: S301  our own
    session.expunge(row)
    session.add(detached)
    _change_by_another(session, "labels")
    detached.labels["mine"] = 1
    with pytest.raises(StaleDocument):
        session.flush()


@pytest.mark.parametrize("column", ["labels", "plain"])
@pytest.mark.parametrize("is_loaded", [True, False])
def test_document_of_another_row_is_copied(session: Session, column: str, is_loaded: bool) -> None:  # noqa: FBT001
    session.add(Rack(id=8, rack_id=8, size=Size(width=1), labels={"b": 1}, plain={"b": 1}, load={}))
    session.flush()
    row, other = session.get_one(Rack, KEY), session.get_one(Rack, 8)
    if not is_loaded:
        session.expire(other)
    setattr(other, column, getattr(row, column))
    session.flush()
    getattr(other, column)["mine"] = 1
    session.flush()
    session.expire_all()
    assert getattr(row, column) == {"a": 1}
    assert getattr(other, column) == ({"a": 1, "mine": 1} if column == "labels" else {"a": 1})


def test_row_whose_key_is_of_a_converted_type_is_compared(session: Session) -> None:
    session.add(Box(code=7, content={"a": 1}))
    session.flush()
    session.expire_all()
    box = session.get_one(Box, 7)
    box.content = {"a": 2}
    session.flush()
    session.connection().execute(update(Box).values(content={"theirs": 1}))
    box.content = {"a": 3}
    with pytest.raises(StaleDocument):
        session.flush()


def test_row_that_is_gone_is_no_stale_document(session: Session) -> None:
    row = session.get_one(Rack, KEY)
    session.connection().execute(text("delete from racks"))
    row.load = {}
    with pytest.raises(StaleDataError) as caught:
        session.flush()
    assert not isinstance(caught.value, StaleDocument)


@pytest.mark.thorough
def test_change_that_commits_while_the_flush_waits_is_not_overwritten(
    townhall_engine: Engine,
) -> None:
    with townhall_engine.begin() as connection:
        insert_wizard(connection)
    sessions = SessionFactory(townhall_engine)

    def change() -> None:
        with sessions.as_service() as mine:
            event = mine.get_one(Event, EVENT)
            event.settings["mine"] = 1

    with ThreadPoolExecutor(1) as person:
        with sessions.as_service() as other:
            other.execute(update(Event).values(settings=Event.settings.concat({"theirs": 1})))
            mine = person.submit(change)
            wait_for_a_lock(townhall_engine)
        with pytest.raises(StaleDocument):
            mine.result(timeout=30)
    with sessions.as_service() as session:
        assert session.scalar(select(Event.settings)) == {"theirs": 1}


@pytest.mark.thorough
async def test_documents_are_compared_in_an_async_session(
    townhall_async_engine: AsyncEngine,
) -> None:
    async with townhall_async_engine.begin() as connection:
        await connection.run_sync(insert_wizard)
    sessions = AsyncSessionFactory(townhall_async_engine)
    async with sessions.as_service() as mine:
        event = await mine.get_one(Event, EVENT)
        async with sessions.as_service() as other:
            theirs = await other.get_one(Event, EVENT)
            theirs.settings["theirs"] = 1
        event.settings["mine"] = 1
        with pytest.raises(StaleDocument):
            await mine.flush()
        await mine.rollback()
    async with sessions.as_service() as mine:
        event = await mine.get_one(Event, EVENT)
        event.settings = Event.settings.concat({"mine": 1})
        await mine.flush()
        assert event.settings == {"theirs": 1, "mine": 1}
