"""Revisions in the version table that a configuration does not have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError

from townhall.product import Product


@contextmanager
def explaining_unknown_revisions(
    context: MigrationContext, script: ScriptDirectory, product: Product | None
) -> Iterator[None]:
    """Say what to do where a database has revisions that a configuration does not have.

    An application's revisions stand in the version table for those of the product that they depend
    on. So the product alone can't tell at which of its revisions such a database is, nor which
    objects are the application's, and changes nothing.

    Args:
        context: The migration context of the database.
        script: The revisions of the configuration.
        product: The product that takes part, if one does.

    Raises:
        CommandError: Alembic refused, and the database has such revisions.
    """
    try:
        yield
    except CommandError as error:
        known = {revision.revision for revision in script.walk_revisions()}
        unknown = sorted(set(context.get_current_heads()) - known)
        if not unknown:
            raise
        raise CommandError(describe_unknown(unknown, product)) from error


def describe_unknown(revisions: Iterable[str], product: Product | None) -> str:
    """Return what to do where a database has revisions that a configuration does not have.

    Args:
        revisions: These revisions.
        product: The product that takes part; None for the revisions of an application.
    """
    return (
        f"The database is at {', '.join(revisions)}, which this configuration does not have."
        f" {_advice(product)}"
    )


def _advice(product: Product | None) -> str:
    if product is None:
        return (
            "Use the alembic.ini of the application that migrated it, or the release of this"
            " application that brings that revision."
        )
    return (
        f"If an application on top of {product.name} migrated it, use that application's"
        f" alembic.ini, whose version_locations name {product.name}:alembic/versions too. If"
        f" {product.name} did, install the release that brings that revision."
    )
