"""Clients that use a database while it is migrated."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psycopg
from sqlalchemy import make_url

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NOT_THERE = (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn)
"""What a client meets where a migration has not made its table yet, or has dropped it."""


class Load:
    """Clients in threads, the longest that one waited, and what went wrong."""

    def __init__(self) -> None:
        self.transactions = 0
        self.longest = 0.0
        self.errors: list[psycopg.Error] = []

    def __str__(self) -> str:
        return f"{self.transactions} transactions, the longest {self.longest:.2f} s"


@contextmanager
def load(
    url: str,
    clients: int,
    work: Callable[[psycopg.Connection], None],
    *,
    allowed: tuple[type[psycopg.Error], ...] = NOT_THERE,
) -> Iterator[Load]:
    """Run transactions one after the other in each client.

    Args:
        url: The database.
        clients: The number of clients.
        work: One transaction.
        allowed: The errors that count for nothing.
    """
    load, done = Load(), threading.Event()
    address = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)

    def run() -> None:
        with psycopg.connect(address, prepare_threshold=None) as connection:
            while not done.wait(0.01):
                start = time.monotonic()
                try:
                    with connection.transaction():
                        work(connection)
                except allowed:
                    continue
                except psycopg.Error as error:
                    load.errors.append(error)
                load.longest = max(load.longest, time.monotonic() - start)
                load.transactions += 1

    threads = [threading.Thread(target=run) for _ in range(clients)]
    for thread in threads:
        thread.start()
    try:
        yield load
    finally:
        done.set()
        for thread in threads:
            thread.join()
