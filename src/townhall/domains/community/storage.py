"""How the tables of the community are stored.

SQLAlchemy 2.0 has no ``postgresql_with`` for a table, so that a model can't say it.
"""

from __future__ import annotations

from townhall.pg import Entity, StorageParameters

ENTITIES: tuple[Entity, ...] = (
    # The counters are updated all the time: the free part of a page takes the next version of a
    # post, without new entries in the indexes.
    StorageParameters(table="social_feed_posts", parameters={"fillfactor": "85"}),
)
