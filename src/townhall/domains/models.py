"""The models of all domains; importing this module fills ``metadata``."""

from __future__ import annotations

import importlib

from townhall.base import Base, metadata
from townhall.domains import DOMAINS

for _domain in DOMAINS:
    importlib.import_module(f"townhall.domains.{_domain}.models")

__all__ = ["Base", "metadata"]
