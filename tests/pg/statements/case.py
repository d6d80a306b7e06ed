"""What an entity or an operation emits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from townhall.pg import Entity


@dataclass(frozen=True)
class EntityCase:
    """An entity and its statements, each with a semicolon behind it.

    Attributes:
        entity: The entity.
        create: The statements that create it.
        drop: The statements that drop it.
        replace: The statements that replace it; None where they are those that create it.
        without_data: The statements that create it without rows; None where they are the same.
    """

    entity: Entity
    create: str
    drop: str
    replace: str | None = None
    without_data: str | None = None


@dataclass(frozen=True)
class OperationCase:
    """An operation, what it emits, and what its reverse emits.

    Attributes:
        operation: An operation of Alembic.
        forward: What it emits as a script.
        backward: What its reverse emits as a script.
        difference: What ``alembic check`` says of it.
    """

    operation: Any
    forward: str
    backward: str
    difference: tuple[Any, ...]
