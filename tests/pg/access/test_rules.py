"""Access rules: who may use which command on which columns, and how rules compare."""

from __future__ import annotations

from tests.pg.access.models import Note, Receipt
from townhall.pg.access import Access, owner, signed_in


def test_write_is_insert_update_and_delete() -> None:
    rule = Access(Note, read=signed_in, write=owner(Note.owner_id))
    assert list(rule.commands) == ["select", "insert", "update", "delete"]
    assert rule.commands["delete"] == owner(Note.owner_id)


def test_principal_of_a_command_takes_precedence_over_write() -> None:
    rule = Access(Note, read=signed_in, write=owner(Note.owner_id), insert=signed_in)
    assert rule.commands["insert"] == signed_in
    assert rule.commands["update"] == owner(Note.owner_id)


def test_columns_maintained_by_triggers_are_not_granted_to_clients() -> None:
    rule = Access(Note, read=signed_in, write=owner(Note.owner_id))
    assert rule.insertable == ("id", "owner_id", "team_id", "text")
    assert rule.updatable == ("owner_id", "team_id", "text")


def test_generated_columns_are_not_granted_to_clients() -> None:
    rule = Access(Receipt, read=signed_in, insert=owner(Receipt.buyer_id))
    assert rule.insertable == ("buyer_id",)


def test_fixed_columns_are_inserted_and_not_updated() -> None:
    rule = Access(Note, read=signed_in, write=signed_in, fixed=(Note.team_id,))
    assert rule.insertable == ("id", "owner_id", "team_id", "text")
    assert rule.updatable == ("owner_id", "text")


def test_given_columns_replace_the_default_ones() -> None:
    rule = Access(
        Note,
        read=signed_in,
        write=signed_in,
        insert_columns=(Note.text, Note.team_id),
        update_columns=(Note.text,),
    )
    assert rule.insertable == ("text", "team_id")
    assert rule.updatable == ("text",)


def test_rules_are_equal_by_what_they_declare() -> None:
    rule = Access(Note, read=signed_in, write=signed_in, fixed=(Note.team_id,))
    assert rule == Access(Note, read=signed_in, write=signed_in, fixed=(Note.team_id,))
    assert rule != Access(Note, read=signed_in, write=signed_in, fixed=(Note.owner_id,))
    assert rule != Access(Note, read=signed_in, write=signed_in)
    assert len({rule, Access(Note, read=signed_in, write=signed_in, fixed=(Note.team_id,))}) == 1


def test_rule_is_shown_as_it_is_declared() -> None:
    assert repr(Access(Note)) == "Access(Note)"
    rule = Access(Note, read=signed_in, update=signed_in, fixed=(Note.team_id,))
    assert repr(rule) == (
        f"Access(Note, read={signed_in!r}, update={signed_in!r}, fixed=('Note.team_id',))"
    )
