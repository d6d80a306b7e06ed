"""The command ``townhall matrix``."""

from __future__ import annotations

import argparse

from townhall.commands.pictures import (
    Form,
    add_arguments_of_pictures,
    declared_for,
    form_of,
    write,
)
from townhall.pictures.access import access_of
from townhall.pictures.choosing import chosen
from townhall.pictures.matrices import as_markdown, as_svg, as_text

add_arguments = add_arguments_of_pictures


def matrix(options: argparse.Namespace) -> int:
    """Show who may read and write what, with the condition of each command in words.

    Raises:
        InputError: No access is declared for a table that is named.
    """
    declared = declared_for(options)
    rules = declared.product.access_rules if declared.product is not None else ()
    everything = access_of(declared.entities, declared.roles.names, rules)
    shown = chosen({each.name: each for each in everything}, options.tables)
    match form_of(options):
        case Form.SVG:
            picture = as_svg(shown, "Who may read and write what", width=options.width)
        case Form.MARKDOWN:
            picture = as_markdown(shown)
        case Form.TEXT:
            picture = as_text(shown)
    write(options, picture)
    return 0
