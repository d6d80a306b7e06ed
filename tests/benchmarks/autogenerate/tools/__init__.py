"""The tools, a module each: the declarations of the schema in its own classes.

A process imports one of them alone, since most register themselves with Alembic when imported.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import MetaData


class Declared(NamedTuple):
    """A schema as a tool declares it.

    Attributes:
        metadata: The tables, and what the tool keeps beside them.
        entities: How many entities the tool has a word for.
        options: Further options for Alembic.
    """

    metadata: MetaData
    entities: int
    options: dict[str, Any]
