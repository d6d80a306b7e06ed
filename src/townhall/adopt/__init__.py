"""Take over an existing database: what of it is in the way of what is declared."""

from __future__ import annotations

from townhall.lazy_names import names_of_stub

__getattr__, __dir__ = names_of_stub(__name__)
