"""What an adoption refuses, keeps, drops and tells, and how it goes on."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import text

from tests.adopt.contents import assert_kept, connected, parts_of, rows_of
from tests.adopt.decided import decisions_for
from tests.adopt.products import Product, load
from tests.support.dump import dump
from townhall.adopt import Decisions, adopt, look
from townhall.check import CheckError, check
from townhall.migrate import alembic_config, downgrade


@pytest.mark.exhaustive
def test_downgrade_tells_what_a_converted_column_does_not_take_back(
    owned_database: str, townhall_server: str, caplog: pytest.LogCaptureFixture
) -> None:
    with connected(owned_database) as connection:
        connection.execute(text(_WITH_OTHER_TYPES))
        connection.commit()
    decisions = Decisions(
        {'policy public.campaigns "active ones"': "drop", "policy public.campaigns own": "drop"},
        convert={"public.campaigns.id": "gen_random_uuid()"},
    )
    adopt(owned_database, decisions, scratch=townhall_server)
    assert "which no revision made" not in caplog.text  # it was decided to go
    downgrade(owned_database, "base")
    told = caplog.text
    assert "alter column id set default nextval" in told
    assert "is of type uuid but default expression is of type bigint" in told
    assert 'create policy "active ones"' in told
    with connected(owned_database) as connection:
        assert connection.scalars(text("select name from campaigns")).all() == ["Spring"]
        assert connection.scalars(text("select policyname from pg_policies")).all() == ["own"]


_WITH_OTHER_TYPES = """
    create type stage as enum ('draft', 'active');
    create table public.campaigns (
        id serial primary key, name text not null, status stage not null default 'active'
    );
    alter table public.campaigns enable row level security;
    create policy "active ones" on public.campaigns for select using (status = 'active');
    create policy own on public.campaigns for select using (name = 'Spring');
    insert into public.campaigns (name) values ('Spring')
"""


@pytest.fixture
def undecided(owned_database: str) -> str:
    """Return the URL of a Supabase starter, as the ordinary role that owns it."""
    load(owned_database, Product.STARTER)
    return owned_database


@pytest.mark.exhaustive
def test_what_is_not_decided_is_named_and_nothing_changed(
    undecided: str, townhall_server: str
) -> None:
    before = dump(undecided)
    with pytest.raises(CommandError, match="nothing was changed") as refused:
        adopt(undecided, scratch=townhall_server)
    assert 'policy public.profiles "Public profiles are viewable by everyone."' in str(
        refused.value
    )
    assert "--decisions" in str(refused.value)
    assert "\n" not in str(refused.value)
    assert dump(undecided) == before


@pytest.mark.exhaustive
@pytest.mark.parametrize("stop", range(0, 70, 6))
def test_interrupted_adoption_goes_on(stop: int, owned_database: str, townhall_server: str) -> None:
    load(owned_database, Product.FEED)
    before = rows_of(owned_database)
    decisions = decisions_for(Product.FEED, owned_database, townhall_server)
    told: list[str] = []

    def interrupt(title: str) -> None:
        told.append(title)
        if len(told) > stop:
            raise KeyboardInterrupt

    with suppress(KeyboardInterrupt):
        adopt(owned_database, decisions, scratch=townhall_server, tell=interrupt)
    assert adopt(owned_database, decisions, scratch=townhall_server).differences == []
    assert adopt(owned_database, decisions, scratch=townhall_server).done == []
    downgrade(owned_database, "base")
    assert_kept(before, rows_of(owned_database))


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    ("product", "step"),
    [
        (Product.HALF, "fill campaign_id of public.participant_sessions"),
        (Product.HALF, "drop policy public.participant_sessions"),
        (Product.TENANTS, "constraint participant_sessions_tenant_id_fkey"),
    ],
)
def test_adoption_interrupted_at_a_step_goes_on_with_the_same_decisions(
    product: Product, step: str, owned_database: str, townhall_server: str
) -> None:
    """Those about a table that the upgrade has renamed are about its former name."""
    load(owned_database, product)
    before = rows_of(owned_database)
    decisions = decisions_for(product, owned_database, townhall_server)

    def interrupt(title: str) -> None:
        if step in title and not title.startswith("rename"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        adopt(owned_database, decisions, scratch=townhall_server, tell=interrupt)
    assert adopt(owned_database, decisions, scratch=townhall_server).differences == []
    assert adopt(owned_database, decisions, scratch=townhall_server).done == []
    downgrade(owned_database, "base")
    assert_kept(before, rows_of(owned_database))


@pytest.mark.exhaustive
def test_dropped_triggers_count_nothing_and_later_policies_are_drift(
    owned_database: str, townhall_server: str
) -> None:
    load(owned_database, Product.FEED)
    decisions = decisions_for(Product.FEED, owned_database, townhall_server)
    adopt(owned_database, decisions, scratch=townhall_server)
    with connected(owned_database) as connection:
        connection.execute(
            text(
                """
                insert into social_feed_reactions (post_id, user_id, reaction_type)
                select '00000000-0000-4000-8000-000000000052', author_id, reaction_type
                from social_feed_posts,
                    unnest(array['encourage', 'celebrate', 'insightful']) as reaction_type
                where id = '00000000-0000-4000-8000-000000000051'
                """
            )
        )
        counts = connection.scalars(
            text("select reaction_count from social_feed_posts order by reaction_count")
        )
        assert counts.all() == [2, 3]
        depths = connection.scalars(text("select depth from social_feed_comments order by depth"))
        assert depths.all() == [0, 1]
        connection.execute(
            text("create policy later on social_feed_posts for select to public using (true)")
        )
        connection.commit()
    with pytest.raises(CommandError, match="later"):
        command.check(alembic_config(owned_database))
    findings = check(owned_database, scratch=townhall_server).findings
    assert [each.object for each in findings if each.is_drift] == [
        "policy public.social_feed_posts later"
    ]
    with pytest.raises(CommandError, match=r"policy public\.social_feed_posts later needs"):
        adopt(owned_database, decisions, scratch=townhall_server)


@pytest.mark.exhaustive
def test_what_others_add_later_stays_when_a_database_is_adopted_again(
    undecided: str, townhall_server: str, caplog: pytest.LogCaptureFixture
) -> None:
    decisions = decisions_for(Product.STARTER, undecided, townhall_server)
    adopt(undecided, decisions, scratch=townhall_server)
    with connected(undecided) as connection:
        connection.exec_driver_sql(
            """
            alter table profiles add column nickname text;
            update profiles set nickname = 'Ad';
            create index on profiles (nickname);
            create policy later on profiles for select to anon using (false)
            """
        )
        connection.commit()

    later = Decisions({"policy public.profiles later": "keep"})
    adopt(undecided, later, scratch=townhall_server)
    assert kept_by_check(undecided, townhall_server) == kept_by_alembic(undecided, caplog)
    with connected(undecided) as connection:
        connection.exec_driver_sql("create policy gone on profiles using (false)")
        connection.commit()
    adopt(undecided, Decisions({"policy public.profiles gone": "keep"}), scratch=townhall_server)
    assert "table" not in kept_by_check(undecided, townhall_server)  # Alembic's is its own
    assert "2 policies" in kept_by_check(undecided, townhall_server)
    with connected(undecided) as connection:
        connection.exec_driver_sql("drop policy gone on profiles")
        connection.commit()
    assert "1 policy" in kept_by_check(undecided, townhall_server)
    assert kept_by_check(undecided, townhall_server) == kept_by_alembic(undecided, caplog)
    downgrade(undecided, "base")

    parts = parts_of(undecided)
    assert "policy profiles later" in parts
    assert [each for each in parts if "profiles_nickname_idx" in each]
    assert {row["nickname"] for row in rows_of(undecided)["profiles"].values()} == {"Ad"}


def kept_by_check(url: str, server: str) -> str:
    """Return how much was kept, as ``townhall check`` counts it."""
    (answer,) = [each for each in check(url, scratch=server).answers if each.question == "kept"]
    return answer.answer


def kept_by_alembic(url: str, caplog: pytest.LogCaptureFixture) -> str:
    """Return how much was kept, as ``alembic check`` counts it."""
    caplog.clear()
    command.check(alembic_config(url))
    (told,) = [each for each in caplog.messages if "kept when" in each]
    return told.partition(": ")[2]


@pytest.mark.exhaustive
def test_rows_are_filled_where_policies_are_forced(undecided: str, townhall_server: str) -> None:
    with connected(undecided) as connection:
        connection.exec_driver_sql("alter table profiles force row level security")
        connection.commit()
    told = {each.kind for each in look(undecided, scratch=townhall_server).findings}
    assert "forced row level security" in told
    decisions = decisions_for(Product.STARTER, undecided, townhall_server)
    assert adopt(undecided, decisions, scratch=townhall_server).done
    told = {each.kind for each in look(undecided, scratch=townhall_server).findings}
    assert "forced row level security" not in told
    downgrade(undecided, "base")
    with connected(undecided) as connection:
        forced = "select relforcerowsecurity from pg_class where oid = 'profiles'::regclass"
        assert connection.scalar(text(forced))


@pytest.mark.exhaustive
def test_history_of_another_application_is_told_and_nothing_changed(
    undecided: str, townhall_server: str
) -> None:
    with connected(undecided) as connection:
        connection.exec_driver_sql(
            """
            create table alembic_version (version_num varchar(32) primary key);
            insert into alembic_version values ('1975ea83b712')
            """
        )
        connection.commit()
    before = dump(undecided)
    with pytest.raises(CommandError, match=r"1975ea83b712.*--config"):
        adopt(undecided, scratch=townhall_server)
    assert dump(undecided) == before


@pytest.mark.thorough
def test_table_of_own_revisions_and_of_pending_ones_is_told(
    owned_database: str, townhall_server: str, tmp_path: Path
) -> None:
    (tmp_path / "versions").mkdir()
    (tmp_path / "versions" / "own.py").write_text(_OWN_REVISION)
    (tmp_path / "env.py").write_text("from townhall import migrate\n\nmigrate.run()\n")
    ini = tmp_path / "alembic.ini"
    ini.write_text(
        "[alembic]\nscript_location = %(here)s\npath_separator = space\n"
        "version_locations = %(here)s/versions townhall:alembic/versions\n"
    )
    config = Config(ini)
    config.attributes["url"] = owned_database
    command.upgrade(config, "own_0001")
    with pytest.raises(CheckError, match=r"public\.profiles is created by .* townhall_0002"):
        adopt(owned_database, config=ini, scratch=townhall_server)


_OWN_REVISION = """
from alembic import op

revision = "own_0001"
down_revision = None


def upgrade() -> None:
    op.execute("create table profiles (id uuid primary key)")
"""
