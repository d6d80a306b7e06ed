"""What is declared for the platform, whose schemas belong to others."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence

from alembic.util import CommandError
from sqlalchemy import Connection

from townhall.pg import Entity
from townhall.pg.catalog import PLATFORM_SCHEMAS
from townhall.pg.requirements import missing

_log = logging.getLogger(__name__)


def refuse_on_platform(entities: Iterable[Entity]) -> None:
    """Refuse entities that nobody but the platform can have in its schemas.

    Args:
        entities: The declared entities.

    Raises:
        CommandError: There is one of them.
    """
    refused = sorted(
        entity.identity
        for entity in entities
        if entity.schema in PLATFORM_SCHEMAS and not entity.is_for_platform
    )
    if refused:
        raise CommandError(
            f"declared in a schema of the platform, which is not compared: {', '.join(refused)}."
            " Use another schema; on the platform's tables pg.Policy, pg.Trigger and pg.TableGrant"
            " can be declared."
        )


def possible(connection: Connection, entities: Sequence[Entity]) -> list[Entity]:
    """Return the declared entities that can exist in a database, and log which can't.

    Args:
        connection: A connection to the database.
        entities: The declared entities.
    """
    absent = missing(connection, (each.requirement for each in entities if each.requirement))
    for requirement in sorted(absent):
        left_out = (each.identity for each in entities if each.requirement == requirement)
        _log.warning(
            "There is no %s in this database. Left out: %s.",
            requirement.name,
            ", ".join(left_out),
        )
    return [each for each in entities if each.requirement not in absent]


def tell_of_skipped_schemas(names: Iterable[str]) -> None:
    """Log which schemas of an application are not compared, because the platform has such.

    Args:
        names: The schemas of the application's tables, and those that its ``env.py`` names.
    """
    if skipped := sorted(PLATFORM_SCHEMAS.intersection(names)):
        _log.warning(
            "Not compared, since Supabase or PostgreSQL has schemas of these names: %s. An"
            " application's own tables belong into schemas of other names.",
            ", ".join(skipped),
        )
