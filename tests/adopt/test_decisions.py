"""The file of decisions: every question is in it, and it is read as it was meant."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from townhall.adopt.decisions import Decisions, read_decisions, written
from townhall.adopt.errors import DecisionError
from townhall.adopt.findings import Finding, Question, Weight, drop_or_keep, kept_by_default

NAMES = 'policy public.books "a ""b"" \\ c\n[fill]\n\x1b[2J\u202e"'


def finding(question: Question | None, weight: Weight = Weight.DECIDE) -> Finding:
    return Finding(
        weight, "kind", NAMES, None, "name", "opens rows\nto all", "as decided", question
    )


FINDINGS = [
    finding(drop_or_keep(NAMES)),
    finding(kept_by_default("index public.books i")),
    finding(Question("fill", "public.books.title")),
    finding(Question("fill", "public.books.pages", "1", is_required=False)),
    finding(Question("convert", "public.books.at", "at at time zone 'UTC'")),
    finding(None),
]


def read(tmp_path: Path, text: str) -> Decisions:
    path = tmp_path / "decisions.toml"
    path.write_text(text, encoding="utf-8")
    return read_decisions(path)


def test_file_has_every_question_and_no_answer(tmp_path: Path) -> None:
    text = written(FINDINGS, "app")
    assert tomllib.loads(text) == {
        "objects": {NAMES: ""},
        "fill": {"public.books.title": ""},
        "convert": {"public.books.at": ""},
    }
    assert '# "index public.books i" = "keep"' in text
    assert '# "public.books.pages" = "1"' in text
    assert "# For example: at at time zone 'UTC'" in text
    assert all(line.isprintable() for line in text.splitlines())
    decisions = read(tmp_path, text)
    assert [each.key for each in decisions.undecided(FINDINGS)] == [
        NAMES,
        "public.books.title",
        "public.books.at",
    ]


def test_answers_are_read_and_those_that_need_not_be_given_have_a_default(tmp_path: Path) -> None:
    text = written(FINDINGS, "app").replace('" = ""', '" = "drop"', 1)
    text = text.replace('"public.books.title" = ""', '"public.books.title" = "upper(isbn)"')
    decisions = read(tmp_path, text)
    decisions.check(FINDINGS)
    answers = [decisions.answer(each.question) for each in FINDINGS if each.question is not None]
    assert answers == ["drop", "keep", "upper(isbn)", "1", None]
    further = decisions.with_answers("keep", [NAMES])
    assert further.objects[NAMES] == "keep"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[objects", "is no TOML"),
        ('"policy public.books x" = "drop"', "is none of the tables [objects], [fill], [convert]"),
        ("[drops]\n", "is none of the tables"),
        ('[objects]\n"policy public.books x" = "maybe"', 'answer with "drop" or "keep"'),
        ('[objects]\n"policy public.books x" = 1', 'answer with "drop" or "keep"'),
        ('[objects]\n"policy public.books x" = ["drop"]', 'answer with "drop" or "keep"'),
        ('[fill]\n"public.books.title" = 1', "an SQL expression in quotes"),
    ],
)
def test_file_of_another_shape_is_refused_in_one_paragraph(
    text: str, words: str, tmp_path: Path
) -> None:
    with pytest.raises(DecisionError) as caught:
        read(tmp_path, text)
    assert words in str(caught.value)
    assert "decisions.toml" in str(caught.value)


def test_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DecisionError, match="can't be read"):
        read_decisions(tmp_path / "none.toml")


def test_fill_of_a_column_without_null_is_accepted() -> None:
    decisions = Decisions(fill={"public.books.shelf": "'a'"})
    decisions.check(FINDINGS, never_null=["public.books.shelf"])
    with pytest.raises(DecisionError, match="no finding asks for this"):
        decisions.check(FINDINGS, never_null=["public.books.other"])


def test_decision_about_nothing_that_was_found_is_refused() -> None:
    decisions = Decisions({"policy public.books other\n": "drop"}, {"public.books.at": "1"})
    with pytest.raises(DecisionError) as caught:
        decisions.check(FINDINGS)
    assert str(caught.value).startswith(
        r"[objects] policy public.books other\n; [fill] public.books.at: no finding asks for this."
    )
