"""Sell a ticket and print what its holder and a stranger can read. Run it after the upgrade."""

from __future__ import annotations

import uuid
from decimal import Decimal

from sqlalchemy import create_engine, select, text, update
from sqlalchemy.exc import IntegrityError

from ticketing import declared
from ticketing.models import Ticket
from townhall import Event, Organization, SessionFactory
from townhall.errors import explain
from townhall.migrate import resolve_url

sessions = SessionFactory(create_engine(resolve_url()))
holder, stranger = uuid.uuid4(), uuid.uuid4()

with sessions.as_service() as session:
    organization = Organization(name="Guild of Makers", slug=f"makers-{uuid.uuid4().hex[:8]}")
    session.add(organization)
    session.flush()
    event = Event(name="Makers' Fair", organization_id=organization.id)
    session.add(event)
    session.flush()
    session.add(Ticket(event_id=event.id, holder_id=holder, price=Decimal("12.50")))

for name, user in {"The holder": holder, "A stranger": stranger}.items():
    with sessions.as_user(user) as session:
        events = session.scalars(select(Event.name)).all()
        tickets = session.scalars(select(Ticket)).all()
        print(f"{name} sees {len(events)} of the events and {len(tickets)} of the tickets.")

try:
    with sessions.as_service() as session:
        session.execute(update(Ticket).values(price=1))
except IntegrityError as error:
    refusal = explain(error, *declared)
    print(f"Not even the service changes it. {refusal.sentence if refusal else error}")

with sessions.as_service() as session:
    revenue = session.scalar(text("select sum(revenue) from ticket_sales"))
    print(f"The tickets brought {revenue}.")
