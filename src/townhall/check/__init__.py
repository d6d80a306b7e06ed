"""Report every difference between a database and what its revisions make, by reading alone."""

from __future__ import annotations

from townhall.lazy_names import names_of_stub

__getattr__, __dir__ = names_of_stub(__name__)
