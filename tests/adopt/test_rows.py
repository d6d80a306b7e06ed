"""The rows that are in the way of a declared constraint."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection

from tests.adopt.conftest import Found
from townhall.adopt import Finding, Weight
from townhall.pg.catalog import server_version


def texts(findings: list[Finding], weight: Weight) -> dict[str, str]:
    return {each.name: each.text for each in findings if each.weight is weight}


DECLARED = """
    create type mood as enum ('sad', 'happy');
    create table shelves (id integer constraint pk_shelves primary key);
    create table books (
        id integer constraint pk_books primary key,
        shelf integer constraint fk_shelf references shelves,
        title text not null constraint ck_title check (length(title) < 5),
        pages integer not null default 1 constraint ck_pages check (pages > 0),
        isbn text constraint uq_isbn unique,
        code uuid,
        stage text not null constraint ck_stage check (stage in ('a', 'b'))
    );
    create unique index ux_title on books (lower(title)) where pages > 1
"""


def test_rows_that_break_a_constraint_are_counted_and_the_first_are_named(found: Found) -> None:
    actual = """
        create type stages as enum ('a', 'c');
        create table shelves (id integer constraint pk_shelves primary key);
        create table books (
            id integer constraint pk_books primary key,
            shelf integer, title varchar(20), pages integer, isbn text, code text, stage stages
        );
        alter table books add constraint ck_title check (length(title) < 5) not valid;
        insert into shelves values (1);
        alter table books drop constraint ck_title;
        insert into books values
            (1, 1, 'Ada', 2, 'x', gen_random_uuid(), 'a'),
            (2, 7, 'ADA', 2, 'x', 'no', 'c'),
            (3, null, 'longer', 0, null, null, 'a'),
            (4, 8, 'four', null, null, 'no', 'c'),
            (5, 8, null, 1, 'x', 'no', 'c'),
            (6, 8, 'six', 1, 'y', 'no', 'c'),
            (7, null, 'ada', 1, 'z', null, 'a');
        alter table books add constraint ck_title check (length(title) < 5) not valid;
    """
    findings = found(DECLARED, actual)
    stops = texts(findings, Weight.STOP)
    assert stops == {
        "ck_title": "is not as declared: CHECK ((length(title) < 5)). 1 row breaks it: id 3",
        "ck_pages": "is missing: CHECK ((pages > 0)). 1 row breaks it: id 3",
        "fk_shelf": "is missing: FOREIGN KEY (shelf) REFERENCES public.shelves(id)."
        " 4 rows break it: id 2, 4, 5 and 1 more",
        "uq_isbn": "is missing: UNIQUE (isbn). 3 rows break it: id 1, 2 and 5",
        "ck_stage": "is missing: CHECK ((stage = ANY (ARRAY['a'::text, 'b'::text])))."
        " 4 rows break it: id 2, 4, 5 and 1 more",
        "ux_title": "is missing: unique USING btree (lower(title)) WHERE (pages > 1)."
        " 2 rows break it: id 1 and 2",
    }
    assert texts(findings, Weight.DECIDE)["title"] == "accepts NULL; 1 row has it: id 5"
    code = texts(findings, Weight.DECIDE)["code"]
    assert code.startswith("is text; declared: uuid")
    # PostgreSQL 15 does not tell whether a text is a value of a type.
    assert code.endswith(("declared: uuid", "4 rows do not convert: id 2, 4, 5 and 1 more"))
    pages = next(each for each in findings if each.name == "pages" and "NULL" in each.text)
    assert pages.text == "accepts NULL, which 1 row has"
    assert pages.plan == "such rows get the default 1, and NULL is refused"


@pytest.mark.parametrize(
    "index",
    ["(shelf) where is_lent", "(shelf) include (id)", "(shelf) with (fillfactor = 70)"],
)
def test_rows_that_break_a_unique_index_are_counted_however_it_is_written(
    index: str, found: Found
) -> None:
    actual = "create table books (id integer constraint books_pkey primary key, shelf integer,"
    actual += "is_lent boolean); insert into books values (1, 1, true), (2, 1, true)"
    declared = f"{actual.partition(';')[0]}; create unique index ux on books {index}"
    stops = texts(found(declared, actual), Weight.STOP)
    assert stops["ux"].endswith("2 rows break it: id 1 and 2")


LENT = """
    create table loans (
        id integer constraint loans_pkey primary key, book text, during int4range, is_over boolean
    )
"""
LOANS = f"""{LENT};
    insert into loans values
        (1, 'a', '[1,3)', false), (2, 'a', '[2,4)', false), (3, 'a', '[4,5)', false),
        (4, 'b', '[1,9)', false), (5, 'a', '[1,9)', true), (6, 'a', null, false)
"""


def test_rows_that_break_an_exclusion_constraint_are_counted(found: Found) -> None:
    declared = f"{LENT}; alter table loans add constraint lent exclude using hash (book with =)"
    stops = texts(found(declared, LOANS), Weight.STOP)
    assert stops["lent"].endswith("5 rows break it: id 1, 2, 3 and 2 more")
    several = declared.replace("hash (book with =)", "btree (lower(book) with =, is_over with =)")
    stops = texts(found(several, LOANS), Weight.STOP)
    assert stops["lent"].endswith("4 rows break it: id 1, 2, 3 and 1 more")
    conditional = f"{declared} where (id in (2, 4, 6) and not is_over)"
    stops = texts(found(conditional, LOANS), Weight.STOP)
    assert stops["lent"].endswith("2 rows break it: id 2 and 6")


def test_rows_of_an_exclusion_constraint_without_equality_are_told_as_not_counted(
    found: Found,
) -> None:
    declared = f"{LENT}; alter table loans add constraint lent exclude using gist (during with &&)"
    (text,) = [each.text for each in found(declared, LOANS) if each.name == "lent"]
    assert text.endswith("were not counted: each row would be compared with each other one")


def test_rows_that_break_a_key_without_overlaps_are_counted(
    found: Found, connection: Connection
) -> None:
    if server_version(connection) < 18:
        pytest.skip("before PostgreSQL 18 there are no keys without overlaps")
    actual = """
        create table tours (id integer, guide int4range, days int4multirange, lang int4range);
        insert into tours values
            (1, '[1,2)', '{[1,3), [5,7)}', '[1,2)'),
            (2, '[1,2)', '{[6,9)}', '[1,2)'),
            (3, '[1,2)', '{[3,5)}', '[1,2)'),
            (4, '[2,3)', '{[1,9)}', '[1,2)'),
            (5, '[3,4)', '{}', '[1,2)'),
            (6, '[1,2)', null, '[1,2)'),
            (7, '[1,2)', '{[1,9)}', '[2,3)')
    """
    declared = f"""{actual.partition(";")[0]};
        alter table tours add constraint once unique (guide, lang, days without overlaps)
    """
    stops = texts(found(declared, actual), Weight.STOP)
    assert "3 rows break it: ctid" in stops["once"]
    key = ("id integer", "id integer constraint pk primary key")
    stops = texts(found(declared.replace(*key), actual.replace(*key)), Weight.STOP)
    assert stops["once"].endswith("3 rows break it: id 1, 2 and 5")


def test_rows_whose_period_is_not_covered_by_those_that_they_refer_to_are_counted(
    found: Found, connection: Connection
) -> None:
    if server_version(connection) < 18:
        pytest.skip("before PostgreSQL 18 there are no keys without overlaps")
    actual = """
        create table guides (
            id int4range, days int4range, constraint pk primary key (id, days without overlaps)
        );
        create table tours (id integer primary key, guide int4range, days int4range);
        insert into guides values ('[1,2)', '[1,3)'), ('[1,2)', '[3,5)'), ('[2,3)', '[1,3)');
        insert into tours values
            (1, '[1,2)', '[2,4)'), (2, '[1,2)', '[4,6)'), (3, '[3,4)', '[1,2)'), (4, null, '[1,2)')
    """
    declared = f"""{actual.partition("insert")[0]};
        alter table tours add constraint led
            foreign key (guide, period days) references guides (id, period days)
    """
    stops = texts(found(declared, actual), Weight.STOP)
    assert stops["led"].endswith("2 rows break it: id 2 and 3")


def test_rows_with_long_keys_are_named_by_the_beginning_of_these(found: Found) -> None:
    declared = "create table books (id text primary key constraint short check (length(id) < 5))"
    actual = "create table books (id text constraint books_pkey primary key);"
    stops = texts(
        found(declared, f"{actual} insert into books select repeat('a', 2000)"), Weight.STOP
    )
    assert stops["short"].endswith(f"1 row breaks it: id {'a' * 100}…")


def test_rows_of_a_table_without_a_key_are_named_by_their_place_too(found: Found) -> None:
    actual = "create table books (id integer, title text); insert into books values (1), (1)"
    declared = "create table books (id integer constraint pk_books primary key, title text)"
    findings = found(declared, actual)
    assert texts(findings, Weight.STOP) == {
        "pk_books": "is missing: PRIMARY KEY (id). 2 rows break it: id, ctid 1, (0,1) and 1, (0,2)"
    }


def test_rows_that_refer_to_a_table_that_does_not_exist_are_counted(found: Found) -> None:
    actual = "create table books (id integer primary key, shelf integer);"
    actual += "insert into books values (1, null), (2, 3)"
    declared = (
        "create table shelves (id integer primary key);"
        "create table books (id integer primary key, shelf integer references shelves)"
    )
    stops = texts(found(declared, actual), Weight.STOP)
    assert stops["books_shelf_fkey"].endswith("1 row breaks it: id 2")


def test_rows_are_counted_with_declared_columns_that_are_missing(found: Found) -> None:
    declared = (
        "create table books (id integer primary key, pages integer not null default 3,"
        " constraint few check (pages < id))"
    )
    actual = "create table books (id integer primary key); insert into books values (2), (5)"
    findings = found(declared, actual)
    assert texts(findings, Weight.STOP)["few"].endswith("1 row breaks it: id 2")


def test_what_cannot_be_counted_is_told_with_its_cause(found: Found) -> None:
    declared = (
        "create function is_right(integer) returns boolean language sql as 'select true';"
        "create table books (id integer primary key, constraint right_one check (is_right(id)),"
        " constraint positive check (id > 0))"
    )
    actual = "create table books (id integer primary key); insert into books values (0)"
    findings = found(declared, actual)
    (right,) = [each for each in findings if each.name == "right_one"]
    assert right.weight is Weight.CHANGE
    assert "were not counted: function public.is_right(integer) does not exist" in right.text
    assert list(texts(findings, Weight.STOP)) == ["positive"]


def test_column_that_is_missing_needs_values_only_where_there_are_rows(found: Found) -> None:
    declared = "create table books (id integer primary key, title text not null)"
    actual = "create table books (id integer primary key)"
    assert texts(found(declared, actual), Weight.DECIDE) == {}
    findings = found(declared, f"{actual}; insert into books values (1)")
    (question,) = [each.question for each in findings if each.question is not None]
    assert (question.section, question.key) == ("fill", "public.books.title")


def test_operators_and_functions_of_others_are_not_called(found: Found) -> None:
    declared = """
        create table shelves (name text primary key);
        create table books (
            id integer primary key, shelf text references shelves, unique (shelf),
            constraint short check (length(shelf) < 5)
        );
    """
    actual = """
        create table shelves (name varchar primary key);
        create table books (id integer primary key, shelf varchar);
        create function never(varchar, text) returns boolean language plpgsql as
            'begin raise exception ''called''; end';
        create operator public.= (leftarg = varchar, rightarg = text, function = never);
        create function public.length(varchar) returns integer language plpgsql as
            'begin raise exception ''called''; end';
        insert into shelves values ('a');
        insert into books values (1, 'a'), (2, null);
    """
    findings = found(declared, actual)
    assert texts(findings, Weight.STOP) == {}
    assert not [each for each in findings if "counted" in each.text]


def test_column_without_a_cast_does_not_keep_others_from_being_counted(found: Found) -> None:
    declared = """
        create table books (
            id uuid primary key, shelf text not null,
            constraint few check (shelf < 'c'), constraint uq_shelf unique (shelf)
        )
    """
    actual = """
        create table books (id integer constraint books_pkey primary key, shelf text);
        insert into books values (1, 'a'), (2, 'a'), (3, 'c')
    """
    findings = found(declared, actual)
    stops = texts(findings, Weight.STOP)
    assert stops["few"].endswith("1 row breaks it: id 3")
    assert stops["uq_shelf"].endswith("2 rows break it: id 1 and 2")
    assert list(texts(findings, Weight.DECIDE)) == ["id"]
    assert not [each for each in findings if "were not counted" in each.text]


def test_rows_that_refer_to_an_unreadable_table_are_not_counted_as_breaking(found: Found) -> None:
    declared = """
        create table shelves (id integer primary key);
        create table books (
            id integer primary key, shelf integer constraint fk_shelf references shelves
        )
    """
    actual = """
        create table shelves (id integer primary key);
        create table books (id integer primary key, shelf integer);
        insert into shelves values (1);
        insert into books values (1, 1);
        grant select on books to pg_monitor;
        set local role pg_monitor
    """
    findings = found(declared, actual)
    assert texts(findings, Weight.STOP) == {}
    (told,) = [each.text for each in findings if each.name == "fk_shelf"]
    assert "were not counted: permission denied for table shelves" in told


FORCED = """
    create role of_books {attributes};
    grant create on schema public to of_books;
    set local role of_books;
    create table books (id integer constraint books_pkey primary key, title text);
    insert into books values (1, 'Emma'), (2, '');
    alter table books enable row level security, force row level security;
"""


def test_rows_that_forced_policies_hide_from_the_owner_are_told_as_not_counted(
    found: Found,
) -> None:
    told = [each.text for each in found(TITLED, FORCED.format(attributes="nologin"))]
    (text,) = [each for each in told if "row-level security" in each]
    assert "rows that break it were not counted: query would be affected by row-level" in text
    assert "look as a role that may read all of them, such as " in text


def test_rows_that_forced_policies_hide_are_counted_for_a_role_that_bypasses_them(
    found: Found,
) -> None:
    told = [each.text for each in found(TITLED, FORCED.format(attributes="bypassrls"))]
    assert any("1 row breaks it" in each for each in told), told
    assert not any("not counted" in each for each in told)


TITLED = """
    create table books (
        id integer constraint books_pkey primary key,
        title text constraint books_titled check (title <> '')
    )
"""
