"""Checks of the arguments that an ``env.py`` gives to :func:`townhall.migrate.run`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from alembic.util import CommandError
from sqlalchemy import MetaData
from sqlalchemy.exc import (
    ArgumentError,
    CompileError,
    InvalidRequestError,
    NoReferencedTableError,
)

from townhall.input_error import InputError
from townhall.pg import Entity
from townhall.pg.access import Access, Membership
from townhall.pg.alembic_utils import ReplaceableEntity

Member = TypeVar("Member")
Function = TypeVar("Function", bound=Callable[..., object])

DECLARATIONS: tuple[type, ...] = (Entity, Access, Membership, ReplaceableEntity)
"""The classes of what an ``env.py`` declares beside tables."""


@contextmanager
def explaining_tables() -> Iterator[None]:
    """Raise as ``CommandError`` why SQLAlchemy can't use a declared table."""
    try:
        yield
    except NoReferencedTableError as error:
        raise CommandError(
            f"a declared table can't be compared: {error}. To a table of another MetaData give the"
            " column itself, as in ForeignKey(table.c.id)"
        ) from error
    except (ArgumentError, CompileError, InvalidRequestError) as error:
        raise CommandError(f"a declared table can't be compared: {error}") from error


def metadata_of(given: MetaData | Iterable[MetaData]) -> list[MetaData]:
    """Return the metadata of an application, one or several, as Alembic's ``target_metadata``.

    Args:
        given: What the ``env.py`` gives.

    Raises:
        InputError: It is neither.
    """
    return [given] if isinstance(given, MetaData) else members("metadata", given, MetaData)


def members(name: str, given: Iterable[Member], *classes: type) -> list[Member]:
    """Return the members of a list that an ``env.py`` gives.

    Args:
        name: The parameter of :func:`townhall.migrate.run`.
        given: Its value.
        classes: The classes that a member can have.

    Raises:
        InputError: The value is no list, or a member has another class.
    """
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise InputError(f"migrate.run({name}={_shown(given)}): give a list, {name}=[…]")
    listed = list(given)
    for member in listed:
        if not isinstance(member, classes):
            names = " or ".join(each.__name__ for each in classes)
            raise InputError(f"migrate.run({name}=…) has {_shown(member)}, and takes {names}")
    return listed


def function_of(name: str, given: Function | None) -> Function | None:
    """Return a function that an ``env.py`` gives for Alembic to call.

    Args:
        name: The parameter of :func:`townhall.migrate.run`.
        given: Its value.

    Raises:
        InputError: The value is no function.
    """
    if given is not None and not callable(given):
        raise InputError(f"migrate.run({name}={_shown(given)}): give a function")
    return given


def functions_of(name: str, given: Function | Iterable[Function]) -> list[Function]:
    """Return the functions that an ``env.py`` gives for Alembic to call, one or several.

    Args:
        name: The parameter of :func:`townhall.migrate.run`.
        given: Its value.

    Raises:
        InputError: The value is neither a function nor a list of functions.
    """
    if callable(given):
        return [given]
    return [each for each in members(name, given, object) if function_of(name, each)]


def _shown(value: object) -> str:
    if isinstance(value, type):
        return f"the class {value.__name__}"
    return repr(value) if value is None or isinstance(value, str) else f"a {type(value).__name__}"
