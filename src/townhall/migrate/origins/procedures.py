"""The temporary functions that a session reads and writes the memory with.

They are temporary, so that each run has those of the installed release, and a database has nothing
of them afterwards. In their text ``:memory`` stands for the table.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from townhall.migrate.origins.ending import ENDING
from townhall.migrate.origins.objects import BESIDE, GRANTS, OBJECTS
from townhall.migrate.origins.parts import ORDER, PARTS
from townhall.migrate.origins.recording import RECORDING
from townhall.migrate.origins.renaming import RENAMING
from townhall.migrate.origins.taking_back import TAKING_BACK
from townhall.migrate.origins.trials import TRIALS
from townhall.pg import sql

TOLD = "01TWN"
"""The SQLSTATE of a warning that a run passes on."""

_KINDS, _BESIDE = (f"array[{', '.join(map(sql.literal, each))}]" for each in (ORDER, BESIDE))

_TEXTS = (GRANTS, PARTS, *RECORDING, *TAKING_BACK, *RENAMING, *OBJECTS, *ENDING, *TRIALS)


def procedures(schema: str, table: str, api_roles: Sequence[str]) -> list[str]:
    """Return the statements that create the temporary functions.

    Args:
        schema: The schema of helpers.
        table: The name of the memory in it.
        api_roles: The roles that the memory is closed to.
    """
    memory = sql.qualified(schema, table)
    roles = ", ".join(map(sql.literal, api_roles))
    values = {
        ":'memory'": sql.literal(memory),
        ":memory": memory,
        ":'helpers'": sql.literal(schema),
        ":'schema'": sql.literal(sql.quote(schema)),
        ":schema": sql.quote(schema),
        ":api_roles": f"array[{roles}]::text[]",
        ":kinds": _KINDS,
        ":beside": _BESIDE,
        ":told": sql.literal(TOLD),
    }
    return [reduce(lambda done, each: done.replace(*each), values.items(), t) for t in _TEXTS]
