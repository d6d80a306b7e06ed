"""Repairs run one after the other in the order in which they are reported, and then nothing is."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from uuid import uuid4

import pytest
from sqlalchemy import Connection, NullPool, create_engine, make_url
from sqlalchemy.exc import DBAPIError

from tests.autogenerate.drifts import DRIFTS
from tests.check import entangled, test_repairs
from tests.check.conftest import AtHead
from tests.check.repairing import change
from tests.check.test_check import execute
from townhall.check import Finding, check
from townhall.check.dependants import naming_dependants
from townhall.check.findings import compare
from townhall.check.owners import after_owners, owners_first
from townhall.check.repair import DECLARE
from townhall.check.scratch import PREFIX
from townhall.check.snapshot import Snapshot, read
from townhall.check.trial import Sides, in_order
from townhall.cli import main
from townhall.pg import sql
from townhall.roles import SUPABASE
from townhall.testing.databases import Databases, with_role

COMMANDS = ("none", "alembic")
"""What a repair begins with that is no SQL."""


@dataclass(frozen=True)
class Lab:
    """A database to change, and one for trials; both begin as is declared.

    Attributes:
        url: The database to change.
        scratch: The one for trials.
        schemas: The schemas that are compared.
    """

    url: str
    scratch: str
    schemas: Sequence[str]

    def read(self, connection: Connection) -> Snapshot:
        """Return what a database has, within a transaction as a check does."""
        with connection.engine.connect() as other:
            reading = other.execution_options(isolation_level="READ COMMITTED")
            with reading.begin():
                return self._read(reading)

    def reported(self, connection: Connection, declared: Snapshot) -> list[Finding]:
        """Return the differences in the order in which a check reports them."""
        actual = self.read(connection)
        differences = naming_dependants(
            connection, self.compare(declared, actual), declared, actual
        )
        sides = Sides(declared, actual, self.compare, self._read, {})
        return in_order(make_url(self.scratch), differences, sides)

    def _read(self, connection: Connection) -> Snapshot:
        return read(connection, self.schemas, SUPABASE.names)

    @staticmethod
    def compare(declared: Snapshot, actual: Snapshot) -> list[Finding]:
        """Return the differences between two snapshots."""
        return compare(declared, actual, roles=SUPABASE)


def connected(url: str) -> Connection:
    return create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT").connect()


@pytest.fixture
def shop(server: Databases, template_of: Callable[[Databases], str]) -> Iterator[Lab]:
    template_of(server)  # the roles are made with it
    with server.create() as url, server.create() as scratch:
        for each in (url, scratch):
            execute(each, entangled.DECLARED)
        yield Lab(url, scratch, ["shop"])


@pytest.fixture
def product(server: Databases, at_head: AtHead) -> Iterator[Lab]:
    with server.create(at_head.url) as url, server.create(at_head.url) as scratch:
        yield Lab(url, scratch, at_head.schemas)


def assert_repairs_run_in_order(lab: Lab, changes: Sequence[str]) -> None:
    with connected(lab.url) as connection:
        declared = lab.read(connection)
        made = [sql for sql in changes if _is_made(connection, sql)]
        findings = lab.reported(connection, declared)
        assert findings or not made
        # A person may decide against the others.
        for finding in (each for each in findings if each.decision is None):
            _repair(connection, finding)
        for finding in (each for each in findings if each.decision is not None):
            _repair(connection, finding)
        assert lab.compare(declared, lab.read(connection)) == [], made
        refused = [each for each in findings if "refuses" in (each.decision or "")]
        assert not refused, made


def _is_made(connection: Connection, sql: str) -> bool:
    # Several changes may contradict each other.
    try:
        change(connection, sql)
    except DBAPIError:
        return False
    return True


def _repair(connection: Connection, finding: Finding) -> None:
    sql = finding.repair.removeprefix(DECLARE)
    if not sql.startswith(COMMANDS):
        change(connection, sql)


TELLING = (
    "function that policies and views use has another argument's name",
    "two indexes have exchanged their names",
    "table stands in place of a view",
)
OTHERS = sorted({*entangled.CHANGES} - {*test_repairs.CHANGES} - {*TELLING})


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    "what", [*TELLING, *(pytest.param(each, marks=pytest.mark.thorough) for each in OTHERS)]
)
def test_repairs_of_an_entangled_change_run_in_order(what: str, shop: Lab) -> None:
    assert_repairs_run_in_order(shop, [entangled.CHANGES[what]])


def random_changes(seed: int, changes: Sequence[str], number: int) -> list[str]:
    return random.Random(seed).sample(list(changes), number)  # noqa: S311 - any order will do


SEEDS = (
    0,
    *(pytest.param(seed, marks=pytest.mark.thorough) for seed in range(1, 9)),
    *(pytest.param(seed, marks=pytest.mark.exhaustive) for seed in range(9, 2000)),
)


@pytest.mark.exhaustive
@pytest.mark.parametrize("seed", SEEDS)
def test_repairs_of_many_changes_run_in_order(seed: int, shop: Lab) -> None:
    number = 2 + seed % 7
    changes = random_changes(seed, list(entangled.CHANGES.values()), number)
    assert_repairs_run_in_order(shop, changes)


@pytest.mark.exhaustive
@pytest.mark.parametrize("seed", SEEDS[1:400])
def test_repairs_of_many_changes_of_the_product_run_in_order(seed: int, product: Lab) -> None:
    changes = random_changes(seed, [drift.sql for drift in DRIFTS], 2 + seed % 9)
    assert_repairs_run_in_order(product, changes)


@pytest.mark.thorough
def test_missing_foreign_key_is_one_finding(product: Lab) -> None:
    with connected(product.url) as connection:
        declared = product.read(connection)
        change(connection, "alter table public.tracks drop constraint fk_tracks_event_id_events")
        (finding,) = product.reported(connection, declared)
    assert finding.difference == "is missing"
    assert finding.decision is None


def test_what_others_use_is_named_before_it_is_dropped(
    connection: Connection, at_head: AtHead
) -> None:
    change(
        connection,
        """
        create schema crm;
        alter table public.events add column extra text;
        create view crm.extras as select id, extra from public.events;
        alter table public.tracks alter column sort_order type bigint;
        create view crm.orders as select sort_order from public.tracks;
        create function public.count_it() returns trigger language plpgsql
            as 'begin return null; end';
        create trigger count_it after insert on public.events
            for each row execute function public.count_it();
        create table public.copies (id uuid);
        create function crm.copy_it() returns bigint language sql
            as 'select count(*) from public.copies';
        create policy loud on public.events for select to authenticated
            using (exists (select from public.copies as c where c.id = events.id));
        create table public.lone (id uuid)
        """,
    )
    actual = read(connection, at_head.schemas, SUPABASE.names)
    differences = compare(at_head.snapshot, actual, roles=SUPABASE)
    findings = naming_dependants(connection, differences, at_head.snapshot, actual)
    assert {each.object: each.decision for each in findings} == {
        "column public.events extra": "it deletes rows; view crm.extras uses it",
        "column public.tracks sort_order": "view crm.orders uses it",
        "function public.count_it()": "trigger public.events count_it uses it",
        "policy public.events loud": None,
        "table public.copies": (
            "it deletes rows; function crm.copy_it(), policy public.events loud use it"
        ),
        "table public.lone": "it deletes rows",
        "trigger public.events count_it": None,
    }
    lines = {each.object: str(each) for each in findings}
    assert lines["function public.count_it()"].endswith(
        " Decide first: trigger public.events count_it uses it."
        " Repair: drop function if exists public.count_it()"
    )


CREATION = {
    "enum": "type public.{} as enum ('small')",
    "function": "function public.{}() returns void language sql as ''",
    "sequence": "sequence public.{}",
    "table": "table public.{} (id uuid)",
}
NAMED = {
    "table public.copies": "select from PUBLIC.COPIES",
    "table public.größe": "select from public.GRößE",
    "table public.a$b": "select from public.A$B",
    "table public.Odd name": "execute format('select from public.%I', 'Odd name')",
    "table public.%d": 'select from public."%d"',
    "table public.-": 'select from public."-"',
    'table public.a "b"': 'select from public."a ""b"""',
    "table public.it's": "execute 'select from public.\"it''s\"'",
    f"table public.{'x' * 63}": f"select from public.{'x' * 70}",
    f"table public.{'X' * 63}": f'select from public."{"X" * 70}"',
    "enum public.size": "select 'small'::public.Size",
    "sequence public.counted": "select nextval('public.counted')",
    "function public.measured()": "select public.MEASURED()",
}
"""Objects, and bodies that name each."""
UNNAMED = {
    "table public.letters": 'select from public."LETTERS"',
    "table public.words": "select from public.WORDS_OF_OTHERS",
    "table public.Lines": "select from public.Lines",
    "table public.%": "select 5 % 3",
    "table public.c": "select from public.b$c",
}
"""Objects, and bodies that name others."""


def test_body_that_names_what_is_to_be_dropped_is_named(
    connection: Connection, at_head: AtHead
) -> None:
    change(connection, "create schema crm")
    users = {}
    for number, (item, body) in enumerate((NAMED | UNNAMED).items()):
        kind, _, name = item.partition(" public.")
        user = f"crm.uses_{number:02}()"
        change(
            connection,
            f"""
            create {CREATION[kind].format(sql.quote(name.removesuffix("()")))};
            create function {user} returns void language plpgsql as $_$begin {body}; end$_$
            """,
        )
        users[item] = f"function {user} uses it"
    actual = read(connection, at_head.schemas, SUPABASE.names)
    differences = compare(at_head.snapshot, actual, roles=SUPABASE)
    findings = naming_dependants(connection, differences, at_head.snapshot, actual)
    decisions = {each.object: each.decision or "" for each in findings}
    assert users.keys() <= decisions.keys()
    assert {item for item, used in users.items() if used in decisions[item]} == {*NAMED}
    assert [item for item in UNNAMED if "use" in decisions[item]] == []


def test_change_of_an_owner_comes_first_and_needs_a_decision(
    connection: Connection, at_head: AtHead
) -> None:
    change(
        connection,
        """
        alter table public.tracks owner to authenticated;
        drop trigger update_tracks_updated_at on public.tracks;
        alter table public.tracks disable row level security;
        comment on table public.events is null
        """,
    )
    actual = read(connection, at_head.schemas, SUPABASE.names)
    differences = compare(at_head.snapshot, actual, roles=SUPABASE)
    findings = owners_first(after_owners(differences, at_head.snapshot, actual))
    after = "it runs only after the change of the owner"
    assert [(each.object, each.decision) for each in findings] == [
        ("table public.tracks", "a superuser or a member of both roles has to run it"),
        ("table public.events", None),
        ("table access public.tracks", after),
        ("trigger public.tracks update_tracks_updated_at", after),
    ]


@pytest.mark.parametrize(
    ("rename", "repair"),
    [
        (
            "alter table public.events rename constraint pk_events to events_pkey",
            "alter table public.events rename constraint events_pkey to pk_events",
        ),
        (
            "alter index public.ix_participants_user_id rename to participants_user_id_idx",
            "alter index public.participants_user_id_idx rename to ix_participants_user_id",
        ),
        (
            "alter trigger update_events_updated_at on public.events rename to set_updated_at",
            "alter trigger set_updated_at on public.events rename to update_events_updated_at",
        ),
        (
            'alter policy "members of the organization can read" on public.events rename to "Read"',
            'alter policy "Read" on public.events rename to "members of the organization can read"',
        ),
    ],
)
def test_what_differs_in_name_alone_is_renamed(
    rename: str, repair: str, connection: Connection, at_head: AtHead
) -> None:
    change(connection, rename)
    actual = read(connection, at_head.schemas, SUPABASE.names)
    (finding,) = compare(at_head.snapshot, actual, roles=SUPABASE)
    assert finding.difference.startswith("is declared with the name ")
    assert finding.repair == repair


@pytest.mark.exhaustive
def test_printed_repairs_of_a_check_end_every_difference(
    townhall_database: str,
    townhall_server: str,
    townhall_owner: str | None,
    capsys: pytest.CaptureFixture[str],
) -> None:
    execute(
        townhall_database,
        "drop table public.participant_tracks cascade",
        "drop schema private cascade",
        "alter table public.events rename constraint pk_events to events_pkey",
        "create table public.tracks_of_others (track_id uuid references public.tracks)",
    )
    words = ("check", "--url", townhall_database, "--scratch", townhall_server, "--role", "anon")
    assert main((*words, "--json")) == 1
    findings = json.loads(capsys.readouterr().out)["findings"]
    with connected(with_role(townhall_database, townhall_owner)) as connection:
        for finding in findings:
            sql = finding["repair"].removeprefix(DECLARE)
            assert not sql.startswith("alembic")
            change(connection, sql)
    assert main(words) == 0


@pytest.mark.exhaustive
def test_code_of_others_does_not_run_with_the_rights_of_the_scratch_server(
    townhall_database: str, townhall_server: str
) -> None:
    role = f"townhall_forged_{uuid4().hex[:8]}"
    execute(
        townhall_database,
        f"""
        create function public.forge() returns integer language plpgsql as $$
        begin
            if starts_with(current_database(), 'townhall_check_') then
                execute 'create role {role} superuser';
            end if;
            return 1;
        end
        $$
        """,
        "create materialized view public.forged as select public.forge() as one",
    )
    report = check(townhall_database, scratch=townhall_server, role="authenticated")
    assert "materialized view public.forged" in {each.object for each in report.findings}
    with connected(townhall_server) as connection:
        found = connection.exec_driver_sql("select rolname from pg_catalog.pg_roles").scalars()
        forged = [each for each in found if each.startswith(("townhall_forged_", PREFIX))]
    assert forged == []
