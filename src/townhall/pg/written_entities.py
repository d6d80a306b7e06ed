"""Entities of alembic-utils as a revision holds them: as Python that makes them once more.

SQLAlchemy, which executes their SQL, takes a colon before a word for a parameter, in constants too.
alembic-utils escapes the colons of most definitions when an entity is made, those that a revision
makes of an escaped definition once more, and leaves the queries of views as they are.
"""

from __future__ import annotations

import copy
import re
import warnings
from collections.abc import Iterable
from typing import Any

from sqlalchemy import TextClause

from townhall.pg.alembic_utils import PGView, ReplaceableEntity
from townhall.pg.layout import ends_in_comment

_COLONS = (re.compile(r"(?<!:):(?!:)"), re.compile(":"))
"""Those that are no cast, which are escaped alone where that is enough, and all of them."""


def spelled(clause: TextClause) -> str:
    """Return the SQL that an entity of alembic-utils means, in which no colon is a parameter.

    Args:
        clause: What alembic-utils executes.
    """
    return clause.text.replace(r"\:", ":")


def as_written(entity: ReplaceableEntity) -> ReplaceableEntity | None:
    """Return an entity whose Python in a revision makes one that executes what is meant, or None.

    Args:
        entity: What is meant.
    """
    return next((each for each in _spellings(entity) if _makes(each, entity)), None)


def _spellings(entity: ReplaceableEntity) -> Iterable[ReplaceableEntity]:
    yield entity
    if definition := getattr(entity, "definition", None):
        meant = definition.replace(r"\:", ":")
        for each in (meant, *(colons.sub(r"\:", meant) for colons in _COLONS)):
            written = copy.copy(entity)
            written.definition = each
            yield written


def _makes(written: ReplaceableEntity, meant: ReplaceableEntity) -> bool:
    if isinstance(meant, PGView) and _breaks_block(meant.definition):
        return False
    source = f"{written.render_import_statement()}\n{written.render_self_for_migration()}"
    namespace: dict[str, Any] = {}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            exec(source, namespace)  # noqa: S102 - what a revision is going to do
        made = namespace[written.to_variable_name()]
        executed = [each.compile() for each in _clauses(made)]
    except Exception:  # noqa: BLE001 - a revision must not raise it, whatever it is
        return False
    expected = [*map(spelled, _clauses(meant))]
    return not any(each.params for each in executed) and [*map(str, executed)] == expected


def _breaks_block(query: str) -> bool:
    # A view is replaced between dollar quotes, with a semicolon behind its query.
    return "$$" in query or ends_in_comment(query)


def _clauses(entity: ReplaceableEntity) -> list[TextClause]:
    return [
        entity.to_sql_statement_create(),
        *entity.to_sql_statement_create_or_replace(),
        entity.to_sql_statement_drop(),
    ]
