"""Every index is needed: by a constraint, a foreign key, the specification, or a query of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

if TYPE_CHECKING:
    from sqlalchemy import Connection

SPECIFIED = {
    "idx_benchmark_industry_agg_industry",
    "idx_benchmark_stage_agg_stage",
    "idx_communities_parent",
    "idx_table_assignments_event",
    "idx_table_assignments_participant",
    "idx_table_assignments_table",
    "idx_table_assignments_vip",
    "idx_wizard_sessions_last_saved_at",
    "idx_wizard_sessions_status",
    "idx_wizard_sessions_user_id",
    "idx_wizard_sessions_user_status",
    "ix_participant_sessions_client_status",
    "ix_participant_sessions_tenant_id",
    "ix_participant_sessions_tenant_id_client_status",
    "ix_tenant_profiles_custom_domain",
    "ix_usage_events_created_at",
    "ix_usage_events_event_type",
    "ix_usage_events_tenant_id",
    "ix_usage_events_tenant_id_created_at",
    "uq_founder_connections_pair",
    "uq_participant_tracks_primary",
    "uq_participants_event_id_email",
    "uq_tenant_profiles_custom_domain",
}
"""The indexes that the specification of the schema asks for, by name or by columns."""

QUERIES = {
    # directory_page
    "ix_community_profiles_created_at": """
        select p.id from public.community_profiles as p
        order by p.created_at desc, p.id desc
        limit 20
    """,
    # feed_page
    "ix_social_feed_posts_created_at": """
        select p.id from public.social_feed_posts as p
        where p.is_public
        order by p.created_at desc, p.id desc
        limit 20
    """,
    "ix_social_feed_posts_created_at_id": """
        select p.id from public.social_feed_posts as p
        order by p.created_at desc, p.id desc
        limit 20
    """,
    # export_person and erase_person
    "ix_consent_audit_log_changed_by": """
        select l.id from public.consent_audit_log as l
        where l.changed_by = gen_random_uuid() and l.changed_by <> l.user_id
    """,
    "ix_participants_lower_email": """
        select p.id from public.participants as p where lower(p.email) in ('a@example.org')
    """,
    "ix_participant_sessions_lower_stakeholder_email": """
        select s.id from public.participant_sessions as s
        where lower(s.stakeholder_email) in ('a@example.org')
    """,
}
"""A part of the query that each of the other indexes is for."""

_INDEXES = text(
    """
    select
        i.relname as name,
        exists (select from pg_constraint as c where c.conindid = x.indexrelid and c.contype <> 'f')
            as of_constraint,
        x.indpred is null and exists (
            select
            from pg_constraint as c
            where c.conrelid = x.indrelid and c.contype = 'f' and x.indkey[0] = any (c.conkey)
        ) as of_foreign_key
    from pg_index as x
    join pg_class as i on i.oid = x.indexrelid
    where i.relnamespace = 'public'::regnamespace and i.relname not like 'alembic%'
    """
)


def test_every_index_is_needed(townhall_connection: Connection) -> None:
    indexes = townhall_connection.execute(_INDEXES).all()
    others = {each.name for each in indexes if not each.of_constraint}
    of_foreign_keys = {each.name for each in indexes if each.of_foreign_key}
    assert others - of_foreign_keys - SPECIFIED == set(QUERIES)
    assert others >= SPECIFIED


# Without rows each index of a table costs the same, and any may be read as a whole.
_DROP_OTHERS = text(
    """
    select format('drop index %s', other.indexrelid::regclass)
    from pg_index as x
    join pg_index as other using (indrelid)
    where x.indexrelid = to_regclass(:index)
        and other.indexrelid <> x.indexrelid
        and not exists (select from pg_constraint as c where c.conindid = other.indexrelid)
    """
)


@pytest.mark.parametrize("index", QUERIES)
def test_query_uses_its_index(townhall_connection: Connection, index: str) -> None:
    for drop in townhall_connection.scalars(_DROP_OTHERS, {"index": f"public.{index}"}).all():
        townhall_connection.execute(text(drop))
    townhall_connection.execute(text("set local enable_seqscan = off"))
    townhall_connection.execute(text("set local enable_sort = off"))
    plan = townhall_connection.scalars(text(f"explain {QUERIES[index]}")).all()
    assert index in "\n".join(plan)
