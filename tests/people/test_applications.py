"""Applications with accounts and tables of their own, and without townhall's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    insert,
    select,
    text,
)

from tests.people.scan import places_of
from townhall import ActorError
from townhall.input_error import InputError
from townhall.people import (
    ACTOR,
    OTHER,
    PERSON,
    AccountState,
    Deleted,
    account_id,
    accounts,
    erase_person,
    export_person,
    kept,
    owners,
    personal,
)
from townhall.roles import Roles
from townhall.session import SessionFactory

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from townhall.people import Erasure

ADA, BEN = 11, 12
TRACES = ("ada", "000-111")
ONLY_OWNER = "the person was the only owner: make another member one, or delete it"


def _key(name: str = "id") -> Column[int]:
    return Column(name, BigInteger, primary_key=True)


def tables() -> MetaData:
    """Return the tables of an application; each other name of a column is the one in Python."""
    found = MetaData(schema="shop")
    Table(
        "accounts",
        found,
        _key(),
        Column("tenant", BigInteger, nullable=False, unique=False),
        Column("email", Text, nullable=False, info=personal(is_email=True)),
        info=accounts(),
    )
    Table(
        "members",
        found,
        Column(
            "account", ForeignKey("shop.accounts.id", ondelete="CASCADE", info=PERSON), key="who"
        ),
        Column("grp", BigInteger, key="group"),
        Column("role", Text),
        info=owners(group="group", role="role", owner="boss"),
    )
    Table(
        "orders",
        found,
        _key("nr"),
        Column("tenant", BigInteger, nullable=False),
        Column("buyer", BigInteger),
        Column("contact", Text, nullable=False, info=personal(instead="nobody")),
        Column("address", Text, nullable=False, server_default="none", info=personal()),
        Column("number", Text, info=kept("books keep it")),
        ForeignKeyConstraint(
            ["tenant", "buyer"],
            ["shop.accounts.tenant", "shop.accounts.id"],
            ondelete="SET NULL (buyer)",
            info=PERSON,
        ),
    )
    Table(
        "lines",
        found,
        _key(),
        Column("order", ForeignKey("shop.orders.nr", ondelete="CASCADE", info=PERSON)),
        Column("engraving", Text, info=personal()),
    )
    Table(
        "reviews",
        found,
        _key(),
        Column("line", ForeignKey("shop.lines.id", info=OTHER)),
        Column("seen_by", BigInteger, info=account_id("who read it is history")),
        Column("sold_by", ForeignKey("shop.accounts.id", ondelete="SET NULL", info=ACTOR)),
        Column("content", Text),
    )
    Table(
        "newsletter", found, Column("email", Text, info=personal(is_email=True)), Column("at", Text)
    )
    return found


@pytest.fixture
def shop(townhall_connection: Connection) -> Connection:
    """Return a connection to a database with the tables, and rows of two people."""
    metadata, role = tables(), f"clerk_{uuid4().hex[:8]}"
    townhall_connection.execute(text(f"create role {role}; grant {role} to current_user"))
    townhall_connection.execute(text("create schema shop"))
    metadata.tables["shop.accounts"].append_constraint(UniqueConstraint("tenant", "id"))
    metadata.create_all(townhall_connection)
    townhall_connection.execute(text(f"grant usage on schema shop to {role}"))
    townhall_connection.execute(text(f"grant all on all tables in schema shop to {role}"))
    townhall_connection.info["clerk"] = role
    for number, name, phone in ((ADA, "Ada", "000-111"), (BEN, "Ben", "000-222")):
        rows: dict[str, list[dict[str, Any]]] = {
            "accounts": [{"id": number, "tenant": 1, "email": f"{name}@example.org"}],
            "members": [
                {"who": number, "group": number, "role": "boss"},
                {"who": number, "group": 1, "role": "boss"},
            ],
            "orders": [
                {
                    "nr": number,
                    "tenant": 1,
                    "buyer": number,
                    "contact": name,
                    "address": phone,
                    "number": f"order {number}",
                }
            ],
            "lines": [{"id": number, "order": number, "engraving": f"For {name}"}],
            "reviews": [
                {
                    "id": number,
                    "line": number,
                    "seen_by": ADA + BEN - number,
                    "sold_by": number,
                    "content": "good",
                }
            ],
            "newsletter": [{"email": f"{name.upper()}@EXAMPLE.org", "at": "noon"}],
        }
        for table, values in rows.items():
            townhall_connection.execute(insert(metadata.tables[f"shop.{table}"]), values)
    return townhall_connection


def as_service(
    shop: Connection,
    function: Callable[..., Any],
    key: Any,  # noqa: ANN401
    metadata: MetaData | None = None,
) -> Any:  # noqa: ANN401
    roles = Roles(
        anonymous=None, user=None, service=shop.info["clerk"], caller="1", caller_type=int
    )
    with SessionFactory(shop, roles).as_service() as session:
        declared = [tables() if metadata is None else metadata]
        return function(session, key, product=False, metadata=declared, roles=roles)


def test_export_follows_the_links_of_an_application(shop: Connection) -> None:
    exported: dict[str, list[dict[str, Any]]] = as_service(shop, export_person, ADA)
    assert {name: len(rows) for name, rows in exported.items()} == {
        "shop.accounts": 1,
        "shop.members": 2,
        "shop.orders": 1,
        "shop.lines": 1,
        "shop.reviews": 1,  # sold by the person
    }
    assert exported["shop.members"][0]["grp"] == ADA


def test_erasure_clears_the_rows_of_an_application(shop: Connection) -> None:
    before = as_service(shop, export_person, BEN)
    erasure: Erasure = as_service(shop, erase_person, ADA)
    assert erasure.account is AccountState.DELETED
    assert erasure.deleted == {"shop.accounts": Deleted(1, 0), "shop.members": Deleted(2, 0)}
    assert erasure.cleared == {"shop.orders": 1, "shop.lines": 1, "shop.newsletter": 1}
    assert places_of(shop, TRACES) == set()
    order = shop.execute(select(tables().tables["shop.orders"]).filter_by(nr=ADA)).one()
    assert tuple(order) == (ADA, 1, None, "nobody", "none", f"order {ADA}")
    assert {(each.table, each.count, each.why, each.columns) for each in erasure.remaining} == {
        (
            "shop.members",
            1,
            "the person was the only owner: make another member one, or delete it",
            (),
        ),
        ("shop.orders", 1, "books keep it", ("number",)),
        ("shop.lines", 1, "they stay without what tells of the person", ()),
        ("shop.reviews", 1, "the person made it, and it stays without the link", ()),
        ("shop.reviews", 1, "who read it is history", ("seen_by",)),
    }
    assert as_service(shop, export_person, BEN) == before


def test_text_of_rows_that_stay_is_told_where_it_is_not_declared(shop: Connection) -> None:
    metadata = tables()
    for table, column in (("orders", "number"), ("lines", "engraving"), ("reviews", "content")):
        metadata.tables[f"shop.{table}"].c[column].info.clear()
    erasure = as_service(shop, erase_person, ADA, metadata)
    told = {(each.table, each.columns) for each in erasure.remaining if "not declared" in each.why}
    # What the person made for others is not theirs.
    assert told == {("shop.orders", ("number",)), ("shop.lines", ("engraving",))}


def test_rows_below_a_row_of_the_person_are_theirs_at_every_level(shop: Connection) -> None:
    metadata = tables()
    folders = Table(
        "folders",
        metadata,
        _key(),
        Column("owner", ForeignKey("shop.accounts.id", ondelete="SET NULL", info=PERSON)),
        Column("above", ForeignKey("shop.folders.id", ondelete="SET NULL", info=PERSON)),
        Column("title", Text, info=personal()),
    )
    folders.create(shop)
    shop.execute(text(f"grant all on shop.folders to {shop.info['clerk']}"))
    for first, owner in ((10, ADA), (20, BEN)):
        for key in range(first, first + 5):
            top = key == first
            shop.execute(
                insert(folders).values(
                    id=key, owner=owner if top else None, above=None if top else key - 1, title="x"
                )
            )
    shop.execute(folders.update().where(folders.c.id == 10).values(above=14))  # a circle
    exported = as_service(shop, export_person, ADA, metadata)
    assert {row["id"] for row in exported["shop.folders"]} == {10, 11, 12, 13, 14}
    as_service(shop, erase_person, ADA, metadata)
    named = select(folders.c.id).where(folders.c.title.is_not(None))
    assert set(shop.scalars(named)) == {20, 21, 22, 23, 24}


def test_rows_of_two_tables_that_refer_to_each_other_are_theirs_at_every_level(
    shop: Connection,
) -> None:
    metadata = tables()
    boxes = Table(
        "boxes",
        metadata,
        _key(),
        Column("owner", ForeignKey("shop.accounts.id", ondelete="SET NULL", info=PERSON)),
        Column("bag", ForeignKey("shop.bags.id", ondelete="SET NULL", info=PERSON, use_alter=True)),
        Column("inside", ForeignKey("shop.boxes.id", ondelete="SET NULL", info=PERSON)),
        Column("title", Text, info=personal()),
    )
    bags = Table(
        "bags",
        metadata,
        _key(),
        Column("box", ForeignKey("shop.boxes.id", ondelete="CASCADE", info=PERSON)),
        Column("title", Text, info=personal()),
    )
    metadata.create_all(shop, tables=[boxes, bags])
    shop.execute(text(f"grant all on shop.boxes, shop.bags to {shop.info['clerk']}"))
    for first, person in ((10, ADA), (20, BEN)):
        # A box holds a bag, which holds a box, which holds a box, and so on.
        for key in range(first, first + 9, 3):
            holder = {"owner": person} if key == first else {"bag": key - 3}
            shop.execute(insert(boxes).values(id=key, title="x", **holder))
            shop.execute(insert(boxes).values(id=key + 1, title="x", inside=key))
            shop.execute(insert(bags).values(id=key, title="x", box=key + 1))
    shop.execute(boxes.update().where(boxes.c.id == 10).values(bag=16))  # a circle
    exported = as_service(shop, export_person, ADA, metadata)
    assert {row["id"] for row in exported["shop.boxes"]} == {10, 11, 13, 14, 16, 17}
    assert {row["id"] for row in exported["shop.bags"]} == {10, 13, 16}
    as_service(shop, erase_person, ADA, metadata)
    for table, keys in ((boxes, {20, 21, 23, 24, 26, 27}), (bags, {20, 23, 26})):
        named = select(table.c.id).where(table.c.title.is_not(None))
        assert set(shop.scalars(named)) == keys


@pytest.mark.parametrize("table", ["orders", "newsletter"])
def test_erasure_is_refused_where_policies_hide_rows(shop: Connection, table: str) -> None:
    shop.execute(text(f"alter table shop.{table} enable row level security"))
    with pytest.raises(ActorError, match=rf"hide rows of shop\.{table}"):
        as_service(shop, erase_person, ADA)


@pytest.mark.parametrize("key", [uuid4(), "x", 1.5, 2**63])
def test_key_of_another_type_is_refused(shop: Connection, key: object) -> None:
    with pytest.raises(InputError, match="not an integer"):
        as_service(shop, export_person, key)


def test_unclassified_link_is_refused_by_name(shop: Connection) -> None:
    metadata = tables()
    Table("notes", metadata, Column("by", ForeignKey("shop.accounts.id", name="fk_by")))
    roles = Roles(anonymous=None, user=None, service=shop.info["clerk"], caller_type=int)
    with (
        SessionFactory(shop, roles).as_service() as session,
        pytest.raises(InputError, match=r"rows of shop\.notes are, by its foreign key fk_by"),
    ):
        erase_person(session, ADA, product=False, metadata=[metadata], roles=roles)


def test_personal_column_that_can_not_be_cleared_is_refused(shop: Connection) -> None:
    metadata = tables()
    metadata.tables["shop.orders"].c["number"].info |= personal()
    metadata.tables["shop.orders"].c["number"].nullable = False
    roles = Roles(anonymous=None, user=None, service=shop.info["clerk"], caller_type=int)
    with (
        SessionFactory(shop, roles).as_service() as session,
        pytest.raises(InputError, match=r"number of shop\.orders .* personal\(instead=…\)"),
    ):
        erase_person(session, ADA, product=False, metadata=[metadata], roles=roles)


def test_two_tables_of_accounts_are_refused(shop: Connection) -> None:
    other = MetaData()
    Table("people", other, _key(), info=accounts())
    roles = Roles(anonymous=None, user=None, service=shop.info["clerk"], caller_type=int)
    with (
        SessionFactory(shop, roles).as_service() as session,
        pytest.raises(InputError, match=r"public\.people, shop\.accounts are declared as accounts"),
    ):
        export_person(session, ADA, product=False, metadata=[tables(), other], roles=roles)
