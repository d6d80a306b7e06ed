"""What the source of every revision has to show."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

import pytest
from alembic.script import Script

from tests.migrations.chain import REVISIONS, SCRIPTS

ALLOWED = {
    "alembic": None,
    "sqlalchemy": None,
    "townhall": {"pg"},
    "townhall.migrate.safety": None,
    "townhall.pg": None,
}
"""The modules and names that a revision may import: none that changes with the application."""

COMMITTING = {
    "add_constraint",
    "add_unique",
    "create_index",
    "drop_index",
    "set_not_null",
    "update_in_batches",
}
"""The steps that commit, each of which is idempotent."""

every_revision = pytest.mark.parametrize("script", REVISIONS, ids=lambda s: s.revision)


def test_history_is_linear_with_one_head() -> None:
    assert len(SCRIPTS.get_heads()) == len(SCRIPTS.get_bases()) == 1
    assert [script.down_revision for script in REVISIONS] == [
        None,
        *(script.revision for script in REVISIONS[:-1]),
    ]


def test_revision_ids_are_numbered_and_have_the_branch_label() -> None:
    numbers = range(1, len(REVISIONS) + 1)
    assert [s.revision for s in REVISIONS] == [f"townhall_{number:04}" for number in numbers]
    assert all(script.branch_labels == {"townhall"} for script in REVISIONS)
    assert not any(script.dependencies for script in REVISIONS)


@every_revision
def test_file_name_has_the_date_and_the_revision_id(script: Script) -> None:
    assert re.fullmatch(rf"\d{{8}}_{script.revision}_[a-z_]+\.py", Path(script.path).name)


@every_revision
def test_docstring_says_what_a_downgrade_destroys(script: Script) -> None:
    described, _, named = script.longdoc.partition("\nRevision: ")
    summary, empty, *_ = described.splitlines()
    assert summary.endswith(".")
    assert empty == ""
    assert re.search(r"\bA\s+downgrade\s+(destroys|loses|takes|drops|leaves)\b", described)
    assert "Before you merge" not in described  # the template's questions were answered
    revision, revises, created = named.splitlines()[:3]
    assert revision == script.revision
    assert revises == f"Revises: {script.down_revision or ''}".rstrip()
    assert re.fullmatch(r"Created: \d{4}-\d\d-\d\d", created)


@every_revision
def test_revision_has_a_downgrade(script: Script) -> None:
    functions = {
        node.name: node for node in _tree(script).body if isinstance(node, ast.FunctionDef)
    }
    assert _calls(functions["upgrade"])
    assert _calls(functions["downgrade"]) or "A downgrade leaves" in script.longdoc


def _calls(function: ast.FunctionDef) -> list[ast.Call]:
    return [node for node in ast.walk(function) if isinstance(node, ast.Call)]


@every_revision
@pytest.mark.parametrize("direction", ["upgrade", "downgrade"])
def test_revision_commits_once_or_has_only_idempotent_steps(script: Script, direction: str) -> None:
    called = _called_from(direction, _tree(script))
    assert not called & COMMITTING or called <= COMMITTING | {"refuse_if"}


def test_calls_of_a_revision_are_found_in_its_functions() -> None:
    tree = ast.parse(
        "def upgrade():\n    columns()\n    create_index('a')\n"
        "def columns():\n    op.add_column('b')\n"
        "def downgrade():\n    op.drop_index('a')\n"
    )
    assert _called_from("upgrade", tree) == {"create_index", "op.add_column"}
    assert _called_from("downgrade", tree) == {"op.drop_index"}


def _called_from(name: str, tree: ast.Module) -> set[str]:
    """Return what a function calls, through other functions of the revision as well."""
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    called = {ast.unparse(call.func) for call in _calls(functions[name])}
    inner = called & set(functions)
    return (called - inner).union(*(_called_from(each, tree) for each in inner))


@every_revision
def test_revision_imports_no_application_code(script: Script) -> None:
    for node in ast.walk(_tree(script)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                assert _is_allowed(alias.name, None), alias.name
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            for alias in node.names:
                assert _is_allowed(str(node.module), alias.name), f"{node.module}.{alias.name}"


@every_revision
def test_what_was_there_before_is_never_dropped_directly(script: Script) -> None:
    for node in ast.walk(_tree(script)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            dropped = node.value.id == "op" and node.attr.startswith("drop_")
            assert not dropped or node.attr == "drop_table_comment", f"op.{node.attr}"
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            # The schema auth that the first revision drops is its own.
            text = node.value.lower().replace("drop table if exists auth.users", "")
            dropped = _DROPS.search(text) is not None
            assert not dropped, node.value


_DROPS = re.compile(r"\bdrop\s+(?:table|column|constraint|index)\b|\bcascade;")


def _is_allowed(module: str, name: str | None) -> bool:
    package = module.partition(".")[0]
    if package in sys.stdlib_module_names:
        return True
    known = module if package == "townhall" else package
    names = ALLOWED.get(known, set())
    return names is None or name in names


def test_allowed_imports_are_recognized() -> None:
    assert _is_allowed("sqlalchemy.dialects", "postgresql")
    assert _is_allowed("townhall", "pg")
    assert _is_allowed("json", None)
    assert not _is_allowed("townhall", "Event")
    assert not _is_allowed("townhall", None)
    assert not _is_allowed("townhall.domains.events", "EventStatus")
    assert not _is_allowed("alembic_utils", None)


def _tree(script: Script) -> ast.Module:
    return ast.parse(Path(script.path).read_text())
