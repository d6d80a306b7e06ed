"""The examples on the page about testing pass."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.support.blocks import blocks_of

pytest_plugins = ["pytester"]

DOCS = Path(__file__).parents[2] / "docs"
STRANGER, MATRIX, TURNS, PARALLEL, CONFTEST, NOTES = (
    each.text for each in blocks_of("docs/testing.md", "python")
)


@pytest.fixture
def application(
    pytester: pytest.Pytester, townhall_server: str, monkeypatch: pytest.MonkeyPatch
) -> pytest.Pytester:
    """Return an empty project, whose tests run on our server."""
    monkeypatch.setenv("DATABASE_URL", townhall_server)
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    return pytester


@pytest.mark.thorough
def test_examples_with_the_product_pass(application: pytest.Pytester) -> None:
    application.makepyfile(
        test_stranger=STRANGER, test_matrix=MATRIX, test_turns=TURNS, test_parallel=PARALLEL
    )
    application.runpytest_inprocess().assert_outcomes(passed=1 + 4 * 4 + 2 * 4 + 1 + 1)


@pytest.mark.exhaustive
def test_example_for_an_application_beside_townhall_migrates_its_tables(
    application: pytest.Pytester,
) -> None:
    shutil.copytree(DOCS / "examples" / "application", application.path, dirs_exist_ok=True)
    (conftest,) = blocks_of("docs/extending.md", "python", under="In tests")
    application.makeconftest(conftest.text)
    application.makepyfile(
        test_tickets="""
        from sqlalchemy import text

        def test_tickets(townhall_connection):
            assert townhall_connection.execute(text("table tickets")).all() == []
        """
    )
    application.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)


@pytest.mark.exhaustive
def test_example_without_the_product_passes(application: pytest.Pytester) -> None:
    shutil.copytree(DOCS / "examples" / "notes", application.path, dirs_exist_ok=True)
    application.makeconftest(CONFTEST)
    application.makepyfile(test_notes=NOTES)
    application.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)
