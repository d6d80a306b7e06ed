"""Session factories of the cells of an application: a database for each group of its tenants."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

from townhall.input_error import InputError

_Engine = TypeVar("_Engine")
_Factory = TypeVar("_Factory")


class Cells(Generic[_Engine, _Factory]):
    """The factory of each cell, by the keys of what is in it.

    A session is one of one cell: rows of two cells are in no transaction, no foreign key and no
    query together. So each cell has a factory on a plain engine, and nothing guesses a cell from a
    statement, as SQLAlchemy's horizontal sharding would.
    """

    def __init__(
        self, engines: Mapping[Any, _Engine], factory_on: Callable[[_Engine], _Factory]
    ) -> None:
        """Take the engines.

        Args:
            engines: The engine of each key: a mapping, which may look keys up when it is asked.
            factory_on: Makes the factory of an engine.
        """
        self._engines = engines
        self._factory_on = factory_on
        self._factories: dict[_Engine, _Factory] = {}

    def of(self, key: object) -> _Factory:
        """Return the factory of the cell that has a key.

        Args:
            key: The tenant, organization or other key.

        Raises:
            InputError: No cell has it. The message does not repeat it.
        """
        try:
            engine = self._engines[key]
        except KeyError:
            raise InputError("no cell has this key: add it to the mapping cells") from None
        if engine not in self._factories:
            self._factories[engine] = self._factory_on(engine)
        return self._factories[engine]
