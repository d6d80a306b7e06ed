"""What is lost between two readings of everything in a database."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from townhall.pg import catalog
from townhall.pg.catalog import Facts

_TEXTS = ("definition", "check")
_TRUE = re.compile(r"=(on|t|tr|tru|true|y|ye|yes|1)$", re.IGNORECASE)
_FALSE = re.compile(r"=(of|off|f|fa|fal|fals|false|n|no|0)$", re.IGNORECASE)
_DEFAULTS = {"security_invoker=false", "security_barrier=false"}


def everything(connection: Connection, schemas: Sequence[str]) -> dict[str, Facts]:
    """Return what there is in some schemas, in names that are qualified.

    Args:
        connection: A connection within a transaction.
        schemas: Names of schemas.
    """
    with catalog.empty_search_path(connection):
        return catalog.read_everything(connection, schemas)


def lost(before: Mapping[str, Facts], after: Mapping[str, Facts]) -> list[str]:
    """Return what differs after a revision ran up and down, in words.

    Args:
        before: Everything in the compared schemas before the upgrade.
        after: The same after the downgrade.
    """
    return [
        difference
        for thing in sorted({*before, *after})
        for difference in _of(thing, before.get(thing), after.get(thing))
    ]


def _of(thing: str, before: Facts | None, after: Facts | None) -> Iterable[str]:
    if before is None:
        yield f"{thing} would be left"
    elif after is None:
        yield f"{thing} would be missing"
    else:
        for name in sorted({*before, *after}):
            was, will = before.get(name), after.get(name)
            if was != will and not _is_accepted(name, was, will):
                yield f"{thing}: {name} is {_in_words(was)} and would be {_in_words(will)}"


def _is_accepted(name: str, was: Any, will: Any) -> bool:  # noqa: ANN401 - facts of any kind
    if name == "values":  # PostgreSQL can't remove values of an enum
        return {*was} <= {*will}
    if name == "options":  # PostgreSQL keeps a boolean as it was written
        return _spelled_alike(was) == _spelled_alike(will)
    return name in _TEXTS and _meaning(was) == _meaning(will)


def _spelled_alike(options: Iterable[str] | None) -> set[str]:
    alike = {_FALSE.sub("=false", _TRUE.sub("=true", option)) for option in options or ()}
    return alike - _DEFAULTS


_CAST = (
    r'::[\w."]+( varying| precision)?(\(\d+(,\d+)?\))?( with(out)? time zone)?(\[\])?( AS "?\w+"?)?'
)
_LAYOUT = re.compile(rf"{_CAST}|[\s();]")


def _meaning(text: str | None) -> str | None:
    # PostgreSQL's rendering is not always a fixed point: parentheses and casts may be added, and in
    # a union the name that a column has by its cast.
    return text and _LAYOUT.sub("", text)


def _in_words(fact: object) -> str:
    return fact if isinstance(fact, str) else json.dumps(fact)
