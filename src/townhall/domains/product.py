"""The product, as it follows from the list of domains."""

from __future__ import annotations

import importlib
import importlib.util
from types import ModuleType

from townhall.domains import DOMAINS
from townhall.domains.models import metadata
from townhall.pg import Accepted
from townhall.pg.access import Access, Declaration, entities_of
from townhall.product import Product
from townhall.refusals import Refusal

MODULES_WITH_ENTITIES = ("functions", "triggers", "views", "replication", "storage")
"""The modules of a domain that hold ``ENTITIES``; a domain has those that it needs."""


def module_of(domain: str, name: str) -> ModuleType | None:
    """Return a module of a domain, or None where the domain does not have it.

    Args:
        domain: The name of the domain.
        name: The name of the module: ``"access"``.
    """
    path = f"townhall.domains.{domain}.{name}"
    return importlib.import_module(path) if importlib.util.find_spec(path) else None


def _access_rules() -> tuple[Access, ...]:
    modules = (module_of(domain, "access") for domain in DOMAINS)
    return tuple(rule for module in modules if module for rule in module.RULES)


def _declarations() -> tuple[Declaration, ...]:
    modules = (module_of(domain, name) for domain in DOMAINS for name in MODULES_WITH_ENTITIES)
    return tuple(each for module in modules if module for each in module.ENTITIES)


def _accepted() -> tuple[Accepted, ...]:
    modules = (module_of(domain, name) for domain in DOMAINS for name in MODULES_WITH_ENTITIES)
    return tuple(each for module in modules for each in getattr(module, "ACCEPTED", ()))


def _refusals() -> dict[str, Refusal]:
    modules = (module_of(domain, name) for domain in DOMAINS for name in MODULES_WITH_ENTITIES)
    found = (getattr(module, "REFUSALS", {}) for module in modules)
    return {name: refusal for each in found for name, refusal in each.items()}


access_rules = _access_rules()
"""The access rules of all domains."""

entities = entities_of((*_declarations(), *access_rules))
"""The entities of all domains: what is versioned beside the tables."""

PRODUCT = Product(
    name="townhall",
    metadata=metadata,
    entities=entities,
    access_rules=access_rules,
    accepted=_accepted(),
    refusals=_refusals(),
)
"""townhall's own product: its tables with everything beside them."""
