"""The views of the community: benchmarks of founders who consented to them."""

from __future__ import annotations

from townhall.domains.community.models import ConsentCategory
from townhall.pg import AUTHENTICATED, SERVICE, Accepted, Entity, MaterializedView
from townhall.types import LABEL_LENGTH

SMALLEST_GROUP = 5
"""The smallest number of consenting founders in a group, and of scores behind a figure."""


def aggregates(group: str) -> MaterializedView:
    """Return the view of the scores of founders, grouped by a column of their profiles.

    A materialized view has no row level security, so that it contains only what every signed-in
    user may read: founders who consented, in groups of at least :data:`SMALLEST_GROUP`, and no
    figure that is computed from fewer scores than that. Groups without a name are left out, and so
    are those whose name in old rows is longer than its bound, which no index could hold.

    The latest scores are selected from the join of all consenting founders: PostgreSQL sorts all
    scores in one pass if there are many, and looks up each founder's by the index if there are few.

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
                )::numeric(5, 2) as median_irs_score,
                now() as refreshed_at
            from (
                select distinct on (c.user_id) p.{group}, s.overall_score
                from public.consent_preferences as c
                join public.profiles as p on p.id = c.user_id
                left join public.investor_readiness_scores as s on s.user_id = c.user_id
                where c.category = '{ConsentCategory.BENCHMARKS.value}'
                    and c.enabled
                    and char_length(p.{group}) <= {LABEL_LENGTH}
                order by c.user_id, s.created_at desc, s.id desc
            ) as f
            group by f.{group}
            having count(*) >= {SMALLEST_GROUP}
        """,  # noqa: S608 - names of ours
        indexes={f"idx_benchmark_{group}_agg_{group}": f"unique ({group})"},
        grants={AUTHENTICATED: ("select",), SERVICE: ("select",)},
        comment=f"Scores of the founders of each {group} who consented to benchmarks, in groups of"
        f" at least {SMALLEST_GROUP}. As of the last refresh_benchmark_aggregates().",
        column_comments={
            group: f"The {group}, as in profiles.",
            "founder_count": f"The number of founders who consented; at least {SMALLEST_GROUP}.",
            "avg_irs_score": "The average of their latest scores; NULL if fewer than"
            f" {SMALLEST_GROUP} have one.",
            "median_irs_score": "The median of their latest scores; NULL if fewer than"
            f" {SMALLEST_GROUP} have one.",
            "refreshed_at": "When the transaction began that computed the row.",
        },
    )


ENTITIES: tuple[Entity, ...] = (aggregates("stage"), aggregates("industry"))

ACCEPTED = tuple(
    Accepted(
        danger="view runs as owner",
        object=f"materialized view public.{view.name_parts[1]}",
        reason=f"it has only figures of at least {SMALLEST_GROUP} founders who consented to them",
    )
    for view in ENTITIES
)
"""What is dangerous in general, and not here."""
