"""Layout is removed from what an author wrote, but never in quotes and comments."""

from __future__ import annotations

import pytest

from townhall.pg.layout import indented, layout, without_comments
from townhall.pg.sql import dollar_quoted, script, substituted

LETTER = "return 'Dear guest,\n    your seat is kept; \n  \n';"


@pytest.mark.parametrize(
    ("written", "laid_out"),
    [
        ("\n    select 1\n    from t;\n", "select 1\nfrom t"),
        ("\n        select 1\n    \n          from t\n", "select 1\n\n  from t"),
        ("select 1 ;; \n;", "select 1"),
        ("\n    select 'a\n  b'\n    from t\n", "select 'a\n  b'\nfrom t"),
        ("\n    select e'a\\'\n  b'\n    from t\n", "select e'a\\'\n  b'\nfrom t"),
        ('\n    select "a\n  b"\n    from t\n', 'select "a\n  b"\nfrom t'),
        ("\n    select $x$a\n  $$b$x$\n    from t\n", "select $x$a\n  $$b$x$\nfrom t"),
        ("\n    /* a\n  /* b */\n c */\n    select 1\n", "/* a\n  /* b */\n c */\nselect 1"),
        ("\n    -- don't\n    select 1\n", "-- don't\nselect 1"),
        ("select 1 -- one;", "select 1 -- one;"),
        ("select 'a;'", "select 'a;'"),
        ("select 'a\n   ;", "select 'a\n   ;"),
        ("\t\tselect 1\n\t\t\tfrom t", "select 1\n\tfrom t"),
        ("", ""),
        (" ; ", ""),
    ],
    ids=repr,
)
def test_layout_is_removed_outside_of_quotes_and_comments(written: str, laid_out: str) -> None:
    assert layout(written) == laid_out
    assert layout(laid_out) == laid_out


def test_indentation_leaves_lines_in_quotes_where_they_are() -> None:
    assert indented(f"begin\n\n{LETTER}\nend") == (
        "    begin\n\n    return 'Dear guest,\n    your seat is kept; \n  \n';\n    end"
    )


def test_comments_are_removed_but_not_from_strings() -> None:
    sql = "-- one\n/* two /* three */ */begin '--four' atomic"
    assert without_comments(sql).split() == ["begin", "'--four'", "atomic"]


@pytest.mark.parametrize("body", ["$function$", "a $function", "$function_$ $function$", "$", ""])
def test_dollar_quotes_end_behind_the_body(body: str) -> None:
    quoted = dollar_quoted(body)
    tag = quoted[: quoted.index("$", 1) + 1]
    assert quoted.removeprefix(tag).partition(tag) == (body, tag, "")


def test_statement_that_ends_in_a_comment_is_ended_by_its_semicolon() -> None:
    assert script(["select 1 -- one", "select '--'"]) == "select 1 -- one\n;\nselect '--'"


def test_parameter_is_not_substituted_in_nested_comments() -> None:
    sql = "a = :caller /* :caller /* */ :caller */ and b = ':caller' and c::text = :caller"
    assert substituted(sql, "caller", "me()") == (
        "a = me() /* :caller /* */ :caller */ and b = ':caller' and c::text = me()"
    )
