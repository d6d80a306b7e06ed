"""Every public name has its entry in the reference, with a text, and nothing else has one."""

from __future__ import annotations

import importlib
import inspect
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from townhall.domains import DOMAINS

if TYPE_CHECKING:
    from collections.abc import Iterator

DOCS = Path(__file__).parents[2] / "docs"
PUBLIC = (
    "townhall",
    "townhall.adopt",
    "townhall.base",
    "townhall.check",
    *(f"townhall.domains.{name}" for name in DOMAINS),
    "townhall.embedded",
    "townhall.errors",
    "townhall.migrate",
    "townhall.people",
    "townhall.pg",
    "townhall.pg.access",
    "townhall.pull",
    "townhall.session",
    "townhall.testing",
    "townhall.types",
)
"""The modules whose names are for applications."""

ALONE = (
    "townhall.domains.coaching.distribution",
    "townhall.input_error.InputError",
    "townhall.pictures.diagrams",
    "townhall.pictures.tables",
    "townhall.product.Product",
    "townhall.roles.Roles",
)
"""What else is for applications: names, and modules of which pages use some."""

_ENTRY = re.compile(r"^\.\. auto(?:class|exception|function|data):: (\S+)$", re.MULTILINE)


def entries() -> list[str]:
    pages = sorted((DOCS / "reference").glob("*.md"))
    return [name for page in pages for name in _ENTRY.findall(page.read_text(encoding="utf-8"))]


def value(name: str) -> object:
    module, _, attribute = name.rpartition(".")
    return getattr(importlib.import_module(module), attribute)


def public_names() -> Iterator[str]:
    for module in PUBLIC:
        yield from (f"{module}.{name}" for name in importlib.import_module(module).__all__)


def is_described(name: str) -> bool:
    found = value(name)
    if inspect.isclass(found) or inspect.isroutine(found) or hasattr(found, "__wrapped__"):
        return bool(found.__doc__)
    return bool(text_of(*name.rpartition(".")[::2]))


sys.path.append(str(DOCS / "_extensions"))
constants = importlib.import_module("constants")
text_of = constants.text_of

ENTRIES = entries()


def test_every_public_name_has_an_entry() -> None:
    documented = {name: value(name) for name in ENTRIES}
    missing = [
        name
        for name in public_names()
        if name not in documented
        and not any(
            each is value(name) and known.rpartition(".")[2] == name.rpartition(".")[2]
            for known, each in documented.items()
        )
    ]
    assert missing == []


def test_no_name_has_two_entries() -> None:
    assert sorted(set(ENTRIES)) == sorted(ENTRIES)


@pytest.mark.parametrize("name", ENTRIES)
def test_entry_is_of_a_public_name_and_has_a_text(name: str) -> None:
    module = name.rpartition(".")[0]
    assert module in PUBLIC or name in ALONE or module in ALONE
    assert is_described(name)


@pytest.mark.parametrize("value", ["{'x': 'xxxx'}", "5", "'at 0x'"])
def test_value_that_can_be_read_is_in_its_entry(value: str) -> None:
    assert constants.is_readable(value)


@pytest.mark.parametrize("value", ["'" + "x" * 400 + "'", "<fixture(<function f at 0x7fc0>)>"])
def test_value_that_is_long_or_an_address_is_left_out_of_its_entry(value: str) -> None:
    assert not constants.is_readable(value)
