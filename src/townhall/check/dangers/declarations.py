"""The declarations of functions and views, as the repairs make them one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from townhall.check.dangers.metadata import query_trusting_the_service, trusting_the_service
from townhall.pg import Entity, MaterializedView, Routine, SchemaAccess, View
from townhall.pg.privileges import Grants


class Declarations:
    """What is to be declared of the functions and views of a database."""

    def __init__(self, found: Iterable[Entity]) -> None:
        """Begin with what was found.

        Args:
            found: The functions and views.
        """
        self._now = {each.key: each for each in found}

    def settings(self, key: tuple[str, ...]) -> Mapping[str, str]:
        """Return the settings of a function for the time of a call.

        Args:
            key: Its key.
        """
        entity = self._now[key]
        return entity.settings if isinstance(entity, Routine) else {}

    def executing(self, key: tuple[str, ...]) -> Sequence[str]:
        """Return who may execute a function.

        Args:
            key: Its key.
        """
        entity = self._now[key]
        return entity.execute if isinstance(entity, Routine) else ()

    def creating(self, key: tuple[str, ...]) -> Sequence[str]:
        """Return who may create in a schema.

        Args:
            key: The key of its access.
        """
        entity = self._now[key]
        return entity.create if isinstance(entity, SchemaAccess) else ()

    def grants(self, key: tuple[str, ...]) -> Grants:
        """Return the privileges on a view.

        Args:
            key: Its key.
        """
        entity = self._now[key]
        return entity.grants if isinstance(entity, View | MaterializedView) else {}

    def trusting_the_service(self, key: tuple[str, ...]) -> tuple[str, str]:
        """Let a function or a view read the metadata that only the service can write.

        Args:
            key: Its key.

        Returns:
            The SQL that does it, and its whole declaration as Python.
        """
        entity = self._now[key]
        if isinstance(entity, View):
            python = self.changed(key, definition=query_trusting_the_service(entity))
        elif isinstance(entity, Routine):
            python = self.changed(key, body=trusting_the_service(entity.body))
        else:
            raise TypeError(key)
        statement = next(iter(self._now[key].create_statements()))
        return statement, python

    def changed(self, key: tuple[str, ...], **changes: object) -> str:
        """Change an entity, and return its whole declaration as Python.

        Args:
            key: Its key.
            changes: The fields that change, with their new values.
        """
        entity = self._now[key]
        entity = type(entity).found(**{**vars(entity), **changes})
        if isinstance(entity, Routine):
            path = "as found" if entity.is_hijackable else "safe"
            entity = type(entity).found(**{**vars(entity), "search_path": path})
        self._now[key] = entity
        return f"pg.{entity!r}"
