"""The models whose tables are ours."""

from __future__ import annotations

from townhall import Base, User

MODELS = sorted(
    (mapper.class_ for mapper in Base.registry.mappers if mapper.class_ is not User),
    key=lambda model: model.__name__,
)
