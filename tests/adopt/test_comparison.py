"""How existing tables differ from declared ones."""

from __future__ import annotations

import re

import pytest

from tests.adopt.conftest import Compared
from townhall.adopt.differences import (
    AcceptsNull,
    Difference,
    IndexForConstraint,
    MissingColumn,
    MissingConstraint,
    MissingIndex,
    NoTable,
    NotValidated,
    OtherConstraint,
    OtherDefault,
    OtherGeneration,
    OtherIndex,
    OtherName,
    OtherType,
    RefusesNull,
    UndeclaredConstraint,
    UndeclaredIndex,
    UnfilledColumn,
)


def found(differences: list[Difference]) -> list[tuple[str, str]]:
    return [(type(each).__name__, each.identity) for each in differences]


def kinds(differences: list[Difference]) -> list[type[Difference]]:
    return [type(each) for each in differences]


BOOKS = "create table books (id uuid constraint pk_books primary key default gen_random_uuid(), {})"


def books(*parts: str) -> str:
    return BOOKS.format(", ".join(parts)).replace(", )", ")")


def test_equal_tables_and_tables_that_do_not_exist_do_not_differ(compared: Compared) -> None:
    both = books("title text not null", "check (title <> '')") + "; create index on books (title)"
    assert compared(both, both) == []
    assert compared(both, "create table others (id integer)") == []


def test_columns_that_are_missing_nullable_required_or_unfilled_are_found(
    compared: Compared,
) -> None:
    declared = books(
        "title text not null", "pages integer not null default 1", "isbn text", "year integer"
    )
    actual = books("pages integer default 1", "isbn text not null", "shelf text not null", "x text")
    differences = compared(declared, actual)
    assert found(differences) == [
        ("MissingColumn", "column public.books.title"),
        ("AcceptsNull", "column public.books.pages"),
        ("RefusesNull", "column public.books.isbn"),
        ("MissingColumn", "column public.books.year"),
        ("UnfilledColumn", "column public.books.shelf"),
    ]
    fills = [each.needs_fill for each in differences if isinstance(each, MissingColumn)]
    assert fills == [True, False]
    assert {AcceptsNull, RefusesNull, UnfilledColumn} < {*kinds(differences)}


TYPES = "create type mood as enum ('sad', 'happy'); create domain label as varchar(30);"


CONVERSIONS = [
    ("text", "varchar", "c::text", True, False),
    ("text", "varchar(20)", "c::text", True, False),
    ("text", "char(3)", "c::text", True, True),
    ("text", "mood", "c::text", True, True),
    ("text", "label", "c::text", True, False),
    ("text[]", "varchar(20)[]", "c::text[]", True, True),
    ("text[]", "mood[]", "c::text[]", True, True),
    ("varchar(30)", "varchar(20)", "c::character varying(30)", True, False),
    ("varchar(20)", "varchar(30)", "c::character varying(20)", False, True),
    ("varchar(20)", "text", "c::character varying(20)", False, True),
    ("bigint", "integer", "c::bigint", True, True),
    ("integer", "bigint", "c::integer", False, True),
    ("numeric", "integer", "c::numeric", True, True),
    ("numeric(5,2)", "integer", "c::numeric(5,2)", False, True),
    ("numeric(5,2)", "numeric", "c::numeric(5,2)", False, True),
    ("numeric", "numeric(5,2)", "c::numeric", True, False),
    ("numeric(12,4)", "numeric(5,2)", "c::numeric(12,4)", True, True),
    ("numeric(12,4)", "double precision", "c::numeric(12,4)", False, True),
    ("jsonb", "json", "c::jsonb", True, True),
    ("jsonb", "text", "c::jsonb", False, True),
    ("uuid", "text", "c::uuid", False, True),
    ("mood", "text", "c::public.mood", False, True),
    ("timestamptz", "timestamp", "c at time zone 'UTC'", False, True),
    ("timestamp", "timestamptz", "c at time zone 'UTC'", False, True),
    ("timestamptz", "date", "c::timestamp at time zone 'UTC'", False, True),
    ("timestamptz", "timestamptz(3)", "c::timestamp with time zone", True, False),
    ("date", "timestamptz", "c::date", False, True),
    ("boolean", "integer", "c::boolean", False, True),
]
"""The declared and the actual type, the expression, whether it is safe and rewrites the table."""


def test_columns_of_another_type_are_found_with_their_conversions(compared: Compared) -> None:
    def script(types: list[str]) -> str:
        columns = ", ".join(f"c{number} {type_}" for number, type_ in enumerate(types))
        return f"{TYPES} create table books ({columns})"

    differences = compared(
        script([row[0] for row in CONVERSIONS]), script([row[1] for row in CONVERSIONS])
    )
    conversions = [each.conversion for each in differences if isinstance(each, OtherType)]
    assert [(each.expression, each.is_safe, each.rewrites) for each in conversions] == [
        (re.sub(r"^c\b", f"c{number}", row[2]), *row[3:]) for number, row in enumerate(CONVERSIONS)
    ]


def test_text_without_case_becomes_text_with_a_remark(compared: Compared) -> None:
    script = "create extension citext; create table books (c {})"
    (difference,) = compared(script.format("text"), script.format("citext"))
    assert isinstance(difference, OtherType)
    assert difference.conversion.is_safe
    assert not difference.conversion.rewrites
    assert difference.conversion.remark == "upper and lower case differ afterwards"


DEFAULTS = [
    ("uuid default gen_random_uuid()", "uuid", False),
    ("timestamptz default now()", "timestamptz default current_timestamp", True),
    ("timestamptz default now()", "timestamptz default clock_timestamp()", False),
    ("text default 'draft'", "text default 'draft'::varchar", True),
    ("text default 'draft'", "text default 'open'", False),
    ("integer", "integer default 1", False),
]
"""The declared column and the actual one, and whether the defaults mean the same."""


def test_columns_with_another_default_are_found(compared: Compared) -> None:
    def script(columns: list[str]) -> str:
        listed = ", ".join(f"c{number} {column}" for number, column in enumerate(columns))
        return f"create table books ({listed})"

    differences = compared(
        script([row[0] for row in DEFAULTS]), script([row[1] for row in DEFAULTS])
    )
    same = [each.means_the_same for each in differences if isinstance(each, OtherDefault)]
    assert same == [row[2] for row in DEFAULTS]


def test_two_functions_for_random_uuids_mean_the_same(compared: Compared) -> None:
    script = "create table books (id uuid default {})"
    extension = 'create extension "uuid-ossp"; '
    (difference,) = compared(
        script.format("gen_random_uuid()"), extension + script.format("uuid_generate_v4()")
    )
    assert isinstance(difference, OtherDefault)
    assert difference.means_the_same


def test_generated_and_identity_columns_are_told_from_ordinary_ones(compared: Compared) -> None:
    declared = (
        "create table books (id integer generated by default as identity, a integer,"
        " b integer generated always as (a + 1) stored)"
    )
    actual = "create table books (id integer not null, a integer, b integer)"
    differences = compared(declared, actual)
    assert kinds(differences) == [OtherGeneration, OtherGeneration]
    keeps = [each.keeps_values for each in differences if isinstance(each, OtherGeneration)]
    assert keeps == [True, False]


def test_constraints_and_indexes_under_another_name_are_renamed(compared: Compared) -> None:
    shelves = "create table shelves (id uuid primary key); "
    script = (
        shelves + "create table books (id uuid, shelf uuid, title text, isbn text,"
        ' constraint {0} primary key (id), constraint "{1}" foreign key (shelf) references shelves'
        " on delete cascade, constraint {2} unique (isbn), constraint {3} check (title <> ''));"
        " create index {4} on books (title); create unique index {5} on books (lower(isbn))"
        " where title is not null"
    )
    declared = script.format("pk_books", "fk_books_shelf", "uq_books", "title", "ix_t", "ix_i")
    actual = script.format("books_pkey", 'Shelf "of" it', "isbn_key", "books_check", "t", "i")
    actual = actual.replace('"Shelf "of" it"', '"Shelf ""of"" it"')
    differences = compared(declared, actual)
    assert {*kinds(differences)} == {OtherName}
    names = {
        each.identity: each.declared.name for each in differences if isinstance(each, OtherName)
    }
    assert names == {
        "constraint public.books books_pkey": "pk_books",
        'constraint public.books "Shelf ""of"" it"': "fk_books_shelf",
        "constraint public.books isbn_key": "uq_books",
        "constraint public.books books_check": "title",
        "index public.books t": "ix_t",
        "index public.books i": "ix_i",
    }


def test_only_one_of_two_equal_constraints_is_renamed(compared: Compared) -> None:
    declared = books("isbn text constraint uq_isbn unique")
    actual = books("isbn text constraint a unique")
    actual += "; alter table books add constraint b unique (isbn)"
    assert kinds(compared(declared, actual)) == [OtherName, UndeclaredConstraint]


def test_constraint_that_was_not_validated_is_found_and_renamed(compared: Compared) -> None:
    declared = books("isbn text constraint is_short check (length(isbn) < 9)")
    actual = books("isbn text") + (
        "; alter table books add constraint {} check (length(isbn) < 9) not valid"
    )
    assert kinds(compared(declared, actual.format("is_short"))) == [NotValidated]
    assert kinds(compared(declared, actual.format("other"))) == [OtherName, NotValidated]


@pytest.mark.parametrize(
    ("declared", "actual", "means_the_same"),
    [
        ("check (c in ('a', 'b'))", "check (c in ('b', 'a'))", True),
        ("check (c in ('a', 'b'))", "check (c = 'a' or c = 'b')", None),
        ("check (c in ('a', 'b', 'c'))", "check (c in ('a', 'b'))", False),
        ("check (c in ('a )', 'b'))", "check (c in ('a)', 'b'))", False),
        ("check (n > 0 and (m > 0 or c = ''))", "check ((n > 0 and m > 0) or c = '')", None),
        ("unique (n, m)", "unique (m, n)", True),
        ("unique (n, m)", "unique (m, n) deferrable", False),
        ("unique (n)", "unique nulls not distinct (n)", False),
        ("primary key (n, m)", "primary key (m, n)", True),
        ("primary key (n)", "primary key (m)", False),
        ("foreign key (n) references s", "foreign key (n) references s on delete cascade", False),
        (
            "foreign key (n, m) references t (n, m)",
            "foreign key (m, n) references t (m, n)",
            True,
        ),
        ("foreign key (n, m) references t (n, m)", "foreign key (m, n) references t (n, m)", None),
    ],
)
def test_constraint_about_the_same_takes_the_place_of_the_other(
    declared: str,
    actual: str,
    means_the_same: bool | None,  # noqa: FBT001 - a row of the table
    compared: Compared,
) -> None:
    script = (
        "create table s (n integer primary key);"
        " create table t (n integer, m integer, unique (n, m));"
        " create table books (c text, n integer not null, m integer not null, constraint {} {})"
    )
    differences = compared(script.format("ours", declared), script.format("theirs", actual))
    if means_the_same is None:
        assert kinds(differences) == [MissingConstraint, UndeclaredConstraint]
    else:
        (difference,) = differences
        assert isinstance(difference, OtherConstraint)
        assert difference.means_the_same is means_the_same
        assert difference.identity == "constraint public.books theirs"


def test_vocabulary_of_another_text_type_means_the_same(compared: Compared) -> None:
    script = "create table books (status {} constraint {} check (status in ('a', 'b')))"
    differences = compared(
        script.format("text", "status_is_known"), script.format("varchar(9)", "books_status_check")
    )
    assert kinds(differences) == [OtherType, OtherConstraint]
    assert isinstance(differences[1], OtherConstraint)
    assert differences[1].means_the_same


def test_check_with_the_name_of_another_one_is_replaced(compared: Compared) -> None:
    declared = books("n integer constraint is_right check (n > 0)")
    actual = books("n integer constraint is_right check (n > 5)")
    (difference,) = compared(declared, actual)
    assert isinstance(difference, OtherConstraint)
    assert not difference.means_the_same


def test_unique_index_becomes_the_declared_key(compared: Compared) -> None:
    declared = books("isbn text constraint uq_isbn unique")
    actual = books("isbn text") + "; create unique index {} on books (isbn) {}"
    assert kinds(compared(declared, actual.format("i", ""))) == [IndexForConstraint]
    partial = compared(declared, actual.format("i", "where isbn <> ''"))
    assert kinds(partial) == [MissingConstraint, UndeclaredIndex]


def test_declared_unique_index_takes_the_place_of_a_constraint(compared: Compared) -> None:
    declared = books("isbn text") + "; create unique index ux_isbn on books (isbn)"
    differences = compared(declared, books("isbn text unique"))
    assert kinds(differences) == [UndeclaredConstraint, MissingIndex]
    assert isinstance(differences[0], UndeclaredConstraint)
    assert differences[0].replaced_by is not None
    assert differences[0].replaced_by.name == "ux_isbn"


def test_index_of_the_declared_name_with_another_definition_is_replaced(
    compared: Compared,
) -> None:
    declared = books("isbn text", "title text") + "; create index ix on books (isbn)"
    actual = books("isbn text", "title text") + "; create index ix on books (title)"
    assert found(compared(declared, actual)) == [("OtherIndex", "index public.books ix")]
    assert OtherIndex in kinds(compared(declared, actual))


def test_relations_of_declared_names_that_are_no_tables_are_found(compared: Compared) -> None:
    actual = """
        create view a as select 1 as id;
        create materialized view b as select 1 as id;
        create sequence c;
        create type d as (id integer);
        create table others (id integer constraint e primary key);
        create index f on others (id);
        create table g (id uuid) partition by hash (id);
        create unlogged table h (id uuid);
    """
    declared = ";".join(f"create table {name} (id uuid)" for name in "abcdefgh")
    differences = compared(declared, actual)
    assert {*kinds(differences)} == {NoTable}
    assert [each.identity for each in differences] == [
        "view public.a",
        "materialized view public.b",
        "sequence public.c",
        "composite type public.d",
        "index public.e",
        "index public.f",
        "partitioned table public.g",
        "unlogged table public.h",
    ]


def test_check_of_not_null_of_a_column_that_is_declared_so_needs_no_decision(
    compared: Compared,
) -> None:
    found = compared(
        "create table books (id integer primary key, title text not null)",
        """
        create table books (id integer primary key, title text);
        alter table books add constraint title_is_known check (title is not null) not valid
        """,
    )
    assert kinds(found) == [AcceptsNull]
