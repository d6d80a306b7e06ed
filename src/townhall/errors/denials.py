"""What the access rules say of a statement that was denied."""

from __future__ import annotations

import re
from dataclasses import dataclass

import psycopg
from sqlalchemy import Table

from townhall.errors import sentences
from townhall.errors.declarations import Declarations
from townhall.errors.statements import Written
from townhall.pg import sql
from townhall.pg.access import Access
from townhall.pg.access.account import HAS_ACCOUNT

_ROW_IS_REFUSED = "new row violates row-level security policy"
# With further conditions it is not known which of them the row does not fulfil.
_IS_THE_CALLER = r'"?\w+"? = :caller'
_OWNED = re.compile(
    rf"{_IS_THE_CALLER}"
    rf"|\({_IS_THE_CALLER}\)\nand (?P<account>{re.escape(sql.parenthesized(HAS_ACCOUNT))})"
)
_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Denial:
    """What was denied.

    Attributes:
        sentence: The sentence.
        table: The table, if it is declared.
        columns: The columns that may not be set, or have to be the caller.
    """

    sentence: str
    table: Table | None = None
    columns: tuple[str, ...] = ()


def denial(error: psycopg.Error, statement: Written, declared: Declarations) -> Denial:
    """Return what was denied, with the columns that an access rule names.

    PostgreSQL tells the table in the text of the error alone, and no column.

    Args:
        error: The error.
        statement: The statement, as far as it is known.
        declared: What is declared.
    """
    message = error.diag.message_primary or str(error)
    table = _table_in(message, statement, declared)
    if table is None:
        # The text of a statement has values too: a name from it alone is not told.
        return Denial(sentences.DENIED)
    rule = declared.access_rule(table)
    by_rule = None if rule is None else _by_rule(rule, message, statement)
    return by_rule or Denial(sentences.denied(statement.command, table), table)


def _table_in(message: str, statement: Written, declared: Declarations) -> Table | None:
    named = (declared.table(each) for each in reversed(_WORD.findall(message)))
    found = next((each for each in named if each is not None), None)
    return found if found is not None else declared.table(statement.table or None)


def _by_rule(rule: Access, message: str, statement: Written) -> Denial | None:
    table = rule.table
    command = statement.command if statement.table == table.name else ""
    if forbidden := _forbidden(rule, command, statement):
        return Denial(sentences.forbidden(forbidden, table), table, forbidden)
    inserting = rule.commands.get("insert")
    demanded = () if inserting is None else inserting.caller_columns
    if command == "insert":
        missing = tuple(each for each in demanded if statement.leaves_out(each))
        if missing:
            return Denial(sentences.left_out(missing, table), table, missing)
    if (
        inserting is None
        or command not in {"", "insert"}
        or not message.startswith(_ROW_IS_REFUSED)
    ):
        return None
    if owned := _OWNED.fullmatch(inserting.condition):
        needs_account = owned["account"] is not None
        sentence = sentences.demanded(demanded, table, needs_account=needs_account)
        return Denial(sentence, table, demanded)
    return None


def _forbidden(rule: Access, command: str, statement: Written) -> tuple[str, ...]:
    """Return the columns of a statement that a client who may run it may not set."""
    match command:
        case "insert" if "insert" in rule.commands:
            allowed = rule.insertable
        case "update" if "update" in rule.commands:
            allowed = rule.updatable
        case _:
            return ()
    known = (each for each in statement.columns if each in rule.table.columns)
    return tuple(each for each in known if each not in allowed)
