"""An ``env.py`` keeps the options of Alembic that say what ``migrate.run`` does anyway."""

from __future__ import annotations

import pytest
from alembic.util import CommandError

from townhall.migrate.alembic_options import ANYWAY, refuse_others


def test_options_that_say_what_is_done_anyway_are_taken() -> None:
    refuse_others(ANYWAY)
    refuse_others(dict.fromkeys(ANYWAY))


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        (
            "compare_type",
            False,
            "another compare_type than .*: types are always compared.*include_object",
        ),
        (
            "compare_type",
            lambda *_: None,
            "another compare_type than .*: types are always compared",
        ),
        (
            "compare_server_default",
            False,
            "another compare_server_default than .*: defaults are always compared",
        ),
        ("version_table", "mine", "another version_table than .*: .* public.alembic_version"),
        (
            "version_table_schema",
            "shop",
            "another version_table_schema than .*: .* public.alembic_version",
        ),
        ("include_schemas", False, "another include_schemas than .*: .* schemas="),
        ("render_as_batch", True, "another render_as_batch than .*: .* SQLite"),
        (
            "transaction_per_migration",
            False,
            "another transaction_per_migration than .*: .* of its own",
        ),
        ("sqlalchemy_module_prefix", "sqlalchemy.", "another sqlalchemy_module_prefix .* op, sa"),
        ("upgrade_token", "ups", "another upgrade_token than .*: .* for one database"),
        ("target_metadata", [], "option target_metadata: give it as metadata="),
        ("connection", None, "option connection: .*attributes"),
    ],
)
def test_option_with_another_value_is_refused(name: str, value: object, sentence: str) -> None:
    with pytest.raises(CommandError, match=sentence):
        refuse_others({name: value})


def test_table_with_the_revision_is_moved_where_the_database_has_another_one() -> None:
    options = {"version_table": "my versions", "version_table_schema": "shop"}
    with pytest.raises(CommandError) as refusal:
        refuse_others(options)
    assert (
        'alter table shop."my versions" set schema public;'
        ' alter table public."my versions" rename to alembic_version. Leave it out.'
    ) in str(refusal.value)


def test_other_parameter_is_refused_by_its_name() -> None:
    with pytest.raises(TypeError, match="metadatas"):
        refuse_others({"metadatas": []})
