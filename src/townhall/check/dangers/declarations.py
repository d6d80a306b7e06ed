"""The declarations of functions and views, as the repairs make them one after the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from townhall.check.dangers.metadata import query_trusting_the_service, trusting_the_service
from townhall.pg import (
    Entity,
    Function,
    MaterializedView,
    Procedure,
    Routine,
    SchemaAccess,
    View,
)
from townhall.pg.catalog import empty_search_path
from townhall.pg.privileges import Grants

_KINDS = {each.kind: each for each in (Function, MaterializedView, Procedure, SchemaAccess, View)}


class Declarations:
    """What is to be declared of the functions and views of a database.

    Those of a kind are read when the first repair changes one of them.
    """

    def __init__(self, connection: Connection, schemas: Sequence[str]) -> None:
        """Take the connection.

        Args:
            connection: A connection within a transaction; it is only read.
            schemas: The schemas of the functions and views.
        """
        self._connection, self._schemas = connection, schemas
        self._now: dict[str, dict[tuple[str, ...], Entity]] = {}

    def _of_kind(self, kind: str) -> dict[tuple[str, ...], Entity]:
        if kind not in self._now:
            with empty_search_path(self._connection):
                read = _KINDS[kind].read(self._connection, self._schemas)
            self._now[kind] = {each.key: each for each in read}
        return self._now[kind]

    def _entity(self, key: tuple[str, ...]) -> Entity:
        return self._of_kind(key[0])[key]

    def settings(self, key: tuple[str, ...]) -> Mapping[str, str]:
        """Return the settings of a function for the time of a call.

        Args:
            key: Its key.
        """
        entity = self._entity(key)
        return entity.settings if isinstance(entity, Routine) else {}

    def executing(self, key: tuple[str, ...]) -> Sequence[str]:
        """Return who may execute a function.

        Args:
            key: Its key.
        """
        entity = self._entity(key)
        return entity.execute if isinstance(entity, Routine) else ()

    def creating(self, key: tuple[str, ...]) -> Sequence[str]:
        """Return who may create in a schema.

        Args:
            key: The key of its access.
        """
        entity = self._entity(key)
        return entity.create if isinstance(entity, SchemaAccess) else ()

    def grants(self, key: tuple[str, ...]) -> Grants:
        """Return the privileges on a view.

        Args:
            key: Its key.
        """
        entity = self._entity(key)
        return entity.grants if isinstance(entity, View | MaterializedView) else {}

    def trusting_the_service(self, key: tuple[str, ...]) -> tuple[Sequence[str], str]:
        """Let a function or a view read the metadata that only the service can write.

        Args:
            key: Its key.

        Returns:
            The SQL that does it, and its whole declaration as Python.
        """
        entity = self._entity(key)
        if isinstance(entity, Routine):
            python = self.changed(key, body=trusting_the_service(entity.body))
        elif isinstance(entity, View | MaterializedView):
            python = self.changed(key, definition=query_trusting_the_service(entity))
        else:
            raise TypeError(key)
        now = self._entity(key)
        if isinstance(now, MaterializedView):
            return [*now.drop_statements(), *now.create_statements()], python
        return [next(iter(now.create_statements()))], python

    def changed(self, key: tuple[str, ...], **changes: object) -> str:
        """Change an entity, and return its whole declaration as Python.

        Args:
            key: Its key.
            changes: The fields that change, with their new values.
        """
        entity = self._entity(key)
        entity = type(entity).found(**{**vars(entity), **changes})
        if isinstance(entity, Routine):
            path = "as found" if entity.is_hijackable else "safe"
            entity = type(entity).found(**{**vars(entity), "search_path": path})
        self._of_kind(key[0])[key] = entity
        return f"pg.{entity!r}"
