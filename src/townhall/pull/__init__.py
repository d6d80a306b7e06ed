"""Reading an existing database and writing it as an application: ``townhall pull``."""

from __future__ import annotations

from townhall.lazy_names import names_of_stub

__getattr__, __dir__ = names_of_stub(__name__)
