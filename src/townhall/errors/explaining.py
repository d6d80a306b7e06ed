"""The explanation of an exception, or of the one that it follows from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import takewhile

import psycopg
from pydantic import BaseModel, ValidationError
from sqlalchemy.exc import (
    DBAPIError,
    InvalidRequestError,
    MultipleResultsFound,
    NoResultFound,
    StatementError,
)
from sqlalchemy.orm.exc import ObjectDeletedError, StaleDataError

from townhall.errors import sentences
from townhall.errors.database import explain_database_error
from townhall.errors.declarations import Declarations, Declared, full_name
from townhall.errors.explanation import Explanation
from townhall.errors.statements import Written, written
from townhall.input_error import InputError
from townhall.refusals import Kind
from townhall.session import ActorError, ReadOnlyError, RoleNotGranted
from townhall.types import StaleDocument, TypedJson

_NOT_REFRESHED = "Could not refresh instance"
"""How SQLAlchemy begins the error of ``session.refresh`` for a row that is gone: it has no class of
its own."""


def explain(exception: BaseException, *declared: Declared) -> Explanation | None:
    """Return what happened, or None where the exception is a fault of the program or the server.

    An exception that says nothing is explained by what it follows from: its cause, or what it was
    raised for. Of a group the first exception with an explanation counts.

    Args:
        exception: Any exception.
        *declared: What an application declares beside this package: the ``MetaData`` of its
            tables, its access rules, and mappings from the name of a rule that its functions raise
            to the :class:`Refusal`. Other entities have no effect.

    Returns:
        The explanation, or None for a lost connection, a mistake in SQL, or any exception of
        something else.
    """
    declarations = Declarations.of(declared)
    for each in _chain(exception, set()):
        found = _explain(each, declarations)
        if found is not None:
            return replace(found, original=exception)
    return None


def _chain(exception: BaseException, seen: set[int]) -> Iterator[BaseException]:
    if id(exception) in seen:
        return
    seen.add(id(exception))
    yield exception
    if isinstance(exception, BaseExceptionGroup):
        for each in exception.exceptions:
            yield from _chain(each, seen)
    if isinstance(exception, StatementError) and exception.orig is not None:
        yield from _chain(exception.orig, seen)
    reason = exception.__cause__
    if reason is None and not exception.__suppress_context__:
        reason = exception.__context__
    if reason is not None:
        yield from _chain(reason, seen)


def _explain(error: BaseException, declared: Declarations) -> Explanation | None:
    match error:
        case DBAPIError(orig=psycopg.Error() as reported):
            statement = written(error.statement, error.params)
            return explain_database_error(reported, statement, declared)
        case psycopg.Error():
            return explain_database_error(error, Written(), declared)
        case ValidationError():
            return _invalid(error, declared)
        case InputError():
            return _refused_value(error, declared)
        case StaleDocument():
            return Explanation(
                kind=Kind.CONFLICT,
                sentence=sentences.STALE,
                original=error,
                table=error.table,
                columns=(error.column,),
            )
    return _without_details(error)


def _without_details(error: BaseException) -> Explanation | None:
    match error:
        case NoResultFound() | ObjectDeletedError():
            kind, sentence = Kind.NOT_FOUND, sentences.NOT_FOUND
        case InvalidRequestError() if str(error).startswith(_NOT_REFRESHED):
            kind, sentence = Kind.NOT_FOUND, sentences.NOT_FOUND
        case MultipleResultsFound():
            kind, sentence = Kind.DUPLICATE, sentences.SEVERAL
        case StaleDataError():
            kind, sentence = Kind.CONFLICT, sentences.STALE
        case RoleNotGranted():
            kind, sentence = Kind.DENIED, sentences.DENIED
        case ReadOnlyError():
            kind, sentence = Kind.WRONG_STATE, sentences.READ_ONLY
        case ActorError():
            kind, sentence = Kind.WRONG_STATE, sentences.STATE
        case _:
            return None
    return Explanation(kind=kind, sentence=sentence, original=error)


def _invalid(error: ValidationError, declared: Declarations) -> Explanation | None:
    """Explain what a typed JSON column refuses; other models are the application's own."""
    for column in declared.columns():
        if isinstance(column.type, TypedJson) and column.type.shape.__name__ == error.title:
            paths = sorted(_declared_paths(error, column.type.shape) - {""})
            return Explanation(
                kind=Kind.OUT_OF_RANGE,
                sentence=sentences.invalid_parts(column.name, paths),
                original=error,
                table=full_name(column.table),
                columns=(column.name,),
            )
    return None


def _declared_paths(error: ValidationError, shape: type[BaseModel]) -> set[str]:
    """Return the paths of what is not valid, as far as their keys are those of the shape.

    A key of somebody else's choice is a value, which may be personal data.
    """
    schema = shape.model_json_schema()
    parts = (schema, *schema.get("$defs", {}).values())
    declared = {key for part in parts for key in part.get("properties", ())}
    known = (
        takewhile(lambda key: isinstance(key, int) or key in declared, each["loc"])
        for each in error.errors()
    )
    return {".".join(map(str, path)) for path in known}


def _refused_value(error: InputError, declared: Declarations) -> Explanation:
    """Explain a value that was refused before it was sent; the message may have the value."""
    name, _, column = (error.column or "").rpartition(".")
    table = declared.table(name) if name else None
    return Explanation(
        kind=Kind.OUT_OF_RANGE,
        sentence=sentences.not_allowed((column,), None, table) if column else sentences.VALUE,
        original=error,
        table=full_name(table) if table is not None else name or None,
        columns=(column,) if column else (),
    )
