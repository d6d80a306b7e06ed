"""The engine knows no domain, and a name can be imported without the others."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import townhall
from townhall.domains import DOMAINS

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(townhall.__file__).parent
REPOSITORY = Path(__file__).parents[2]
ENGINE = sorted(
    path
    for path in PACKAGE.rglob("*.py")
    if not {"domains", "alembic"} & set(path.relative_to(PACKAGE).parts)
    and path != PACKAGE / "__init__.py"
)
REVISIONS = sorted((REPOSITORY / "alembic" / "versions").glob("*.py"))


def imported_modules(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def name_of(path: Path) -> str:
    return str(path.relative_to(REPOSITORY))


def test_engine_and_revisions_import_no_domain() -> None:
    public = {f"townhall.{name}" for name in townhall.__all__ if of_domain(name)}
    found = [
        (name_of(path), name)
        for path in (*ENGINE, *REVISIONS)
        for name in imported_modules(path)
        if name.startswith("townhall.domains") or name in public
    ]
    assert found == []


def of_domain(name: str) -> bool:
    return getattr(townhall, name).__class__.__module__.startswith("townhall.domains") or getattr(
        getattr(townhall, name), "__module__", ""
    ).startswith("townhall.domains")


def test_engine_names_no_table_and_no_revision_of_the_product() -> None:
    # Names of PostgreSQL's world too: the accounts of the schema auth, what a trigger fires for.
    tables = {table.name for table in townhall.metadata.sorted_tables} - {"users", "events"}
    texts = {
        (name_of(path), node.value)
        for path in ENGINE
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    found = {each for each in texts if each[1] in tables or each[1].startswith("townhall_00")}
    assert found == set()


@pytest.mark.parametrize("domain", DOMAINS)
def test_domain_imports_only_domains_before_it_in_the_list(domain: str) -> None:
    allowed = DOMAINS[: DOMAINS.index(domain) + 1]
    found = {
        name.split(".")[2]
        for path in (PACKAGE / "domains" / domain).rglob("*.py")
        for name in imported_modules(path)
        if name.startswith("townhall.domains.") and name.split(".")[2] in DOMAINS
    }
    assert found <= set(allowed)


def _names_by_module() -> list[str]:
    names: dict[str | None, list[str]] = {}
    for node in ast.parse((PACKAGE / "__init__.pyi").read_text()).body:
        if isinstance(node, ast.ImportFrom):
            names.setdefault(node.module, []).extend(alias.name for alias in node.names)
    return [", ".join(each) for each in names.values()]


@pytest.mark.thorough
@pytest.mark.parametrize("names", _names_by_module(), ids=lambda names: names.split(", ")[0])
def test_public_names_of_a_module_can_be_imported_without_the_others(names: str) -> None:
    program = (
        f"from townhall import {names}\n"
        "from sqlalchemy.orm import configure_mappers\n"
        "configure_mappers()\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)  # noqa: S603 - a program of ours


@pytest.mark.thorough
def test_importing_the_declarations_loads_no_domain() -> None:
    program = (
        "import sys, townhall.pg, townhall.migrate\n"
        "print([name for name in sys.modules if name.startswith('townhall.domains')])"
    )
    result = subprocess.run(  # noqa: S603 - a program of ours
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert result.stdout.strip() == "[]"


def test_engines_of_the_package_come_from_one_place() -> None:
    # Fixtures make engines as the application under test does.
    makers = {"create_engine", "create_async_engine", "engine_from_config"}
    found = {
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        if "testing" not in path.parts
        for name in imported_modules(path)
        if name.startswith("sqlalchemy.") and name.rpartition(".")[2] in makers
    }
    calls = {
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in makers
    }
    assert found == {"engines.py"}
    assert calls == set()
