"""What the commands that draw have in common: what is declared, the form, and where it goes."""

from __future__ import annotations

import argparse
import sys
from enum import StrEnum
from pathlib import Path

from townhall.ini import default_ini
from townhall.input_error import InputError
from townhall.migrate.declared import declared_by
from townhall.pictures.declared import Declared


class Form(StrEnum):
    """The form of a picture."""

    TEXT = "text"
    MARKDOWN = "markdown"
    SVG = "svg"


_BY_SUFFIX = {"": Form.TEXT, ".txt": Form.TEXT, ".md": Form.MARKDOWN, ".svg": Form.SVG}


def add_arguments_of_pictures(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that every command which draws has."""
    parser.add_argument(
        "tables",
        nargs="*",
        metavar="TABLE",
        help="the tables to show, such as events, public.events, or shop.* for a schema"
        " (default: every declared table)",
    )
    parser.add_argument(
        "--own", action="store_true", help="leave out the tables of townhall and of the platform"
    )
    parser.add_argument(
        "--config",
        type=Path,
        metavar="INI",
        help="the alembic.ini of an application, whose env.py declares the tables and rules"
        " (default: that of the folder, or townhall's own)",
    )
    parser.add_argument(
        "--format",
        type=Form,
        choices=list(Form),
        help="the form (default: by the suffix of the file, or text)",
    )
    parser.add_argument("--output", type=Path, metavar="FILE", help="the file to write")
    parser.add_argument(
        "--width", type=int, default=720, metavar="PIXELS", help="how wide an SVG is (default: 720)"
    )


def declared_for(options: argparse.Namespace) -> Declared:
    """Return what is declared, by the configuration and to the extent that the options name.

    Raises:
        InputError: There is no such file, or its ``env.py`` is not townhall's.
    """
    declared = Declared.of(declared_by(options.config or default_ini()))
    return declared.of_application if options.own else declared


def form_of(options: argparse.Namespace) -> Form:
    """Return the form that the options ask for.

    Raises:
        InputError: No form is named, and none has the suffix of the file.
    """
    if options.format is not None:
        return Form(options.format)
    suffix = options.output.suffix.lower() if options.output is not None else ""
    if suffix not in _BY_SUFFIX:
        raise InputError(
            f"{options.output} can't be written as {suffix}: name a file of .svg, .md or .txt,"
            " or the form with --format"
        )
    return _BY_SUFFIX[suffix]


def write(options: argparse.Namespace, picture: str) -> None:
    """Write a picture to the file that the options name, or to standard output.

    Raises:
        OSError: The file can't be written.
    """
    if options.output is None:
        sys.stdout.write(picture)
    else:
        options.output.write_text(picture, encoding="utf-8")
