"""Every domain has a complete access matrix and a page, and a domain without them is reported."""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from sqlalchemy import ForeignKey, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from tests.structure.completeness import Domain, functions_in, gaps, load_domain, tables_in
from tests.support.access_matrix import Functions, TableRow, Target, Views
from tests.support.personas import anonymous_sign_in, with_anonymous_sign_in
from townhall.domains import DOMAINS
from townhall.pg import ANONYMOUS, AUTHENTICATED, SERVICE, Function, View
from townhall.pg.access import Access, owner
from townhall.session import Actor
from townhall.testing import AccessCase, access_cases

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

ADD = "add it to TARGETS and MATRIX in tests/<domain>/test_access.py"


@pytest.mark.parametrize("name", DOMAINS)
def test_domain_has_a_complete_access_matrix_and_a_page(name: str) -> None:
    found = gaps(load_domain(name))
    assert not found, f"{name}: {'; '.join(found)}"


def test_every_table_and_view_of_the_database_is_in_a_matrix(
    townhall_connection: Connection,
) -> None:
    relations = townhall_connection.scalars(
        text(
            """
            select relname::text from pg_class
            where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v', 'm', 'f')
            """
        )
    )
    targets = [target for name in DOMAINS for target in load_domain(name).targets.values()]
    missing = set(relations) - {"alembic_version"} - tables_in(targets)
    assert not missing, f"in no access matrix: {', '.join(sorted(missing))}; {ADD}"


def test_every_function_that_clients_may_execute_is_in_a_matrix(
    townhall_connection: Connection,
) -> None:
    functions = townhall_connection.scalars(
        text(
            """
            select proname::text from pg_proc
            where pronamespace = 'public'::regnamespace
                and exists (
                    select from aclexplode(coalesce(proacl, acldefault('f', proowner)))
                    where privilege_type = 'EXECUTE'
                        and grantee in (0, 'anon'::regrole, 'authenticated'::regrole)
                )
            """
        )
    )
    targets = [target for name in DOMAINS for target in load_domain(name).targets.values()]
    missing = set(functions) - functions_in(targets)
    assert not missing, f"in no access matrix: {', '.join(sorted(missing))}; {ADD}"


class Base(DeclarativeBase):
    """The base of a made-up domain."""


class Book(Base):
    __tablename__ = "books"

    id: Mapped[int] = mapped_column(primary_key=True)
    reader_id: Mapped[UUID] = mapped_column(ForeignKey("auth.users.id"), index=True)


class Shelf(Base):
    __tablename__ = "shelves"

    id: Mapped[int] = mapped_column(primary_key=True)
    reader_id: Mapped[UUID] = mapped_column(ForeignKey("auth.users.id"), index=True)


TARGETS: dict[str, Target] = {
    "books": TableRow(Book, key="1", new={}, change={}),
    "views": Views({"book_count": "select from public.book_count"}),
    "functions": Functions({"lend": "select public.lend()"}),
}
MATRIX = """
    books       anon reader stranger service
    select      x    +      0        +
    insert      x    +      !        +
    update      x    x      x        +
    delete      x    x      x        +

    views       anon reader stranger service
    book_count  x    +      +        +

    functions   anon reader stranger service
    lend        x    +      r        x
"""


def _tests(
    matrix: str = MATRIX,
    *,
    targets: dict[str, Target] = TARGETS,
    without_persona: str = "",
    tried: Callable[[list[AccessCase]], list[AccessCase]] = list,
) -> ModuleType:
    """Return the module of tests of the made-up domain.

    Args:
        matrix: Its access matrix.
        targets: What the matrix is about.
        without_persona: A persona that it lacks.
        tried: Chooses the cases that are run.
    """
    personas = {
        "anon": Actor.anonymous(),
        "reader": Actor.user("00000000-0000-4000-8000-000000000001"),
        "stranger": Actor.user("00000000-0000-4000-8000-000000000002"),
        "anonymous_sign_in": anonymous_sign_in(UUID("00000000-0000-4000-8000-000000000002")),
        "service": Actor.service(),
    }
    cases = with_anonymous_sign_in(access_cases(matrix))

    @pytest.mark.parametrize("case", tried(cases))
    def test_access(case: AccessCase) -> None:
        """Do nothing: only its marks are read."""

    module = ModuleType("tests.library.test_access")
    vars(module).update(
        PERSONAS={name: actor for name, actor in personas.items() if name != without_persona},
        TARGETS=targets,
        MATRIX=cases,
        test_access=test_access,
    )
    return module


@pytest.fixture
def library() -> Domain:
    """Return a made-up domain with everything that a domain must have."""
    return Domain(
        name="library",
        rules=(Access(Book, read=owner(Book.reader_id), insert=owner(Book.reader_id)),),
        declarations=(
            View(
                name="book_count", definition="select 1 as n", grants={AUTHENTICATED: ("select",)}
            ),
            Function(name="lend", returns="void", body="select", execute=(AUTHENTICATED,)),
            Function(name="count_books", returns="void", body="select", execute=(SERVICE,)),
            Function(schema="private", name="lend", returns="void", body="", execute=(ANONYMOUS,)),
        ),
        tests=_tests(),
        page="![](images/diagram-library.svg) ![](images/access-library.svg)\n"
        "<!-- access of books -->\n\n<!-- end of access -->",
        index="identity\nlibrary\n",
    )


def test_complete_domain_has_no_gaps(library: Domain) -> None:
    assert gaps(library) == []


def test_domain_without_tests_and_page_has_gaps(library: Domain) -> None:
    assert gaps(replace(library, tests=None, page=None)) == [
        "there is no tests/library/test_access.py",
        "there is no page docs/library.md",
    ]


def test_domain_whose_tests_have_no_matrix_has_gaps(library: Domain) -> None:
    found = gaps(replace(library, tests=ModuleType("tests.library.test_access")))
    assert "tests/library/test_access.py has no MATRIX" in found
    assert "the table books is in no matrix" in found


@pytest.mark.parametrize(
    ("tests", "gap"),
    [
        (
            _tests(tried=lambda cases: cases[1:]),
            "tests/library/test_access.py has no test_access with the cases of MATRIX",
        ),
        (_tests(without_persona="anon"), "no persona has the role anon"),
        (_tests(without_persona="service"), "no persona has the role service_role"),
        (_tests(without_persona="anonymous_sign_in"), "no persona is an anonymous sign-in"),
        (
            _tests(MATRIX.replace("    update      x    x      x        +\n", "")),
            "books, update is not tried by stranger",
        ),
        (
            _tests(MATRIX.replace("+      0  ", "0      0  ")),
            "books, select is tried by no client that is allowed to",
        ),
        (
            _tests(MATRIX.replace("x    +      !", "+    +      +")),
            "books, insert is tried by no client that is not allowed to",
        ),
        (
            _tests(targets={name: TARGETS[name] for name in ("views", "functions")}),
            "the table books is in no matrix",
        ),
        (
            _tests(targets={name: TARGETS[name] for name in ("books", "functions")}),
            "the view book_count is in no matrix",
        ),
        (
            _tests(targets={name: TARGETS[name] for name in ("books", "views")}),
            "the function lend is called by no persona that is allowed to",
        ),
        (
            _tests(MATRIX.replace("x    +      r        x", "+    +      +        +")),
            "the function lend is called by no persona that is not allowed to",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_gap_in_a_matrix_is_found(library: Domain, tests: ModuleType, gap: str) -> None:
    assert gap in gaps(replace(library, tests=tests))


def test_new_table_and_new_function_are_gaps(library: Domain) -> None:
    shelves = Access(Shelf, read=owner(Shelf.reader_id))
    give_back = Function(name="give_back", returns="void", body="select", execute=("public",))
    grown = replace(
        library,
        rules=(*library.rules, shelves),
        declarations=(*library.declarations, give_back),
    )
    assert gaps(grown) == [
        "the table shelves is in no matrix",
        "the function give_back is called by no persona that is allowed to",
        "the function give_back is called by no persona that is not allowed to",
        "docs/library.md has the access of books; declared: books, shelves",
    ]


def test_page_without_pictures_has_gaps(library: Domain) -> None:
    assert library.page is not None
    found = gaps(replace(library, page=library.page.replace("diagram-", "")))
    assert found == [
        "docs/library.md does not show images/diagram-library.svg; make pictures draws it"
    ]


def test_page_that_is_not_in_the_index_is_a_gap(library: Domain) -> None:
    assert gaps(replace(library, index="identity\n")) == [
        "docs/index.md does not list the page library"
    ]
