"""Keys and foreign keys come to a partitioned table in use in one partition after the other."""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from alembic import command
from alembic.util import CommandError

from tests.autogenerate.project import Project, revise_there_and_back, run_twice
from tests.support.dump import dump
from townhall.testing.databases import Databases

TABLES = (
    'Table("refs", metadata, Column("id", Integer, primary_key=True))\n'
    'Table("parts", metadata, Column("id", Integer, nullable=False, autoincrement=False),'
    ' Column("ref", Integer), {}postgresql_partition_by="list (id)")\n'
)
PARTITIONS = """
    create table first partition of parts for values in (1) partition by list (id);
    create table first_one partition of first default;
    create table others partition of parts default;
    insert into refs values (1), (2);
    insert into parts values (1, 1), (2, 2), (3, null)
"""
KEYS = {
    "unique constraint": 'UniqueConstraint("id", name="key")',
    "unique constraint with options": (
        'UniqueConstraint("id", "ref", name="key", deferrable=True, initially="DEFERRED",'
        " postgresql_nulls_not_distinct=True)"
    ),
    "primary key": 'PrimaryKeyConstraint("id", name="key")',
    "foreign key": 'ForeignKeyConstraint(["ref"], ["refs.id"], name="key", ondelete="CASCADE")',
}


@pytest.fixture
def project(tmp_path: Path, server: Databases) -> Iterator[Project]:
    with server.create() as url:
        project = Project.begun(tmp_path, url)
        project.declare(TABLES.format(""))
        project.revise()
        command.upgrade(project.config, "head")
        project.execute(PARTITIONS)
        yield project


@pytest.mark.parametrize(
    "kind",
    [
        each if each == "foreign key" else pytest.param(each, marks=pytest.mark.exhaustive)
        for each in KEYS
    ],
)
def test_key_of_a_partitioned_table_is_added_in_each_partition_and_can_run_again(
    project: Project, kind: str
) -> None:
    before = dump(project.database)
    project.declare(TABLES.format(f"{KEYS[kind]}, "))
    (revision,) = project.revise()
    assert "partitioned=True" in revision
    run_twice(project, 1)
    command.check(project.config)
    keys = project.values(
        "select conrelid::regclass::text, convalidated, conparentid = 0 from pg_constraint"
        " where conname not in ('refs_pkey', 'alembic_version_pkc') and contype in ('p', 'u', 'f')"
        " and connamespace = 'public'::regnamespace order by 1"
    )
    assert keys == [
        ("first", True, False),
        ("first_one", True, False),
        ("others", True, False),
        ("parts", True, True),
    ]
    assert project.values("select indrelid::regclass from pg_index where not indisvalid") == []
    command.downgrade(project.config, "-1")
    assert dump(project.database) == before


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    ("kind", "row"),
    [("unique constraint", "2, 2"), ("primary key", "2, 2"), ("foreign key", "4, 9")],
)
def test_row_that_breaks_a_key_of_partitions_is_named_and_the_next_run_adds_it(
    project: Project, kind: str, row: str
) -> None:
    before = dump(project.database)
    project.declare(TABLES.format(f"{KEYS[kind]}, "))
    project.revise()
    project.execute(f"insert into parts values ({row})")
    with pytest.raises(CommandError, match="key"):
        command.upgrade(project.config, "head")
    assert dump(project.database) == before
    project.execute("delete from parts where ctid = '(0,3)'")
    command.upgrade(project.config, "head")
    command.check(project.config)


@pytest.mark.exhaustive
@pytest.mark.parametrize("kind", KEYS)
def test_script_adds_a_key_of_a_partitioned_table_at_once(project: Project, kind: str) -> None:
    project.declare(TABLES.format(f"{KEYS[kind]}, "))
    project.revise()
    config = project.config
    config.output_buffer = StringIO()
    first, last = (each.revision for each in project.history())
    command.upgrade(config, f"{first}:{last}", sql=True)
    script = config.output_buffer.getvalue().replace("BEGIN;", "").replace("COMMIT;", "")
    project.execute(script.replace(":", r"\:"))
    command.check(project.config)


@pytest.mark.exhaustive
def test_interrupted_key_of_partitions_is_completed_by_the_next_run(project: Project) -> None:
    project.declare(TABLES.format(f"{KEYS['unique constraint']}, "))
    project.revise()
    project.execute("alter table only parts add constraint key unique (id)")
    project.execute("create unique index on others (id)")
    command.upgrade(project.config, "head")
    command.check(project.config)
    assert project.values("select indrelid::regclass from pg_index where not indisvalid") == []


@pytest.mark.thorough
def test_dropped_index_of_partitions_comes_back_in_one_after_the_other(project: Project) -> None:
    project.declare(TABLES.format('Index("found", "ref"), '))
    project.revise()
    command.upgrade(project.config, "head")
    project.execute(
        """
        alter index first_ref_idx rename to "Its ON ONLY parts";
        alter index first_one_ref_idx rename to "one's";
        comment on index "one's" is '50% :x';
        comment on index found is 'Found.'
        """.replace(":", r"\:")
    )
    project.declare(TABLES.format(""))
    revise_there_and_back(project, "live=yes")
    revision = Path(project.history()[-1].path).read_text()
    assert """safety.create_index("one's", "first_one", """ in revision
    assert "locks tables in use" not in revision
    project.execute("create table new partition of parts for values in (7)")
    command.downgrade(project.config, "-1")
    assert project.values("select indrelid::regclass from pg_index where not indisvalid") == []
