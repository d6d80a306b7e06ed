"""Write a note, and print how many notes each user can read; run it after the upgrade."""

from __future__ import annotations

from sqlalchemy import create_engine, insert, select
from sqlalchemy.exc import ProgrammingError

from notes import ROLES, metadata
from notes.access import RULES
from notes.models import Account, Membership, Note, Workspace
from townhall.errors import explain
from townhall.migrate import resolve_url
from townhall.session import SessionFactory

sessions = SessionFactory(create_engine(resolve_url()), roles=ROLES)

with sessions.as_service() as session:
    ada, bob, eve = (Account(email=f"{name}@example.org") for name in ("ada", "bob", "eve"))
    studio, lab = Workspace(name="Studio"), Workspace(name="Lab")
    session.add_all([ada, bob, eve, studio, lab])
    session.flush()
    members = ((studio, ada), (studio, bob), (lab, eve))
    session.add_all(
        Membership(workspace_id=workspace.id, account_id=account.id)
        for workspace, account in members
    )
    accounts = {"Ada": ada.id, "Bob": bob.id, "Eve": eve.id}
    studio_id = studio.id

with sessions.as_user(accounts["Ada"]) as session:
    session.add(Note(workspace_id=studio_id, author_id=accounts["Ada"], content="Buy clay."))

for name, account_id in accounts.items():
    with sessions.as_user(account_id) as session:
        notes = session.scalars(select(Note.content)).all()
        print(f"{name} sees {len(notes)} of the notes.")

try:
    with sessions.as_user(accounts["Eve"]) as session:
        session.execute(
            insert(Note).values(
                workspace_id=studio_id, author_id=accounts["Eve"], content="I was here."
            )
        )
except ProgrammingError as error:
    refusal = explain(error, metadata, *RULES)
    print(f"Eve can't write there. {refusal.sentence if refusal else error}")
