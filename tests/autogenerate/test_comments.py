"""Comments on constraints and indexes are declared by models and kept when these are recreated."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from tests.autogenerate.lab import SCHEMA, Lab, Schema
from townhall.pg import catalog

pytestmark = pytest.mark.thorough  # each generates revisions and runs them


def commented(text: str | None) -> dict[str, Any]:
    return {} if text is None else {"info": {"comment": text}}


def things(
    comment: str | None = "It's 100% :x.",
    *,
    is_other: bool = False,
    prefix: str = "",
    extra: bool = False,
) -> Schema:
    metadata = sa.MetaData()
    about = commented(comment)
    parts: list[sa.schema.SchemaItem] = [
        sa.Column("id", sa.Integer),
        sa.Column("size", sa.Integer, sa.CheckConstraint("size < 9", name="of column", **about)),
        sa.Column("other", sa.Integer),
        sa.Column("kind", sa.Enum("a", "b", name="Odd kind", schema=SCHEMA)),
        sa.PrimaryKeyConstraint("id", name=f"{prefix}Odd key", **about),
        sa.UniqueConstraint("size", name="Odd unique", deferrable=is_other or None, **about),
        sa.CheckConstraint("size > 1" if is_other else "size > 0", name="Odd check", **about),
        sa.ForeignKeyConstraint(
            ["other"],
            [f"{SCHEMA}.things.id"],
            name="Odd foreign key",
            ondelete="CASCADE" if is_other else None,
            comment=comment,
        ),
        sa.Index("Odd index", "other" if is_other else "size", **about),
    ]
    if extra:
        parts += [sa.Column("more", sa.Integer), sa.Index("of more", "more", **about)]
        parts.append(sa.UniqueConstraint("more", name="unique more", **about))
    sa.Table("things", metadata, *parts, schema=SCHEMA)
    return Schema(metadata)


CHANGES: dict[str, tuple[Schema, Schema]] = {
    "created": (Schema(), things()),
    "dropped": (things(), Schema()),
    "changed": (things(), things("Other.")),
    "removed": (things(), things(None)),
    "added": (things(None), things()),
    "recreated": (things(), things(is_other=True)),
    "recreated and changed": (
        things(),
        things("Other.", is_other=True),
    ),
    "recreated and removed": (
        things(),
        things(None, is_other=True),
    ),
    "renamed": (things(), things(prefix="renamed ")),
    "renamed and changed": (things(), things("Other.", prefix="renamed ")),
    "of a new column": (things(), things(extra=True)),
    "of a dropped column": (things(extra=True), things()),
}


@pytest.mark.exhaustive
@pytest.mark.parametrize(("old", "new"), CHANGES.values(), ids=CHANGES)
def test_comments_are_as_declared_both_ways(lab: Lab, old: Schema, new: Schema) -> None:
    lab.migrate(old)
    before = comments(lab)
    revision = lab.migrate(new)
    after = comments(lab)
    lab.run(revision.downgrade)
    assert comments(lab) == before
    assert lab.differences(old) == []
    lab.run(revision.upgrade)
    assert comments(lab) == after
    assert lab.differences(new) == []


DRIFTS = {
    "a constraint": ('comment on constraint "Odd check" on lab.things is null', "Odd check"),
    "a key": ("comment on constraint \"Odd key\" on lab.things is 'x'", "Odd key"),
    "a foreign key": ('comment on constraint "Odd foreign key" on lab.things is null', "Odd for"),
    "an index": ('comment on index lab."Odd index" is null', "comment_index"),
}


@pytest.mark.exhaustive
@pytest.mark.parametrize(("sql", "named"), DRIFTS.values(), ids=DRIFTS)
def test_comment_changed_by_hand_is_reported_and_repaired(lab: Lab, sql: str, named: str) -> None:
    lab.migrate(things())
    before = comments(lab)
    lab.connection.exec_driver_sql(sql)
    assert named in "".join(lab.differences(things()))
    lab.migrate(things())
    assert comments(lab) == before


def comments(lab: Lab) -> dict[str, Any]:
    """Return the comment on every thing in the lab."""
    everything = catalog.read_everything(lab.connection, [SCHEMA])
    return {thing: facts["comment"] for thing, facts in everything.items() if "comment" in facts}
