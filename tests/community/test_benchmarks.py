"""The benchmarks: their figures, access to them, and their refresh."""

from __future__ import annotations

import secrets
import threading
from collections import defaultdict
from contextlib import contextmanager
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal
from statistics import fmean, median
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, func, insert, inspect, select, text, update
from sqlalchemy.exc import DBAPIError

from tests.community.accounts_and_posts import create_accounts
from tests.community.bulk_data import account, insert_founders_with_scores
from tests.community.data import PERSONAS
from tests.support.plans import plan_of
from townhall import (
    BenchmarkIndustryAggregate,
    BenchmarkStageAggregate,
    ConsentCategory,
    ConsentPreference,
    InvestorReadinessScore,
    Profile,
)
from townhall.domains.community import (
    BenchmarksNotRefreshedError,
    benchmarks_age,
    refresh_benchmarks,
)
from townhall.session import SessionFactory
from townhall.testing import Outcome, acting, delete_account, outcome

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from sqlalchemy import Connection, Engine, Row
    from sqlalchemy.orm import Session

AGE = benchmarks_age()
VIEWS = (BenchmarkStageAggregate, BenchmarkIndustryAggregate)
View = type[BenchmarkStageAggregate | BenchmarkIndustryAggregate]
Figures = dict[str, tuple[int, Decimal | None, Decimal | None]]


class Founder(NamedTuple):
    """A founder with their scores, the latest last."""

    stage: str | None = "seed"
    industry: str | None = "food"
    consent: bool | None = True
    other_consent: bool = True
    scores: list[Decimal] = []  # noqa: RUF012  never changed


SCORES = st.decimals(0, 100, places=2)
POPULATION = st.lists(
    st.builds(
        Founder,
        stage=st.sampled_from(["idea", "idea", "seed", "", None]),
        industry=st.sampled_from(["food", "health", None]),
        consent=st.sampled_from([True, True, True, False, None]),
        other_consent=st.booleans(),
        scores=st.lists(SCORES, max_size=3),
    ),
    max_size=24,
)


def _insert_founders(connection: Connection, population: list[Founder]) -> list[UUID]:
    """Insert accounts of founders, with the rows that the benchmarks are computed from."""
    accounts = create_accounts(connection, len(population))
    for user, founder in zip(accounts, population, strict=True):
        connection.execute(
            insert(Profile).values(id=user, stage=founder.stage, industry=founder.industry)
        )
        if founder.consent is not None:
            _insert_consent(connection, user, ConsentCategory.BENCHMARKS, enabled=founder.consent)
        _insert_consent(connection, user, ConsentCategory.DIRECTORY, enabled=founder.other_consent)
        for age, score in enumerate(reversed(founder.scores)):
            connection.execute(
                insert(InvestorReadinessScore).values(
                    user_id=user,
                    overall_score=score,
                    created_at=func.now() - text(f"interval '{age} days'"),
                )
            )
    return accounts


def _insert_consent(
    connection: Connection, user: UUID, category: ConsentCategory, *, enabled: bool
) -> None:
    connection.execute(
        insert(ConsentPreference).values(user_id=user, category=category, enabled=enabled)
    )


def _figures_in(connection: Connection, view: View) -> Figures:
    rows = connection.execute(select(view.__table__)).all()
    return {row[0]: (row.founder_count, row.avg_irs_score, row.median_irs_score) for row in rows}


def _expected(population: list[Founder], attribute: str) -> Figures:
    groups: dict[str, list[Founder]] = defaultdict(list)
    for founder in population:
        if founder.consent and getattr(founder, attribute) is not None:
            groups[getattr(founder, attribute)].append(founder)
    return {
        group: (len(founders), *_figures([f.scores[-1] for f in founders if f.scores]))
        for group, founders in groups.items()
        if len(founders) >= 5
    }


def _figures(scores: list[Decimal]) -> tuple[Decimal | None, Decimal | None]:
    if len(scores) < 5:
        return None, None
    cent = Decimal("0.01")
    average = sum(scores, Decimal()) / len(scores)
    return (
        average.quantize(cent, ROUND_HALF_UP),
        median(scores).quantize(cent, ROUND_HALF_UP),
    )


@pytest.mark.exhaustive
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(population=POPULATION)
def test_groups_and_figures_of_fewer_than_five_founders_are_hidden(
    connection: Connection, population: list[Founder]
) -> None:
    everything = connection.begin_nested()
    accounts = _insert_founders(connection, population)
    connection.execute(refresh_benchmarks())
    assert _figures_in(connection, BenchmarkStageAggregate) == _expected(population, "stage")
    assert _figures_in(connection, BenchmarkIndustryAggregate) == _expected(population, "industry")
    for number, founder in enumerate(population):
        if founder.consent:
            connection.execute(
                update(ConsentPreference)
                .where(ConsentPreference.user_id == accounts[number])
                .values(enabled=False)
            )
            population = [*population]
            population[number] = founder._replace(consent=False)
            break
    connection.execute(refresh_benchmarks())
    assert _figures_in(connection, BenchmarkStageAggregate) == _expected(population, "stage")
    assert _figures_in(connection, BenchmarkIndustryAggregate) == _expected(population, "industry")
    everything.rollback()


def test_group_of_five_is_shown_and_group_of_four_is_hidden(connection: Connection) -> None:
    scored = [Decimal(score) for score in (10, 20, 30, 40)]
    five = [Founder(scores=[score]) for score in [*scored, Decimal(90)]]
    accounts = _insert_founders(connection, five)
    connection.execute(refresh_benchmarks())
    assert _figures_in(connection, BenchmarkStageAggregate) == {
        "seed": (5, Decimal("38.00"), Decimal("30.00"))
    }
    connection.execute(
        delete(InvestorReadinessScore).where(InvestorReadinessScore.user_id == accounts[0])
    )
    connection.execute(refresh_benchmarks())
    assert _figures_in(connection, BenchmarkStageAggregate) == {"seed": (5, None, None)}
    connection.execute(update(Profile).where(Profile.id == accounts[0]).values(stage="idea"))
    connection.execute(refresh_benchmarks())
    assert _figures_in(connection, BenchmarkStageAggregate) == {}
    assert _figures_in(connection, BenchmarkIndustryAggregate) == {"food": (5, None, None)}


SCORE = Decimal("87.25")
"""The score of the founder that an attacker wants to know."""


def _puppets(count: int) -> list[Founder]:
    """Return the attacker's accounts, in the group of the founder, with scores that are known."""
    return [Founder(stage="rare", industry="many", scores=[Decimal(10)])] * count


@pytest.mark.parametrize(("puppets", "consent"), [(4, True), (4, False), (5, True), (5, False)])
def test_puppets_learn_of_one_founder_what_the_documentation_says(
    connection: Connection,
    *,
    puppets: int,
    consent: bool,
) -> None:
    founder = Founder(stage="rare", industry="many", consent=consent, scores=[SCORE])
    _insert_founders(connection, [*_puppets(puppets), founder])
    connection.execute(refresh_benchmarks())
    group = _figures_in(connection, BenchmarkStageAggregate).get("rare")
    if puppets == 4:
        assert (group is not None) == consent
    else:
        assert group is not None
        assert group[0] == puppets + consent
    if consent:
        assert group is not None
        _, average, _ = group
        assert average is not None
        members = puppets + 1
        assert abs(average * members - 10 * puppets - SCORE) <= members * ROUNDING


ROUNDING = Decimal("0.005")


def test_one_snapshot_of_both_views_gives_the_score_of_a_hidden_group(
    connection: Connection,
) -> None:
    seed = [Founder("seed", "food", scores=[Decimal(score)]) for score in (20, 35, 50, 65, 80)]
    alone = Founder("idea", "food", scores=[SCORE])
    _insert_founders(connection, [*seed, alone])
    connection.execute(refresh_benchmarks())
    stages = _figures_in(connection, BenchmarkStageAggregate)
    industries = _figures_in(connection, BenchmarkIndustryAggregate)
    assert [*stages, *industries] == ["seed", "food"]
    (shown, of_stage, _), (all_of_them, of_industry, _) = stages["seed"], industries["food"]
    assert of_stage is not None
    assert of_industry is not None
    assert all_of_them - shown == 1
    found = of_industry * all_of_them - of_stage * shown
    assert abs(found - SCORE) <= (all_of_them + shown) * ROUNDING


@pytest.mark.parametrize("way", ["says no", "takes it back", "leaves"])
def test_founder_who_withdraws_is_not_counted_after_a_refresh(
    connection: Connection, way: str
) -> None:
    six = [Founder(scores=[Decimal(50)])] * 6
    accounts = _insert_founders(connection, six)
    connection.execute(refresh_benchmarks())
    mine = ConsentPreference.user_id == accounts[0]
    with acting(connection, "authenticated", accounts[0]):
        if way == "says no":
            connection.execute(update(ConsentPreference).where(mine).values(enabled=False))
        elif way == "takes it back":
            connection.execute(delete(ConsentPreference).where(mine))
    if way == "leaves":
        delete_account(connection, accounts[0])
    for view in VIEWS:
        assert [count for count, *_ in _figures_in(connection, view).values()] == [6]
    connection.execute(refresh_benchmarks())
    for view in VIEWS:
        assert [count for count, *_ in _figures_in(connection, view).values()] == [5]


def test_founder_with_two_scores_of_the_same_time_counts_once(
    connection: Connection,
) -> None:
    accounts = _insert_founders(
        connection,
        [Founder(scores=[Decimal(50)])] * 5,
    )
    connection.execute(
        insert(InvestorReadinessScore).from_select(
            ["user_id", "overall_score", "created_at"],
            select(
                InvestorReadinessScore.user_id,
                text("60"),
                InvestorReadinessScore.created_at,
            ).where(InvestorReadinessScore.user_id.in_(accounts)),
        )
    )
    for _ in range(2):
        connection.execute(refresh_benchmarks())
        ((count, average, _),) = _figures_in(connection, BenchmarkStageAggregate).values()
        latest = connection.scalars(
            text(
                """
                select distinct on (user_id) overall_score
                from public.investor_readiness_scores
                where user_id = any (:accounts)
                order by user_id, created_at desc, id desc
                """
            ),
            {"accounts": accounts},
        )
        assert count == 5
        assert average == Decimal(str(fmean(latest))).quantize(Decimal("0.01"))


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.__tablename__)
@pytest.mark.parametrize(
    ("persona", "expected"),
    [
        ("anon", Outcome.PERMISSION_DENIED),
        ("no_sub", Outcome.ALLOWED),
        ("stranger", Outcome.ALLOWED),
        ("service", Outcome.ALLOWED),
    ],
)
def test_signed_in_users_read_the_benchmarks(
    connection: Connection, view: View, persona: str, expected: Outcome
) -> None:
    _insert_founders(connection, [Founder()] * 5)
    connection.execute(refresh_benchmarks())
    with acting(connection, PERSONAS[persona]):
        assert outcome(connection, select(view.__table__)) is expected


@pytest.mark.parametrize("schema", ["public", "private"])
@pytest.mark.parametrize("persona", PERSONAS)
def test_only_the_service_may_refresh_the_benchmarks(
    connection: Connection, persona: str, schema: str
) -> None:
    refresh = text(f"select {schema}.refresh_benchmark_aggregates()")
    expected = Outcome.ALLOWED if persona == "service" else Outcome.PERMISSION_DENIED
    with acting(connection, PERSONAS[persona]):
        assert outcome(connection, refresh) is expected


@pytest.mark.parametrize("persona", ["stranger", "service"])
def test_age_of_the_benchmarks_is_the_time_since_they_were_refreshed(
    connection: Connection, persona: str
) -> None:
    connection.execute(text("truncate public.consent_preferences, public.consent_audit_log"))
    for view in (BenchmarkIndustryAggregate, BenchmarkStageAggregate):
        connection.execute(text(f"refresh materialized view public.{view.__tablename__}"))
    with acting(connection, PERSONAS[persona]):
        ages = {row.view_name: (row.refreshed_at, row.age) for row in connection.execute(AGE)}
    views = ("benchmark_industry_aggregates", "benchmark_stage_aggregates")
    assert ages == dict.fromkeys(views, (None, None))
    _insert_founders(connection, [Founder()] * 5)
    for view in (BenchmarkIndustryAggregate, BenchmarkStageAggregate):
        connection.execute(text(f"refresh materialized view public.{view.__tablename__}"))
    now = connection.scalar(select(func.now()))
    with acting(connection, PERSONAS[persona]):
        ages = {row.view_name: (row.refreshed_at, row.age) for row in connection.execute(AGE)}
    assert ages["benchmark_industry_aggregates"] == (now, timedelta(0))


def test_anonymous_caller_is_not_told_the_age_of_the_benchmarks(connection: Connection) -> None:
    with acting(connection, PERSONAS["anon"]):
        assert outcome(connection, AGE) is Outcome.PERMISSION_DENIED


@pytest.mark.parametrize("persona", ["stranger", "service"])
def test_refresh_without_the_function_is_denied(connection: Connection, persona: str) -> None:
    with acting(connection, PERSONAS[persona]):
        refresh = text("refresh materialized view benchmark_stage_aggregates")
        assert outcome(connection, refresh) is Outcome.PERMISSION_DENIED


def test_refresh_fills_a_view_without_data(connection: Connection) -> None:
    _insert_founders(connection, [Founder()] * 5)
    connection.execute(
        text("refresh materialized view public.benchmark_stage_aggregates with no data")
    )
    with acting(connection, PERSONAS["service"]):
        connection.execute(refresh_benchmarks())
    assert _figures_in(connection, BenchmarkStageAggregate) == {"seed": (5, None, None)}
    assert _figures_in(connection, BenchmarkIndustryAggregate) == {"food": (5, None, None)}


@contextmanager
def _locked(engine: Engine, *views: View) -> Iterator[None]:
    """Hold a lock on views with which no other session can refresh them."""
    with engine.connect() as connection:
        for view in views:
            connection.exec_driver_sql(f"refresh materialized view {view.__tablename__}")
        yield
        connection.rollback()


def _refresh(session: Session) -> list[Row[Any]]:
    """Refresh the benchmarks, without a long wait for locks."""
    session.execute(text("set local lock_timeout = '50ms'"))
    return list(session.execute(refresh_benchmarks()))


def test_view_that_cannot_be_refreshed_stops_no_other_and_is_raised_after_the_commit(
    engine: Engine,
) -> None:
    with engine.begin() as connection:
        _insert_founders(connection, [Founder()] * 5)
    with (
        _locked(engine, BenchmarkStageAggregate),
        SessionFactory(engine).as_service() as session,
    ):
        industry, stage = _refresh(session)
        assert industry.view_name == "benchmark_industry_aggregates"
        assert (industry.refreshed_at is None, industry.error) == (False, None)
        assert (stage.refreshed_at, "lock timeout" in stage.error) == (None, True)
        with pytest.raises(BenchmarksNotRefreshedError, match="benchmark_stage_aggregates was not"):
            session.commit()
    with engine.connect() as connection:
        assert _figures_in(connection, BenchmarkStageAggregate) == {}
        assert _figures_in(connection, BenchmarkIndustryAggregate) == {"food": (5, None, None)}


def test_refresh_that_is_rolled_back_raises_nothing_with_a_later_commit(engine: Engine) -> None:
    with (
        _locked(engine, BenchmarkStageAggregate),
        SessionFactory(engine).as_service() as session,
    ):
        _refresh(session)
        session.rollback()
        session.execute(text("select 1"))
        session.commit()


def test_refresh_in_which_every_view_fails_is_an_error(engine: Engine) -> None:
    with _locked(engine, *VIEWS), SessionFactory(engine).as_service() as session:
        with pytest.raises(DBAPIError, match="no benchmark was refreshed: canceling statement"):
            _refresh(session)
        session.rollback()


def test_group_whose_name_is_older_and_longer_than_its_bound_is_left_out(
    connection: Connection,
) -> None:
    name = secrets.token_urlsafe(6000)  # no index could hold it
    connection.execute(text("alter table profiles drop constraint ck_profiles_stage_bounds"))
    _insert_founders(connection, [Founder(stage=name)] * 5)
    connection.execute(refresh_benchmarks())
    assert _figures_in(connection, BenchmarkStageAggregate) == {}
    assert _figures_in(connection, BenchmarkIndustryAggregate) == {"food": (5, None, None)}


def test_refresh_and_readers_do_not_block_each_other(engine: Engine) -> None:
    with engine.begin() as connection:
        _insert_founders(connection, [Founder()] * 5)
    with engine.connect() as reader, engine.connect() as service:
        reader.execute(text("set lock_timeout = '10s'"))
        assert _figures_in(reader, BenchmarkStageAggregate) == {}  # and its transaction stays open
        service.execute(text("set lock_timeout = '10s'"))
        service.execute(refresh_benchmarks())
        assert (
            _figures_in(reader, BenchmarkStageAggregate) == {}
        )  # while the refresh is not committed
        service.commit()
        assert _figures_in(reader, BenchmarkStageAggregate) == {"seed": (5, None, None)}


def test_concurrent_refreshes_succeed(engine: Engine) -> None:
    with engine.begin() as connection:
        _insert_founders(connection, [Founder()] * 5)

    def refresh() -> None:
        for _ in range(5):
            with engine.begin() as connection:
                connection.execute(refresh_benchmarks())

    threads = [threading.Thread(target=refresh) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with engine.connect() as connection:
        for view in VIEWS:
            assert [count for count, *_ in _figures_in(connection, view).values()] == [5]


def test_figures_have_two_decimals(connection: Connection) -> None:
    for group in ("stage", "industry"):
        columns = inspect(connection).get_columns(f"benchmark_{group}_aggregates", "public")
        types = {column["name"]: str(column["type"]) for column in columns}
        assert types["avg_irs_score"] == types["median_irs_score"] == "NUMERIC(5, 2)"


def test_views_have_their_unique_indexes(connection: Connection) -> None:
    found = connection.scalars(
        text(
            """
            select indexdef from pg_indexes
            where tablename like 'benchmark%' order by indexname
            """
        )
    )
    assert list(found) == [
        f"CREATE UNIQUE INDEX idx_benchmark_{group}_agg_{group}"
        f" ON public.benchmark_{group}_aggregates USING btree ({group})"
        for group in ("industry", "stage")
    ]


@pytest.mark.thorough
@pytest.mark.parametrize(
    "accounts", [20_000, pytest.param(1_000_000, marks=pytest.mark.exhaustive)]
)
def test_latest_scores_are_read_in_one_pass_or_through_an_index(
    engine: Engine, accounts: int
) -> None:
    definition = "select pg_get_viewdef('public.benchmark_stage_aggregates'::regclass)"
    with engine.begin() as connection:
        insert_founders_with_scores(connection, accounts, share=2)
    with engine.connect() as connection:
        connection.execute(text("analyze"))
        view = str(connection.scalar(text(definition))).rstrip(";")
        (scan,) = plan_of(connection, view, run=True).scans("investor_readiness_scores")
        assert scan["Node Type"] == "Seq Scan"
        assert scan["Actual Loops"] <= 3  # one pass, shared by the workers

        connection.execute(text("set local session_replication_role = replica"))
        few = text("update consent_preferences set enabled = user_id = any (:few)")
        connection.execute(few, {"few": [account(number) for number in range(1, 11)]})
        connection.execute(text("analyze"))
        (scan,) = plan_of(connection, view, run=True).scans("investor_readiness_scores")
        assert scan["Index Name"] == "ix_investor_readiness_scores_user_id_created_at"
