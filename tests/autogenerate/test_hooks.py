"""What an application changes of revisions and their Python takes part as in Alembic."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic import command

from tests.support.applications import SmallApplication

pytestmark = pytest.mark.thorough  # each generates revisions and runs them

_HOOKS = """
from alembic.autogenerate import rewriter
from alembic.operations import ops
from sqlalchemy.types import UserDefinedType

writer = rewriter.Rewriter()

@writer.rewrites(ops.CreateTableOp)
def with_rows(context, revision, operation):
    rows = ops.ExecuteSQLOp("insert into seats (number) values (7)")
    return [operation, rows] if operation.table_name == "seats" else operation

def process(context, revision, directives):
    (script,) = directives
    writer(context, revision, directives)
    if script.upgrade_ops.is_empty():
        directives[:] = []

def render(kind, item, context):
    if kind == "type" and isinstance(item, Text):
        context.imports.add("from sqlalchemy import Text as Words")
        return "Words()"
    return False
"""
_SEATS = """
Table("seats", metadata, Column("number", {type}, primary_key=True), Column("note", Text))
"""
_OPTIONS = "process_revision_directives=process, render_item=render"


@pytest.fixture
def application(tmp_path: Path, empty_database: str) -> SmallApplication:
    return SmallApplication(tmp_path, empty_database, empty_database, _OPTIONS)


def test_hooks_change_revisions_before_they_are_tried_and_written(
    application: SmallApplication,
) -> None:
    application.declare(_HOOKS + _SEATS.format(type="Integer"))
    source = application.revise("seats")
    assert 'op.execute("insert into seats (number) values (7)")' in source
    assert "from sqlalchemy import Text as Words" in source
    assert 'sa.Column("note", Words(), nullable=True)' in source
    assert 'sa.Column("number", sa.Integer()' in source
    command.downgrade(application.config, "base")


def test_hook_leaves_an_empty_revision_out(application: SmallApplication) -> None:
    application.declare(_HOOKS)
    command.revision(application.config, "nothing", autogenerate=True)
    assert not [*(application.folder / "versions").iterdir()]


_OPERATION = """
from alembic.autogenerate import render, renderers, rewriter
from alembic.operations import Operations, ops

writer = rewriter.Rewriter()

@Operations.register_operation("add_own_table")
class AddOwnTableOp(ops.CreateTableOp):
    @classmethod
    def add_own_table(cls, operations, name, *columns):
        return operations.invoke(cls(name, columns))

@renderers.dispatch_for(AddOwnTableOp)
def render_own(context, operation):
    return render._add_table(context, operation).replace(".create_table(", ".add_own_table(")

@writer.rewrites(ops.CreateTableOp)
def with_own(context, revision, operation):
    return AddOwnTableOp(operation.table_name, operation.columns)
"""


def test_operation_of_a_hook_has_its_own_arguments_and_can_run_again(
    tmp_path: Path, empty_database: str
) -> None:
    application = SmallApplication(
        tmp_path, empty_database, empty_database, "process_revision_directives=writer"
    )
    application.declare(_OPERATION + _SEATS.format(type="Integer"))
    source = application.revise("seats")
    assert "op.add_own_table(" in source
    assert "if_not_exists" not in source
    assert "pg.unless_found()" in source
