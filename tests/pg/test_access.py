"""The vocabulary of access: a line per table becomes policies and exact grants."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from townhall import pg
from townhall.base import KEPT_BY_DATABASE
from townhall.pg.access import (
    Access,
    anyone_with,
    either,
    entities_of,
    membership,
    owner,
    signed_in,
)
from townhall.pg.entity import Entity


class Base(DeclarativeBase):
    pass


class Note(Base):
    __tablename__ = "notes"

    id: Mapped[int] = mapped_column(primary_key=True)
    owner_id: Mapped[int]
    team_id: Mapped[int]
    text: Mapped[str]
    likes: Mapped[int] = mapped_column(info=KEPT_BY_DATABASE)


members = anyone_with("team_id", "my_team_ids", "members")


def expanded(access: Access) -> dict[str, Entity]:
    return {" ".join(entity.name_parts[2:]) or "access": entity for entity in access.entities()}


def grants(access: Access) -> tuple[str, ...]:
    table_access = expanded(access)["access"]
    assert isinstance(table_access, pg.TableAccess)
    assert table_access.row_security
    assert table_access.grants["service_role"] == ("all",)
    assert table_access.grants.keys() <= {"authenticated", "service_role"}
    return tuple(table_access.grants.get("authenticated", ()))


def policy(access: Access, name: str) -> pg.Policy:
    found = expanded(access)[name]
    assert isinstance(found, pg.Policy)
    return found


def test_who_is_not_named_may_nothing() -> None:
    assert grants(Access(Note)) == ()
    assert expanded(Access(Note)).keys() == {"access", "the service does everything"}


def test_reading_is_one_policy_and_one_grant() -> None:
    access = Access(Note, read=signed_in)
    assert grants(access) == ("select",)
    assert policy(access, "signed-in users select").roles == ("authenticated",)


def test_clients_write_no_column_that_the_database_keeps() -> None:
    access = Access(Note, insert=owner("owner_id"), update=owner("owner_id"), fixed=("team_id",))
    assert grants(access) == (
        "insert (id, owner_id, team_id, text)",
        "update (owner_id, text)",
    )


def test_named_columns_replace_the_usual_ones() -> None:
    access = Access(
        Note, write=owner("owner_id"), insert_columns=("text", "team_id"), update_columns=("text",)
    )
    assert grants(access) == ("insert (text, team_id)", "update (text)", "delete")


def test_a_row_that_is_changed_stays_theirs() -> None:
    access = Access(Note, write=owner("owner_id"))
    changed = policy(access, "the owner update")
    assert changed.using == changed.check == "owner_id = (select auth.uid())"
    assert policy(access, "the owner insert").using is None
    assert policy(access, "the owner delete").check is None


def test_a_row_can_be_demanded_to_become_something_else() -> None:
    access = Access(Note, update=members, becomes=members.where("likes = 0", "while new"))
    changed = policy(access, "members update")
    assert changed.using == members.condition
    assert changed.check == f"({members.condition})\nand (likes = 0)"


def test_memberships_are_looked_up_once_and_found_by_index() -> None:
    assert members.condition == "team_id = any (array(select private.my_team_ids()))"
    assert (owner("owner_id") | members).condition == (
        "owner_id = (select auth.uid())\nor team_id = any (array(select private.my_team_ids()))"
    )
    assert either("owner_id", "team_id").condition == (
        "owner_id = (select auth.uid())\nor team_id = (select auth.uid())"
    )


def test_a_helper_runs_with_its_owners_rights_and_an_empty_path() -> None:
    helper = membership("my_team_ids", "select m.team_id from public.members as m", "Teams.")
    assert helper.schema == "private"
    assert helper.security == "definer"
    assert helper.settings == {"search_path": "pg_catalog, pg_temp"}
    assert "public" not in helper.execute
    assert "anon" not in helper.execute


@pytest.mark.parametrize("command", ["select", "insert", "update", "delete"])
def test_a_command_has_one_permissive_policy_per_role(command: str) -> None:
    access = Access(Note, read=signed_in, write=owner("owner_id"))
    for role in ("authenticated", "service_role"):
        policies = [
            entity
            for entity in entities_of([access])
            if isinstance(entity, pg.Policy)
            and role in entity.roles
            and entity.command in {command, "all"}
        ]
        assert len(policies) == 1
