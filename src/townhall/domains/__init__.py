"""The product: tables, rules and queries, a folder per domain."""

from __future__ import annotations

DOMAINS = ("identity", "events", "community", "coaching", "wizard")
"""The one list of domains. Each is a folder beside this file and may import those before it;
metadata, entities and access rules follow from it in :mod:`townhall.domains.product`."""
