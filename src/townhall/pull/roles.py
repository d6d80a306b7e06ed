"""The roles that a schema names, for the scratch database in which it is made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from sqlalchemy import URL, text

from townhall.engines import engine_of
from townhall.pg import Entity, Policy, sql
from townhall.pg.privileges import PUBLIC, split_grantee

_FIELDS = ("grants", "execute", "usage", "create")


def named_roles(entities: Iterable[Entity]) -> list[str]:
    """Return the roles that policies and privileges name.

    Args:
        entities: The entities.
    """
    found: set[str] = set()
    for entity in entities:
        found |= {*entity.roles} if isinstance(entity, Policy) else set()
        for field in _FIELDS:
            found |= {split_grantee(each)[0] for each in vars(entity).get(field) or ()}
    return sorted(found - {PUBLIC})


@contextmanager
def existing(database: URL, names: Iterable[str]) -> Iterator[None]:
    """Have roles exist on the server of a scratch database, and drop those that were created.

    Args:
        database: The scratch database, which is going to be dropped.
        names: The roles.
    """
    engine = engine_of(database, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        known = {*connection.execute(text("select rolname from pg_catalog.pg_roles")).scalars()}
        missing = [sql.quote(name) for name in names if name not in known]
        for name in missing:
            connection.exec_driver_sql(f"create role {name} nologin".replace("%", "%%"))
    try:
        yield
    finally:
        with engine.connect() as connection:
            for name in missing:
                connection.exec_driver_sql(f"drop owned by {name} cascade".replace("%", "%%"))
                connection.exec_driver_sql(f"drop role {name}".replace("%", "%%"))
