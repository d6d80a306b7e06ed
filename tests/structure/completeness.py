"""What a domain must have beside its code: a complete access matrix, and a page."""

from __future__ import annotations

import importlib
import importlib.util
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.support.access_matrix import Functions, TableRow, Target, Views
from tests.support.documentation import ACCESS_TABLE
from townhall.domains.product import MODULES_WITH_ENTITIES, module_of
from townhall.pg import ANONYMOUS, AUTHENTICATED, SERVICE, Function, MaterializedView, View
from townhall.testing import AccessCase, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from types import ModuleType

    from townhall.pg.access import Access, Declaration
    from townhall.session import Actor

DOCS = Path(__file__).parents[2] / "docs"
CLIENTS = {ANONYMOUS, AUTHENTICATED, "public"}


@dataclass(frozen=True)
class Domain:
    """A domain with its tests and its page.

    Attributes:
        name: The name of its folder.
        rules: Its access rules.
        declarations: Its functions, triggers and views.
        tests: The module ``tests.<name>.test_access``, if there is one.
        page: The text of ``docs/<name>.md``, if there is one.
        index: The text of ``docs/index.md``.
    """

    name: str
    rules: tuple[Access, ...]
    declarations: tuple[Declaration, ...]
    tests: ModuleType | None
    page: str | None
    index: str

    @property
    def targets(self) -> Mapping[str, Target]:
        """The targets of its access matrix."""
        return getattr(self.tests, "TARGETS", {})

    @property
    def personas(self) -> Mapping[str, Actor]:
        """The personas of its access matrix."""
        return getattr(self.tests, "PERSONAS", {})

    @property
    def matrix(self) -> list[AccessCase]:
        """The cells of its access matrix."""
        return getattr(self.tests, "MATRIX", [])


def load_domain(name: str) -> Domain:
    """Return a domain of the product with its tests and its page.

    Args:
        name: The name of its folder.
    """
    access = module_of(name, "access")
    modules = (module_of(name, each) for each in MODULES_WITH_ENTITIES)
    tests = f"tests.{name}.test_access"
    has_tests = importlib.util.find_spec(f"tests.{name}") and importlib.util.find_spec(tests)
    page = DOCS / f"{name}.md"
    return Domain(
        name=name,
        rules=access.RULES if access else (),
        declarations=tuple(each for module in modules if module for each in module.ENTITIES),
        tests=importlib.import_module(tests) if has_tests else None,
        page=page.read_text(encoding="utf-8") if page.exists() else None,
        index=(DOCS / "index.md").read_text(encoding="utf-8"),
    )


def gaps(domain: Domain) -> list[str]:
    """Return the gaps in the tests and the page of a domain, a sentence each.

    Args:
        domain: The domain.
    """
    return [*_gaps_of_tests(domain), *_gaps_of_page(domain)]


def tables_in(targets: Iterable[Target]) -> set[str]:
    """Return the names of the tables and views that are targets of a matrix."""
    names: set[str] = set()
    for target in targets:
        if isinstance(target, TableRow):
            names.add(target.table.name)
        elif isinstance(target, Views):
            names.update(target.queries)
    return names


def functions_in(targets: Iterable[Target]) -> set[str]:
    """Return the names of the functions that are targets of a matrix."""
    return {name for target in targets if isinstance(target, Functions) for name in target.commands}


def _gaps_of_tests(domain: Domain) -> Iterator[str]:
    if domain.tests is None:
        yield f"there is no tests/{domain.name}/test_access.py"
        return
    for name in ("PERSONAS", "TARGETS", "MATRIX"):
        if not getattr(domain.tests, name, None):
            yield f"tests/{domain.name}/test_access.py has no {name}"
    if not _runs_its_matrix(domain):
        yield f"tests/{domain.name}/test_access.py has no test_access with the cases of MATRIX"
    roles = {actor.role for actor in domain.personas.values()}
    for role in sorted({ANONYMOUS, AUTHENTICATED, SERVICE} - roles):
        yield f"no persona has the role {role}"
    if not any(json.loads(actor.claims).get("is_anonymous") for actor in domain.personas.values()):
        yield "no persona is an anonymous sign-in"
    yield from _missing_cells(domain)
    yield from _untried_rules(domain)
    yield from _untried_views(domain)
    yield from _untried_functions(domain)


def _runs_its_matrix(domain: Domain) -> bool:
    marks: list[Any] = getattr(getattr(domain.tests, "test_access", None), "pytestmark", [])
    return any(mark.name == "parametrize" and mark.args[1] == domain.matrix for mark in marks)


def _missing_cells(domain: Domain) -> Iterator[str]:
    cells = {(case.target, case.command, case.persona) for case in domain.matrix}
    for name, target in domain.targets.items():
        for command in target.commands:
            for persona in domain.personas:
                if (name, command, persona) not in cells:
                    yield f"{name}, {command} is not tried by {persona}"


def _untried_rules(domain: Domain) -> Iterator[str]:
    for rule in domain.rules:
        table = rule.table.name
        targets = [
            name
            for name, target in domain.targets.items()
            if isinstance(target, TableRow) and target.table is rule.table
        ]
        if not targets:
            yield f"the table {table} is in no matrix"
            continue
        for command in rule.commands:
            outcomes = _outcomes(domain, targets, command, of_clients=True)
            if Outcome.ALLOWED not in outcomes:
                yield f"{table}, {command} is tried by no client that is allowed to"
            if outcomes <= {Outcome.ALLOWED}:
                yield f"{table}, {command} is tried by no client that is not allowed to"


def _untried_views(domain: Domain) -> Iterator[str]:
    tried = tables_in(domain.targets.values())
    for entity in domain.declarations:
        if isinstance(entity, View | MaterializedView) and entity.name not in tried:
            yield f"the view {entity.name} is in no matrix"


def _untried_functions(domain: Domain) -> Iterator[str]:
    targets = [name for name, each in domain.targets.items() if isinstance(each, Functions)]
    for entity in domain.declarations:
        if not isinstance(entity, Function) or not _is_for_clients(entity):
            continue
        outcomes = _outcomes(domain, targets, entity.name)
        if Outcome.ALLOWED not in outcomes:
            yield f"the function {entity.name} is called by no persona that is allowed to"
        if outcomes <= {Outcome.ALLOWED}:
            yield f"the function {entity.name} is called by no persona that is not allowed to"


def _is_for_clients(function: Function) -> bool:
    return function.schema == "public" and bool(CLIENTS & {*function.execute})


def _outcomes(
    domain: Domain, targets: Iterable[str], command: str, *, of_clients: bool = False
) -> set[Outcome]:
    """Return the outcomes of a command, those of the service included unless of clients alone."""
    services = {name for name, actor in domain.personas.items() if actor.role == SERVICE}
    return {
        case.expected
        for case in domain.matrix
        if case.target in targets
        and case.command == command
        and not (of_clients and case.persona in services)
    }


def _gaps_of_page(domain: Domain) -> Iterator[str]:
    if domain.page is None:
        yield f"there is no page docs/{domain.name}.md"
        return
    if not re.search(rf"^{domain.name}$", domain.index, re.MULTILINE):
        yield f"docs/index.md does not list the page {domain.name}"
    for picture in (f"diagram-{domain.name}.svg", f"access-{domain.name}.svg"):
        if f"(images/{picture})" not in domain.page:
            yield f"docs/{domain.name}.md does not show images/{picture}; make pictures draws it"
    listed = [
        name for match in ACCESS_TABLE.finditer(domain.page) for name in match["tables"].split(", ")
    ]
    declared = [rule.table.name for rule in domain.rules]
    if listed != declared:
        yield (
            f"docs/{domain.name}.md has the access of {', '.join(listed) or 'no table'};"
            f" declared: {', '.join(declared)}"
        )
