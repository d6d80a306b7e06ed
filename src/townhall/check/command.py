"""``python -m townhall check``."""
# ruff: noqa: T201 - printing is what the command is for

from __future__ import annotations

import argparse
import json
import signal
import sys
import traceback
from pathlib import Path

from alembic.util import CommandError
from sqlalchemy.exc import DBAPIError

from townhall.check.expected import CheckError
from townhall.check.report import Report
from townhall.check.report import check as check_database
from townhall.embedded import EmbeddedServerError

_DIFFERENT, _NOT_CHECKED = 1, 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments to its parser."""
    parser.add_argument("url", help="the database; it is only read, and a standby will do")
    parser.add_argument(
        "--config",
        type=Path,
        metavar="INI",
        help="the alembic.ini of an application, to include its revisions and models",
    )
    parser.add_argument(
        "--scratch",
        metavar="URL",
        help="a server of the same major version on which to build what should be there, as a role"
        " that may create databases; without it the embedded one",
    )
    parser.add_argument(
        "--role", help="the role that the application logs in as, if it is not the one of the URL"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def check(options: argparse.Namespace) -> int:
    """Tell every difference between a database and its revisions, by reading alone.

    Returns:
        0 if all is as it should be, 1 if something is not, 2 if it could not be told.
    """
    signal.signal(signal.SIGTERM, _leave)
    try:
        report = check_database(
            options.url, config=options.config, scratch=options.scratch, role=options.role
        )
    except DBAPIError as error:
        return _refuse(error.orig)
    except (CheckError, CommandError, EmbeddedServerError, ValueError) as error:
        return _refuse(error)
    except Exception:  # noqa: BLE001 - Python's own status for it says that something differs
        traceback.print_exc()
        return _NOT_CHECKED
    if options.json:
        print(json.dumps(report.as_dict(), indent=2))
    else:
        _print(report)
    return 0 if report.is_good else _DIFFERENT


def _print(report: Report) -> None:
    for answer in report.answers:
        print(f"{answer.question:14}{answer.answer}")
    for finding in report.findings:
        print(finding)


def _refuse(why: object) -> int:
    print(f"townhall: {' '.join(str(why).split())}", file=sys.stderr)
    return _NOT_CHECKED


def _leave(number: int, _: object) -> None:
    # An exception, so that the scratch database is dropped.
    raise SystemExit(128 + number)
