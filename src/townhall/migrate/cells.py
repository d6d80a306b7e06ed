"""Upgrades of the cells of an application: a database for each group of its tenants."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from configparser import InterpolationError
from pathlib import Path

from alembic.config import Config
from alembic.util import CommandError

from townhall.ini import describe_config_error
from townhall.migrate.guard.printable_errors import printable_errors
from townhall.printing import on_one_line

CELLS = "cells"
"""The attribute of a configuration with the URL of each cell, by its name.

It is also the section of ``alembic.ini`` that is read where there is no such attribute, and the
``-x`` argument that names the cells to work on, or ``all``.
"""

CELL_OPTION = "townhall_cell"
"""The option of a migration context with the name of its cell."""

_ALL = "all"
_log = logging.getLogger("alembic.runtime.migration.cells")  # its lines stand among these


class CellsError(CommandError):
    """What failed in some cells, a line for each."""


class NotForCellsError(CommandError):
    """The command is one for a single database."""


def chosen_cells(config: Config, arguments: Mapping[str, str]) -> dict[str, str]:
    """Return the URLs of the cells to work on, by name; none without ``-x cells``.

    Args:
        config: Alembic's configuration.
        arguments: The ``-x`` arguments.

    Raises:
        CommandError: A cell is not declared, none is named, the argument is given several times, or
            a single database is named as well.
    """
    given = arguments.get(CELLS)
    if given is None:
        return {}
    if "url" in arguments or "connection" in config.attributes:
        raise CommandError("-x cells and a single database are both named: name one of them")
    if len([each for each in _x_arguments(config) if each.partition("=")[0] == CELLS]) > 1:
        raise CommandError("-x cells is given several times: name all in one, -x cells=one,other")
    declared = _declared(config)
    named = [each.strip() for each in given.split(",") if each.strip()]
    names = list(declared) if named == [_ALL] else named
    if unknown := [each for each in names if each not in declared]:
        raise CommandError(
            f"there is no cell {', '.join(unknown)}: the section [{CELLS}] of alembic.ini, or"
            f" config.attributes[{CELLS!r}], has {', '.join(declared) or 'none'}"
        )
    if not names:
        has = f"has {', '.join(declared)}" if declared else "has no cell"
        raise CommandError(
            f"-x cells={given} names no cell: the section [{CELLS}] of alembic.ini {has}"
        )
    return {name: declared[name] for name in names}


def _x_arguments(config: Config) -> Iterable[str]:
    return getattr(config.cmd_opts, "x", None) or ()


def _declared(config: Config) -> dict[str, str]:
    given = config.attributes.get(CELLS)
    if given is not None:
        return dict(given)
    sections = config.file_config
    if not sections.has_section(CELLS):
        return {}
    try:
        found = sections.items(CELLS)
    except InterpolationError as error:
        name = Path(config.config_file_name or "alembic.ini")
        told = describe_config_error(error, name)
        raise CommandError(f"section [{CELLS}] of {told}") from None
    # What stands in [DEFAULT], as Alembic's own `here`, is in every section.
    return {name: url for name, url in found if name not in sections.defaults()}


def each_cell(cells: Mapping[str, str], migrate: Callable[[str, str], None]) -> None:
    """Work on one cell after the other; what fails in one keeps no other from being done.

    Args:
        cells: The URLs of the cells, by name.
        migrate: Works on a cell, which has a name and a URL.

    Raises:
        CellsError: It failed in some cells.
    """
    failed: dict[str, str] = {}
    done: list[str] = []
    for name, url in cells.items():
        _log.info("Cell %s", name)
        try:
            with printable_errors():
                migrate(name, url)
        except NotForCellsError:
            raise
        except CommandError as error:
            failed[name] = str(error)
            if isinstance(error.__context__, KeyboardInterrupt):
                break
        except Exception as error:  # noqa: BLE001 - of a revision's own code, logged and told
            _log.exception("Cell %s", name)
            failed[name] = f"{type(error).__name__}: {on_one_line(error)}"
        else:
            done.append(name)
    if failed:
        left = [name for name in cells if name not in failed and name not in done]
        raise CellsError(_told(failed, done, left))


def _told(failed: Mapping[str, str], done: list[str], left: list[str]) -> str:
    lines = [f"cell {name}: {reason}" for name, reason in failed.items()]
    if done:
        lines.append(f"Done: {', '.join(done)}.")
    if left:
        lines.append(f"Not begun: {', '.join(left)}.")
    lines.append("The same command again does what is left, and finds nothing to do where it is.")
    return "\n".join(lines)
