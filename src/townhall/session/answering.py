"""An end to waiting for a server that does not answer."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Timer
from typing import Any

from sqlalchemy import Connection


class NoAnswerError(Exception):
    """A server has not answered in time; the message says in which."""


@contextmanager
def answered_within(seconds: float, connection: Connection) -> Iterator[None]:
    """End the connection where the block waits for its server for too long.

    libpq waits for an answer without a limit, and TCP finds nothing wrong with a server that is
    stopped, or waits for its disk: its machine still confirms what it receives. When the socket is
    shut down, the wait ends as if the server had closed the connection, under asyncio too.

    Args:
        seconds: How long the block may take.
        connection: The connection, which is invalidated then.

    Raises:
        NoAnswerError: It took longer.
    """
    driver: Any = connection.connection.driver_connection
    with socket.socket(fileno=os.dup(driver.fileno())) as line:
        is_late = Event()
        timer = Timer(seconds, _shut_down, (line, is_late))
        timer.daemon = True
        timer.start()
        try:
            yield
        except Exception as error:
            if not is_late.is_set():
                raise
            raise NoAnswerError(f"no answer within {seconds:g} seconds") from error
        finally:
            timer.cancel()


def _shut_down(line: socket.socket, is_late: Event) -> None:
    is_late.set()
    with suppress(OSError):  # it is closed already
        line.shutdown(socket.SHUT_RDWR)
