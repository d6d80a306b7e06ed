"""Access matrices: which rows each role reaches, in words."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest
from sqlalchemy import BigInteger, ForeignKey
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from townhall.pg import Entity, Policy, TableAccess, View
from townhall.pg.access import Access, anyone, entities_of, owner, signed_in
from townhall.pictures.access import EVERY_ROW, access_of
from townhall.pictures.matrices import as_markdown, as_svg, as_text
from townhall.roles import SUPABASE


class Base(DeclarativeBase):
    """The base of an application."""


class Note(Base):
    __tablename__ = "notes"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))


class Account(Base):
    __tablename__ = "accounts"

    id: Mapped[int] = mapped_column(primary_key=True)


RULE = Access(Note, read=anyone, insert=signed_in, update=owner(Note.owner_id))


def reached(entities: tuple[Entity, ...], role: str) -> dict[str, str]:
    (table,) = access_of(entities, SUPABASE.names)
    return dict(next(each.words for each in table.reaches if each.role == role))


def test_rule_is_shown_in_its_own_words() -> None:
    entities = entities_of([RULE])
    assert reached(entities, "anon") == {"select": "anyone"}
    assert reached(entities, "authenticated") == {
        "select": "anyone",
        "insert": "signed-in users",
        "update": "the owner",
    }
    assert set(reached(entities, "service_role").values()) == {EVERY_ROW}


ACCESS = TableAccess(
    table="notes", grants={"authenticated": ("select (id)", "insert"), "anon": ("select",)}
)


def policy(name: str, **differing: object) -> Policy:
    fields = {"command": "select", "roles": ("authenticated",), "using": "owner_id = 1"}
    return Policy(table="notes", name=name, **(fields | differing))  # type: ignore[arg-type] # per field


@pytest.mark.parametrize(
    ("policies", "words"),
    [
        ((), {}),
        ((policy("own notes"),), {"select": "own notes"}),
        ((policy("a"), policy("b")), {"select": "a or b"}),
        ((policy("a"), policy("b", permissive=False)), {"select": "a, and only b"}),
        ((policy("a", permissive=False),), {}),
        ((policy("a", using="true"),), {"select": EVERY_ROW}),
        ((policy("a", roles=("public",)),), {"select": "a"}),
        ((policy("a", roles=("anon",)),), {}),
        ((policy("a", command="all"),), {"select": "a", "insert": "a"}),
        ((policy("a", command="delete"),), {}),
    ],
)
def test_handwritten_policies_are_shown_by_name(
    policies: tuple[Policy, ...], words: dict[str, str]
) -> None:
    assert reached((ACCESS, *policies), "authenticated") == words


def test_table_without_row_security_is_open_to_who_has_a_privilege() -> None:
    open_table = TableAccess(
        table="notes", row_security=False, grants={"public": ("select",), "anon": ("all",)}
    )
    assert reached((open_table,), "authenticated") == {"select": EVERY_ROW}
    assert set(reached((open_table,), "anon")) == {"select", "insert", "update", "delete"}


def test_view_reaches_what_its_tables_allow_or_every_row() -> None:
    grants = {"authenticated": ("select",)}
    of_reader = View(name="v", definition="select 1", grants=grants)
    of_owner = View(name="v", definition="select 1", grants=grants, security_invoker=False)
    assert reached((of_reader,), "authenticated") == {"select": "as its tables allow"}
    assert reached((of_owner,), "authenticated") == {"select": EVERY_ROW}
    assert reached((of_owner,), "anon") == {}


def test_matrix_as_text_as_markdown_and_as_svg() -> None:
    shown = access_of(entities_of([RULE]), SUPABASE.names)
    assert as_text(shown) == (
        "notes\n"
        "  anon           read                          anyone\n"
        "  authenticated  read                          anyone\n"
        "                 insert                        signed-in users\n"
        "                 update                        the owner\n"
        "  service_role   read, insert, update, delete  every row\n"
    )
    assert "| `authenticated` | anyone | signed-in users | the owner | no |" in as_markdown(shown)
    picture = ET.fromstring(as_svg(shown, "Notes"))  # noqa: S314 - ours
    texts = list(picture.itertext())
    assert "update: the owner" in texts
    assert sum(each in {"R", "I", "U", "D"} for each in texts) == 8


def test_no_table_is_an_empty_matrix() -> None:
    assert as_text(()) == ""
    assert as_svg((), "Nothing").startswith("<svg ")
