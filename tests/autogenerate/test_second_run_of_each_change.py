"""Revisions of each kind of change run over their own result, in their long and short form."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from alembic import command

from tests.autogenerate.round_trip import sorted_columns
from tests.autogenerate.test_live import OWNERS, Project, items, run_twice
from tests.support.dump import dump

pytestmark = [
    pytest.mark.exhaustive,  # each generates four revisions and runs each of them several times
    pytest.mark.filterwarnings("error::UserWarning", "ignore:Computed column"),
]

ENTITIES = """
from townhall import pg

def declared(argument, column, *more):
    return [
        pg.Function(
            schema="public", name="f", arguments={argument: "integer"}, returns="integer",
            volatility="immutable", body=f"select {argument}",
        ),
        pg.View(
            schema="public", name="v", security_invoker=False,
            definition=f"select {column} from public.items where public.f(id) > 0",
        ),
        *more,
    ]

snapshot = pg.MaterializedView(
    schema="public", name="m", definition="select name from public.v",
    indexes={"of_m": "unique (name)"},
)
policy = pg.Policy(
    schema="public", table="items", name="p", command="select", roles=("public",),
    using="public.f(id) > 0",
)
"""


def limited(limit: int) -> str:
    return f'Column("d", postgresql.DOMAIN("D", Integer, check=text("value > {limit}")))'


KEY = 'Column("id", Integer, primary_key=True)'
CHANGES: Mapping[str, tuple[str, str]] = {
    "type": (items(), items('Column("name", String(5))', 'Index("i", "name")')),
    "enum to text": (
        'e = Enum("a", name="E")\n' + items('Column("e", e, server_default="a")'),
        items('Column("e", Text, server_default="a")'),
    ),
    "serial to identity": (items(), items('Column("id", Integer, Identity(), primary_key=True)')),
    "options of an identity": (
        items('Column("n", Integer, Identity())'),
        items('Column("n", Integer, Identity(always=True, start=5))'),
    ),
    "a column with all that it has": (
        items(
            'Column("n", Integer, ForeignKey("owners.id"), index=True, unique=True)',
            'CheckConstraint("n > 0", name="c")',
        ),
        items(),
    ),
    "expression": (
        items('Column("n", Integer, Computed("id + 1", persisted=True))'),
        items('Column("n", Integer, Computed("id + 2", persisted=True))', 'Index("i", "n")'),
    ),
    "name of a check": (
        items('CheckConstraint("id > 0", name="c")'),
        items('CheckConstraint("id > 0", name="d")'),
    ),
    "primary key": (
        items(KEY),
        items('Column("id", BigInteger)', 'Column("k", Integer, primary_key=True)'),
    ),
    "comments": (items(), items('Column("name", Text, comment="x")', 'comment="t"')),
    "cycle of foreign keys": (
        OWNERS,
        OWNERS
        + f'Table("a", metadata, {KEY}, Column("b", ForeignKey("b.id")))\n'
        + f'Table("b", metadata, {KEY}, Column("a", ForeignKey("a.id")))\n',
    ),
    "table": (
        items()
        + 'Table("gone", metadata, Column("id", ForeignKey("items.id"), primary_key=True),'
        + ' Column("n", Integer, index=True))\n',
        items(),
    ),
    "exclusion constraint": (
        items(),
        items('postgresql.ExcludeConstraint(("id", "="), name="x", using="btree")'),
    ),
    "domain": (items(limited(0)), items(limited(1))),
    "another enum": (
        'e = Enum("a", "b", name="E")\n' + items('Column("e", e)'),
        items('Column("o", Enum("x", name="F"))'),
    ),
    "function that a new index calls": (
        ENTITIES + items() + 'entities = declared("x", "id")\n',
        ENTITIES
        + items('Index("i", text("public.f(id)"))')
        + 'entities = declared("y", "name", snapshot, policy)\n',
    ),
    "key and foreign key": (
        items(),
        items(
            'Column("owner_id", Integer, ForeignKey("owners.id"), nullable=False, unique=True)',
            'Column("Price", Integer, nullable=False, server_default="3", index=True)',
        ),
    ),
    "volatile default": (
        items(),
        items(
            'Column("u", UUID, server_default=text("gen_random_uuid()"), nullable=False,'
            " unique=True)"
        ),
    ),
}


@pytest.fixture
def project(tmp_path: Path, empty_database: str) -> Project:
    return Project.begun(tmp_path, empty_database)


@pytest.mark.parametrize("form", ["live=yes", "live=no"], ids=["long", "short"])
@pytest.mark.parametrize("change", CHANGES)
def test_change_runs_over_its_own_result_there_and_back(
    project: Project, change: str, form: str
) -> None:
    old, new = CHANGES[change]
    options = ", entities=entities" if "entities = " in old else ""
    project.declare(old, options)
    project.revise()
    command.upgrade(project.config, "head")
    for target in (new, old):
        before = dump(project.database)
        project.declare(target, options)
        revisions = project.revise(form)
        assert "undecided" not in "".join(revisions)
        assert "Refused in a second run" not in "".join(revisions)
        run_twice(project, len(revisions))
        command.check(project.config)
        command.downgrade(project.config, f"-{len(revisions)}")
        assert sorted_columns(dump(project.database)) == sorted_columns(before)
        command.upgrade(project.config, "head")
