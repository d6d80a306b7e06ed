"""No table of ours with data of people is forgotten where a person is exported or erased."""

from __future__ import annotations

import pytest
from sqlalchemy import (
    ARRAY,
    Column,
    Enum,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB

from townhall import metadata
from townhall.base.people import AccountId, declared_in
from townhall.people import PERSON, LinkKind, Links, kept, personal
from townhall.people.columns import undeclared_texts
from townhall.people.links import is_kept, qualified_name
from townhall.types import BoundedText, Document, LabelArray, TextEnum

LINKS = Links([metadata])
KEPT = sorted({path[0].table for path in LINKS.paths if is_kept(path)}, key=str)
"""The tables of which rows stay when an account goes."""
OF_NOBODY = {
    "founder_connections.declined_by",  # one of the two parties, and so goes with the row
    "reputation_events.source_id",  # the row that the points are for
}


def test_every_foreign_key_to_an_account_or_to_a_row_of_a_person_is_classified() -> None:
    assert [(str(link.table), link.name) for link in LINKS.unclassified] == []


def test_no_other_foreign_key_is_classified() -> None:
    linked = {link.constraint for link in LINKS.links}
    classified = {
        constraint
        for table in metadata.sorted_tables
        for constraint in table.foreign_key_constraints
        for info in (constraint.info, *(each.info for each in constraint.elements))
        if declared_in(info) is not None
    }
    assert classified <= linked


def test_new_table_that_is_not_classified_is_found() -> None:
    added = MetaData()
    Table(
        "bookmarks",
        added,
        Column("reader_id", ForeignKey("auth.users.id", info=PERSON)),
        Column("post_id", ForeignKey("social_feed_posts.id", name="fk_post")),
        Column("event_id", ForeignKey("events.id", name="fk_event")),
    )
    links = Links([metadata, added])
    assert [(qualified_name(each.table), each.name) for each in links.unclassified] == [
        ("public.bookmarks", "fk_post")
    ]


@pytest.mark.parametrize("table", [table for table in KEPT if LINKS.paths_of(table)], ids=str)
def test_every_text_of_rows_that_stay_is_declared_personal_or_kept(table: Table) -> None:
    is_made = all(path[0].kind == "actor" for path in LINKS.paths_of(table))
    # What a person made for others is not theirs.
    assert undeclared_texts(table) == [] or is_made


def test_every_uuid_without_a_foreign_key_is_known() -> None:
    found = {
        f"{table.name}.{column.name}": declared_in(column.info)
        for table in metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, Uuid) and not column.primary_key and not column.foreign_keys
    }
    ids = {name for name, declared in found.items() if isinstance(declared, AccountId)}
    assert ids == {"consent_audit_log.changed_by"}
    assert set(found) - ids == OF_NOBODY


@pytest.mark.parametrize("table", metadata.sorted_tables, ids=str)
def test_text_beside_the_id_of_an_account_is_told_with_it(table: Table) -> None:
    declared = (declared_in(column.info) for column in table.columns)
    ids = [each for each in declared if isinstance(each, AccountId)]
    told = {name for each in ids for name in each.along}
    assert not ids or {column.name for column in undeclared_texts(table)} == told


def test_text_is_found_where_it_is_not_declared() -> None:
    table = Table(
        "notes",
        MetaData(),
        Column("id", Text, primary_key=True),
        Column("by", ForeignKey("auth.users.id")),
        Column("kind", TextEnum(LinkKind)),
        Column("state", Enum("new", "old", name="state")),
        Column("number", Integer),
        Column("content", BoundedText(200)),
        Column("title", String(10)),
        Column("data", JSONB),
        Column("document", Document()),
        Column("labels", LabelArray()),
        Column("aliases", ARRAY(Text)),
        Column("theirs", Text, info=personal()),
        Column("ours", Text, info=kept("it is ours")),
    )
    assert [column.name for column in undeclared_texts(table)] == [
        "content",
        "title",
        "data",
        "document",
        "labels",
        "aliases",
    ]
