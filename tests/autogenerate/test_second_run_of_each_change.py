"""Revisions of each kind of change run over their own result, in their long and short form."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate.api import AutogenContext
from alembic.operations import MigrateOperation
from alembic.operations.ops import OpContainer

from tests.autogenerate.project import OWNERS, Project, items, revise_there_and_back
from tests.pg.test_statements import operations_of_ours
from townhall.migrate.operations.alterations import AddValuesOp, AlterEntityOp
from townhall.migrate.operations.bodies import UncheckedBodiesOp
from townhall.migrate.operations.columns import (
    AddSerialOp,
    AlterSerialOp,
    ChangeColumnOp,
    DropSerialOp,
    FillColumnOp,
)
from townhall.migrate.operations.comments import CommentOp, TableCommentOp
from townhall.migrate.operations.constraints import (
    AddCheckOp,
    AddDefinedOp,
    DropDefinedOp,
    RenameConstraintOp,
)
from townhall.migrate.operations.decisions import LaterOp, UndecidedOp
from townhall.migrate.operations.definitions import (
    BringBackOp,
    DropDefinedColumnOp,
    DropDefinedIndexOp,
    DropDefinedTableOp,
)
from townhall.migrate.operations.expressions import DropExpressionOp, GenerateOnceOp
from townhall.migrate.operations.identities import (
    AlterIdentityOp,
    CreateFormerSequenceOp,
    DropFormerSequenceOp,
    IdentityForSerialOp,
    SerialForIdentityOp,
)
from townhall.migrate.operations.live import NotedOp, RewrittenOp, SafeOp
from townhall.migrate.operations.parts import CreatePartOp, DropPartOp, SetUpPartOp
from townhall.migrate.operations.schemas import CreateSchemaOp, DropSchemaOp
from townhall.migrate.operations.second_run import FindResultOp, UnlessFoundOp
from townhall.migrate.trial import rendered
from townhall.migrate.write.rendering import render_body
from townhall.pg import CreateEntityOp, DropEntityOp, ReplaceEntityOp

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


READS = """
from townhall import pg

reads = pg.Function(
    schema="public", name="g", returns="bigint", body="select count(*) from public.read"
)
"""


def limited(limit: int) -> str:
    return f'Column("d", postgresql.DOMAIN("D", Integer, check=text("value > {limit}")))'


def parted(*more: str) -> str:
    columns = ['Column("id", Integer)', *(more or ('Column("n", Integer)',))]
    return f'Table("parts", metadata, {", ".join(columns)}, postgresql_partition_by="range (id)")\n'


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
    "comments of a table with a quote": (
        items() + f'Table("it\'s", metadata, {KEY})\n',
        items() + f'Table("it\'s", metadata, {KEY}, comment="t")\n',
    ),
    "wider serial": (items(), items('Column("id", BigInteger, primary_key=True)')),
    "function that reads the table whose default calls it": (
        READS + items() + "entities = []\n",
        READS
        + items()
        + f'Table("read", metadata, {KEY}, Column("n", BigInteger, server_default=text("g()")))\n'
        + "entities = [reads]\n",
    ),
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
    "schema": (
        items(),
        items() + f'Table("t", metadata, {KEY}, Column("n", Integer, index=True), schema="Shop")\n',
    ),
    "partitioned table": (items(), items() + parted()),
    "parts of a partitioned table": (
        items() + parted(),
        items()
        + parted(
            'Column("n", Integer, nullable=False, index=True)',
            'CheckConstraint("n > 0", name="c")',
            'UniqueConstraint("id", "n", name="u")',
        ),
    ),
    "comments of parts": (
        items('CheckConstraint("id > 0", name="c")', 'Index("i", "name")'),
        items(
            'CheckConstraint("id > 0", name="c", info={"comment": "x"})',
            'Index("i", "name", info={"comment": "y"})',
        ),
    ),
    "sequence": (
        items(),
        'numbers = Sequence("numbers", metadata=metadata)\n'
        + items('Column("n", Integer, server_default=numbers.next_value())'),
    ),
    "volatile default": (
        items(),
        items(
            'Column("u", UUID, server_default=text("gen_random_uuid()"), nullable=False,'
            " unique=True)"
        ),
    ),
}


OPERATIONS: Mapping[str, set[type[MigrateOperation]]] = {
    "type": {ChangeColumnOp, BringBackOp, DropDefinedIndexOp},
    "serial to identity": {
        *(AlterIdentityOp, SerialForIdentityOp, IdentityForSerialOp),
        *(CreateFormerSequenceOp, DropFormerSequenceOp, RewrittenOp),
    },
    "a column with all that it has": {
        *(AddCheckOp, AddDefinedOp, DropDefinedColumnOp, DropDefinedOp, SafeOp),
    },
    "expression": {CreatePartOp, DropPartOp},
    "name of a check": {RenameConstraintOp},
    "primary key": {AddSerialOp, DropSerialOp},
    "comments of a table with a quote": {TableCommentOp},
    "comments of parts": {CommentOp},
    "domain": {AlterEntityOp},
    "table": {DropDefinedTableOp},
    "schema": {CreateSchemaOp, DropSchemaOp},
    "function that a new index calls": {
        *(CreateEntityOp, DropEntityOp, FindResultOp, UnlessFoundOp),
    },
    "function that reads the table whose default calls it": {UncheckedBodiesOp},
}
"""The kinds of operations of which each change has at least one, in its short form as well."""
OF_LIVE_FORM = {FillColumnOp: "volatile default", NotedOp: "exclusion constraint"}
ELSEWHERE = {
    UndecidedOp: "it does not run until it is edited",
    LaterOp: "likewise",
    AddValuesOp: "test_second_run_of_each_kind.py",
    ReplaceEntityOp: "test_second_run_of_each_kind.py",
    DropExpressionOp: "test_generated_columns.py: its opposite needs a decision",
    GenerateOnceOp: "test_generated_columns.py",
    AlterSerialOp: "test_sequences_of_columns.py: after a change by hand",
    SetUpPartOp: "test_generated_columns.py",
}


@pytest.fixture
def project(tmp_path: Path, empty_database: str) -> Project:
    return Project.begun(tmp_path, empty_database)


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> set[type[MigrateOperation]]:
    """Return the kinds of the operations that are written from now on."""
    kinds: set[type[MigrateOperation]] = set()

    def render(context: AutogenContext, operations: Sequence[MigrateOperation]) -> str:
        kinds.update(map(type, nested(operations)))
        return render_body(context, operations)

    monkeypatch.setattr(rendered, "render_body", render)
    return kinds


def nested(operations: Iterable[MigrateOperation]) -> Iterator[MigrateOperation]:
    """Yield operations, and those that they contain."""
    for each in operations:
        yield each
        if isinstance(each, OpContainer):
            yield from nested(each.ops)


@pytest.mark.exhaustive  # each generates three revisions and runs each of them several times
@pytest.mark.filterwarnings("error::UserWarning", "ignore:Computed column")
@pytest.mark.parametrize("form", ["live=yes", "live=no"], ids=["long", "short"])
@pytest.mark.parametrize("change", CHANGES)
def test_change_runs_over_its_own_result_there_and_back(
    project: Project, written: set[type[MigrateOperation]], change: str, form: str
) -> None:
    old, new = CHANGES[change]
    options = ", entities=entities" if "entities = " in old else ""
    project.declare(old, options)
    project.revise()
    command.upgrade(project.config, "head")
    for target in (new, old):
        project.declare(target, options)
        revise_there_and_back(project, form)
    expected = {*OPERATIONS.get(change, ())}
    if form == "live=yes":
        expected |= {kind for kind, name in OF_LIVE_FORM.items() if name == change}
    assert expected - written == set()


def test_each_kind_of_operation_is_among_the_changes() -> None:
    covered = {*chain(*OPERATIONS.values()), *OF_LIVE_FORM, *ELSEWHERE}
    assert operations_of_ours() - covered == set()
    assert {*OPERATIONS, *OF_LIVE_FORM.values()} - {*CHANGES} == set()
