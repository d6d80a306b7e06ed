"""Take the screenshot of a tenant's page for the documentation, with Debian's Chromium.

Run it on a migrated database, from the folder of the repository::

    DATABASE_URL=… python docs/examples/coaching/screenshot.py docs/images/coaching.png
"""

from __future__ import annotations

import secrets
import socket
import subprocess
import sys
import tempfile
import threading
import time

import uvicorn
from sqlalchemy import NullPool
from sqlalchemy.ext.asyncio import create_async_engine

from app import create_app
from townhall.migrate import resolve_url

SLUG = "leadingwithmeaning"
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--window-size=900,640",
)


def main(picture: str) -> None:
    """Serve the application while the browser takes the screenshot.

    Args:
        picture: The file of the screenshot.
    """
    engine = create_async_engine(resolve_url(), poolclass=NullPool)
    app = create_app(engine, secrets.token_urlsafe(32))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
        serving = threading.Thread(target=server.run, args=([listener],))
        serving.start()
        try:
            while not server.started:
                time.sleep(0.05)
            photograph(f"http://127.0.0.1:{listener.getsockname()[1]}/t/{SLUG}", picture)
        finally:
            server.should_exit = True
            serving.join()


def photograph(url: str, picture: str) -> None:
    """Take a screenshot of a page.

    Args:
        url: The page.
        picture: The file of the screenshot.
    """
    with tempfile.TemporaryDirectory() as profile:
        subprocess.run(  # noqa: S603 - Debian's Chromium, and a page of our own
            [  # noqa: S607 - wherever it is installed
                "chromium",
                *FLAGS,
                f"--user-data-dir={profile}",
                f"--screenshot={picture}",
                url,
            ],
            check=True,
            timeout=120,
        )


if __name__ == "__main__":
    main(sys.argv[1])
