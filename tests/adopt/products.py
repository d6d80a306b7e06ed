"""Databases of products as they were before this library, for tests of adoption."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path

from sqlalchemy import Connection, NullPool, create_engine, make_url, text

from townhall import embedded

_FOLDER = Path(__file__).parent / "products"

ACCOUNTS = (
    "aaaaaaaa-0000-4000-8000-000000000001",
    "aaaaaaaa-0000-4000-8000-000000000002",
)
"""The accounts that rows of the products refer to."""


class Product(StrEnum):
    """A product, by the name of its last file."""

    EVENTS = "events"
    NETWORKING = "networking"
    """Events after the migration that added consents, seats and statistics."""
    COMMUNITY = "community"
    FEED = "feed"
    FOUNDERS = "founders"
    """Communities and feed, with all that a founder community has beside them."""
    WIZARD = "wizard"
    DRAFTS = "drafts"
    """The wizard with the declared names of its function, trigger and policies."""
    COACHING = "coaching"
    TENANTS = "tenants"
    """Coaching after the migrations that renamed assignments and added tenants and usage."""
    STARTER = "starter"
    """A Supabase project with nothing but the profiles of its starter."""
    HALF = "half"
    """Two tables of a domain that has six, and one of two that is renamed later."""


_EARLIER = {
    Product.NETWORKING: (Product.EVENTS,),
    Product.FOUNDERS: (Product.COMMUNITY, Product.FEED),
    Product.TENANTS: (Product.COACHING,),
}
"""The states that a product had before."""


def load(url: str, product: Product) -> None:
    """Make the database of a product, with accounts and rows.

    Args:
        url: An empty database, or one like Supabase's, as the ordinary role that owns it.
        product: The product.
    """
    with create_engine(url, poolclass=NullPool).begin() as connection:
        connection.execute(text("set local search_path = public, extensions"))
        load_accounts(connection, ACCOUNTS)
        _run(connection, "common")
        for name in (*_EARLIER.get(product, ()), product):
            _run(connection, name)


def load_accounts(connection: Connection, accounts: Iterable[str]) -> None:
    """Make accounts, and first the table of accounts where the database has none.

    Args:
        connection: A connection to an empty database, or to one like Supabase's.
        accounts: Their ids.
    """
    if connection.scalar(text("select to_regnamespace('auth') is null")):
        _run(connection, "plain")
    for account in accounts:
        # Not as the owner of that table, which on Supabase is another role.
        connection.execute(
            text("insert into auth.users (id, email) values (:id, :email)"),
            {"id": account, "email": f"{account}@example.org"},
        )


def _run(connection: Connection, name: str) -> None:
    script = (_FOLDER / f"{name}.sql").read_text(encoding="utf-8")
    connection.exec_driver_sql(script, execution_options={"no_parameters": True})


def psql(url: str, file: Path) -> subprocess.CompletedProcess[str]:
    """Run a script with psql."""
    libpq_url = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    program = embedded.bin_directory(18) / "psql"
    return subprocess.run(  # noqa: S603  a program of PostgreSQL, found by ourselves
        (program, "--quiet", "--no-psqlrc", "--dbname", libpq_url, "--file", file),
        check=False,
        capture_output=True,
        text=True,
    )
