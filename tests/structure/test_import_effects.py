"""Importing townhall changes nothing for the rest of the process."""
# ruff: noqa: S603 - the programs that are run are ours

from __future__ import annotations

import subprocess
import sys

import pytest

ENGINE = (
    "townhall",
    "townhall.base",
    "townhall.check",
    "townhall.cli",
    "townhall.embedded",
    "townhall.init",
    "townhall.migrate",
    "townhall.people",
    "townhall.pg",
    "townhall.product",
    "townhall.roles",
    "townhall.session",
    "townhall.testing",
    "townhall.types",
)
# What is imported from elsewhere comes first, since it may have effects of its own.
_STATE = """
import atexit, importlib, logging, os, signal, sys, threading, warnings
import alembic.command, alembic_utils.replaceable_entity, psycopg, pydantic, pytest
import sqlalchemy.dialects.postgresql.psycopg, sqlalchemy.ext.asyncio, sqlalchemy.ext.mutable
import sqlalchemy.orm
from sqlalchemy.event import base

def listeners():
    for collections in base._registrars.values():
        for events in collections:
            for name in events.dispatch._event_names:
                for target, registered in getattr(events.dispatch, name)._clslevel.items():
                    if registered and target.__module__.startswith("sqlalchemy."):
                        yield f"{target.__name__}.{name}: {list(map(str, registered))}"

def state():
    return {
        "listeners": sorted(set(listeners())),
        "environment": dict(os.environ),
        "warnings": list(warnings.filters),
        "logging": [logging.root.level, logging.root.handlers[:], logging.getLoggerClass()],
        "disabled loggers": sorted(
            name
            for name, logger in logging.root.manager.loggerDict.items()
            if getattr(logger, "disabled", False) or getattr(logger, "handlers", None)
        ),
        "exit functions": atexit._ncallbacks(),
        "hooks": [sys.excepthook, sys.displayhook, list(sys.meta_path), list(sys.path_hooks)],
        "signals": {number: signal.getsignal(number) for number in signal.valid_signals()},
        "threads": threading.active_count(),
    }

initial = state()
"""
_REPORT = """
for name, value in state().items():
    if value != initial[name]:
        print(name, value, "instead of", initial[name])
"""


def changes(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", _STATE + program + _REPORT],
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout


@pytest.mark.thorough
@pytest.mark.parametrize("module", ENGINE)
def test_importing_a_module_changes_nothing_else(module: str) -> None:
    assert changes(f"importlib.import_module({module!r})") == ""


@pytest.mark.thorough
def test_loading_every_public_name_changes_nothing_else() -> None:
    assert changes("from townhall import *") == ""


@pytest.mark.thorough
def test_listener_on_a_class_of_sqlalchemy_is_found() -> None:
    program = """
from sqlalchemy import event
event.listen(sqlalchemy.orm.Mapper, "mapper_configured", lambda *_: None)
"""
    assert "Mapper.mapper_configured: " in changes(program)
