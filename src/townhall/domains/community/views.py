"""What is computed from the community: how groups of founders who agreed to it score."""

from __future__ import annotations

from townhall.domains.community.models import ConsentCategory
from townhall.pg import AUTHENTICATED, SERVICE, Entity, MaterializedView

SMALLEST_GROUP = 5
"""How many must agree before a group shows, and have a score before the group's figures do."""


def aggregates(group: str) -> MaterializedView:
    """Return the view of how founders score, by a column of their profiles.

    A materialized view has no row level security. What is in it is fit for everybody who is signed
    in: those who agreed to it, in groups that are large enough, and of scores no figure that rests
    on fewer of them than that.

    The latest scores are picked out of the join of all of those who agreed: PostgreSQL reads and
    sorts the scores in one pass where they are many, and looks each founder's up by the index
    where they are few.

    Args:
        group: The column of ``profiles`` to group by.
    """
    return MaterializedView(
        name=f"benchmark_{group}_aggregates",
        definition=f"""
            select
                f.{group},
                count(*) as founder_count,
                (
                    case
                        when count(f.overall_score) >= {SMALLEST_GROUP}
                            then avg(f.overall_score)
                    end
                )::numeric(5, 2) as avg_irs_score,
                (
                    case
                        when count(f.overall_score) >= {SMALLEST_GROUP}
                            then percentile_cont(0.5) within group (order by f.overall_score)
                    end
                )::numeric(5, 2) as median_irs_score
            from (
                select distinct on (c.user_id) p.{group}, s.overall_score
                from public.consent_preferences as c
                join public.profiles as p on p.id = c.user_id
                left join public.investor_readiness_scores as s on s.user_id = c.user_id
                where c.category = '{ConsentCategory.BENCHMARKS.value}'
                    and c.enabled
                    and p.{group} is not null
                order by c.user_id, s.created_at desc, s.id desc
            ) as f
            group by f.{group}
            having count(*) >= {SMALLEST_GROUP}
        """,  # noqa: S608 - names of ours
        indexes={f"idx_benchmark_{group}_agg_{group}": f"unique ({group})"},
        grants={AUTHENTICATED: ("select",), SERVICE: ("select",)},
        comment=f"How the founders of each {group} score who agreed to it; no group of fewer than"
        f" {SMALLEST_GROUP}. As of the last refresh_benchmark_aggregates().",
        column_comments={
            group: f"The {group}, as in profiles.",
            "founder_count": f"How many founders agreed; {SMALLEST_GROUP} or more.",
            "avg_irs_score": "The average of their latest scores; null where fewer than"
            f" {SMALLEST_GROUP} have one.",
            "median_irs_score": "The median of their latest scores; null where fewer than"
            f" {SMALLEST_GROUP} have one.",
        },
    )


ENTITIES: tuple[Entity, ...] = (aggregates("stage"), aggregates("industry"))
