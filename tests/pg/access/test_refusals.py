"""Rules that contradict themselves, or name what is not there, are refused when they are made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy.orm import aliased

from tests.pg.access.models import Note, Receipt, Team
from townhall import pg
from townhall.pg.access import Access, Principal, anyone, owner, signed_in
from townhall.pg.policy import Command

the_owner = owner(Note.owner_id)
a_long_name = owner(Note.owner_id, "the owner " + "of a note " * 5)


def policy(
    name: str = "readers",
    command: Command = "all",
    *,
    schema: str = "public",
    table: str = "notes",
    permissive: bool = True,
) -> pg.Policy:
    return pg.Policy(
        schema=schema,
        table=table,
        name=name,
        command=command,
        roles=("authenticated",),
        using="true",
        permissive=permissive,
    )


WRONG_TYPES: dict[str, tuple[Callable[[], Any], str]] = {
    "a table": (
        lambda: Access(Note.__table__),  # type: ignore[arg-type]
        "takes a mapped class that has a table, not Table",
    ),
    "a class without a table": (
        lambda: Access(dict),  # type: ignore[arg-type]
        "takes a mapped class that has a table, not <class 'dict'>",
    ),
    "an alias": (
        lambda: Access(aliased(Note)),  # type: ignore[arg-type, unused-ignore]
        "takes a mapped class that has a table, not <AliasedClass",
    ),
    "the name of a principal": (
        lambda: Access(Note, read="the owner"),  # type: ignore[arg-type]
        "the access rule of Note: read takes a principal, .* not 'the owner'",
    ),
    "a name that is no column": (
        lambda: Access(Note, read=the_owner, write=the_owner, fixed=("owner_idd",)),  # type: ignore[arg-type]
        "the access rule of Note: fixed takes a column as an attribute .* not 'owner_idd'",
    ),
    "the name of a column": (
        lambda: Access(Note, read=the_owner, write=the_owner, update_columns=("text",)),  # type: ignore[arg-type]
        "update_columns takes a column as an attribute of a mapped class, .* not 'text'",
    ),
    "a string in place of a tuple": (
        lambda: Access(Note, read=the_owner, write=the_owner, fixed="owner_id"),  # type: ignore[arg-type]
        "fixed takes a tuple, .* not 'owner_id'",
    ),
    "a column in place of a tuple": (
        lambda: Access(Note, read=the_owner, write=the_owner, fixed=Note.owner_id),  # type: ignore[arg-type]
        r"fixed takes a tuple, such as \(Note.owner_id,\) with its comma, not Note.owner_id",
    ),
    "None in place of a tuple": (
        lambda: Access(Note, read=the_owner, policies=None),  # type: ignore[arg-type]
        "policies takes a tuple, .* not None",
    ),
    "a list": (
        lambda: Access(Note, read=the_owner, write=the_owner, insert_columns=[Note.text]),  # type: ignore[arg-type]
        "insert_columns takes a tuple",
    ),
    "a relationship": (
        lambda: Access(Note, read=the_owner, write=the_owner, fixed=(Note.team,)),
        "fixed takes a column, and Note.team is not mapped to a column",
    ),
    "a function among the policies": (
        lambda: Access(Note, policies=(pg.TableAccess(table="notes"),)),  # type: ignore[arg-type]
        "policies takes policies, not TableAccess",
    ),
}


@pytest.mark.parametrize(("rule", "refusal"), WRONG_TYPES.values(), ids=WRONG_TYPES)
def test_value_of_another_type_is_refused(rule: Callable[[], Any], refusal: str) -> None:
    with pytest.raises(TypeError, match=refusal):
        rule()


CONTRADICTIONS: dict[str, tuple[Callable[[], Any], str]] = {
    "a principal over another table": (
        lambda: Access(Note, read=owner(Team.id)),
        "read is for 'the owner', which is about columns of app.teams; give it columns of Note",
    ),
    "anonymous callers over another table": (
        lambda: Access(Note, read=Principal("readers", "true", anonymous=owner(Team.id))),
        "read is for 'readers', which is about columns of app.teams; give it columns of Note",
    ),
    "becomes over another table": (
        lambda: Access(Note, read=the_owner, update=the_owner, becomes=owner(Team.id)),
        "becomes is for 'the owner', which is about columns of app.teams",
    ),
    "a column of another table": (
        lambda: Access(Note, read=the_owner, write=the_owner, fixed=(Team.name,)),
        "fixed has Team.name, a column of app.teams; name a column of Note",
    ),
    "a column twice": (
        lambda: Access(
            Note, read=the_owner, write=the_owner, update_columns=(Note.text, Note.text)
        ),
        "update_columns has Note.text twice",
    ),
    "a column that the database keeps": (
        lambda: Access(Note, read=the_owner, write=the_owner, update_columns=(Note.likes,)),
        "update_columns has Note.likes, which the database keeps or generates",
    ),
    "a computed column": (
        lambda: Access(Receipt, insert=signed_in, insert_columns=(Receipt.double,)),
        "insert_columns has Receipt.double, which the database keeps or generates",
    ),
    "an identity column": (
        lambda: Access(Receipt, insert=signed_in, insert_columns=(Receipt.number,)),
        "insert_columns has Receipt.number, which the database keeps or generates",
    ),
    "write beside all that it stands for": (
        lambda: Access(
            Note,
            read=the_owner,
            write=the_owner,
            insert=the_owner,
            update=the_owner,
            delete=the_owner,
        ),
        "insert, update and delete take precedence over write; leave write out",
    ),
    "update without read": (
        lambda: Access(Note, update=the_owner),
        "update needs read, since a row that can't be read can't be found to update it; add read",
    ),
    "delete without read": (lambda: Access(Note, delete=the_owner), "delete needs read"),
    "write without read": (lambda: Access(Note, write=the_owner), "update needs read"),
    "anonymous update without anonymous read": (
        lambda: Access(Note, read=signed_in, update=anyone),
        "update includes anonymous callers and read does not",
    ),
    "becomes without update": (
        lambda: Access(Note, read=the_owner, insert=the_owner, becomes=the_owner),
        "there is no update; add update",
    ),
    "becomes without the anonymous callers of update": (
        lambda: Access(Note, read=anyone, update=anyone, becomes=signed_in),
        "update includes anonymous callers and becomes does not",
    ),
    "insert_columns without insert": (
        lambda: Access(Note, read=the_owner, insert_columns=(Note.text,)),
        "insert_columns is about insert, and there is no insert; add insert or write",
    ),
    "update_columns without update": (
        lambda: Access(Note, read=the_owner, insert=the_owner, update_columns=(Note.text,)),
        "update_columns is about update, and there is no update",
    ),
    "fixed without update": (
        lambda: Access(Note, read=the_owner, insert=the_owner, fixed=(Note.owner_id,)),
        "fixed is about update, and there is no update",
    ),
    "fixed beside update_columns": (
        lambda: Access(
            Note,
            read=the_owner,
            write=the_owner,
            fixed=(Note.owner_id,),
            update_columns=(Note.text,),
        ),
        "update_columns says which columns may be updated; leave fixed out",
    ),
    "fixed beside insert_columns that leave it out": (
        lambda: Access(
            Note,
            read=the_owner,
            write=the_owner,
            fixed=(Note.owner_id,),
            insert_columns=(Note.text,),
        ),
        "fixed has Note.owner_id, which insert_columns leaves out already",
    ),
    "no column to insert": (
        lambda: Access(Note, insert=the_owner, insert_columns=()),
        "there is insert, and no column that a client may insert; name some in insert_columns",
    ),
    "no column to update": (
        lambda: Access(Receipt, read=signed_in, update=signed_in, fixed=(Receipt.buyer_id,)),
        "there is update, and no column that a client may update",
    ),
    "a policy's name that PostgreSQL would cut": (
        lambda: Access(Note, read=a_long_name),
        "has a name of 69 bytes, and PostgreSQL takes 63; shorten the principal's with named()",
    ),
    "an anonymous policy's name that PostgreSQL would cut": (
        lambda: Access(Note, read=anyone.named("anyone who comes along and looks at it")),
        "can read without signing in' has a name of 66 bytes",
    ),
    "a policy of another table": (
        lambda: Access(Note, read=the_owner, policies=(policy(table="teams"),)),
        "policies has 'readers' of public.teams; a policy in a rule is of public.notes",
    ),
    "a policy of another schema": (
        lambda: Access(Note, read=the_owner, policies=(policy(schema="app"),)),
        "policies has 'readers' of app.notes",
    ),
    "two policies of one name": (
        lambda: Access(Note, read=the_owner, policies=(policy(), policy(command="select"))),
        "policies has 'readers', a name that is taken",
    ),
    "a policy with the name of the service's": (
        lambda: Access(
            Note, read=the_owner, policies=(policy(name="the service can do everything"),)
        ),
        "a name that is taken; give it another one",
    ),
    "a policy for a command that is not granted": (
        lambda: Access(
            Note,
            read=the_owner,
            policies=(policy(), policy(name="deleters", command="delete")),
        ),
        "policies has 'deleters' for delete, which is granted to no client",
    ),
    "policies where nothing is granted": (
        lambda: Access(Note, policies=(policy(),)),
        "there are policies, and nothing that a client may do; say in the rule who may",
    ),
    "becomes beside policies": (
        lambda: Access(
            Note, read=the_owner, update=the_owner, becomes=signed_in, policies=(policy(),)
        ),
        "becomes has no effect beside policies; make it the check of a policy",
    ),
    "a column twice in fixed": (
        lambda: Access(Note, read=the_owner, write=the_owner, fixed=(Note.owner_id, Note.owner_id)),
        "fixed has Note.owner_id twice",
    ),
    "the primary key in fixed": (
        lambda: Access(Note, read=the_owner, write=the_owner, fixed=(Note.id,)),
        "fixed has Note.id, a column of the primary key, which no client may update",
    ),
    "no insert_columns without insert": (
        lambda: Access(Note, read=the_owner, insert_columns=()),
        "insert_columns is about insert, and there is no insert",
    ),
    "no update_columns without update": (
        lambda: Access(Note, read=the_owner, update_columns=()),
        "update_columns is about update, and there is no update",
    ),
    "a granted command without a policy": (
        lambda: Access(
            Note, read=the_owner, insert=the_owner, policies=(policy(command="select"),)
        ),
        "policies has no permissive policy for insert",
    ),
    "a granted command with a restrictive policy alone": (
        lambda: Access(Note, read=the_owner, policies=(policy(permissive=False),)),
        "policies has no permissive policy for select",
    ),
}


@pytest.mark.parametrize(("rule", "refusal"), CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_contradictory_rule_is_refused(rule: Callable[[], Any], refusal: str) -> None:
    with pytest.raises(ValueError, match=f"the access rule of (Note|Receipt): .*{refusal}"):
        rule()
