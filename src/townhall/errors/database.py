"""The explanation of what PostgreSQL reports, by its SQLSTATE."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import psycopg
from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Table

from townhall.errors import sentences
from townhall.errors.bounds import broken_bounds
from townhall.errors.declarations import Declarations, Rule, columns_of, full_name, rule_of
from townhall.errors.denials import denial
from townhall.errors.explanation import Explanation
from townhall.errors.statements import Written
from townhall.refusals import Kind, Refusal, refusal_in

Told = tuple[Refusal, tuple[str, ...]]
"""The kind and the sentence, and the columns."""

# The names come first, and no name of a column holds what ends them.
_KEY = re.compile(r"\((.*?)\)=\(", re.DOTALL)
_NAME = re.compile(r"\w+\b(?!\s*\()")
_CAST = re.compile(r"::[\w ]+")
_QUOTATION_MARK = re.compile('["«»„“”]')
_MARKS_OF_TWO_NAMES = 4

_REPORTERS = {
    "_bt_check_unique",
    "check_exclusion_or_unique_constraint",
    "ri_ReportViolation",
}
"""The functions of PostgreSQL whose detail begins with the names of the columns."""


@dataclass(frozen=True)
class Reported:
    """An error of PostgreSQL, with what is declared of its table.

    Attributes:
        error: The error.
        statement: The statement that failed, as far as it is known.
        declared: What is declared.
    """

    error: psycopg.Error
    statement: Written
    declared: Declarations

    @cached_property
    def table(self) -> Table | None:
        """The table that PostgreSQL names, if it is declared."""
        diagnosis = self.error.diag
        return self.declared.table(diagnosis.table_name, diagnosis.schema_name)

    @property
    def table_or_name(self) -> Table | str | None:
        """The table, or the name of one that is not declared."""
        return self.table if self.table is not None else self.error.diag.table_name

    @property
    def rule_name(self) -> str | None:
        """The name of the constraint, without that of the table in it."""
        name, table = self.error.diag.constraint_name, self.error.diag.table_name
        if name is None or table is None:
            return name
        return re.sub(rf"^(?:[a-z]{{2}}_)?{re.escape(table)}_", "", name)

    @cached_property
    def rule(self) -> Rule | None:
        """The constraint or index, if it is declared."""
        return rule_of(self.table, self.error.diag.constraint_name, self._named_columns)

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The columns that the error is about, as far as they are known."""
        column = self.error.diag.column_name
        if column:
            return (column,)
        if self.rule is not None and self.table is not None:
            return columns_of(self.rule, self.table)
        return self._named_columns

    @property
    def _named_columns(self) -> tuple[str, ...]:
        # The detail has values too: only what it names before them is read, and nothing of a
        # detail that a function of an application has written.
        diagnosis = self.error.diag
        detail = diagnosis.message_detail if diagnosis.source_function in _REPORTERS else None
        key = _KEY.search(detail or "")
        names = _NAME.findall(_CAST.sub("", key[1])) if key else []
        known = self.table.columns if self.table is not None else names
        return tuple(each for each in names if each in known)


def explain_database_error(
    error: psycopg.Error, statement: Written, declared: Declarations
) -> Explanation | None:
    """Explain an error that PostgreSQL or the driver reports.

    Args:
        error: The error.
        statement: The statement that failed, as far as it is known.
        declared: What is declared.

    Returns:
        The explanation, or None for a fault of the program or of the server.
    """
    reported = Reported(error, statement, declared)
    told = _declared_refusal(reported) or _by_state(reported)
    if told is None:
        return None
    refusal, columns = told
    table = reported.table
    if table is None and refusal.kind is Kind.DENIED:
        table = denial(error, statement, declared).table
    return Explanation(
        kind=refusal.kind,
        sentence=refusal.sentence,
        original=error,
        table=full_name(table) if table is not None else error.diag.table_name,
        columns=columns,
        constraint=error.diag.constraint_name,
    )


def _declared_refusal(reported: Reported) -> Told | None:
    """Return the refusal that is declared for a rule of a function, a constraint or an index."""
    refusal = reported.declared.refusals.get(reported.error.diag.constraint_name or "")
    if refusal is None and reported.rule is not None:
        refusal = refusal_in(reported.rule.info)
    return None if refusal is None else (refusal, reported.columns)


def _by_state(reported: Reported) -> Told | None:
    state = reported.error.sqlstate
    if state is None:
        # The driver refuses what the type can't hold.
        is_of_data = isinstance(reported.error, psycopg.DataError)
        return _told(Kind.OUT_OF_RANGE, sentences.VALUE) if is_of_data else None
    explained = _BY_STATE.get(state) or _BY_CLASS.get(state[:2])
    return None if explained is None else explained(reported)


def _told(kind: Kind, sentence: str, columns: tuple[str, ...] = ()) -> Told:
    return Refusal(kind, sentence), columns


def _always(kind: Kind, sentence: str) -> Callable[[Reported], Told]:
    return lambda _: _told(kind, sentence)


def _duplicate(reported: Reported) -> Told:
    columns = reported.columns
    return _told(Kind.DUPLICATE, sentences.duplicate(columns, reported.table_or_name), columns)


def _overlap(reported: Reported) -> Told:
    return _told(Kind.DUPLICATE, sentences.overlap(reported.table_or_name), reported.columns)


def _missing_reference(reported: Reported) -> Told:
    if _is_referred_to(reported):
        return _still_referred_to(reported)
    rule = reported.rule
    referred = rule.referred_table if isinstance(rule, ForeignKeyConstraint) else None
    columns = reported.columns
    return _told(Kind.MISSING_REFERENCE, sentences.missing_reference(columns, referred), columns)


def _is_referred_to(reported: Reported) -> bool:
    """Tell whether the row was to be deleted or changed that others refer to.

    PostgreSQL has one SQLSTATE for both, and names the same constraint and table apart from the
    message. That names a second table for these rows alone, in quotation marks in each language.
    """
    diagnosis = reported.error.diag
    message = diagnosis.message_primary or ""
    for name in (diagnosis.constraint_name, diagnosis.table_name):
        message = message.replace(name or "", "")
    return len(_QUOTATION_MARK.findall(message)) > _MARKS_OF_TWO_NAMES


def _still_referred_to(reported: Reported) -> Told:
    return _told(
        Kind.WRONG_STATE, sentences.still_referred_to(reported.table_or_name), reported.columns
    )


def _missing(reported: Reported) -> Told:
    return _told(Kind.OUT_OF_RANGE, sentences.missing(reported.columns), reported.columns)


def _check(reported: Reported) -> Told:
    if reported.error.diag.constraint_name is None:
        # PostgreSQL names its own: this is raised by a function, about rows in a wrong state.
        return _told(Kind.WRONG_STATE, sentences.STATE, reported.columns)
    columns = reported.columns
    if isinstance(reported.rule, CheckConstraint):
        bounds = broken_bounds(reported.rule, reported.table, reported.statement)
        if bounds is not None:
            return bounds, columns
    sentence = sentences.not_allowed(columns, reported.rule_name, reported.table_or_name)
    return _told(Kind.OUT_OF_RANGE, sentence, columns)


def _denied(reported: Reported) -> Told:
    found = denial(reported.error, reported.statement, reported.declared)
    return _told(Kind.DENIED, found.sentence, found.columns)


_conflict = _always(Kind.CONFLICT, sentences.CONFLICT)
_too_large = _always(Kind.TOO_LARGE, sentences.TOO_LARGE)

_BY_STATE: dict[str, Callable[[Reported], Told]] = {
    "22001": _too_large,  # string_data_right_truncation
    "23001": _still_referred_to,  # restrict_violation
    "23502": _missing,
    "23503": _missing_reference,
    "23505": _duplicate,
    "23514": _check,
    "23P01": _overlap,
    "25006": _always(Kind.WRONG_STATE, sentences.READ_ONLY),  # read_only_sql_transaction
    "42501": _denied,
    "44000": _denied,  # with_check_option_violation
    "55006": _conflict,  # object_in_use
    "55P03": _conflict,  # lock_not_available
    "P0001": _always(Kind.WRONG_STATE, sentences.STATE),  # raise_exception
    "P0002": _always(Kind.NOT_FOUND, sentences.NOT_FOUND),
    "P0003": _always(Kind.DUPLICATE, sentences.SEVERAL),
}
_BY_CLASS: dict[str, Callable[[Reported], Told]] = {
    "22": _always(Kind.OUT_OF_RANGE, sentences.VALUE),  # data_exception
    "40": _conflict,  # transaction_rollback: serialization failures and deadlocks
    "54": _too_large,  # program_limit_exceeded
}
