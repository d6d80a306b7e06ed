"""Principals: their names, their conditions, and what is refused as one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Column, ForeignKey, Integer, String, Table
from sqlalchemy.orm import DeclarativeBase, InstrumentedAttribute, Mapped, mapped_column
from sqlalchemy.types import TypeEngine

from tests.pg.access.models import Note, Team
from townhall import pg
from townhall.input_error import InputError
from townhall.pg.access import (
    Principal,
    anyone,
    anyone_with,
    either,
    membership,
    owner,
    readers_of,
    signed_in,
)


class Base(DeclarativeBase):
    pass


class Parent(Base):
    """A table with the name that a principal's condition has for the row referred to."""

    __tablename__ = "parent"

    id: Mapped[int] = mapped_column(primary_key=True)
    answer_id: Mapped[int] = mapped_column(ForeignKey("answers.id"))


class Lookup(Base):
    """A table with the name that what is joined with that row has."""

    __tablename__ = "lookup"

    id: Mapped[int] = mapped_column(primary_key=True)
    answer_id: Mapped[int] = mapped_column(ForeignKey("answers.id"))


class Answer(Base):
    __tablename__ = "answers"

    id: Mapped[int] = mapped_column(primary_key=True)
    answered_id: Mapped[int] = mapped_column(ForeignKey("answers.id"))


MY_TEAM_IDS = membership(
    "my_team_ids",
    Team.id,
    "select m.team_id from public.members as m where m.user_id = :caller",
    "The teams of the caller.",
)
members = anyone_with(Note.team_id, MY_TEAM_IDS, "members of the team")


def test_owner_compares_the_column_with_the_caller() -> None:
    assert owner(Note.owner_id).condition == "owner_id = :caller"
    assert owner(Note.owner_id).name == "the owner"
    assert owner(Note.owner_id, "the author").name == "the author"


def test_memberships_are_looked_up_once_and_compared_by_index() -> None:
    assert members.condition == "team_id = any (array(select private.my_team_ids()))"


def test_helper_may_be_a_function_of_any_schema() -> None:
    helper = pg.Function(schema="Team room", name="mine", returns="setof bigint", body="select 1")
    assert anyone_with(Note.team_id, helper, "members").condition == (
        'team_id = any (array(select "Team room".mine()))'
    )


def test_either_compares_both_columns() -> None:
    parties = either(Note.owner_id, Note.team_id)
    assert parties.condition == "owner_id = :caller\nor team_id = :caller"
    assert parties.name == "either party"


def test_readers_of_a_row_look_it_up_by_its_key() -> None:
    readers = readers_of(Note.team_id, "those who see the team")
    assert readers.name == "those who see the team"
    assert readers.condition == (
        "team_id = any (\n"
        "    array(\n"
        "        select parent.id\n"
        "        from unnest(nullif(current_setting('asked_for.app.teams.id', true), '')::bigint[])"
        " as lookup (id)\n"
        "        join app.teams as parent\n"
        "            on parent.id = lookup.id\n"
        "    )\n"
        ")\n"
        "or exists (\n"
        "    select\n"
        "    from jsonb_to_recordset('[{\"is_made\": true}]')\n"
        "        as lookup (is_made boolean)\n"
        "    join app.teams as parent\n"
        "        on parent.id = case\n"
        "            when lookup.is_made then notes.team_id\n"
        "        end\n"
        "    offset 0\n"
        ")"
    )


def test_readers_of_a_row_can_be_narrowed_by_that_row() -> None:
    readers = readers_of(Note.team_id, "readers", "parent.name = 'a' or parent.name = 'b'")
    assert (
        "        end\n    where parent.name = 'a' or parent.name = 'b'\n    offset 0\n"
    ) in readers.condition
    assert (
        "lookup.id\n        where parent.name = 'a' or parent.name = 'b'\n    )\n"
    ) in readers.condition


@pytest.mark.parametrize(
    ("name", "type_"), [("Id", Integer()), ("id", String(3, collation="C"))], ids=["name", "type"]
)
def test_row_with_a_key_that_no_statement_can_ask_for_is_looked_up_alone(
    name: str, type_: TypeEngine[Any]
) -> None:
    class Local(DeclarativeBase):
        pass

    key = Column(name, type_, primary_key=True)
    Table("teams", Local.metadata, key)

    class Member(Local):
        __tablename__ = "members"

        id: Mapped[int] = mapped_column(primary_key=True)
        team_id: Mapped[Any] = mapped_column(type_, ForeignKey(key))

    assert readers_of(Member.team_id, "readers").condition.startswith("exists (\n")


def test_row_that_a_written_row_refers_to_is_looked_up_for_it_alone() -> None:
    either_name = "parent.name = 'a' or parent.name = 'b'"
    readers = readers_of(Note.team_id, "readers", either_name, of_written_row=True)
    assert readers.condition == (
        "exists (\n"
        "    select\n"
        "    from app.teams as parent\n"
        "    where parent.id = notes.team_id\n"
        "        and (parent.name = 'a' or parent.name = 'b')\n"
        "    offset 0\n"
        ")"
    )


@pytest.mark.parametrize(
    ("column", "where", "error", "message"),
    [
        (Note.owner_id, None, InputError, "notes.owner_id has 0"),
        (Note.team_id, " ", InputError, "argument where of readers_of\\(\\) is empty"),
        (Note.team_id, 1, TypeError, "is a string, not 1"),
        (Note.team, None, TypeError, "takes a column"),
        (Answer.answered_id, None, InputError, "refers to its own"),
        (Parent.answer_id, None, InputError, 'for a table called "parent"'),
        (Lookup.answer_id, None, InputError, 'for a table called "lookup"'),
    ],
)
def test_readers_of_no_row_are_refused(
    column: InstrumentedAttribute[Any],
    where: Any,  # noqa: ANN401 - wrong on purpose
    error: type[Exception],
    message: str,
) -> None:
    with pytest.raises(error, match=message):
        readers_of(column, "readers", where)


def test_a_lookup_comes_after_what_is_told_by_the_row_itself() -> None:
    readers = readers_of(Note.team_id, "readers")
    mine = owner(Note.owner_id)
    for union in (readers | mine, mine | readers):
        assert union.condition == f"{mine.condition}\nor {readers.condition}"
    narrowed = readers.where("likes > 9", "of popular notes")
    assert (readers | narrowed | mine).condition.startswith(f"{mine.condition}\nor ")
    assert (readers | mine).name == "readers or the owner"


def test_union_joins_names_and_conditions() -> None:
    union = owner(Note.owner_id) | members
    assert union.name == "the owner or members of the team"
    assert union.condition == (
        "owner_id = :caller\nor team_id = any (array(select private.my_team_ids()))"
    )


def test_where_narrows_the_condition_and_follows_the_name() -> None:
    narrowed = (owner(Note.owner_id) | members).where("likes = 0", "while it is new")
    assert narrowed.name == "the owner or members of the team while it is new"
    assert narrowed.condition == (
        "(\n"
        "    owner_id = :caller\n"
        "    or team_id = any (array(select private.my_team_ids()))\n"
        ")\n"
        "and (likes = 0)"
    )


def test_where_on_every_caller_is_its_condition_alone() -> None:
    assert signed_in.where("likes > 9", "of popular notes").condition == "likes > 9"


def test_named_changes_the_name_alone() -> None:
    renamed = (owner(Note.owner_id) | members).named("the team")
    assert renamed.name == "the team"
    assert renamed.condition == (owner(Note.owner_id) | members).condition


def test_anonymous_callers_are_part_of_anyone_and_of_no_other_principal() -> None:
    assert signed_in.anonymous is None
    assert members.anonymous is None
    assert anyone.anonymous == Principal("anyone", "true")


def test_anonymous_callers_keep_their_part_of_a_union() -> None:
    readers = anyone.where("likes > 9", "of popular notes") | members
    assert readers.condition == f"likes > 9\nor {members.condition}"
    assert readers.anonymous == Principal("anyone of popular notes", "likes > 9")
    assert (members | anyone).anonymous == anyone.anonymous
    assert readers.named("readers").anonymous == Principal("readers", "likes > 9")


def test_union_of_two_with_anonymous_callers_joins_their_parts() -> None:
    readers = anyone.where("likes > 9", "of popular notes") | anyone.where(
        "likes = 0", "of new ones"
    )
    assert readers.anonymous is not None
    assert readers.anonymous.condition == "likes > 9\nor likes = 0"


def test_principals_are_equal_by_what_they_declare() -> None:
    assert owner(Note.owner_id) == owner(Note.owner_id)
    assert owner(Note.owner_id) != owner(Note.team_id)
    assert owner(Note.owner_id) != owner(Note.owner_id, "the author")
    assert len({owner(Note.owner_id), owner(Note.owner_id), members}) == 2
    assert repr(owner(Note.owner_id)) == (
        "Principal(name='the owner', condition='owner_id = :caller', anonymous=None)"
    )


@pytest.mark.parametrize("attribute", ["owner_id", Note, 1, Note.content, Note.owner_id == 1])
def test_column_that_is_no_mapped_attribute_is_refused(attribute: object) -> None:
    with pytest.raises(TypeError, match="takes a column as an attribute of a mapped class"):
        owner(attribute)  # type: ignore[arg-type] # refused


@pytest.mark.parametrize("attribute", [Note.team, Note.one])
def test_attribute_without_a_column_of_the_table_is_refused(
    attribute: InstrumentedAttribute[Any],
) -> None:
    with pytest.raises(TypeError, match=r"Note\.\w+ is not mapped to a column of a table"):
        owner(attribute)


def test_helper_given_by_its_name_is_refused() -> None:
    with pytest.raises(TypeError, match="takes what membership\\(\\) returned"):
        anyone_with(Note.team_id, "my_team_ids", "members")  # type: ignore[arg-type] # refused


@pytest.mark.parametrize(
    "helper",
    [
        pg.Function(name="mine", returns="bigint", body="select 1"),
        pg.Function(name="mine", arguments={"a": "int"}, returns="setof bigint", body="select 1"),
    ],
)
def test_function_that_is_no_helper_is_refused(helper: pg.Function) -> None:
    with pytest.raises(ValueError, match="a function without arguments that returns a set of ids"):
        anyone_with(Note.team_id, helper, "members")


def test_union_over_two_tables_is_refused() -> None:
    with pytest.raises(ValueError, match="'the owner' is about columns of notes, 'a fan' about"):
        owner(Note.owner_id) | owner(Team.id, "a fan")


def test_union_with_something_else_is_refused() -> None:
    with pytest.raises(TypeError, match="unsupported operand"):
        owner(Note.owner_id) | "members"  # type: ignore[operator] # refused


@pytest.mark.parametrize(
    ("name", "condition", "refusal"),
    [
        ("", "true", "the name of a principal is empty"),
        ("readers", " ", "the condition of a principal is empty"),
    ],
)
def test_principal_with_an_empty_name_or_condition_is_refused(
    name: str, condition: str, refusal: str
) -> None:
    with pytest.raises(ValueError, match=refusal):
        Principal(name, condition)


def test_condition_that_is_no_text_is_refused() -> None:
    with pytest.raises(TypeError, match="the condition of a principal is a string"):
        Principal("readers", Note.likes > 1)  # type: ignore[arg-type] # refused


def test_anonymous_callers_that_are_no_principal_are_refused() -> None:
    with pytest.raises(TypeError, match="callers of 'readers' are a principal, not True"):
        Principal("readers", "true", anonymous=True)  # type: ignore[arg-type]


def test_anonymous_callers_over_another_table_are_refused() -> None:
    with pytest.raises(ValueError, match="about columns of notes, and its anonymous"):
        replace(owner(Note.owner_id), anonymous=owner(Team.id))


def test_either_of_one_column_is_refused() -> None:
    with pytest.raises(ValueError, match=r"two columns, and both are Note.owner_id; use owner\(\)"):
        either(Note.owner_id, Note.owner_id)


@pytest.mark.parametrize(("condition", "words"), [("", "x"), (" ; ", "x"), ("true", " ")])
def test_where_with_an_empty_condition_or_name_is_refused(condition: str, words: str) -> None:
    with pytest.raises(ValueError, match=r"of where\(\) is empty"):
        owner(Note.owner_id).where(condition, words)


def test_where_with_a_condition_that_is_no_string_is_refused() -> None:
    with pytest.raises(TypeError, match=r"condition of where\(\) is a string, not None"):
        signed_in.where(None, "x")  # type: ignore[arg-type]
