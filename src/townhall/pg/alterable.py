"""Entities that can only be changed step by step: types and sequences.

There is no ``create or replace`` for them, and columns of tables depend on them. A change is made
of ``alter`` statements, for which the previous state must be known.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

from townhall.pg import sql
from townhall.pg.entity import Entity
from townhall.pg.owned import OwnedEntity

Previous = Any
"""An object of the same class, which no type can say of an argument of an overridden method."""

HELD = "a type that columns, or types of other schemas, have"
"""Which type can be neither altered nor created again, in the reasons why it is not."""

_NOT_COMPARED = {"api_roles", "owner", "usage_by_default"}


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class AlterableEntity(OwnedEntity):
    """An object that is created before the tables, which may use it, and changed by ``alter``.

    The state of a declared entity is found without touching the actual one: a copy of it is created
    in the schema of temporary objects and read back.

    Attributes:
        name: The name of the object.
    """

    precedes_tables: ClassVar[bool] = True
    name_fields: ClassVar[tuple[str, ...]] = ("schema", "name")

    name: str

    @property
    def name_parts(self) -> tuple[str, ...]:
        """Schema and name."""
        return (self.schema, self.name)

    @property
    def literal_name(self) -> str:
        """The object as a qualified identifier."""
        return sql.qualified(self.schema, self.name)

    def drop_statements(self) -> Iterable[str]:
        """Yield the drop of the object."""
        yield f"drop {self.sql_kind} if exists {self.literal_name}"

    def rename_statements(self, name: str) -> Iterable[str]:
        """Yield what gives the object, and what was made with it, another name.

        Args:
            name: The new name.
        """
        yield f"alter {self.sql_kind} {self.literal_name} rename to {sql.quote(name)}"

    @abstractmethod
    def can_alter(self, previous: Previous) -> bool:
        """Tell whether :meth:`alter_statements` can change ``previous`` to this state.

        Args:
            previous: The same object in another state.
        """

    def comes_back(self, previous: Previous) -> bool:
        """Tell whether :meth:`alter_statements` of ``previous`` bring all of it back.

        Where they don't, the object is created again instead, unless columns have it.

        Args:
            previous: The state that it has, which can be altered to this one.
        """
        del previous
        return True

    @abstractmethod
    def alter_statements(self, previous: Previous) -> Iterable[str]:
        """Yield what changes the object from a previous state to this one.

        Args:
            previous: The state that it has, as the catalog has it.
        """

    def can_replace(self, other: Entity) -> bool:
        """Tell whether ``alter`` statements are enough."""
        return isinstance(other, type(self)) and self.can_alter(other)

    def reads_rows(self, previous: Previous) -> bool:
        """Tell whether the change reads the rows of the tables whose columns have the type.

        Args:
            previous: The state that it has.
        """
        del previous
        return False

    def why_not_restored(self, previous: Previous) -> str | None:
        """Return what of the previous state stays when this one is restored, or None.

        Args:
            previous: The state that is left.
        """
        del previous
        return None

    def differences(self, previous: Previous) -> tuple[str, ...]:
        """Return the names of the fields in which two states differ."""
        return tuple(
            name
            for name, value in vars(self).items()
            if name not in _NOT_COMPARED and value != vars(previous)[name]
        )

    def why_not_altered(self, previous: Previous) -> str:
        """Return why columns keep this object from being changed.

        Args:
            previous: The state that it has.
        """
        what = " and ".join(name.replace("_", " ") for name in self.differences(previous))
        return f"PostgreSQL can't alter the {what} of {HELD}"

    def temporary(self) -> Self:
        """Return the same object in the schema of temporary objects."""
        return replace(self, schema="pg_temp", owner=None)

    def rendered(self, temporary: Previous, actual: Previous) -> Self:
        """Return the declared state as PostgreSQL renders it.

        Args:
            temporary: What was read of :meth:`temporary`.
            actual: The actual object, from which comes what is not declared.
        """
        del actual
        entity: Self = replace(temporary, schema=self.schema)
        return entity.with_api_roles(vars(self)["api_roles"])
