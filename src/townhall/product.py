"""The description of a product for the engine: its tables, entities and revisions."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from townhall.roles import HELPER_SCHEMA, SUPABASE, Roles

if TYPE_CHECKING:
    from sqlalchemy import MetaData

    from townhall.pg import Accepted, Entity
    from townhall.pg.access import Access
    from townhall.refusals import Refusal


@dataclass(frozen=True)
class Product:
    """Tables with everything beside them, and the history of revisions that makes them.

    Attributes:
        name: The branch label of its revisions, whose ids begin with it.
        metadata: The declared tables.
        entities: The declared entities.
        access_rules: The access rule of each table; the entities contain what they expand to.
        roles: The roles that its revisions name.
        helper_schema: The schema of helper functions that its revisions name.
        accepted: The dangers that were looked at and do no harm.
        refusals: What the rules that its functions raise are told as, by the name of the rule.
    """

    name: str
    metadata: MetaData
    entities: tuple[Entity, ...]
    access_rules: tuple[Access, ...]
    roles: Roles = SUPABASE
    helper_schema: str = HELPER_SCHEMA
    accepted: tuple[Accepted, ...] = ()
    refusals: Mapping[str, Refusal] = field(default_factory=dict)


def own_product() -> Product:
    """Return the product that this package ships.

    The engine asks the package for it by name, so that no part of the engine imports a domain.
    """
    return cast("Product", importlib.import_module("townhall").PRODUCT)
