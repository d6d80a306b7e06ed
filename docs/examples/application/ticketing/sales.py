"""The triggers and views of the shop."""

from __future__ import annotations

from townhall.domains.identity.triggers import updated_at_trigger
from townhall.errors import Kind, Refusal
from townhall.pg import AUTHENTICATED, SAFE_SEARCH_PATH, SERVICE, Entity, Function, Trigger, View

KEEP_SOLD_PRICE = Function(
    schema="private",
    name="keep_sold_price",
    language="plpgsql",
    settings={"search_path": SAFE_SEARCH_PATH},
    body="""
        begin
            raise check_violation
            using
                message = 'the price of a sold ticket is fixed',
                schema = 'public',
                table = 'tickets',
                column = 'price',
                constraint = 'price_is_kept';
        end
    """,
    comment="Refuses a change of the price of a sold ticket.",
)

REFUSALS = {"price_is_kept": Refusal(Kind.WRONG_STATE, "The price of a sold ticket is fixed.")}

SALES = View(
    name="ticket_sales",
    definition="""
        select
            t.event_id,
            count(*) as tickets,
            count(t.holder_id) as sold,
            coalesce(sum(t.price) filter (where t.holder_id is not null), 0) as revenue
        from public.tickets as t
        group by t.event_id
    """,
    grants={AUTHENTICATED: ("select",), SERVICE: ("select",)},
    comment="Tickets and revenue by event, of the tickets that the reader may read.",
)

ENTITIES: tuple[Entity, ...] = (
    KEEP_SOLD_PRICE,
    Trigger(
        table="tickets",
        name="keep_sold_price",
        timing="before",
        events=("update",),
        columns=("price",),
        condition="old.holder_id is not null and new.price is distinct from old.price",
        function=KEEP_SOLD_PRICE,
    ),
    updated_at_trigger("event_sponsors"),
    SALES,
)
