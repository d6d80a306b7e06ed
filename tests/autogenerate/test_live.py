"""Generated revisions change tables in use without long exclusive locks, and can run again."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from alembic import command
from alembic.util import CommandError
from sqlalchemy import Engine, event

from tests.autogenerate.project import OWNERS, Project, items, run_twice
from tests.support.dump import dump


@pytest.fixture(params=[None, pytest.param("Shop", marks=pytest.mark.exhaustive)])
def project(request: pytest.FixtureRequest, tmp_path: Path, empty_database: str) -> Project:
    return Project.begun(tmp_path, empty_database, request.param)


CHANGES = {
    "index": ('Index("by_name", "name")', "safety.create_index("),
    "index with options": (
        (
            'Index("by_Price", "Price", unique=True, postgresql_where=text("name <> \'\\\\:x\'"),'
            ' postgresql_include=["id"])'
        ),
        "safety.create_index(",
    ),
    "index of an expression": (
        'Index("by_lower_name", text("lower(name)"), postgresql_using="btree")',
        "safety.create_index(",
    ),
    "unique constraint": ('UniqueConstraint("Price", "name", name="key")', "safety.add_unique("),
    "unique constraint with options": (
        ('UniqueConstraint("Price", name="key", postgresql_nulls_not_distinct=True)'),
        "safety.add_unique(",
    ),
    "deferrable unique constraint": (
        'UniqueConstraint("Price", name="key", deferrable=True, initially="DEFERRED")',
        "safety.add_unique(",
    ),
    "check": ('CheckConstraint(\'"Price" > 0\', name="positive")', "safety.add_constraint("),
    "foreign key": (
        (
            'ForeignKeyConstraint(["owner_id"], ["{}owners.id"], name="owned", ondelete="CASCADE",'
            " deferrable=True)"
        ),
        "safety.add_constraint(",
    ),
    "not null": ('Column("name", Text, nullable=False)', "safety.set_not_null("),
}


def every_change(project: Project) -> list[str]:
    # Two keys can't have the same name.
    names = [each for each in CHANGES if "unique constraint" not in each or "with" in each]
    return [changed(project, name)[0] for name in names]


def changed(project: Project, name: str) -> tuple[str, str]:
    declaration, call = CHANGES[name]
    return declaration.replace("{}", f"{project.schema}." if project.schema else ""), call


@pytest.mark.parametrize(
    "name",
    [
        each if each in {"index", "not null"} else pytest.param(each, marks=pytest.mark.thorough)
        for each in CHANGES
    ],
)
def test_change_of_a_table_in_use_is_a_call_of_safety_that_can_run_again_both_ways(
    project: Project, name: str
) -> None:
    declaration, call = changed(project, name)
    project.declare(items())
    project.revise()
    command.upgrade(project.config, "head")
    before = dump(project.database)
    project.declare(items(declaration))
    (revision,) = project.revise()
    assert call in revision
    assert "op." not in revision.partition("def upgrade")[2].partition("def downgrade")[0]
    run_twice(project, 1)
    command.check(project.config)
    after = dump(project.database)

    project.declare(items())
    (back,) = project.revise()
    command.upgrade(project.config, "head")
    assert call in back.partition("def downgrade")[2]
    assert dump(project.database) == before
    command.downgrade(project.config, "-1")
    assert dump(project.database) == after
    command.downgrade(project.config, "-1")
    assert dump(project.database) == before


@pytest.mark.exhaustive
def test_operations_that_need_no_care_have_a_revision_of_their_own(project: Project) -> None:
    project.declare(items())
    project.revise()
    command.upgrade(project.config, "head")
    before = dump(project.database)
    project.declare(items('Column("size", Integer, index=True)', *every_change(project)))
    plain, live = project.revise()
    assert "add_column" in plain
    assert "safety." not in plain.partition("def upgrade")[2]
    upgrade = live.partition("def upgrade")[2].partition("def downgrade")[0]
    assert upgrade.count("safety.") == len(every_change(project)) + 1
    run_twice(project, 2)
    command.check(project.config)
    after = dump(project.database)

    project.declare(items())
    drops, plain = project.revise()
    assert "drop_column" in plain
    assert "safety.drop_index" in drops
    command.upgrade(project.config, "head")
    assert dump(project.database) == before
    command.downgrade(project.config, "-2")
    assert sorted(dump(project.database).split()) == sorted(after.split())


@pytest.mark.thorough
def test_new_table_has_its_constraints_and_indexes_at_once(project: Project) -> None:
    project.declare(OWNERS)
    project.revise()
    command.upgrade(project.config, "head")
    project.declare(items(*every_change(project)))
    (revision,) = project.revise()
    assert "import safety" not in revision


@pytest.mark.exhaustive
@pytest.mark.parametrize(("argument", "option"), [("live=no", ""), ("", ", live=False")])
def test_short_form_is_written_on_request(project: Project, argument: str, option: str) -> None:
    project.declare(items())
    project.revise()
    command.upgrade(project.config, "head")
    project.declare(items(*every_change(project)), option)
    (revision,) = project.revise(*filter(None, [argument]))
    assert "safety.create_index" not in revision
    run_twice(project, 1)
    command.check(project.config)


def with_code(*parts: str) -> str:
    columns = ('Column("id", Integer, primary_key=True)', 'Column("code", Text)')
    return f'owners = Table("owners", metadata, {", ".join([*columns, *parts])})\n'


WITH_KEY = with_code('UniqueConstraint("code", name="by_code")') + (
    'Table("items", metadata, Column("id", Integer, primary_key=True),'
    ' Column("code", Text, ForeignKey(owners.c.code)))\n'
)


@pytest.mark.thorough
@pytest.mark.parametrize(("old", "new"), [(with_code(), WITH_KEY), (WITH_KEY, with_code())])
def test_key_comes_and_goes_without_long_locks_with_the_table_that_refers_to_it(
    project: Project, old: str, new: str
) -> None:
    project.declare(old)
    project.revise()
    command.upgrade(project.config, "head")
    project.declare(new)
    revisions = project.revise()
    assert sum("safety.add_unique(" in each for each in revisions) == 1
    run_twice(project, len(revisions))
    command.check(project.config)


@pytest.mark.thorough
def test_form_that_would_not_run_on_tables_in_use_is_told(
    project: Project, caplog: pytest.LogCaptureFixture
) -> None:
    numbers = 'Column("number", Integer, nullable=False)'
    project.declare(f'Table("owners", metadata, {numbers})\n')
    project.revise()
    command.upgrade(project.config, "head")
    key = 'PrimaryKeyConstraint("number", name="by_number")'
    project.declare(
        f'owners = Table("owners", metadata, {numbers}, {key})\n'
        'Table("items", metadata, Column("id", ForeignKey(owners.c.number), primary_key=True))\n'
    )
    (revision,) = project.revise()
    assert "# This revision locks tables in use" in revision
    (told,) = [each for each in caplog.messages if "locks tables in use" in each]
    assert "no unique constraint matching given keys" in told
    run_twice(project, 1)
    command.check(project.config)


PARTITIONS = """
    create table {schema}first partition of {schema}parts for values in (1) partition by list (id);
    create table {schema}first_one partition of {schema}first default;
    create table {schema}others partition of {schema}parts default;
    create index on {schema}others (id)
"""


@pytest.mark.exhaustive
def test_index_of_a_partitioned_table_is_built_on_one_partition_after_the_other(
    project: Project,
) -> None:
    table = (
        'Table("parts", metadata, Column("id", Integer), {}postgresql_partition_by="list (id)")\n'
    )
    schema = f'"{project.schema}".' if project.schema else ""
    project.declare(table.replace("{}", ""))
    project.revise()
    command.upgrade(project.config, "head")
    project.execute(PARTITIONS.format(schema=schema))
    before = dump(project.database)
    project.declare(table.replace("{}", 'Index("by_id", "id"), '))
    (revision,) = project.revise()
    assert "safety.create_index(" in revision
    run_twice(project, 1)
    command.check(project.config)
    indexes = project.values(
        "select c.relname, c.relispartition, i.indisvalid from pg_index as i"
        " join pg_class as c on c.oid = i.indexrelid where c.relnamespace::regnamespace::text"
        " in ('public', '\"Shop\"') and c.relname <> 'alembic_version_pkc' order by 1"
    )
    assert indexes == [
        ("by_id", False, True),
        ("first_id_idx", True, True),
        ("first_one_id_idx", True, True),
        ("others_id_idx", False, True),
        ("others_id_idx1", True, True),
    ]
    command.downgrade(project.config, "-1")
    assert dump(project.database) == before


@pytest.mark.thorough
def test_unique_index_of_partitions_is_completed_after_a_failed_build(project: Project) -> None:
    table = (
        'Table("parts", metadata, Column("id", Integer), {}postgresql_partition_by="list (id)")\n'
    )
    schema = f'"{project.schema}".' if project.schema else ""
    project.declare(table.replace("{}", ""))
    project.revise()
    command.upgrade(project.config, "head")
    project.execute(PARTITIONS.format(schema=schema))
    project.execute(f"insert into {schema}parts values (1), (2), (2)")
    project.declare(table.replace("{}", 'Index("by_id", "id", unique=True), '))
    project.revise()
    with pytest.raises(CommandError, match="could not create unique index"):
        command.upgrade(project.config, "head")
    project.execute(f"delete from {schema}others where ctid = '(0,1)'")
    command.upgrade(project.config, "head")
    command.check(project.config)


@pytest.mark.exhaustive
def test_check_of_a_partitioned_table_is_validated_apart(project: Project) -> None:
    table = (
        'Table("parts", metadata, Column("id", Integer), Column("name", Text{null}), {check}'
        'postgresql_partition_by="list (id)")\n'
    )
    project.declare(table.format(null="", check=""))
    project.revise()
    command.upgrade(project.config, "head")
    name = f'"{project.schema}".parts' if project.schema else "parts"
    project.execute(f"create table partition_of_parts partition of {name} default")
    check = "CheckConstraint('id > 0', name='positive'), "
    project.declare(table.format(null=", nullable=False", check=check))
    (revision,) = project.revise()
    assert "safety.add_constraint(" in revision
    assert "safety.set_not_null(" in revision
    run_twice(project, 1)
    command.check(project.config)


@pytest.mark.thorough
def test_key_that_a_new_table_refers_to_is_added_before_it(project: Project) -> None:
    project.declare(items())
    project.revise()
    command.upgrade(project.config, "head")
    target = f"{project.schema}.items.name" if project.schema else "items.name"
    project.declare(
        items('UniqueConstraint("name", name="key")')
        + f'Table("tags", metadata, Column("name", ForeignKey("{target}"), primary_key=True))\n'
    )
    project.revise()
    command.upgrade(project.config, "head")
    command.check(project.config)
    command.downgrade(project.config, "base")


@pytest.mark.exhaustive
def test_identity_is_added_and_dropped_over_its_own_result(project: Project) -> None:
    project.declare(items())
    project.revise()
    command.upgrade(project.config, "head")
    project.declare(items('Column("owner_id", Integer, Identity(always=True), nullable=False)'))
    run_twice(project, len(project.revise()))
    command.check(project.config)


WITHOUT_REWRITE = {
    "volatile default": (
        'Column("n", UUID, server_default=text("gen_random_uuid()"), nullable=False)'
    ),
    "volatile default of a nullable column": (
        'Column("n", UUID, server_default=text("gen_random_uuid()"))'
    ),
    "default of a sequence": (
        'Column("n", Integer, server_default=Sequence("nums", metadata=metadata).next_value(),'
        " nullable=False)"
    ),
    "serial": 'Column("n", Integer, primary_key=True)',
    "identity": 'Column("n", BigInteger, Identity(always=True, start=10, increment=5))',
    "identity key": 'Column("n", SmallInteger, Identity(), primary_key=True)',
    "constant default": 'Column("n", Integer, server_default="7", nullable=False)',
    "stable default": 'Column("n", DateTime, server_default=func.now(), nullable=False)',
}


def logs(*more: str) -> str:
    """Return the source of a table without a key, with more columns or constraints."""
    columns = ", ".join(['Column("a", Integer)', *more])
    return f'Table("logs", metadata, {columns})\n'


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    "name",
    [
        each
        if each in {"volatile default", "identity"}
        else pytest.param(each, marks=pytest.mark.thorough)
        for each in WITHOUT_REWRITE
    ],
)
def test_new_column_of_a_table_in_use_is_filled_without_writing_the_table_anew(
    project: Project, name: str
) -> None:
    project.declare(logs())
    project.revise()
    command.upgrade(project.config, "head")
    table = f'"{project.schema}".logs' if project.schema else "logs"
    project.execute(f"insert into {table} select n from generate_series(1, 2000) as n")
    before = project.values(f"select pg_relation_filenode('{table}')")
    project.declare(logs(WITHOUT_REWRITE[name]))
    revisions = project.revise()
    run_twice(project, len(revisions))
    command.check(project.config)
    assert project.values(f"select pg_relation_filenode('{table}')") == before
    project.execute(f"insert into {table} (a) values (0)")
    distinct = 1 if name in {"constant default", "stable default"} else 2001
    distinct += name == "stable default"
    assert project.values(f"select count(n), count(distinct n) from {table}") == [(2001, distinct)]
    command.downgrade(project.config, f"-{len(revisions)}")


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    ("declaration", "why"),
    [
        (
            'Column("n", Integer, Computed("a * 2", persisted=True))',
            "PostgreSQL writes the whole table anew for this column",
        ),
        (
            'postgresql.ExcludeConstraint(("a", "="), using="btree", name="one_each")',
            "PostgreSQL can't build an exclusion constraint concurrently",
        ),
    ],
    ids=["stored generated column", "exclusion constraint"],
)
def test_change_that_blocks_a_table_in_use_says_so(
    project: Project, declaration: str, why: str
) -> None:
    project.declare(logs())
    project.revise()
    command.upgrade(project.config, "head")
    project.declare(logs(declaration))
    (revision,) = project.revise()
    assert f"# {why}" in revision.partition("def downgrade")[0]
    run_twice(project, 1)
    command.check(project.config)

    project.declare(logs())
    (back,) = project.revise()
    assert f"# {why}" in back.partition("def downgrade")[2]
    run_twice(project, 1)


@pytest.mark.exhaustive
def test_revisions_that_are_interrupted_again_and_again_are_completed_by_the_next_run(
    project: Project,
) -> None:
    project.declare(items() + logs())
    project.revise()
    command.upgrade(project.config, "head")
    columns = [
        WITHOUT_REWRITE["volatile default"],
        WITHOUT_REWRITE["identity"].replace('"n"', '"m"'),
    ]
    project.declare(items(*every_change(project)) + logs(*columns))
    project.revise()
    runs = itertools.count(1)
    while _is_interrupted(project, next(runs)):
        pass
    assert next(runs) > 10
    command.check(project.config)


def _is_interrupted(project: Project, after: int) -> bool:
    statements = itertools.count()

    def interrupt(*_: object) -> None:
        if next(statements) == 3 * after:
            raise ConnectionError

    event.listen(Engine, "before_cursor_execute", interrupt)
    try:
        command.upgrade(project.config, "head")
    except ConnectionError:
        return True
    finally:
        event.remove(Engine, "before_cursor_execute", interrupt)
    return False
