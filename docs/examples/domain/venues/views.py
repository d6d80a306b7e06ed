"""The views of venues."""

from townhall.pg import AUTHENTICATED, View

ENTITIES = (
    View(
        name="venue_capacity",
        definition="""
            select v.organization_id, sum(v.capacity) as capacity
            from public.venues as v
            group by v.organization_id
        """,
        grants={AUTHENTICATED: ("select",)},
        comment="How many people fit into all venues of an organization.",
    ),
)
