"""The command ``townhall diagram``."""

from __future__ import annotations

import argparse

from townhall.commands.pictures import (
    Form,
    add_arguments_of_pictures,
    declared_for,
    form_of,
    write,
)
from townhall.pictures.choosing import chosen, shown_name
from townhall.pictures.diagrams import Detail, as_markdown, as_svg, as_text
from townhall.pictures.tables import diagram_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments to its parser."""
    add_arguments_of_pictures(parser)
    parser.add_argument(
        "--columns",
        type=Detail,
        choices=list(Detail),
        default=Detail.ALL,
        help="which columns are shown: all, the keys, or the names of the tables alone",
    )


def diagram(options: argparse.Namespace) -> int:
    """Draw the declared tables with their columns and foreign keys.

    Raises:
        InputError: A table is not declared, the file has no suffix of a form, or Graphviz is needed
            and not installed.
    """
    known = {shown_name(each.schema, each.name): each for each in declared_for(options).tables}
    tables = chosen(known, options.tables)
    shown = diagram_of(tables)
    detail = Detail(options.columns)
    match form_of(options):
        case Form.SVG:
            title = f"Entity diagram of {len(tables)} tables"
            picture = as_svg(shown, title, detail=detail, width=options.width)
        case Form.MARKDOWN:
            picture = as_markdown(shown, detail=detail)
        case Form.TEXT:
            picture = as_text(shown, detail=detail)
    write(options, picture)
    return 0
