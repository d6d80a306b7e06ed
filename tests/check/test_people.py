"""The check tells of foreign keys of an application that do not say whose their rows are."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, ForeignKey, ForeignKeyConstraint, MetaData, Table, Uuid

from tests.support.applications import SmallApplication
from townhall import metadata, people
from townhall.check.dangers import lines
from townhall.check.dangers.people import unclassified
from townhall.check.impact import Severity
from townhall.testing.databases import Databases


def declared(*parts: Any, name: str = "notes") -> MetaData:  # noqa: ANN401 - columns, constraints
    found = MetaData()
    Table(name, found, *parts)
    return found


GUEST_KEY = (
    'ForeignKeyConstraint(["event_id", "guest_id"], ["participants.event_id", "participants.id"],'
    " info=people.PERSON)"
)


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        (
            [Column("author_id", ForeignKey("auth.users.id", ondelete="CASCADE", name="fk"))],
            [
                (
                    "constraint public.notes fk",
                    'ForeignKey("auth.users.id", ondelete="CASCADE", info=people.PERSON)',
                )
            ],
        ),
        (
            [Column("author_id", ForeignKey("auth.users.id"))],
            [
                (
                    "constraint public.notes (author_id)",
                    'ForeignKey("auth.users.id", info=people.PERSON)',
                )
            ],
        ),
        (
            [
                Column("event_id", Uuid),
                Column("guest_id", Uuid),
                ForeignKeyConstraint(
                    ["event_id", "guest_id"],
                    ["participants.event_id", "participants.id"],
                    name="fk_guest",
                ),
            ],
            [
                (
                    "constraint public.notes fk_guest",
                    GUEST_KEY,
                )
            ],
        ),
        ([Column("post_id", ForeignKey("social_feed_posts.id", info=people.OTHER))], []),
        ([Column("maker_id", ForeignKey("auth.users.id", info=people.ACTOR))], []),
        ([Column("event_id", ForeignKey("events.id"))], []),
        ([Column("community_id", ForeignKey("communities.id"))], []),
    ],
)
def test_foreign_key_to_people_that_is_not_classified_is_told(
    parts: list[Any], told: list[tuple[str, str]]
) -> None:
    found = list(unclassified([metadata, declared(*parts)]))
    assert [(each.object, each.python) for each in found] == told
    assert {each.severity for each in found} <= {Severity.FUNCTIONAL}
    assert all(each.decision and "people.ACTOR" in each.decision for each in found)


def test_foreign_key_to_rows_of_people_of_the_application_is_told() -> None:
    notes = declared(
        Column("id", Uuid, primary_key=True),
        Column("author_id", ForeignKey("auth.users.id", info=people.PERSON)),
    )
    answers = declared(Column("note_id", ForeignKey("notes.id")), name="answers")
    (found,) = unclassified([notes, answers])
    assert found.object == "constraint public.answers (note_id)"


def test_tables_of_the_product_are_all_classified() -> None:
    assert list(unclassified([metadata])) == []


def test_lines_of_the_report_say_what_to_declare() -> None:
    notes = declared(Column("author_id", ForeignKey("auth.users.id", name="fk")))
    assert "\n".join(lines(unclassified([notes]))) == (
        "functional: 1 unclassified foreign key. Impact: export_person and erase_person are"
        " refused, since they would leave rows behind.\n"
        "  constraint public.notes fk: does not say whose its rows are\n"
        "    decide first: whose the row is: a person's (people.PERSON), one that a person made"
        " (people.ACTOR), or somebody else's (people.OTHER)\n"
        "    SQL:    -- none in SQL: the models declare it\n"
        '    Python: ForeignKey("auth.users.id", info=people.PERSON)'
    )


_DECLARATIONS = """
from sqlalchemy import ForeignKey
from townhall import people

accounts = Table(
    "accounts", metadata, Column("id", Integer, primary_key=True), info=people.accounts()
)
notes = Table(
    "notes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("author_id", ForeignKey("accounts.id", name="fk_author"{info}), index=True),
)
"""


@pytest.fixture
def application(server: Databases, scratch: str, tmp_path: Path) -> Iterator[SmallApplication]:
    with server.create() as url:
        yield SmallApplication(tmp_path, url, scratch)


@pytest.mark.exhaustive
def test_check_of_an_application_tells_until_it_is_classified(
    application: SmallApplication,
) -> None:
    application.declare(_DECLARATIONS.format(info=""))
    assert "info=" not in application.revise("notes")
    report = application.check()
    (found,) = (each for each in report.findings if each.danger == "unclassified foreign key")
    assert found.object == "constraint public.notes fk_author"
    file, _, line = str(found.declared_at).rpartition(":")
    assert "author_id" in Path(file).read_text().splitlines()[int(line) - 1]
    assert not found.is_drift
    assert report.has(Severity.FUNCTIONAL)
    assert json.dumps(report.as_dict()) == json.dumps(application.check().as_dict())
    application.declare(_DECLARATIONS.format(info=", info=people.PERSON"))
    assert not any(each.danger == found.danger for each in application.check().findings)
