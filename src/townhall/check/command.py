"""The command ``townhall check``."""
# ruff: noqa: T201 - printing is what the command is for

from __future__ import annotations

import argparse
import json
import sys
import traceback
from configparser import Error as ConfigError
from pathlib import Path

import psycopg
from alembic.util import CommandError
from sqlalchemy import URL
from sqlalchemy.exc import SQLAlchemyError

from townhall.check.checking import check as check_database
from townhall.check.errors import CheckError
from townhall.check.impact import Severity
from townhall.check.report import Report
from townhall.configuration import (
    database_of,
    default_ini,
    describe_config_error,
    describe_database_error,
)
from townhall.embedded import EmbeddedServerError
from townhall.migrate.faults import database_error
from townhall.printing import on_one_line, printable
from townhall.termination import ended_by_signal

_DIFFERENT, _FAILED = 1, 2


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
        help="the alembic.ini of an application, whose revisions and models are included",
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
        0 if no difference and no answer is as severe as asked for, 1 if one is, 2 if the check
        failed, and 128 and the signal's number if it was terminated.
    """
    return ended_by_signal(lambda: _check(options), _FAILED)


def _check(options: argparse.Namespace) -> int:
    ini = options.config or default_ini()
    try:
        return _check_and_print(options, database_of(options.url or options.database, ini))
    except ConfigError as error:
        return _fail(describe_config_error(error, ini))
    except (CheckError, CommandError, EmbeddedServerError, ValueError) as error:
        return _fail(error)
    except Exception:  # noqa: BLE001 - Python's exit status for it is 1
        traceback.print_exc()
        return _FAILED


def _check_and_print(options: argparse.Namespace, database: URL) -> int:
    try:
        report = check_database(
            database, config=options.config, scratch=options.scratch, role=options.role
        )
    except (SQLAlchemyError, psycopg.Error) as error:
        fault = database_error(error)
        if fault is None:
            raise
        return _fail(describe_database_error(fault, database))
    if options.json:
        print(json.dumps(report.as_dict(), indent=2))
    else:
        _print(report)
    return _DIFFERENT if report.has(options.fail_on) else 0


def _print(report: Report) -> None:
    for answer in report.answers:
        print(f"{answer.question:14}{printable(answer.answer)}")
    for finding in report.findings:
        print(finding)


def _fail(why: object) -> int:
    print(f"townhall: {on_one_line(why)}", file=sys.stderr)
    return _FAILED
