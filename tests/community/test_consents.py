"""The audit of consents: every answer and change is recorded once, by any role and statement."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import DBAPIError, IntegrityError, ProgrammingError

from tests.community.accounts_and_posts import create_accounts
from tests.community.data import CHANGE, CONSENT, FOUNDER, PEER, PERSONAS, STRANGER
from townhall import ConsentAuditLog, ConsentCategory, ConsentPreference, SessionFactory
from townhall.domains.community import set_consent
from townhall.session import Actor
from townhall.testing import Outcome, acting, delete_account, outcome

if TYPE_CHECKING:
    from uuid import UUID

    from psycopg import Error
    from sqlalchemy import Connection, Engine, Executable

Change = tuple[ConsentCategory, bool, bool]

BENCHMARKS, DIRECTORY, MESSAGING = (
    ConsentCategory.BENCHMARKS,
    ConsentCategory.DIRECTORY,
    ConsentCategory.MESSAGING,
)
GIVEN, TAKEN, DECLINED = (False, True), (True, False), (False, False)
FOUNDERS: list[Change] = [(DIRECTORY, *DECLINED)]
"""The founder's answer in the sample data."""
BROWSER = {"x-forwarded-for": "203.0.113.7, 198.51.100.2", "user-agent": "Firefox"}


def _insert_consent(user: UUID, category: ConsentCategory, *, enabled: bool = True) -> Executable:
    return insert(ConsentPreference).values(user_id=user, category=category, enabled=enabled)


def _audit(connection: Connection, user: UUID) -> list[Change]:
    """Return the audited changes of a user's consents, in their order."""
    rows = connection.execute(
        select(ConsentAuditLog.category, ConsentAuditLog.previous_value, ConsentAuditLog.new_value)
        .where(ConsentAuditLog.user_id == user, ConsentAuditLog.id != CHANGE)
        .order_by(ConsentAuditLog.changed_at)
    )
    return [(row.category, row.previous_value, row.new_value) for row in rows]


def _is_of(user: UUID) -> Any:  # noqa: ANN401  a condition
    return ConsentPreference.user_id == user


@pytest.mark.parametrize("persona", ["stranger", "service"])
def test_each_change_of_a_consent_is_audited(connection: Connection, persona: str) -> None:
    mine = update(ConsentPreference).where(_is_of(STRANGER))
    with acting(connection, PERSONAS[persona]):
        connection.execute(_insert_consent(STRANGER, MESSAGING))
        assert _audit(connection, STRANGER) == [(MESSAGING, *GIVEN)]
        connection.execute(mine.values(enabled=False))
        connection.execute(mine.values(enabled=True))
        connection.execute(delete(ConsentPreference).where(_is_of(STRANGER)))
        assert _audit(connection, STRANGER) == [
            (MESSAGING, *change) for change in (GIVEN, TAKEN, GIVEN, TAKEN)
        ]


@pytest.mark.parametrize("persona", ["stranger", "service"])
def test_first_answer_is_audited_also_where_it_declines(
    connection: Connection, persona: str
) -> None:
    with acting(connection, PERSONAS[persona]):
        connection.execute(_insert_consent(STRANGER, MESSAGING, enabled=False))
        connection.execute(set_consent(STRANGER, DIRECTORY, enabled=False))
    assert _audit(connection, STRANGER) == [(MESSAGING, *DECLINED), (DIRECTORY, *DECLINED)]


def test_statement_that_changes_nothing_is_not_audited(connection: Connection) -> None:
    connection.execute(_insert_consent(STRANGER, MESSAGING, enabled=False))
    connection.execute(update(ConsentPreference).values(enabled=False))
    connection.execute(_insert_consent(STRANGER, DIRECTORY))
    connection.execute(
        update(ConsentPreference).where(_is_of(STRANGER)).values(id=func.gen_random_uuid())
    )
    connection.execute(delete(ConsentPreference).where(~ConsentPreference.enabled))
    assert _audit(connection, FOUNDER) == FOUNDERS
    assert _audit(connection, STRANGER) == [(MESSAGING, *DECLINED), (DIRECTORY, *GIVEN)]


@pytest.mark.parametrize(
    ("persona", "expected"),
    [("stranger", STRANGER), ("service", None)],
)
def test_audit_says_whose_session_changed_the_consent(
    connection: Connection, persona: str, expected: UUID | None
) -> None:
    mine = _is_of(STRANGER)
    with acting(connection, PERSONAS[persona]):
        connection.execute(set_consent(STRANGER, MESSAGING, enabled=False))
        connection.execute(set_consent(STRANGER, MESSAGING, enabled=True))
        connection.execute(update(ConsentPreference).where(mine).values(enabled=False))
        connection.execute(update(ConsentPreference).where(mine).values(enabled=True))
        connection.execute(delete(ConsentPreference).where(mine))
    of_stranger = ConsentAuditLog.user_id == STRANGER
    assert connection.scalars(select(ConsentAuditLog.changed_by).where(of_stranger)).all() == (
        [expected] * 5
    )


def test_audit_tells_the_service_from_the_user(connection: Connection) -> None:
    with acting(connection, PERSONAS["stranger"]):
        connection.execute(set_consent(STRANGER, MESSAGING, enabled=True))
    with acting(connection, PERSONAS["service"]):
        connection.execute(set_consent(STRANGER, MESSAGING, enabled=False))
    connection.execute(set_consent(STRANGER, MESSAGING, enabled=True))  # the login role
    changes = select(ConsentAuditLog.changed_by).where(ConsentAuditLog.user_id == STRANGER)
    ordered = changes.order_by(ConsentAuditLog.changed_at)
    assert connection.scalars(ordered).all() == [STRANGER, None, None]


def test_upsert_is_audited_only_where_it_changes_the_value(connection: Connection) -> None:
    for enabled in (True, True, False, False, True):
        statement = upsert(ConsentPreference).values(
            user_id=STRANGER, category=BENCHMARKS, enabled=enabled
        )
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=["user_id", "category"],
                set_={"enabled": statement.excluded.enabled},
            )
        )
    connection.execute(
        upsert(ConsentPreference)
        .values(user_id=STRANGER, category=BENCHMARKS, enabled=False)
        .on_conflict_do_nothing()
    )
    assert _audit(connection, STRANGER) == [
        (BENCHMARKS, *change) for change in (GIVEN, TAKEN, GIVEN)
    ]


def test_merge_is_audited_only_where_it_changes_the_value(connection: Connection) -> None:
    merge = text(
        """
        merge into public.consent_preferences as c
        using (values (cast(:user as uuid), 'benchmarks', cast(:enabled as boolean)))
            as n (user_id, category, enabled)
        on c.user_id = n.user_id and c.category = n.category
        when matched and not n.enabled then delete
        when matched then update set enabled = n.enabled
        when not matched then insert (user_id, category, enabled)
            values (n.user_id, n.category, n.enabled)
        """
    )
    with acting(connection, PERSONAS["service"]):
        for enabled in (True, True, False):
            connection.execute(merge, {"user": STRANGER, "enabled": enabled})
    assert _audit(connection, STRANGER) == [(BENCHMARKS, *GIVEN), (BENCHMARKS, *TAKEN)]


def test_each_row_of_a_bulk_statement_is_audited(connection: Connection) -> None:
    users = create_accounts(connection, 50)
    rows = [
        {"user_id": user, "category": category, "enabled": number % 2 == 0}
        for number, user in enumerate(users)
        for category in ConsentCategory
    ]
    with acting(connection, PERSONAS["service"]):
        connection.execute(insert(ConsentPreference).values(rows))
        assert _count(connection, users) == 50 * 5
        of_users = ConsentPreference.user_id.in_(users)
        connection.execute(
            update(ConsentPreference).where(of_users).values(enabled=~ConsentPreference.enabled)
        )
        assert _count(connection, users) == 50 * 5 + 50 * 5
        connection.execute(delete(ConsentPreference).where(of_users))
        assert _count(connection, users) == 50 * 5 + 50 * 5 + 25 * 5


def _count(connection: Connection, users: list[UUID]) -> int | None:
    rows = select(func.count()).where(ConsentAuditLog.user_id.in_(users))
    return connection.scalar(rows.select_from(ConsentAuditLog))


def test_each_row_of_a_copy_is_audited(connection: Connection) -> None:
    driver = cast("Any", connection.connection.driver_connection)
    with driver.cursor().copy(
        "copy public.consent_preferences (user_id, category, enabled) from stdin"
    ) as copy:
        copy.write_row((STRANGER, "messaging", True))
        copy.write_row((STRANGER, "directory", False))
    assert _audit(connection, STRANGER) == [(MESSAGING, *GIVEN), (DIRECTORY, *DECLINED)]


@pytest.mark.parametrize(
    "tables", ["consent_preferences", "consent_preferences, milestones cascade"]
)
def test_truncate_is_audited_for_each_given_consent(connection: Connection, tables: str) -> None:
    connection.execute(_insert_consent(STRANGER, MESSAGING))
    connection.execute(_insert_consent(PEER, MESSAGING))
    with acting(connection, PERSONAS["service"]):
        connection.execute(text(f"truncate {tables}"))
    for user in (STRANGER, PEER):
        assert _audit(connection, user) == [(MESSAGING, *GIVEN), (MESSAGING, *TAKEN)]
    assert _audit(connection, FOUNDER) == FOUNDERS


def test_change_of_user_and_category_is_audited_for_both(connection: Connection) -> None:
    connection.execute(_insert_consent(STRANGER, MESSAGING))
    connection.execute(
        update(ConsentPreference).where(_is_of(STRANGER)).values(user_id=PEER, category=DIRECTORY)
    )
    assert _audit(connection, STRANGER) == [(MESSAGING, *GIVEN), (MESSAGING, *TAKEN)]
    assert _audit(connection, PEER) == [(DIRECTORY, *GIVEN)]


def test_declined_consent_that_gets_another_category_is_a_first_answer_there(
    connection: Connection,
) -> None:
    connection.execute(_insert_consent(STRANGER, MESSAGING, enabled=False))
    connection.execute(update(ConsentPreference).where(_is_of(STRANGER)).values(category=DIRECTORY))
    assert _audit(connection, STRANGER) == [(MESSAGING, *DECLINED), (DIRECTORY, *DECLINED)]


def test_rolled_back_change_is_not_audited(connection: Connection) -> None:
    savepoint = connection.begin_nested()
    connection.execute(_insert_consent(STRANGER, MESSAGING))
    savepoint.rollback()
    assert _audit(connection, STRANGER) == []


@pytest.mark.parametrize("persona", ["anon", "no_sub", "stranger", "founder"])
@pytest.mark.parametrize(
    "statement",
    [
        insert(ConsentAuditLog).values(
            user_id=FOUNDER, category=MESSAGING, previous_value=False, new_value=True
        ),
        update(ConsentAuditLog).values(new_value=True),
        update(ConsentAuditLog).values(changed_at=func.now()),
        delete(ConsentAuditLog),
        text("truncate consent_audit_log"),
        text("truncate consent_preferences cascade"),
        text("alter table consent_preferences disable trigger audit_consent"),
        text("drop trigger audit_consent on consent_preferences"),
        text("select private.record_consent(auth.uid(), 'messaging', false, true)"),
        text("select private.audit_consent()"),
        text("set local session_replication_role = replica"),
        text("create rule silence as on insert to consent_audit_log do instead nothing"),
        text("lock table consent_audit_log in access exclusive mode"),
    ],
    ids=lambda statement: str(statement)[:60],
)
def test_client_cannot_write_or_disable_the_audit(
    connection: Connection, persona: str, statement: Executable
) -> None:
    with acting(connection, PERSONAS[persona]):
        savepoint = connection.begin_nested()
        with pytest.raises(ProgrammingError) as refused:
            connection.execute(statement)
        savepoint.rollback()
        assert cast("Error", refused.value.orig).sqlstate == "42501"
        if persona == "founder":
            connection.execute(_insert_consent(FOUNDER, MESSAGING))
    if persona == "founder":
        assert _audit(connection, FOUNDER) == [*FOUNDERS, (MESSAGING, *GIVEN)]


def test_client_cannot_write_consents_of_another_user(connection: Connection) -> None:
    with acting(connection, PERSONAS["founder"]):
        for other in (
            _insert_consent(PEER, MESSAGING),
            upsert(ConsentPreference)
            .values(user_id=PEER, category=MESSAGING, enabled=True)
            .on_conflict_do_update(index_elements=["user_id", "category"], set_={"enabled": True}),
        ):
            assert outcome(connection, other) is Outcome.VIOLATES_POLICY
        for column, value in (("user_id", PEER), ("category", MESSAGING), ("updated_at", None)):
            mine = update(ConsentPreference).where(ConsentPreference.id == CONSENT)
            assert outcome(connection, mine.values({column: value})) is Outcome.PERMISSION_DENIED


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (BROWSER, ("203.0.113.7", "Firefox")),
        ({"x-forwarded-for": " 203.0.113.7 "}, ("203.0.113.7", None)),
        ({"x-forwarded-for": "2001:db8::7"}, ("2001:db8::7", None)),
        ({"x-forwarded-for": ""}, (None, None)),
        ({"user-agent": "curl"}, (None, "curl")),
        ({"user-agent": ""}, (None, None)),
        ({"user-agent": "x" * 5000, "x-forwarded-for": "9" * 5000}, ("9" * 2000, "x" * 2000)),
        ({}, (None, None)),
    ],
)
def test_audit_records_address_and_user_agent_of_the_request(
    connection: Connection, headers: dict[str, str], expected: tuple[str | None, str | None]
) -> None:
    with acting(connection, Actor.user(STRANGER, request_headers=headers)):
        connection.execute(_insert_consent(STRANGER, MESSAGING))
        assert _origin(connection) == expected


def test_audit_without_a_request_has_no_address_and_user_agent(connection: Connection) -> None:
    # A setting that was local to a transaction reads back as the empty string after it.
    connection.execute(text("select set_config('request.headers', '', true)"))
    connection.execute(_insert_consent(STRANGER, MESSAGING))
    assert _origin(connection) == (None, None)


def _origin(connection: Connection) -> tuple[str | None, str | None]:
    row = connection.execute(
        select(ConsentAuditLog.ip_address, ConsentAuditLog.user_agent).where(
            ConsentAuditLog.user_id == STRANGER
        )
    ).one()
    return row.ip_address, row.user_agent


def test_deleting_an_account_deletes_its_consents_and_audit(connection: Connection) -> None:
    for category in ConsentCategory:
        connection.execute(_insert_consent(STRANGER, category))
    connection.execute(_insert_consent(PEER, MESSAGING))
    assert len(_audit(connection, STRANGER)) == 5
    delete_account(connection, STRANGER)
    assert _audit(connection, STRANGER) == []
    assert connection.scalar(select(func.count()).where(_is_of(STRANGER))) == 0
    assert _audit(connection, PEER) == [(MESSAGING, *GIVEN)]


@pytest.mark.thorough
def test_account_is_deleted_while_its_consents_are_changed(engine: Engine) -> None:
    """Neither fails with a deadlock; a change after the deletion fails on the foreign key."""
    with engine.begin() as connection:
        users = create_accounts(connection, 100)
        connection.execute(
            insert(ConsentPreference).values(
                [
                    {"user_id": user, "category": category, "enabled": True}
                    for user in users
                    for category in ConsentCategory
                ]
            )
        )

    sessions = SessionFactory(engine)

    def change(user: UUID) -> None:
        for enabled in (False, True, False):
            try:
                with sessions.as_user(user) as session:
                    session.execute(set_consent(user, MESSAGING, enabled=enabled))
            except IntegrityError as error:
                cause = cast("Error", error.orig)
                assert cause.diag.constraint_name == "fk_consent_preferences_user_id_users"

    def leave(user: UUID) -> None:
        with engine.begin() as connection:
            connection.execute(text("delete from auth.users where id = :id"), {"id": user})

    with ThreadPoolExecutor(8) as pool:
        jobs = [pool.submit(job, user) for user in users for job in (change, leave)]
        for job in jobs:
            job.result()
    with engine.connect() as connection:
        for model in (ConsentPreference, ConsentAuditLog):
            assert connection.scalar(select(func.count()).select_from(model)) == 0


STEP = st.tuples(
    st.sampled_from(["insert", "upsert", "update", "flip", "delete"]),
    st.sampled_from([BENCHMARKS, MESSAGING]),
    st.booleans(),
)


@pytest.mark.thorough
@settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps=st.lists(STEP, max_size=12))
def test_audit_equals_the_changes_of_any_sequence_of_statements(
    connection: Connection, steps: list[tuple[str, ConsentCategory, bool]]
) -> None:
    everything = connection.begin_nested()
    said: dict[ConsentCategory, bool] = {}
    expected: list[Change] = []
    for kind, category, enabled in steps:
        before, is_first = said.get(category, False), category not in said
        statement, after = _step(kind, category, said, enabled)
        connection.execute(statement)
        if after is None:
            said.pop(category, None)
        else:
            said[category] = after
        if before != bool(after) or (is_first and after is not None):
            expected.append((category, before, bool(after)))
        assert _audit(connection, STRANGER) == expected
    everything.rollback()


def _step(
    kind: str,
    category: ConsentCategory,
    said: dict[ConsentCategory, bool],
    enabled: bool,  # noqa: FBT001
) -> tuple[Executable, bool | None]:
    """Return a statement, and the value in its row afterwards: None where there is no row."""
    now = said.get(category)
    mine = (_is_of(STRANGER), ConsentPreference.category == category)
    row = upsert(ConsentPreference).values(user_id=STRANGER, category=category, enabled=enabled)
    match kind:
        case "insert":
            return row.on_conflict_do_nothing(), enabled if now is None else now
        case "upsert":
            upserted = row.on_conflict_do_update(
                index_elements=["user_id", "category"], set_={"enabled": enabled}
            )
            return upserted, enabled
        case "update":
            changed = update(ConsentPreference).where(*mine).values(enabled=enabled)
            return changed, None if now is None else enabled
        case "flip":
            flipped = update(ConsentPreference).where(*mine)
            flipped = flipped.values(enabled=~ConsentPreference.enabled)
            return flipped, None if now is None else not now
        case _:
            return delete(ConsentPreference).where(*mine), None


READS = {
    "itself": "select * from public.consent_preferences",
    "a count": "select 1 from public.consent_preferences having count(*) > 0",
    "a join": """
        select c.enabled
        from public.community_profiles as p
        join public.consent_preferences as c on c.user_id = p.user_id
    """,
    "a subquery": """
        select p.display_name
        from public.community_profiles as p
        where exists (
            select from public.consent_preferences as c where c.user_id = p.user_id
        )
    """,
    "a function": """
        select c.id
        from public.consent_preferences as c
        where to_jsonb(c) ->> 'user_id' <> ''
    """,
    "the audit": "select * from public.consent_audit_log",
    "a count of the audit": "select 1 from public.consent_audit_log having count(*) > 0",
    "what is known of its columns": """
        select * from pg_stats where tablename in ('consent_preferences', 'consent_audit_log')
    """,
}


@pytest.mark.parametrize("persona", ["no_sub", "stranger", "former", "peer"])
@pytest.mark.parametrize("way", READS)
def test_other_users_cannot_read_a_consent(connection: Connection, way: str, persona: str) -> None:
    connection.execute(update(ConsentPreference).values(enabled=True))
    connection.execute(text("analyze public.consent_preferences, public.consent_audit_log"))
    read = text(READS[way])
    with acting(connection, PERSONAS[persona]):
        assert outcome(connection, read) is Outcome.NO_ROWS
    if "pg_stats" not in READS[way]:
        with acting(connection, PERSONAS["founder"]):
            assert outcome(connection, read) is Outcome.ALLOWED


def test_invoker_view_shows_only_consents_of_the_reader(connection: Connection) -> None:
    connection.execute(
        text(
            """
            create view public.agreed with (security_invoker = true) as
                select user_id, enabled from public.consent_preferences
            """
        )
    )
    connection.execute(text("grant select on public.agreed to authenticated"))
    connection.execute(_insert_consent(PEER, MESSAGING))
    with acting(connection, PERSONAS["peer"]):
        assert connection.execute(text("select * from public.agreed")).all() == [(PEER, True)]


def test_failing_condition_is_not_evaluated_on_consents_of_others(connection: Connection) -> None:
    """The policy is evaluated before a condition of the query that fails."""
    peek = text("select 1 / (enabled::integer - enabled::integer) from public.consent_preferences")
    with acting(connection, PERSONAS["founder"]):
        savepoint = connection.begin_nested()
        with pytest.raises(DBAPIError, match="division by zero"):
            connection.execute(peek)
        savepoint.rollback()
    with acting(connection, PERSONAS["peer"]):
        assert outcome(connection, peek) is Outcome.NO_ROWS
        peek_first = text(
            "delete from public.consent_preferences where 1 / (enabled::integer * 0) = 1"
        )
        assert outcome(connection, peek_first) is Outcome.NO_ROWS


def test_insert_for_another_user_does_not_reveal_which_consents_exist(
    connection: Connection,
) -> None:
    with acting(connection, PERSONAS["peer"]):
        for category in (DIRECTORY, MESSAGING):  # the founder has a row of the first alone
            claimed = _insert_consent(FOUNDER, category)
            assert outcome(connection, claimed) is Outcome.VIOLATES_POLICY
