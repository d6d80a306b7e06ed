"""The file of decisions: what a person decides about what a look found."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from textwrap import wrap
from typing import get_args

from townhall.adopt.errors import DecisionError
from townhall.adopt.findings import Finding, Question, Section
from townhall.adopt.identities import named_at_head
from townhall.input_error import file_error
from townhall.pg.catalog import TableName
from townhall.printing import printable

_SECTIONS: tuple[Section, ...] = get_args(Section)
_ANSWERS = ("drop", "keep")
_WIDTH = 96

_TITLE = """
    What is to be done with what `townhall adopt` found. Answer each line that has an empty text:
    in [objects] with "drop" or "keep", in [fill] and [convert] with an SQL expression over the
    columns of the table. A line behind # shows what happens without an answer; remove the # to
    answer otherwise.
"""

_SECTION_TITLES: Mapping[Section, str] = {
    "objects": "Objects of others: drop, or keep beside what is declared.",
    "fill": "The value of a column in the rows that have none.",
    "convert": "The value of a column in its declared type.",
}


@dataclass(frozen=True)
class Decisions:
    """What was decided, by the keys of the questions.

    Attributes:
        objects: For each object ``drop`` or ``keep``.
        fill: For a column the SQL expression of its values in rows that have none.
        convert: For a column the SQL expression of its values in the declared type.
    """

    objects: Mapping[str, str] = field(default_factory=dict)
    fill: Mapping[str, str] = field(default_factory=dict)
    convert: Mapping[str, str] = field(default_factory=dict)

    def answer(self, question: Question) -> str | None:
        """Return what was decided; where nothing was and need not be, what happens then.

        Args:
            question: A question of a finding.

        Returns:
            The answer, or None where one is missing.
        """
        answers: Mapping[str, str] = getattr(self, question.section)
        default = None if question.is_required else question.suggestion
        return answers.get(question.key) or default

    def with_answers(self, answer: str, identities: Iterable[str]) -> Decisions:
        """Return these decisions with further ones about objects, which win over those of a file.

        Args:
            answer: ``drop`` or ``keep``.
            identities: The identities of the objects.
        """
        return replace(self, objects={**self.objects, **dict.fromkeys(identities, answer)})

    def named_at_head(self, renames: Mapping[TableName, TableName]) -> Decisions:
        """Return these decisions, also by the names that tables have after the upgrade.

        Args:
            renames: The names at head of tables that revisions rename, by the former ones.
        """
        objects, fill, convert = (
            {**{named_at_head(key, renames): each for key, each in answers.items()}, **answers}
            for answers in (self.objects, self.fill, self.convert)
        )
        return Decisions(objects, fill, convert)

    def undecided(self, findings: Iterable[Finding]) -> list[Question]:
        """Return the questions that need an answer and have none.

        Args:
            findings: What a look found.
        """
        return [each for each in questions_of(findings) if self.answer(each) is None]

    def check(self, findings: Iterable[Finding], never_null: Iterable[str] = ()) -> None:
        """Refuse decisions about what a look did not find.

        Args:
            findings: What a look found.
            never_null: The columns that refuse NULL as declared, whose fills may be answered
                without being asked for.

        Raises:
            DecisionError: A decision is about nothing that was found.
        """
        known = {(each.section, each.key) for each in questions_of(findings)}
        known |= {("fill", column) for column in never_null}
        unknown = [
            f"[{section}] {key}"
            for section in _SECTIONS
            for key in getattr(self, section)
            if (section, key) not in known
        ]
        if unknown:
            raise DecisionError(
                f"{printable('; '.join(unknown))}: no finding asks for this. Write it as"
                " `townhall adopt` prints it, or leave it out; it may have been settled already."
            )
        needed = [
            each.key
            for each in questions_of(findings)
            if not each.may_be_kept and self.objects.get(each.key) == "keep"
        ]
        if needed:
            raise DecisionError(
                f"{printable('; '.join(needed))} can't be kept, since a revision makes something of"
                " this name: drop it, which a downgrade undoes, or rename it first."
            )


def questions_of(findings: Iterable[Finding]) -> list[Question]:
    """Return the questions of some findings, each once.

    Args:
        findings: What a look found.
    """
    questions = (each.question for each in findings if each.question is not None)
    return list(dict.fromkeys(questions))


def read_decisions(path: Path) -> Decisions:
    """Read a file of decisions. Empty answers stand for none.

    Args:
        path: The file.

    Raises:
        DecisionError: The file can't be read, is no TOML, or has another shape.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise DecisionError(f"{path} can't be read: {file_error(error)}") from None
    except tomllib.TOMLDecodeError as error:
        raise DecisionError(
            f"{path} is no TOML: {error}. Write a key and its answer in double quotes, and \\"
            " before a double quote or a \\ within them."
        ) from None
    sections: dict[str, dict[str, str]] = {}
    for name, answers in content.items():
        sections[name] = _section(path, name, answers)
    return Decisions(**sections)


def _section(path: Path, name: str, answers: object) -> dict[str, str]:
    if name not in _SECTIONS or not isinstance(answers, dict):
        raise DecisionError(
            f"{path}: {printable(name)} is none of the tables"
            f" {', '.join(f'[{each}]' for each in _SECTIONS)}. An answer stands below one of these."
        )
    for key, answer in answers.items():
        is_known = answer in ("", *_ANSWERS) if name == "objects" else isinstance(answer, str)
        if not is_known:
            expected = '"drop" or "keep"' if name == "objects" else "an SQL expression in quotes"
            raise DecisionError(
                f"{path}: [{name}] {printable(key)} is {printable(str(answer))!r}; answer with"
                f" {expected}."
            )
    return {key: answer for key, answer in answers.items() if answer.strip()}


def written(findings: Iterable[Finding], database: str) -> str:
    """Return the text of a file of decisions with every question of some findings.

    Args:
        findings: What a look found.
        database: The name of the database.
    """
    return "\n".join(_lines(list(findings), database)) + "\n"


def _lines(findings: list[Finding], database: str) -> Iterator[str]:
    yield from _comment(f"Database {database}. {_TITLE}")
    for section in _SECTIONS:
        yield ""
        yield from _comment(_SECTION_TITLES[section])
        yield f"[{section}]"
        asked: set[str] = set()
        for finding in findings:
            question = finding.question
            if question is not None and question.section == section and question.key not in asked:
                asked.add(question.key)
                yield ""
                yield from _comment(f"{finding.object} {finding.text}; {finding.plan}")
                yield from _answer(question)


def _answer(question: Question) -> Iterator[str]:
    key = quoted(question.key)
    if not question.is_required:
        yield f"# {key} = {quoted(question.suggestion)}"
        return
    if question.suggestion:
        yield from _comment(f"For example: {question.suggestion}")
    yield f'{key} = ""'


def _comment(words: str) -> Iterator[str]:
    for line in wrap(printable(" ".join(words.split())), _WIDTH, break_on_hyphens=False):
        yield f"# {line}"


def quoted(text: str) -> str:
    """Return a text as a string of TOML on one line."""
    return f'"{"".join(map(_escaped, text))}"'


def _escaped(character: str) -> str:
    if character in {'"', "\\"}:
        return f"\\{character}"
    if character.isprintable():
        return character
    return f"\\U{ord(character):08X}"
