"""The command ``townhall pull``."""
# ruff: noqa: T201 - printing is what the command is for

from __future__ import annotations

import argparse
from pathlib import Path

from townhall.configuration import database_of
from townhall.ini import default_ini
from townhall.printing import printable
from townhall.pull.pulling import pull as pull_database
from townhall.terminal import progress


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments to its parser."""
    parser.add_argument(
        "folder", nargs="?", type=Path, default=Path(), help="where to (default: the current one)"
    )
    parser.add_argument(
        "--url",
        help="the database to read (default: that of DATABASE_URL, or the embedded server)",
    )
    parser.add_argument(
        "--schema",
        action="append",
        default=[],
        help="a schema to pull, beside public and private; may be given again (default: all but"
        " the platform's)",
    )
    parser.add_argument(
        "--into", metavar="PACKAGE", default="database", help="the package (default: database)"
    )
    parser.add_argument(
        "--scratch",
        metavar="URL",
        help="a server of the same major version for the scratch database, as a role that may"
        " create databases (default: the embedded server)",
    )
    parser.add_argument(
        "--force", action="store_true", help="overwrite the files of an earlier pull"
    )


def pull(options: argparse.Namespace) -> int:
    """Write the schema of a database as models and entities, with a first revision.

    Raises:
        CommandError: The pull failed; the message says why and what to do.
        CheckError: There is no server for the scratch database.
        InputError: A URL can't be read.
    """
    database = database_of(options.url, default_ini())
    with progress("Reading the database, and trying its first revision"):
        pulled = pull_database(
            database,
            options.folder,
            options.into,
            schemas=options.schema,
            scratch=options.scratch,
            force=options.force,
        )
    print(
        f"{pulled.tables} tables, {pulled.rules} of them with an access rule, and"
        f" {pulled.entities} entities are in"
        f" {options.folder.resolve() / options.into}."
    )
    for title, found in (
        ("Not pulled:", pulled.left_out),
        ("Made by the first revision, and neither declared nor compared:", pulled.not_compared),
    ):
        if found:
            print(f"\n{title}")
            for each in found:
                print(f"  {printable(str(each))}")
    for title, names in (
        (
            "In the first revision, and not tried, since only a superuser may run it:",
            pulled.untried,
        ),
        ("In the package already, and left as they are:", pulled.others),
    ):
        if names:
            print(f"\n{title}")
            for name in names:
                print(f"  {printable(name)}")
    print("\nNext, on the database that was read:\n")
    for line in _NEXT:
        print(f"    python -m alembic {line}")
    return 0


_NEXT = ("stamp head    # it is there already", "check")
