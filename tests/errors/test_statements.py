"""Denied statements of the library show, and inserts that leave out the caller name the column."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from enum import StrEnum
from inspect import getmembers, isfunction, signature
from typing import TYPE_CHECKING, get_origin
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Select, text
from sqlalchemy.exc import DBAPIError

from townhall import ConsentCategory, entities
from townhall.domains import DOMAINS
from townhall.domains.coaching import (
    complete_participant_session,
    log_usage_event,
    start_participant_session,
    tenant_branding,
    verify_custom_domain,
)
from townhall.domains.community import (
    count_views,
    mark_messages_read,
    refresh_benchmarks,
    set_consent,
)
from townhall.domains.events import seat, set_networking_opt_in, swap_seats
from townhall.domains.product import PRODUCT, module_of
from townhall.domains.wizard import abandon_session, complete_session, open_session, save_session
from townhall.errors import Kind, explain
from townhall.pg import Function

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection, Executable

    from townhall.pg.access import Access
    from townhall.session import SessionFactory

Keys = dict[str, UUID]

_KEYS = """
    select
        (select id from participants) as participant,
        (select event_id from participants) as event,
        (select id from participant_sessions) as session,
        (select id from wizard_sessions) as wizard,
        (select user_id from wizard_sessions) as person,
        (select id from tenant_profiles) as tenant,
        (select id from social_feed_posts) as post,
        (select id from founder_messages) as message
"""

DENIED: dict[str, Callable[[Keys], Executable]] = {
    "verify_custom_domain": lambda keys: verify_custom_domain(keys["tenant"], "a.example"),
    "start_participant_session": lambda keys: start_participant_session(keys["session"]),
    "complete_participant_session": lambda keys: complete_participant_session(keys["session"]),
    "log_usage_event": lambda keys: log_usage_event(keys["tenant"], "chat"),
    "set_consent": lambda keys: set_consent(
        keys["person"], ConsentCategory.DIRECTORY, enabled=True
    ),
    "refresh_benchmarks": lambda _: refresh_benchmarks(),
    "count_views": lambda keys: count_views([keys["post"]]),
    "seat": lambda keys: seat(keys["event"], keys["participant"], 1),
    "set_networking_opt_in": lambda keys: set_networking_opt_in(keys["participant"], opt_in=True),
    "open_session": lambda keys: open_session(keys["person"]),
    "save_session": lambda keys: save_session(keys["wizard"], {}),
    "complete_session": lambda keys: complete_session(keys["wizard"]),
    "abandon_session": lambda keys: abandon_session(keys["wizard"]),
}
WITHOUT_ROWS: dict[str, Callable[[Keys], Executable]] = {
    "swap_seats": lambda keys: swap_seats(keys["event"], keys["participant"], keys["participant"]),
    "mark_messages_read": lambda keys: mark_messages_read([keys["message"]]),
}


@pytest.fixture
def keys(filled_connection: Connection) -> Keys:
    return dict(filled_connection.execute(text(_KEYS)).mappings().one())


@pytest.mark.parametrize("name", DENIED)
def test_denied_statement_of_the_library_raises(
    filled_sessions: SessionFactory, keys: Keys, name: str
) -> None:
    with filled_sessions.as_user(uuid4()) as session:
        with pytest.raises(DBAPIError) as raised:
            session.execute(DENIED[name](keys))
        session.rollback()
    found = explain(raised.value)
    assert found is not None
    assert found.kind is Kind.DENIED


@pytest.mark.parametrize("name", WITHOUT_ROWS)
def test_statement_that_changes_no_row_says_so(
    filled_sessions: SessionFactory, keys: Keys, name: str
) -> None:
    with filled_sessions.as_user(uuid4()) as session:
        assert session.execute(WITHOUT_ROWS[name](keys)).scalars().all() in ([], [0])


VALUES: dict[object, object] = {
    UUID: uuid4(),
    bool: True,
    int: 1,
    str: "a.example",
    date: date(2026, 11, 1),
}
CHANGING = [
    f"{each.schema}.{each.name}("
    for each in entities
    if isinstance(each, Function) and each.volatility == "volatile"
]


def builders() -> list[Callable[..., Executable]]:
    """Return what makes the statements of every domain."""
    modules = (module_of(domain, "queries") for domain in DOMAINS)
    return [
        builder
        for module in modules
        if module is not None
        for name, builder in getmembers(module, isfunction)
        if not name.startswith("_")
        and builder.__module__ == module.__name__
        and builder is not tenant_branding  # it reads, and takes either of two arguments
    ]


def argument(annotation: object) -> object:
    """Return a value of a parameter."""
    match get_origin(annotation) or annotation:
        case type() as enum if issubclass(enum, StrEnum):
            return next(iter(enum))
        case type() as mapping if mapping is Mapping:
            return {}
        case type() as many if issubclass(many, Iterable) and many is not str:
            return [uuid4()]
    return VALUES.get(annotation)


@pytest.mark.parametrize("builder", builders(), ids=lambda each: each.__name__)
def test_statement_that_writes_raises_or_returns_what_it_has_changed(
    filled_sessions: SessionFactory, builder: Callable[..., Executable]
) -> None:
    given = {
        each.name: argument(each.annotation)
        for each in signature(builder, eval_str=True).parameters.values()
        if each.default is each.empty
    }
    assert None not in given.values(), "VALUES lacks a value for the annotation of a parameter"
    statement = builder(**given)
    if isinstance(statement, Select) and not any(each in str(statement) for each in CHANGING):
        return  # it reads
    with filled_sessions.as_user(uuid4()) as session:
        error = None
        try:
            session.execute(statement).all()  # an error where there are no rows to return
        except DBAPIError as raised:
            error = raised
            session.rollback()
    assert error is None or explain(error) is not None


def demanding() -> list[Access]:
    """Return the rules for inserts that demand the caller's id in a column."""
    return [
        rule
        for rule in PRODUCT.access_rules
        if "insert" in rule.commands and rule.commands["insert"].caller_columns
    ]


@pytest.mark.parametrize("rule", demanding(), ids=lambda rule: rule.table.name)
def test_insert_that_leaves_out_the_caller_names_the_column(
    filled_sessions: SessionFactory, rule: Access
) -> None:
    with filled_sessions.as_user(uuid4()) as session:
        with pytest.raises(DBAPIError) as raised:
            session.execute(text(f"insert into {rule.table.name} default values"))
        session.rollback()
    found = explain(raised.value)
    assert found is not None
    assert (found.kind, found.table) == (Kind.DENIED, rule.table.name)
    assert found.columns == rule.commands["insert"].caller_columns


def test_some_rules_demand_the_caller() -> None:
    assert {rule.table.name for rule in demanding()} >= {"social_feed_posts", "founder_messages"}
