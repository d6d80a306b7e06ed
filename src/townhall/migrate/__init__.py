"""Migrations: comparing what is declared with a database, writing revisions, running them.

``compare`` finds what differs, ``write`` turns it into a revision, ``guard`` protects a run, and
``safety`` has the steps for tables that hold data.
"""

from __future__ import annotations

from townhall.lazy_names import names_of_stub

__getattr__, __dir__ = names_of_stub(__name__)
