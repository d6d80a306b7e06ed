"""Statements on tenants, their campaigns, sessions and usage."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Date,
    DateTime,
    Numeric,
    Select,
    Text,
    Uuid,
    case,
    cast,
    column,
    delete,
    false,
    func,
    select,
    tuple_,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import aliased

from townhall.domains.coaching.brand import BrandConfig
from townhall.domains.coaching.custom_domain import canonical_domain
from townhall.domains.coaching.models import (
    ClientStatus,
    ParticipantSession,
    TenantProfile,
    UsageEvent,
)
from townhall.input_error import InputError
from townhall.types import OptionalJson, WholeNumber


def tenant_by_slug(slug: str) -> Select[TenantProfile]:
    """Select the tenant of a slug, as its owner or the service; see :func:`tenant_branding`.

    Args:
        slug: The name in URLs.
    """
    return select(TenantProfile).where(TenantProfile.slug == slug)


def tenant_by_domain(domain: str) -> Select[TenantProfile]:
    """Select the tenant that verified a domain, as its owner or the service.

    Args:
        domain: The domain in any form, such as the header ``Host``; no tenant has what is no
            domain. See :func:`tenant_branding` for other callers.
    """
    canonical = _canonical(domain)
    if canonical is None:
        return select(TenantProfile).where(false())
    return select(TenantProfile).where(
        TenantProfile.custom_domain == canonical,
        TenantProfile.custom_domain_verified_at.is_not(None),
    )


def _canonical(host: str) -> str | None:
    """Return the canonical form of a domain, or None for what is no domain."""
    try:
        return canonical_domain(host)
    except ValueError:
        return None


def verify_custom_domain(tenant_id: UUID, domain: str) -> Select[Any]:
    """Record that a tenant's domain was verified, as the service; from then on it is served.

    A tenant that verified the domain earlier no longer has it verified.

    Args:
        tenant_id: The tenant.
        domain: The domain that was verified, in any form. It is the tenant's ``custom_domain``.

    Raises:
        InputError: It is no domain.
        sqlalchemy.exc.IntegrityError: When it is run: the tenant does not have this domain, or no
            longer.
        sqlalchemy.exc.ProgrammingError: When it is run: the caller is not the service.
    """
    return select(
        func.public.verify_custom_domain(
            cast(tenant_id, Uuid), cast(canonical_domain(domain), Text)
        )
    )


def tenant_by_id(tenant_id: UUID) -> Select[TenantProfile]:
    """Select a tenant by its key, as its owner or the service.

    Args:
        tenant_id: The key.
    """
    return select(TenantProfile).where(TenantProfile.id == tenant_id)


def tenant_for_user(user_id: UUID) -> Select[TenantProfile]:
    """Select the tenants that a user owns, the oldest first.

    Args:
        user_id: The user; the caller, except for the service.
    """
    return (
        select(TenantProfile)
        .where(TenantProfile.user_id == user_id)
        .order_by(TenantProfile.created_at, TenantProfile.id)
    )


def tenant_branding(
    *, slug: str | None = None, domain: str | None = None
) -> Select[str, str, str, BrandConfig | None, str | None]:
    """Select the five public columns of an active tenant, as any caller.

    A row has ``slug``, ``display_name``, ``tenant_type``, ``brand_config`` and ``custom_domain``;
    the latter is null unless it is verified.

    Args:
        slug: The name in URLs.
        domain: A domain in any form, such as the header ``Host``; it is the tenant's that verified
            it, and no tenant has what is no domain.

    Raises:
        TypeError: Neither or both of them are given.
    """
    if (slug is None) == (domain is None):
        raise TypeError("tenant_branding() takes either slug or domain")
    call = (
        func.public.get_tenant_branding(cast(slug, Text))
        if domain is None
        else func.public.get_tenant_branding_by_domain(cast(_canonical(domain), Text))
    )
    branding = call.table_valued(
        column("slug", Text),
        column("display_name", Text),
        column("tenant_type", Text),
        column("brand_config", OptionalJson(BrandConfig)),
        column("custom_domain", Text),
        name="branding",
    )
    return select(*branding.c)


def pipeline_of(
    tenant_id: UUID, client_status: ClientStatus | None = None
) -> Select[ParticipantSession]:
    """Select a tenant's sessions by their stage in its pipeline, newest first within a stage.

    Args:
        tenant_id: The tenant.
        client_status: One stage; None for all stages in their order.
    """
    stage = case(
        {status.value: place for place, status in enumerate(ClientStatus)},
        value=cast(ParticipantSession.client_status, Text),
    )
    sessions = (
        select(ParticipantSession)
        .where(ParticipantSession.tenant_id == tenant_id)
        .order_by(stage, ParticipantSession.created_at.desc(), ParticipantSession.id)
    )
    if client_status is None:
        return sessions
    return sessions.where(ParticipantSession.client_status == client_status)


def start_participant_session(session_id: UUID) -> Select[Any]:
    """Start the caller's own session.

    An object that the session has loaded is not updated until it is refreshed.

    Args:
        session_id: A pending session of the caller's.

    Raises:
        sqlalchemy.exc.IntegrityError: When it is run: the session is not pending.
        sqlalchemy.exc.ProgrammingError: When it is run: the session is not the caller's.
    """
    return select(func.public.start_participant_session(cast(session_id, Uuid)))


def complete_participant_session(session_id: UUID) -> Select[Any]:
    """Complete the caller's own session; see :func:`start_participant_session`.

    Args:
        session_id: A session of the caller's that is in progress.
    """
    return select(func.public.complete_participant_session(cast(session_id, Uuid)))


def log_usage_event(  # noqa: PLR0913 - the columns of an event
    tenant_id: UUID,
    event_type: str,
    event_data: Mapping[str, Any] | None = None,
    *,
    user_id: UUID | None = None,
    tokens_used: int = 0,
    model_used: str | None = None,
    cost_cents: Decimal | int = 0,
    id: UUID | None = None,  # noqa: A002 - the name of the column
    created_at: datetime | None = None,
) -> Select[UUID]:
    """Log a usage event of a tenant, as the service; returns the id of the event.

    Args:
        tenant_id: The tenant that pays.
        event_type: The type of the event, chosen by the application.
        event_data: Details, a JSON object.
        user_id: The account that caused it.
        tokens_used: Input and output tokens of the language model.
        model_used: The language model.
        cost_cents: The cost in cents, with up to four decimals.
        id: The key of the event, chosen by the caller: an event that is logged again with the same
            key is not counted again. None for a new key.
        created_at: When the usage took place, with a time zone, where it is reported late; None
            for now.

    Raises:
        InputError: ``created_at`` has no time zone.
        sqlalchemy.exc.IntegrityError: When it is run: there is no such tenant or user, a figure is
            negative, or another tenant has an event with this ``id``.
        sqlalchemy.exc.ProgrammingError: When it is run: the caller is not the service.
    """
    if created_at is not None and created_at.utcoffset() is None:
        raise InputError(
            f"created_at is {created_at}, without a time zone, so that its month is not known; give"
            " a time such as datetime.now(UTC)"
        )
    return select(
        func.public.log_usage_event(
            cast(tenant_id, Uuid),
            cast(event_type, Text),
            cast(dict(event_data or {}), JSONB),
            cast(user_id, Uuid),
            cast(tokens_used, BigInteger),
            cast(model_used, Text),
            cast(cost_cents, Numeric),
            cast(id, Uuid),
            cast(created_at, DateTime(timezone=True)),
            type_=Uuid,
        )
    )


def newest_usage(limit: int = 50) -> Select[UsageEvent]:
    """Select the newest usage events of the caller's tenants, as their owner.

    The newest of each tenant are read in the order of its index. Without a tenant PostgreSQL would
    read the events of all tenants backwards until it has enough of the caller's. Of one tenant,
    ``select(UsageEvent).where(UsageEvent.tenant_id == …)`` does the same, where the table is on one
    machine. For the service they are the newest of all tenants.

    Args:
        limit: The number of events.
    """
    columns = (column(each.name, each.type) for each in UsageEvent.__table__.c)
    newest = func.public.newest_usage(cast(limit, BigInteger)).table_valued(
        *columns, name="newest_usage"
    )
    event = aliased(UsageEvent, newest, adapt_on_names=True)
    return select(event).order_by(event.created_at.desc())


def usage_summary(
    month: date, tenant_id: UUID | None = None
) -> Select[UUID | None, str, str | None, int, int, Decimal]:
    """Sum up the usage of a month by tenant, event type and model.

    A row has ``tenant_id``, ``event_type``, ``model_used``, ``events``, ``tokens_used`` and
    ``cost_cents``. The events of the month are read through an index.

    Args:
        month: A day of the month; months begin and end at midnight UTC.
        tenant_id: One tenant; None for all that the caller may read.
    """
    summary = func.public.usage_summary(cast(month, Date), cast(tenant_id, Uuid)).table_valued(
        column("tenant_id", Uuid),
        column("event_type", Text),
        column("model_used", Text),
        column("events", BigInteger),
        column("tokens_used", WholeNumber),
        column("cost_cents", Numeric),
        name="usage",
    )
    kinds = (summary.c.tenant_id, summary.c.event_type, summary.c.model_used)
    return select(*summary.c).order_by(*kinds)


def delete_usage(before: date, *, limit: int = 10_000) -> Select[int]:
    """Delete usage of the months before one, the oldest first, as the service; returns how many.

    One call deletes a batch. Call it in a transaction of its own until it returns 0, so that no
    transaction is long. An object that the session has loaded is not removed from it.

    Args:
        before: A day of the first month that is kept; months begin at midnight UTC. It is in the
            current month or an earlier one, so that usage of the current month is always kept.
        limit: The most events that one call deletes.

    Raises:
        InputError: ``before`` is in a month to come.
        sqlalchemy.exc.ProgrammingError: When it is run: the caller is not the service.
    """
    now = datetime.now(UTC)
    if (before.year, before.month) > (now.year, now.month):
        raise InputError(
            f"usage before {before:%Y-%m} is not deleted, since the month {now:%Y-%m} is not over;"
            " give a day of this month or of an earlier one"
        )
    # The last of the batch is found first, by a statement that a distributed table takes as well.
    # The time is compared again, because another transaction may have made an event younger.
    is_old = UsageEvent.created_at < func.timezone("UTC", _first_of(before))
    place = (UsageEvent.created_at, UsageEvent.id)
    batch = select(*place).where(is_old).order_by(*place).limit(limit).subquery()
    last = select(*batch.c).order_by(*(each.desc() for each in batch.c)).limit(1)
    deleted = delete(UsageEvent).where(is_old, tuple_(*place) <= last.scalar_subquery())
    return select(func.count()).select_from(deleted.returning(UsageEvent.id).cte("deleted"))


def _first_of(month: date) -> ColumnElement[datetime]:
    return cast(date(month.year, month.month, 1), DateTime)
