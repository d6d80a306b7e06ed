"""The command ``townhall adopt``."""
# ruff: noqa: T201 - printing is what the command is for

from __future__ import annotations

import argparse
import json
from pathlib import Path

from sqlalchemy import URL

from townhall.adopt import adopting
from townhall.adopt.decisions import Decisions, read_decisions, written
from townhall.adopt.errors import DecisionError
from townhall.adopt.findings import Weight
from townhall.adopt.looking import look
from townhall.adopt.report import Look
from townhall.as_owner import as_owner_of
from townhall.check.checking import check
from townhall.configuration import database_of
from townhall.ini import default_ini
from townhall.input_error import file_error
from townhall.migrate.guard.wait_limits import BY_DEFAULT
from townhall.printing import log_printable, on_one_line
from townhall.terminal import coloured, progress

_TO_DO = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments to its parser."""
    database = parser.add_mutually_exclusive_group()
    database.add_argument(
        "--url",
        help="the database to look at, which may be a hot standby; it is only read (default: that"
        " of DATABASE_URL, of alembic.ini, or the embedded server)",
    )
    database.add_argument("database", nargs="?", metavar="URL", help="the same as --url")
    parser.add_argument(
        "--config",
        type=Path,
        metavar="INI",
        help="the alembic.ini of an application, whose revisions are included (default: that of the"
        " folder, or townhall's own)",
    )
    parser.add_argument(
        "--scratch",
        metavar="URL",
        help="a server of the same major version for the scratch database, as a role that may"
        " create databases (default: the embedded server)",
    )
    parser.add_argument("--json", action="store_true", help="print what was found as JSON")
    parser.add_argument(
        "--write-decisions",
        type=Path,
        metavar="FILE",
        help="write a new file with every question, for a person to answer",
    )
    doing = parser.add_mutually_exclusive_group()
    doing.add_argument(
        "--apply", action="store_true", help="take the database over, as the role that owns it"
    )
    doing.add_argument(
        "--sql", action="store_true", help="print what --apply does as a script for psql"
    )
    parser.add_argument(
        "--decisions", type=Path, metavar="FILE", help="the answers for --apply and --sql"
    )
    parser.add_argument(
        "--lock-timeout",
        default=adopting.LOCK_TIMEOUT,
        metavar="TIME",
        help="how long a statement of --apply or --sql waits for a lock while others queue behind"
        f" it (default: {adopting.LOCK_TIMEOUT})",
    )
    parser.add_argument(
        "--wait",
        default=BY_DEFAULT,
        metavar="TIME",
        help="how long --apply waits for another migration of the database, in seconds or with a"
        f" unit (default: {BY_DEFAULT})",
    )
    for answer in ("drop", "keep"):
        parser.add_argument(
            f"--{answer}",
            action="append",
            default=[],
            metavar="NAME",
            help=f"an object to {answer}, as the file of decisions names it",
        )


def adopt(options: argparse.Namespace) -> int:
    """Look what has to be done before a database can be taken over, or take it over.

    Without ``--apply`` the database is only read.

    Returns:
        0 if nothing is left to do, 1 if something is.

    Raises:
        DecisionError: Decisions are given for a look.
    """
    log_printable()
    options.config = options.config or default_ini()
    database = database_of(options.url or options.database, options.config)
    if options.apply or options.sql:
        return _apply(options, database)
    if options.decisions or options.drop or options.keep:
        raise DecisionError("decisions are for --apply, or for --sql: add one of these")
    return _look_and_print(options, database)


def _apply(options: argparse.Namespace, database: URL) -> int:
    decisions = read_decisions(options.decisions) if options.decisions else Decisions()
    for answer in ("drop", "keep"):
        decisions = decisions.with_answers(answer, getattr(options, answer))
    where = {"config": options.config, "scratch": options.scratch}
    if options.sql:
        print(adopting.script(database, decisions, lock_timeout=options.lock_timeout, **where))
        return 0
    tell = (lambda _: None) if options.json else _tell
    outcome = adopting.adopt(
        database,
        decisions,
        tell=tell,
        lock_timeout=options.lock_timeout,
        wait=options.wait,
        **where,
    )
    report = check(database, **where)
    left = [*outcome.differences, *(str(each) for each in report.findings if each.is_drift)]
    kept = [each.answer for each in report.answers if each.question == "kept"]
    if options.json:
        result = {"done": [*outcome.done], "kept": "".join(kept) or None, "left": left}
        print(json.dumps(result, indent=2))
    else:
        _tell(f"{len(outcome.done)} steps were done" if outcome.done else "nothing was left to do")
        for words in (*(f"kept: {each}" for each in kept), *(f"left: {each}" for each in left)):
            _tell(words)
    return _TO_DO if left else 0


def _tell(words: str) -> None:
    print(on_one_line(words), flush=True)


def _look_and_print(options: argparse.Namespace, database: URL) -> int:
    with progress("Comparing the database with what the revisions make"):
        found = look(database, config=options.config, scratch=options.scratch)
    if options.write_decisions is not None:
        _write(options.write_decisions, found)
    if options.json:
        print(json.dumps(found.as_dict(), indent=2))
    else:
        for line in found.lines():
            print(coloured(line))
        _tell_next(options.write_decisions, found)
    return 0 if found.is_settled else _TO_DO


def _tell_next(path: Path | None, found: Look) -> None:
    if found.is_settled:
        return
    print()
    if any(each.weight is Weight.STOP for each in found.findings):
        print("Correct by hand what is marked stop, and look again.")
    if path is None:
        print("Write the questions with --write-decisions FILE, answer them, and review the script")
        print("of --decisions FILE --sql before --decisions FILE --apply.")
    else:
        print("The questions are written. Answer the lines that have an empty text, and review the")
        print("script of --decisions FILE --sql before --decisions FILE --apply.")


def _write(path: Path, found: Look) -> None:
    try:
        with as_owner_of(path.parent), path.open("x", encoding="utf-8") as file:
            file.write(written(found.findings, found.database))
    except FileExistsError:
        raise DecisionError(
            f"{path} exists, and may have answers: name another file, or remove this one"
        ) from None
    except OSError as error:
        raise DecisionError(f"{path} can't be written: {file_error(error)}") from None
