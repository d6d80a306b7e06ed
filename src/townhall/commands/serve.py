"""The command ``townhall serve``."""
# ruff: noqa: T201 - printing is what the command is for

from __future__ import annotations

import argparse
import signal
import sys
from contextlib import suppress
from pathlib import Path

from sqlalchemy import make_url

from townhall import embedded
from townhall.commands.shared import render


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments to its parser."""
    parser.add_argument(
        "--directory", type=Path, default=".townhall", help="the folder of its data"
    )
    parser.add_argument("--postgresql", type=int, choices=(16, 18), default=18, help="its version")


def serve(options: argparse.Namespace) -> int:
    """Run the embedded server until Ctrl-C, and print its URL."""
    # A script ignores interrupts for what it starts in the background, where Ctrl-C would end the
    # script alone. Under nohup hangups are ignored, which is what it is for.
    heeded = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        heeded.append(signal.SIGHUP)
    for number in heeded:
        signal.signal(number, signal.default_int_handler)
    with (
        suppress(KeyboardInterrupt),
        embedded.start(options.directory, version=options.postgresql) as server,
    ):
        print(render(make_url(server.url), hide_password=False), flush=True)
        print(
            f"PostgreSQL {server.version} runs in {server.data_directory}; Ctrl-C stops it.",
            file=sys.stderr,
        )
        with suppress(KeyboardInterrupt):
            signal.pause()
        for number in heeded:
            signal.signal(number, signal.SIG_IGN)
    return 0
