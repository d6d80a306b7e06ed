"""Keys that are replaced, and that foreign keys refer to."""

from __future__ import annotations

from tests.adopt.conftest import Found
from townhall.adopt import Weight

DECLARED = "create table books (id integer, shelf integer, constraint pk_books primary key (id));"
ACTUAL = """
    create table books (id integer, shelf integer, primary key (id, shelf));
    create table loans (book integer, shelf integer, foreign key (book, shelf) references books);
"""


def test_key_that_foreign_keys_refer_to_stops_and_they_are_named(found: Found) -> None:
    [stop] = [each for each in found(DECLARED, ACTUAL) if each.weight is Weight.STOP]
    assert stop.object == "constraint public.books books_pkey"
    assert stop.text == (
        "is another key than the declared PRIMARY KEY (id), and foreign keys refer to it:"
        " loans_book_shelf_fkey on public.loans"
    )


def test_key_that_nothing_refers_to_is_replaced(found: Found) -> None:
    alone = ACTUAL.partition(";")[0]
    assert {each.weight for each in found(DECLARED, alone)} == {Weight.CHANGE}
