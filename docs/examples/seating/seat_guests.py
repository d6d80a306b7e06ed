"""Import a list of guests, seat them, and print the seating plan as three users can read it.

    python docs/examples/seating/seat_guests.py [GUESTS.csv]

It works on the database that ``DATABASE_URL`` names, or on the embedded one, which it upgrades to
the newest revision first. It is idempotent: run again, it updates the guests of the list and seats
all guests again.
"""

from __future__ import annotations

import csv
import io
import re
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from uuid import UUID

from sqlalchemy import Engine, create_engine, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from townhall import (
    AssignedBy,
    Event,
    Organization,
    OrganizationMember,
    OrganizationRole,
    Participant,
    ParticipantStatus,
    ParticipantTrack,
    SessionFactory,
    TableAssignment,
    Track,
    User,
)
from townhall.domains.events import Place, assign_seats, seating_plan, track_statistics_of
from townhall.migrate import resolve_url, upgrade

COLUMNS = ("first_name", "last_name", "email", "vip", "tracks", "networking")
SEPARATORS = ",;\t"  # a spreadsheet exports the one of its locale
SEATS_AT_A_TABLE = 10
TRACKS = {
    "סטארט־אפים": "#0b7285",
    "בריאות דיגיטלית": "#2b8a3e",
    "Climate": "#5c940d",
    "Design": "#c2255c",
    "AI": "#5f3dc4",
}
ANSWERS = {"yes": True, "no": False, "": None}
ADDRESS = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
LONGEST = 254  # characters of an e-mail address, and enough for a name


@dataclass(frozen=True)
class Guest:
    """A line of the list.

    Attributes:
        first_name: The first name; empty if the guest has one name only.
        last_name: The last name.
        email: The address, which identifies the guest in the list.
        is_vip: Whether the guest is a VIP.
        tracks: The tracks that the guest chose, the main one first.
        networking: Whether the guest consents to networking; None if the list doesn't say.
    """

    first_name: str
    last_name: str
    email: str
    is_vip: bool
    tracks: tuple[str, ...]
    networking: bool | None


def main(path: Path) -> None:
    """Seat the guests of a list, and print what three users can read."""
    try:
        guests, mistakes = read_guests(path)
    except (ValueError, csv.Error) as reason:
        sys.exit(f"{path}: {reason}")
    print(f"{path.name}: {count(len(guests), 'guest')}, {count(len(mistakes), 'wrong line')}")
    for mistake in mistakes:
        print(f"  {mistake}")
    url = resolve_url()
    upgrade(url)
    engine = create_engine(url)
    try:
        show(engine, guests)
    finally:
        engine.dispose()


def show(engine: Engine, guests: Sequence[Guest]) -> None:
    """Import and seat the guests as the organizer, and print the plan as three users."""
    sessions = SessionFactory(engine)
    organizer = account_of(engine, "organizer@example.org")
    stranger = account_of(engine, "stranger@example.org")
    with sessions.as_service() as session:
        organization_id = set_up_organization(session, organizer)
    with sessions.as_user(organizer) as session:
        event_id = set_up_event(session, organization_id)
        invite(session, event_id, guests)
        seat_guests(session, event_id)
    with sessions.as_user(organizer) as session:
        print("\nThe organizer sees")
        print_plan(session, event_id)
        print("\nand of the tracks")
        print_statistics(session, event_id)
    for guest in guests[:1]:
        account = account_of(engine, guest.email)
        with sessions.as_service() as session:
            give_account(session, event_id, guest.email, account)
        with sessions.as_user(account) as session:
            print(f"\n{guest.first_name} {guest.last_name}, a guest, sees")
            print_plan(session, event_id)
    with sessions.as_user(stranger) as session:
        print("\nA stranger sees")
        print_plan(session, event_id)


def read_guests(path: Path) -> tuple[list[Guest], list[str]]:
    """Return the guests of a list, and the errors in its other lines.

    A ``ValueError`` or ``csv.Error`` says why the file is no list of guests.
    """
    text = read_text(path)
    separator = max(SEPARATORS, key=text.partition("\n")[0].count)
    lines = csv.reader(io.StringIO(text), delimiter=separator, skipinitialspace=True)
    columns = read_header(next(lines, []))
    guests: dict[str, Guest] = {}
    mistakes = []
    last = lines.line_num
    for line in lines:
        first, last = last + 1, lines.line_num
        if not any(line):
            continue
        values = {name: value.strip() for name, value in zip(columns, line, strict=False)}
        try:
            guest = read_guest(values, on_the_list=guests.keys())
        except ValueError as mistake:
            where = f"line {first}" if first == last else f"lines {first} to {last}"
            mistakes.append(f"{where}: {mistake}")
        else:
            guests[guest.email.lower()] = guest
    return list(guests.values()), mistakes


def read_text(path: Path) -> str:
    """Return the text of a file; a ``ValueError`` says why it can't be read."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ValueError(error.strerror) from None
    except UnicodeError:
        raise ValueError("it is not in UTF-8; save it as CSV in UTF-8") from None


def read_header(line: Sequence[str]) -> list[str]:
    """Return the names of the columns; a ``ValueError`` names those that are missing."""
    names = [name.strip().lower() for name in line]
    missing = [name for name in COLUMNS if name not in names]
    if missing:
        raise ValueError(f"its first line does not name the columns {', '.join(missing)}")
    return names


def read_guest(line: Mapping[str, str], on_the_list: Collection[str]) -> Guest:
    """Return the guest of a line; a ``ValueError`` says what is wrong with it."""
    first_name, last_name, email, vip, tracks, networking = (
        read_value(column, line.get(column, "")) for column in COLUMNS
    )
    if not (first_name or last_name):
        raise ValueError("no name")
    if not email.isascii():  # Python and PostgreSQL fold the case of other letters differently
        raise ValueError(f"{email!r} holds letters that no e-mail address here may have")
    if not ADDRESS.fullmatch(email):
        raise ValueError(f"{email!r} is no e-mail address")
    if email.lower() in on_the_list:
        raise ValueError(f"{email} is on the list already")
    chosen = tuple(dict.fromkeys(filter(None, map(str.strip, tracks.split(";")))))
    for track in chosen:
        if track not in TRACKS:
            raise ValueError(f"there is no track {track!r}")
    for answer in (vip, networking):
        if answer not in ANSWERS:
            raise ValueError(f"{answer!r} is neither yes nor no")
    return Guest(first_name, last_name, email, bool(ANSWERS[vip]), chosen, ANSWERS[networking])


def read_value(column: str, value: str) -> str:
    """Return a value that can be stored and printed; a ``ValueError`` says why it can't."""
    if "\n" in value:
        raise ValueError(f"{column} goes on in the next line; is a quote not closed?")
    if CONTROL.search(value):
        raise ValueError(f"{column} holds a control character")
    if len(value) > LONGEST:
        raise ValueError(f"{column} is longer than {LONGEST} characters")
    return value


def account_of(engine: Engine, email: str) -> UUID:
    """Return the account of an address. In production the sign-up service creates it."""
    with Session(engine) as session:
        user = session.scalar(select(User).where(User.email == email)) or User(email=email)
        session.add(user)
        session.commit()
        return user.id


def set_up_organization(session: Session, organizer: UUID) -> UUID:
    """Return the organization; create it with its organizer if it does not exist."""
    organization = session.scalar(select(Organization).where(Organization.slug == "gatherings"))
    if organization is None:
        organization = Organization(name="Gatherings", slug="gatherings")
        organization.members = [OrganizationMember(user_id=organizer, role=OrganizationRole.OWNER)]
        session.add(organization)
        session.flush()
    return organization.id


def set_up_event(session: Session, organization_id: UUID) -> UUID:
    """Return the event; create it with its tracks if it does not exist."""
    event = session.scalar(select(Event).where(Event.organization_id == organization_id))
    if event is None:
        event = Event(organization_id=organization_id, name="ערב קהילה (Community evening)")
        event.settings = {"default_networking_opt_in": False}
        event.tracks = [
            Track(name=name, color=color, sort_order=order)
            for order, (name, color) in enumerate(TRACKS.items())
        ]
        session.add(event)
        session.flush()
    return event.id


def invite(session: Session, event_id: UUID, guests: Sequence[Guest]) -> None:
    """Insert guests into the event's participants, or update those who exist.

    The consent to networking of an existing participant is not updated: it may be the guest's own.
    """
    if not guests:
        return
    statement = insert(Participant)
    changed = {name: statement.excluded[name] for name in ("first_name", "last_name", "is_vip")}
    participants = session.scalars(
        statement.on_conflict_do_update(
            index_elements=[Participant.event_id, func.lower(Participant.email)], set_=changed
        ).returning(Participant),
        [
            {
                "event_id": event_id,
                "first_name": guest.first_name,
                "last_name": guest.last_name,
                "email": guest.email,
                "is_vip": guest.is_vip,
                "networking_opt_in": guest.networking,  # None takes the event's default
            }
            for guest in guests
        ],
    )
    chosen = {guest.email.lower(): guest.tracks for guest in guests}
    place(session, event_id, {each.id: chosen[(each.email or "").lower()] for each in participants})


def place(session: Session, event_id: UUID, chosen: Mapping[UUID, Sequence[str]]) -> None:
    """Replace the tracks of participants by those that they chose."""
    tracks = {
        track.name: track.id
        for track in session.scalars(select(Track).where(Track.event_id == event_id))
    }
    session.execute(delete(ParticipantTrack).where(ParticipantTrack.participant_id.in_(chosen)))
    session.add_all(
        ParticipantTrack(
            participant_id=participant_id, track_id=tracks[name], is_primary=name == names[0]
        )
        for participant_id, names in chosen.items()
        for name in names
    )


def seat_guests(session: Session, event_id: UUID) -> None:
    """Seat ten to a table, VIPs at the first tables, and leave out guests who cancelled."""
    cancelled = Participant.status == ParticipantStatus.CANCELLED
    session.execute(
        delete(TableAssignment).where(
            TableAssignment.event_id == event_id, TableAssignment.participant.has(cancelled)
        )
    )
    vips_first = (
        select(Participant)
        .where(Participant.event_id == event_id, ~cancelled)
        .order_by(Participant.is_vip.desc(), Participant.last_name, Participant.first_name)
    )
    table, plan = 0, {}
    for is_vip, group in groupby(session.scalars(vips_first).all(), attrgetter("is_vip")):
        for number, participant in enumerate(group):
            place_at_table = number % SEATS_AT_A_TABLE
            table += place_at_table == 0
            plan[participant.id] = Place(table, place_at_table + 1, is_vip_table=is_vip)
    session.execute(assign_seats(event_id, plan, assigned_by=AssignedBy.AUTO))


def give_account(session: Session, event_id: UUID, email: str, account: UUID) -> None:
    """Set the account of the participant with an address.

    The consent to networking that came with the list ends: a guest with an account answers anew.
    """
    session.execute(
        update(Participant)
        .where(Participant.event_id == event_id, func.lower(Participant.email) == email.lower())
        .values(user_id=account)
    )


def print_plan(session: Session, event_id: UUID) -> None:
    """Print the seating plan that the session's actor can read."""
    plan = session.scalars(seating_plan(event_id)).all()
    for (table, is_vip), seats in groupby(plan, attrgetter("table_number", "is_vip_table")):
        guests = ", ".join(
            f"{each.seat_number} {each.participant.first_name} {each.participant.last_name}".strip()
            for each in seats
        )
        print(f"  table {table}{' (VIP)' if is_vip else ''}: {guests}")
    print(f"  {count(len(plan), 'seat')}")


def print_statistics(session: Session, event_id: UUID) -> None:
    """Print the statistics of the event's tracks."""
    for track in session.scalars(track_statistics_of(event_id)):
        print(
            f"  {track.track_name}: {count(track.participant_count, 'guest')},"
            f" {count(track.vip_count, 'VIP')}, first choice of {track.primary_count},"
            f" {track.percentage} %"
        )


def count(number: int, noun: str) -> str:
    """Return a number with its noun: ``no seats``, ``1 seat``, ``2 seats``."""
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else Path(__file__).with_name("guests.csv"))
