"""Where products are adopted: each version of PostgreSQL, plain and as hosted by Supabase."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum

import pytest
from sqlalchemy import make_url

from tests.support.servers import VERSIONS
from tests.support.supabase import DefaultPrivileges, SupabaseDatabase, supabase_database
from townhall.roles import SUPABASE
from townhall.testing.databases import Databases, with_role


class Platform(StrEnum):
    """What a database belongs to."""

    PLAIN = "plain"
    """A PostgreSQL of the product's own, with an ordinary role as its owner."""
    OPEN = "open"
    """A Supabase project whose API roles get every privilege on new tables."""
    CLOSED = "closed"
    """A Supabase project whose API roles get none."""


@dataclass(frozen=True)
class Place:
    """An empty database, or a copy of one.

    Attributes:
        databases: Its server.
        superuser: Its URL as the superuser of the server.
        platform: What it belongs to.
    """

    databases: Databases
    superuser: str
    platform: Platform

    @property
    def url(self) -> str:
        """The URL as the role that adopts, which is no superuser."""
        if self.platform is Platform.PLAIN:
            return with_role(self.superuser, _owner(self.databases))
        return SupabaseDatabase(self.superuser).postgres

    @property
    def scratch(self) -> str:
        """The server for the scratch database."""
        return self.databases.server.render_as_string(hide_password=False)

    @property
    def _owner(self) -> str | None:
        # A copy of a database belongs to the superuser who makes it.
        if self.platform is Platform.PLAIN:
            return _owner(self.databases)
        return make_url(SupabaseDatabase(self.superuser).postgres).username

    @contextmanager
    def copy(self) -> Iterator[Place]:
        """Copy the database for a block."""
        with self.databases.create(self.superuser, owner=self._owner) as url:
            yield replace(self, superuser=url)


@contextmanager
def make_place(databases: Databases, platform: Platform) -> Iterator[Place]:
    """Make an empty database of a platform for a block."""
    if platform is Platform.PLAIN:
        with databases.create(owner=_owner(databases)) as url:
            yield Place(databases, url, platform)
    else:
        with supabase_database(databases, DefaultPrivileges(platform)) as supabase:
            yield Place(databases, supabase.superuser, platform)


def _owner(databases: Databases) -> str | None:
    return databases.create_owner(SUPABASE)


EVERY = [
    pytest.param((version, platform), id=f"{version}-{platform}")
    for version in reversed(VERSIONS)
    for platform in Platform
    if platform is not Platform.CLOSED or version == VERSIONS[-1]
]
"""Parameters of a fixture: each version."""
