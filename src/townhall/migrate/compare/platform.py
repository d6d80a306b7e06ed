"""What is declared for the platform, whose schemas belong to others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from alembic.util import CommandError
from sqlalchemy import Connection

from townhall.pg import Entity, TableGrant
from townhall.pg.catalog import PLATFORM_SCHEMAS
from townhall.pg.requirements import missing


def refuse_on_platform(entities: Iterable[Entity]) -> None:
    """Refuse entities that only the platform has in its schemas, and grants on other tables.

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
    elsewhere = sorted(
        entity.identity
        for entity in entities
        if isinstance(entity, TableGrant) and entity.schema not in PLATFORM_SCHEMAS
    )
    if elsewhere:
        raise CommandError(
            f"declared for a table that is none of the platform: {', '.join(elsewhere)}. Declare"
            " the grants of the application's own tables with a pg.TableAccess."
        )
    if refused:
        raise CommandError(
            f"declared in a schema of the platform, which is not compared: {', '.join(refused)}."
            " Use another schema; on the platform's tables pg.Policy, pg.Trigger and pg.TableGrant"
            " can be declared."
        )


def possible(connection: Connection, entities: Sequence[Entity]) -> tuple[list[Entity], list[str]]:
    """Return the declared entities that can exist in a database, and sentences on the others.

    Args:
        connection: A connection to the database.
        entities: The declared entities.
    """
    required = [(each, need) for each in entities if (need := each.requirement)]
    absent = missing(connection, (need for _, need in required))
    sentences = []
    for requirement in sorted(absent):
        left_out = ", ".join(each.identity for each, need in required if need == requirement)
        sentences.append(f"There is no {requirement.name} in this database. Left out: {left_out}.")
    impossible = {id(each) for each, need in required if need in absent}
    return [each for each in entities if id(each) not in impossible], sentences


def on_skipped_schemas(names: Sequence[str]) -> list[str]:
    """Return a sentence on the schemas of an application that are not compared, if there are some.

    Args:
        names: The schemas.
    """
    if not names:
        return []
    sentence = (
        "Not compared, since Supabase or PostgreSQL has schemas of these names:"
        f" {', '.join(names)}. Tables of an application belong in schemas of other names."
    )
    return [sentence]
