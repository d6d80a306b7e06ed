"""The command ``townhall check``."""
# ruff: noqa: T201 - printing is what the command is for

from __future__ import annotations

import argparse
import json
from itertools import groupby
from pathlib import Path

from townhall.check.checking import check as check_database
from townhall.check.dangers import lines
from townhall.check.distribution.layout import Layout, read_map
from townhall.check.distribution.report import ENGINE, as_dict, summary
from townhall.check.distribution.rules import obstacles
from townhall.check.impact import Severity
from townhall.check.report import Report
from townhall.configuration import database_of
from townhall.ini import default_ini
from townhall.migrate.declared import declared_by
from townhall.migrate.members import explaining_tables
from townhall.printing import printable
from townhall.terminal import coloured, progress

_DIFFERENT = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments to its parser."""
    database = parser.add_mutually_exclusive_group()
    database.add_argument(
        "--url",
        help="the database to check, which may be a hot standby; it is only read (default: that of"
        " DATABASE_URL, of alembic.ini, or the embedded server)",
    )
    database.add_argument("database", nargs="?", metavar="URL", help="the same as --url")
    parser.add_argument(
        "--config",
        type=Path,
        metavar="INI",
        help="the alembic.ini of an application, whose revisions and models are included (default:"
        " that of the folder, or townhall's own; with --schema townhall's own)",
    )
    parser.add_argument(
        "--scratch",
        metavar="URL",
        help="a server of the same major version for the scratch database, as a role that may"
        " create databases (default: the embedded server)",
    )
    parser.add_argument(
        "--role", help="the role that the application logs in as (default: that of the URL)"
    )
    parser.add_argument(
        "--schema",
        action="append",
        default=[],
        metavar="NAME",
        help="a schema whose objects requests can name; may be repeated (default: those that env.py"
        " or PostgREST's settings name, or public). Without --config a database in which no"
        " revision of townhall has run is compared with none: only dangerous rules are reported",
    )
    database.add_argument(
        "--distribute",
        type=Path,
        metavar="MAP",
        help=f"check no database, but what {ENGINE} would refuse of what is declared, for a file"
        ' of tables and their keys: usage_events = "tenant_id"',
    )
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.add_argument(
        "--fail-on",
        type=Severity,
        choices=list(Severity),
        default=Severity.COSMETIC,
        help="the least severity for which the exit status is 1 (default: cosmetic, which is"
        " every difference)",
    )


def check(options: argparse.Namespace) -> int:
    """Report every difference between a database and its revisions; the database is only read.

    Returns:
        0 if no difference and no answer is as severe as asked for, 1 if one is.
    """
    if options.distribute is not None:
        return _check_distribution(options)
    ini = options.config or default_ini()
    database = database_of(options.url or options.database, ini)
    with progress("Comparing the database with what its revisions make"):
        report = check_database(
            database,
            config=options.config if options.schema else ini,
            scratch=options.scratch,
            role=options.role,
            schemas=options.schema,
        )
    if options.json:
        print(json.dumps(report.as_dict(), indent=2))
    else:
        _print(report)
    return _DIFFERENT if report.has(options.fail_on) else 0


def _print(report: Report) -> None:
    for answer in report.answers:
        print(f"{answer.question:14}{printable(answer.answer)}")
    for is_danger, findings in groupby(report.findings, lambda each: each.danger is not None):
        for line in lines(findings) if is_danger else findings:
            print(coloured(str(line)))


def _check_distribution(options: argparse.Namespace) -> int:
    given = read_map(options.distribute)
    settings = declared_by(options.config or default_ini())
    layout = Layout.of(settings.metadata, given)
    with explaining_tables():
        found = obstacles(layout, settings.entities)
    if options.json:
        print(json.dumps(as_dict(layout.keys, found), indent=2))
    else:
        for each in found:
            print(printable(str(each)))
        print(summary(found))
    return _DIFFERENT if found else 0
