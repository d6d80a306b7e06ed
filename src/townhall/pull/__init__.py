"""Reading an existing database and writing it as an application: ``townhall pull``."""

from __future__ import annotations

from townhall.pull.pulling import Pulled, pull

__all__ = ["Pulled", "pull"]
