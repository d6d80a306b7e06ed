"""Diagrams of tables, as text, as Markdown and as SVG."""

from __future__ import annotations

import sys
from xml.etree import ElementTree as ET

import pytest
from sqlalchemy import Column, DateTime, ForeignKey, Integer, MetaData, Table, Text

from townhall.input_error import InputError
from townhall.pictures.choosing import chosen
from townhall.pictures.diagrams import Detail, as_markdown, as_svg, as_text
from townhall.pictures.tables import MOST_LINES, diagram_of


@pytest.fixture
def library() -> MetaData:
    """Return the tables of a library."""
    metadata = MetaData()
    Table("books", metadata, Column("id", Integer, primary_key=True), Column("title", Text))
    Table(
        "loans",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("book_id", ForeignKey("books.id"), nullable=False),
        Column("reader_id", ForeignKey("crm.readers.id")),
        Column("due", DateTime(timezone=True)),
    )
    Table("readers", metadata, Column("id", Integer, primary_key=True), schema="crm")
    return metadata


def test_text_shows_columns_keys_and_references(library: MetaData) -> None:
    assert as_text(diagram_of(library.tables.values())) == (
        "books\n"
        "  # id     integer\n"
        "    title  text?\n"
        "\n"
        "crm.readers\n"
        "  # id  integer\n"
        "\n"
        "loans\n"
        "  # id         integer\n"
        "    book_id    integer       → books\n"
        "    reader_id  integer?      → crm.readers\n"
        "    due        timestamptz?\n"
    )


def test_keys_alone_leave_other_columns_out(library: MetaData) -> None:
    shown = as_text(diagram_of(library.tables.values()), detail=Detail.KEYS)
    assert "reader_id" in shown
    assert "due" not in shown
    assert "title" not in shown


def test_markdown_is_a_diagram_of_mermaid(library: MetaData) -> None:
    lines = as_markdown(diagram_of(library.tables.values())).splitlines()
    assert lines[:2] == ["```mermaid", "erDiagram"]
    assert "        integer book_id FK" in lines
    assert '    "books" ||--o{ "loans" : "book_id"' in lines
    assert '    "crm.readers" |o--o{ "loans" : "reader_id"' in lines


def test_svg_has_every_table_and_a_line_per_reference(library: MetaData) -> None:
    picture = ET.fromstring(as_svg(diagram_of(library.tables.values()), "Library"))  # noqa: S314 - ours
    texts = {"".join(each.itertext()) for each in picture.iter("{http://www.w3.org/2000/svg}text")}
    assert {"books", "loans", "crm.readers", "reader_id", "integer?"} <= texts
    paths = list(picture.iter("{http://www.w3.org/2000/svg}path"))
    assert len([each for each in paths if each.get("class") == "line"]) == 2


def test_svg_is_the_same_each_time(library: MetaData) -> None:
    first, second = (as_svg(diagram_of(library.tables.values()), "Library") for _ in range(2))
    assert first == second


@pytest.mark.parametrize("width", [200, 400, 1000])
def test_boxes_are_within_the_picture_and_do_not_overlap(library: MetaData, width: int) -> None:
    picture = ET.fromstring(as_svg(diagram_of(library.tables.values()), "", width=width))  # noqa: S314 - ours
    boxes = [
        [float(each.attrib[name]) for name in ("x", "y", "width", "height")]
        for each in picture.iter("{http://www.w3.org/2000/svg}rect")
        if each.get("class") == "box"
    ]
    assert len(boxes) == 3
    for x, y, across, down in boxes:
        assert 0 <= x <= x + across <= float(picture.attrib["width"])
        assert 0 <= y <= y + down <= float(picture.attrib["height"])
    for number, (x, y, across, down) in enumerate(boxes):
        for left, top, wide, high in boxes[number + 1 :]:
            apart = x + across <= left or left + wide <= x or y + down <= top or top + high <= y
            assert apart


def test_table_that_many_refer_to_is_named_in_place_of_lines() -> None:
    metadata = MetaData()
    Table("accounts", metadata, Column("id", Integer, primary_key=True))
    for number in range(MOST_LINES + 1):
        Table(
            f"t{number}",
            metadata,
            Column("id", Integer, primary_key=True),
            Column("account_id", ForeignKey("accounts.id")),
        )
    diagram = diagram_of(metadata.tables.values())
    assert diagram.drawn == ()
    assert as_svg(diagram, "", detail=Detail.NAMES).count(">accounts</text>") == MOST_LINES + 2


def test_tables_that_refer_to_each_other_and_to_themselves_are_shown() -> None:
    metadata = MetaData()
    for name, other in (("hens", "eggs"), ("eggs", "hens")):
        Table(
            name,
            metadata,
            Column("id", Integer, primary_key=True),
            Column("other_id", ForeignKey(f"{other}.id")),
            Column("same_id", ForeignKey(f"{name}.id")),
        )
    picture = as_svg(diagram_of(metadata.tables.values()), "")
    assert ">hens</text>" in picture
    assert ">eggs</text>" in picture
    assert "→ hens" in picture


def test_no_table_is_an_empty_picture() -> None:
    assert as_text(diagram_of([])) == ""
    assert as_svg(diagram_of([]), "Nothing").startswith("<svg ")


def test_name_that_would_break_the_file_is_escaped() -> None:
    metadata = MetaData()
    Table('a<b>&"\x1b', metadata, Column("x\ny", Integer, primary_key=True))
    diagram = diagram_of(metadata.tables.values())
    picture = ET.fromstring(as_svg(diagram, "<&>\x00"))  # noqa: S314 - ours
    assert any(r'a<b>&"\x1b' in each for each in picture.itertext())
    assert "\x1b" not in as_text(diagram) + as_markdown(diagram)


def test_svg_without_graphviz_says_what_to_install(
    library: MetaData, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    with pytest.raises(InputError, match=r"pip install 'townhall\[diagrams\]'"):
        as_svg(diagram_of(library.tables.values()), "Library")


def test_tables_are_chosen_by_name_and_by_schema() -> None:
    known = {"books": 1, "crm.readers": 2, "crm.notes": 3}
    assert chosen(known, []) == [1, 2, 3]
    assert chosen(known, ["readers", "public.books"]) == [2, 1]
    assert chosen(known, ["crm.*"]) == [2, 3]
    with pytest.raises(InputError, match=r"loans is not declared; .* books, crm\.notes"):
        chosen(known, ["loans"])
