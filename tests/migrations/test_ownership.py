"""What a run needs of its role, where tables are there that no revision made."""

from __future__ import annotations

import pytest
from alembic.util import CommandError
from sqlalchemy import make_url

from tests.support.dump import dump
from tests.support.foreign import TABLES, create_tables, run
from townhall.migrate import upgrade
from townhall.testing.databases import with_role

PROFILES = [table for table in TABLES if table.name == "profiles"]


@pytest.mark.thorough
def test_table_of_another_owner_is_refused_before_the_first_change(
    empty_database: str, townhall_owner: str | None
) -> None:
    create_tables(empty_database, PROFILES)
    before = dump(empty_database)
    with pytest.raises(CommandError, match=r"- public\.profiles belongs to postgres"):
        upgrade(with_role(empty_database, townhall_owner))
    assert dump(empty_database) == before


@pytest.mark.thorough
def test_role_without_temporary_objects_is_refused_before_the_first_change(
    owned_database: str,
) -> None:
    create_tables(owned_database, PROFILES)
    name = make_url(owned_database).database
    run(owned_database, f"revoke temporary on database {name} from public, current_user")
    before = dump(owned_database)
    with pytest.raises(CommandError, match=f"Grant it: grant temporary on database {name} to"):
        upgrade(owned_database)
    assert dump(owned_database) == before
