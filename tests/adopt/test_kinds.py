"""Each kind of difference is complete: what is found of it, and what decisions name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from inspect import isabstract

import pytest

from tests.adopt.conftest import Found
from townhall.adopt.differences import Difference
from townhall.adopt.tables import finding_of
from townhall.check.snapshot import Key


def kinds(base: type[Difference] = Difference) -> Iterator[type[Difference]]:
    for kind in base.__subclasses__():
        if not isabstract(kind) and not kind.__name__.startswith("_"):
            yield kind
        yield from kinds(kind)


@pytest.mark.parametrize("kind", [*kinds()])
def test_each_kind_of_difference_has_a_finding(kind: type[Difference]) -> None:
    assert finding_of.dispatch(kind) is not finding_of.dispatch(object)


def test_only_a_cast_that_postgresql_has_is_suggested(found: Found) -> None:
    columns = ("a uuid, b uuid, c date, d boolean", "a integer, b text, c integer, d integer")
    declared, actual = (f"create table books (id integer, {each})" for each in columns)
    questions = {
        each.name: (each.question.suggestion, each.question.is_required, "no cast" in each.text)
        for each in found(declared, actual)
        if each.question is not None
    }
    assert questions == {
        "a": ("", True, True),
        "b": ("b::uuid", True, False),
        "c": ("", True, True),
        "d": ("d::boolean", True, False),
    }


DECLARED = """
    create table books (id integer constraint pk_books primary key);
    create table shelves (id integer constraint pk_shelves primary key)
"""

THEIRS = """
    create table books (
        id integer constraint pk_books primary key,
        isbn text not null,
        "My ""own"" column" text not null,
        constraint "is short" check (length(isbn) < 9),
        constraint isbn_key unique (isbn)
    );
    create table shelves (id integer constraint pk_shelves primary key, place text);
    create unique index "One place" on shelves (place);
    create index other_place on shelves (place);
    alter table books enable row level security;
    create policy "viewable by everyone" on books for select using (true);
    create policy narrow on books as restrictive for delete using (id > 1);
    create function stamp() returns trigger language plpgsql as 'begin return new; end';
    create trigger "Stamp it" before update on shelves for each row execute function stamp()
"""
KEPT = [
    ("column", "public", "books", "isbn"),
    ("column", "public", "books", 'My "own" column'),
    ("constraint", "public", "books", "is short"),
    ("constraint", "public", "books", "isbn_key"),
    ("index", "public", "shelves", "One place"),
    ("index", "public", "shelves", "other_place"),
    ("policy", "public", "books", "viewable by everyone"),
    ("policy", "public", "books", "narrow"),
    ("trigger", "public", "shelves", "Stamp it"),
]
"""What a database has of each kind that is dropped or kept as decided."""


def asked(found: Found, kept: Sequence[Key]) -> set[str]:
    findings = found(DECLARED, THEIRS, lambda key: key in kept)
    return {each.question.key for each in findings if each.question is not None}


@pytest.mark.thorough
def test_each_kind_is_asked_about_until_it_is_kept(found: Found) -> None:
    every = asked(found, [])
    assert len(every) == len(KEPT)
    silent = {key: every - asked(found, [key]) for key in KEPT}
    assert {key: len(names) for key, names in silent.items()} == dict.fromkeys(KEPT, 1)
    assert set().union(*silent.values()) == every
    assert asked(found, KEPT) == set()
