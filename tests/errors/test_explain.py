"""Exceptions of SQLAlchemy, psycopg and this package are explained, whatever is around them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import psycopg
import pytest
from pydantic import BaseModel, ValidationError
from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    delete,
    insert,
    select,
    text,
)
from sqlalchemy.exc import (
    DBAPIError,
    InvalidRequestError,
    MultipleResultsFound,
    NoResultFound,
    SQLAlchemyError,
)
from sqlalchemy.orm.exc import StaleDataError

from townhall import (
    BrandConfig,
    CommunityProfile,
    ConsentCategory,
    ConsentPreference,
    Event,
    Milestone,
    Organization,
    OrganizationMember,
    SocialFeedPost,
    StaleDocument,
    TenantProfile,
)
from townhall.errors import Declared, Explanation, Kind, Refusal, explain, refused_with
from townhall.input_error import InputError
from townhall.session import ActorError, AsyncSessionFactory, RoleNotGranted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection
    from sqlalchemy.ext.asyncio import AsyncEngine
    from sqlalchemy.orm import Session

    from townhall.session import SessionFactory

SECRET = "ada@example.org"  # noqa: S105  personal data in a value
shop = MetaData()
orders = Table(
    "shop_orders",
    shop,
    Column("id", Integer, primary_key=True),
    Column("buyer_id", Text, nullable=False),
    Column("amount", Integer),
    Column("parent_id", ForeignKey("shop_orders.id")),
    UniqueConstraint("buyer_id"),
    CheckConstraint("amount > 0", name="amount_positive"),
    CheckConstraint(
        "amount < 100", name="amount_small", info=refused_with("Order less than a hundred.")
    ),
)


@pytest.fixture
def shop_connection(townhall_connection: Connection) -> Connection:
    orders.create(townhall_connection)
    townhall_connection.execute(insert(orders).values(id=1, buyer_id=SECRET))
    return townhall_connection


def explained(error: BaseException, *declared: Declared) -> Explanation:
    found = explain(error, *declared)
    assert found is not None
    assert found.original is error
    assert SECRET not in found.sentence
    return found


def failed(connection: Connection, statement: str, *declared: Declared) -> Explanation:
    with pytest.raises(SQLAlchemyError) as raised, connection.begin_nested():
        connection.execute(text(statement))
    return explained(raised.value, *declared)


BROKEN = {
    "insert into shop_orders (id, buyer_id) values (2, 'ada@example.org')": (
        Kind.DUPLICATE,
        ("buyer_id",),
    ),
    "insert into shop_orders (id, buyer_id, parent_id) values (2, 'b', 7)": (
        Kind.MISSING_REFERENCE,
        ("parent_id",),
    ),
    "insert into shop_orders (id, buyer_id, amount) values (2, 'b', 0)": (
        Kind.OUT_OF_RANGE,
        ("amount",),
    ),
    "insert into shop_orders (id) values (2)": (Kind.OUT_OF_RANGE, ("buyer_id",)),
}


@pytest.mark.parametrize("statement", BROKEN)
def test_rules_of_an_application_are_explained_by_its_declarations(
    shop_connection: Connection, statement: str
) -> None:
    found = failed(shop_connection, statement, shop)
    assert (found.kind, found.columns) == BROKEN[statement]
    assert found.table == "shop_orders"


@pytest.mark.parametrize("statement", [each for each in BROKEN if "amount" not in each])
def test_rules_that_are_not_declared_are_explained_by_what_postgresql_names(
    shop_connection: Connection, statement: str
) -> None:
    found = failed(shop_connection, statement)
    assert (found.kind, found.columns) == BROKEN[statement]
    assert found.table == "shop_orders"


INSERTED = [
    'insert or update on table "shop_orders" violates foreign key constraint "fk_parent"',
    "Einfügen oder Aktualisieren in Tabelle »shop_orders« verletzt Fremdschlüssel »fk_parent«",
    "une instruction insert ou update sur la table « shop_orders » viole « fk_parent »",
    'テーブル"shop_orders"への挿入、更新は外部キー制約"fk_parent"に違反しています',
]
REFERRED_TO = [
    'update or delete on "shop_orders" violates constraint "fk_parent" on table "shop_orders"',
    "Aktualisieren in Tabelle »kunden« verletzt »fk_parent« von Tabelle »shop_orders«",
    "UPDATE ou DELETE sur la table « kunden » viole « fk_parent » de la table « shop_orders »",
    'テーブル"kunden"の更新または削除は、テーブル"shop_orders"の外部キー制約"fk_parent"に違反します',
]


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        *((each, Kind.MISSING_REFERENCE) for each in INSERTED),
        *((each, Kind.WRONG_STATE) for each in REFERRED_TO),
    ],
)
def test_broken_reference_is_explained_in_each_language_of_the_server(
    message: str, kind: Kind
) -> None:
    field = psycopg.pq.DiagnosticField
    error = psycopg.errors.ForeignKeyViolation(
        message,
        info={
            field.MESSAGE_PRIMARY: message.encode(),
            field.TABLE_NAME: b"shop_orders",
            field.CONSTRAINT_NAME: b"fk_parent",
        },
    )
    assert explained(error).kind is kind


@pytest.mark.parametrize("command", ["update shop_orders set id = 7", "delete from shop_orders"])
def test_row_that_others_refer_to_is_not_explained_as_a_missing_reference(
    shop_connection: Connection, command: str
) -> None:
    shop_connection.execute(insert(orders).values(id=2, buyer_id="b", parent_id=1))
    found = failed(shop_connection, f"{command} where id = 1", shop)
    assert (found.kind, found.table) == (Kind.WRONG_STATE, "shop_orders")
    assert found.sentence == "Entries in shop orders still refer to this."


def test_check_that_is_not_declared_is_named_in_words(shop_connection: Connection) -> None:
    found = failed(shop_connection, "insert into shop_orders values (2, 'b', 0)")
    assert found.constraint == "amount_positive"
    assert "amount positive" in found.sentence


def test_sentence_of_a_constraint_is_the_declared_one(shop_connection: Connection) -> None:
    found = failed(shop_connection, "update shop_orders set amount = 100", shop)
    assert found.sentence == "Order less than a hundred."
    assert (found.kind, found.columns) == (Kind.OUT_OF_RANGE, ("amount",))


def test_row_that_others_refer_to_is_in_a_wrong_state_to_be_deleted(
    shop_connection: Connection,
) -> None:
    shop_connection.execute(insert(orders).values(id=2, buyer_id="b", parent_id=1))
    with pytest.raises(DBAPIError) as raised, shop_connection.begin_nested():
        shop_connection.execute(delete(orders).where(orders.c.id == 1))
    found = explained(raised.value, shop)
    assert (found.kind, found.table) == (Kind.WRONG_STATE, "shop_orders")


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        ("22001", Kind.TOO_LARGE),
        ("22003", Kind.OUT_OF_RANGE),
        ("22P02", Kind.OUT_OF_RANGE),
        ("23001", Kind.WRONG_STATE),
        ("23503", Kind.MISSING_REFERENCE),
        ("23505", Kind.DUPLICATE),
        ("23514", Kind.WRONG_STATE),
        ("23P01", Kind.DUPLICATE),
        ("40001", Kind.CONFLICT),
        ("40P01", Kind.CONFLICT),
        ("42501", Kind.DENIED),
        ("44000", Kind.DENIED),
        ("54000", Kind.TOO_LARGE),
        ("55P03", Kind.CONFLICT),
        ("P0001", Kind.WRONG_STATE),
        ("P0002", Kind.NOT_FOUND),
        ("P0003", Kind.DUPLICATE),
    ],
)
def test_error_that_a_function_raises_is_explained_by_its_state(
    townhall_connection: Connection, state: str, kind: Kind
) -> None:
    statement = f"do $$ begin raise 'about {SECRET}' using errcode = '{state}'; end $$"
    assert failed(townhall_connection, statement).kind is kind


def test_detail_that_a_function_raises_is_not_read(townhall_connection: Connection) -> None:
    statement = (
        "do $$ begin raise unique_violation using detail = 'Key (Ada Lovelace)=(x) exists',"
        " table = 'people'; end $$"
    )
    found = failed(townhall_connection, statement)
    assert (found.kind, found.table, found.columns) == (Kind.DUPLICATE, "people", ())
    assert "Ada" not in found.sentence


def test_text_of_a_statement_is_not_told(townhall_sessions: SessionFactory) -> None:
    with townhall_sessions.as_anonymous() as session:
        with pytest.raises(DBAPIError) as raised:
            session.execute(text("select 'a mail from Ada', pg_read_file('x')"))
        session.rollback()
    assert explained(raised.value).sentence == "You may not do this."


def test_columns_of_an_expression_are_named_without_its_functions(
    shop_connection: Connection,
) -> None:
    for statement in (
        "create unique index on shop_orders (lower(cast(buyer_id as varchar)), amount)",
        "alter table shop_orders drop constraint shop_orders_buyer_id_key",
        "update shop_orders set amount = 1",
    ):
        shop_connection.execute(text(statement))
    found = failed(
        shop_connection,
        f"insert into shop_orders (id, buyer_id, amount) values (2, upper('{SECRET}'), 1)",
    )
    assert (found.kind, found.columns) == (Kind.DUPLICATE, ("buyer_id", "amount"))


async def test_error_of_an_async_session_is_explained(townhall_async_engine: AsyncEngine) -> None:
    twice = [Organization(name="Guild", slug="guild") for _ in range(2)]
    async with AsyncSessionFactory(townhall_async_engine).as_service() as session:
        session.add_all(twice)
        with pytest.raises(DBAPIError) as raised:
            await session.flush()
        await session.rollback()
        with pytest.raises(NoResultFound) as missing:
            await session.get_one(Event, uuid4())
    found = explained(raised.value)
    assert (found.kind, found.table) == (Kind.DUPLICATE, "organizations")
    assert found.columns == ("slug",)
    assert explained(missing.value).kind is Kind.NOT_FOUND


def test_rule_that_a_function_raises_is_told_as_declared(townhall_connection: Connection) -> None:
    statement = (
        "do $$ begin raise check_violation using message = 'sold', constraint = 'price_is_kept',"
        " table = 'tickets', column = 'price'; end $$"
    )
    refusal = Refusal(Kind.WRONG_STATE, "The price of a sold ticket is fixed.")
    found = failed(townhall_connection, statement, {"price_is_kept": refusal})
    assert (found.kind, found.sentence) == (refusal.kind, refusal.sentence)
    assert (found.table, found.columns, found.constraint) == (
        "tickets",
        ("price",),
        "price_is_kept",
    )


@pytest.mark.parametrize("statement", ["selec", "select * from nowhere", "select 1 + now()"])
def test_mistake_in_a_statement_is_no_refusal(
    townhall_connection: Connection, statement: str
) -> None:
    with pytest.raises(DBAPIError) as raised, townhall_connection.begin_nested():
        townhall_connection.execute(text(statement))
    assert explain(raised.value) is None


def test_error_of_the_driver_alone_is_explained(townhall_connection: Connection) -> None:
    driver = townhall_connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    with pytest.raises(psycopg.Error) as raised, driver.transaction():
        driver.execute("select cast(%s as integer)", [SECRET])
    assert explained(raised.value).kind is Kind.OUT_OF_RANGE


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (NoResultFound(), Kind.NOT_FOUND),
        (MultipleResultsFound(), Kind.DUPLICATE),
        (StaleDataError(), Kind.CONFLICT),
        (ActorError(SECRET), Kind.WRONG_STATE),
        (RoleNotGranted(SECRET), Kind.DENIED),
        (InputError(SECRET), Kind.OUT_OF_RANGE),
    ],
    ids=lambda each: type(each).__name__,
)
def test_exception_without_a_statement_has_a_kind(error: Exception, kind: Kind) -> None:
    assert explained(error).kind is kind


def test_stale_document_has_its_table_and_column() -> None:
    found = explained(StaleDocument("events", "settings", (SECRET,)))
    assert (found.kind, found.table, found.columns) == (Kind.CONFLICT, "events", ("settings",))
    assert SECRET not in found.sentence


@pytest.mark.parametrize("error", [KeyError("x"), ValueError("x"), RuntimeError("x")])
def test_other_exception_is_not_explained(error: Exception) -> None:
    assert explain(error) is None


def around(error: Exception) -> Iterator[BaseException]:
    caused = RuntimeError("caused")
    caused.__cause__ = error
    yield caused
    while_handled = RuntimeError("while handled")
    while_handled.__context__ = error
    yield while_handled
    yield ExceptionGroup("tasks", [KeyError("x"), ExceptionGroup("inner", [error])])


@pytest.mark.parametrize("place", range(3))
def test_exception_is_explained_by_what_it_follows_from(place: int) -> None:
    error = [*around(NoResultFound())][place]
    assert explained(error).kind is Kind.NOT_FOUND


def test_exception_that_hides_its_reason_is_not_explained() -> None:
    hidden = RuntimeError("hidden")
    hidden.__context__ = NoResultFound()
    hidden.__suppress_context__ = True
    assert explain(hidden) is None


def test_row_that_is_gone_when_it_is_refreshed_is_not_found(townhall_session: Session) -> None:
    organization = Organization(name="Hall", slug="hall")
    townhall_session.add(organization)
    townhall_session.flush()
    townhall_session.execute(delete(Organization).execution_options(synchronize_session=False))
    with pytest.raises(InvalidRequestError) as raised:
        townhall_session.refresh(organization)
    assert explained(raised.value).kind is Kind.NOT_FOUND
    with pytest.raises(InvalidRequestError) as raised:
        townhall_session.refresh(Organization())
    assert explain(raised.value) is None


def test_exceptions_that_follow_from_each_other_end() -> None:
    first, second = RuntimeError("first"), RuntimeError("second")
    first.__cause__, second.__cause__ = second, first
    assert explain(first) is None


def test_part_of_a_document_that_is_not_valid_is_named_with_its_column() -> None:
    with pytest.raises(ValidationError) as raised:
        TenantProfile(brand_config={"colors": {"primary": SECRET}})
    found = explained(raised.value)
    assert (found.kind, found.table, found.columns) == (
        Kind.OUT_OF_RANGE,
        "tenant_profiles",
        ("brand_config",),
    )
    assert "colors.primary" in found.sentence


@pytest.mark.parametrize(
    ("document", "path"),
    [({SECRET: 1}, "logo"), ({"logo": {SECRET: {"url": 1}}}, "logo.alt")],
    ids=["first level", "second level"],
)
def test_key_of_a_document_that_is_none_of_its_shape_is_not_shown(
    document: dict[str, object], path: str
) -> None:
    with pytest.raises(ValidationError, match=SECRET) as raised:
        TenantProfile(brand_config=document)
    assert path in explained(raised.value).sentence


def test_document_that_is_not_valid_is_explained_when_it_is_sent(
    townhall_session: Session,
) -> None:
    statement = insert(TenantProfile).values(brand_config={"colors": SECRET})
    with pytest.raises((SQLAlchemyError, InputError)) as raised:
        townhall_session.execute(statement)
    found = explained(raised.value)
    assert (found.table, found.columns) == ("tenant_profiles", ("brand_config",))


def test_model_of_an_application_that_is_not_valid_is_not_explained() -> None:
    class Order(BaseModel):
        amount: int

    with pytest.raises(ValidationError) as raised:
        Order.model_validate({"amount": "x"})
    assert explain(raised.value) is None
    assert BrandConfig.__name__ != Order.__name__


@pytest.mark.parametrize(
    ("row", "table", "column"),
    [
        (OrganizationMember(role=SECRET), "organization_members", "role"),
        (CommunityProfile(achievements=SECRET), "community_profiles", "achievements"),
    ],
    ids=["vocabulary", "labels"],
)
def test_value_that_a_type_refuses_is_explained_with_its_column(
    townhall_session: Session, row: object, table: str, column: str
) -> None:
    townhall_session.add(row)
    with pytest.raises(SQLAlchemyError) as raised:
        townhall_session.flush()
    found = explained(raised.value)
    assert (found.kind, found.table, found.columns) == (Kind.OUT_OF_RANGE, table, (column,))


def test_value_that_no_column_can_hold_is_explained_with_its_column(
    townhall_session: Session,
) -> None:
    townhall_session.add(SocialFeedPost(author_id=uuid4(), content=f"{SECRET}\0"))
    with pytest.raises(SQLAlchemyError) as raised:
        townhall_session.flush()
    found = explained(raised.value)
    assert (found.kind, found.table, found.columns) == (
        Kind.OUT_OF_RANGE,
        "social_feed_posts",
        ("content",),
    )


@pytest.mark.parametrize(("name", "kind"), [("x" * 201, Kind.TOO_LARGE), ("  ", Kind.OUT_OF_RANGE)])
def test_bounds_of_a_text_tell_what_is_too_long_from_what_is_blank(
    townhall_session: Session, name: str, kind: Kind
) -> None:
    townhall_session.add(Event(organization_id=uuid4(), name=name))
    with pytest.raises(DBAPIError) as raised:
        townhall_session.flush()
    found = explained(raised.value)
    assert (found.kind, found.columns) == (kind, ("name",))


def refused_post(sessions: SessionFactory, **values: object) -> DBAPIError:
    with sessions.as_user(uuid4()) as session:
        session.add(SocialFeedPost(content=SECRET, **values))
        with pytest.raises(DBAPIError) as raised:
            session.flush()
        session.rollback()
    return raised.value


@pytest.mark.parametrize("values", [{}, {"author_id": None}], ids=["left out", "null"])
def test_insert_that_leaves_out_its_author_names_the_column(
    townhall_sessions: SessionFactory, values: dict[str, None]
) -> None:
    error = refused_post(townhall_sessions, **values)
    found = explained(error)
    assert (found.kind, found.table) == (Kind.DENIED, "social_feed_posts")
    assert found.columns == ("author_id",)
    assert found.sentence.startswith("Author is missing")


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (Milestone(id="launch", title=SECRET), "only in your own name: user has"),
        (
            ConsentPreference(category=ConsentCategory.DIRECTORY),
            "only in your own name and with an account: user",
        ),
    ],
    ids=["owner", "owner with an account"],
)
def test_insert_in_the_name_of_another_is_denied(
    townhall_sessions: SessionFactory, row: Milestone | ConsentPreference, says: str
) -> None:
    row.user_id = uuid4()
    with townhall_sessions.as_user(uuid4()) as session:
        session.add(row)
        with pytest.raises(DBAPIError) as raised:
            session.flush()
        session.rollback()
    for error in (raised.value, raised.value.orig):
        assert error is not None
        found = explained(error)
        assert (found.kind, found.table) == (Kind.DENIED, row.__tablename__)
        assert found.columns == ("user_id",)
        assert says in found.sentence


def test_insert_that_breaks_another_condition_is_not_told_as_one_of_another(
    townhall_sessions: SessionFactory,
) -> None:
    found = explained(refused_post(townhall_sessions, author_id=uuid4()))
    assert (found.kind, found.columns) == (Kind.DENIED, ())
    assert found.sentence == "You may not add this to social feed posts."


def test_column_that_a_client_may_not_set_is_named(townhall_sessions: SessionFactory) -> None:
    user = uuid4()
    with pytest.raises(DBAPIError) as raised, townhall_sessions.as_user(user) as session:
        session.execute(insert(SocialFeedPost).values(author_id=user, view_count=5, content="x"))
    found = explained(raised.value)
    assert (found.kind, found.table, found.columns) == (
        Kind.DENIED,
        "social_feed_posts",
        ("view_count",),
    )


def test_table_that_a_caller_may_not_read_is_named(townhall_sessions: SessionFactory) -> None:
    with pytest.raises(DBAPIError) as raised, townhall_sessions.as_anonymous() as session:
        session.scalars(select(Event))
    found = explained(raised.value)
    assert (found.kind, found.table) == (Kind.DENIED, "events")
    assert found.sentence == "You may not read events."
