"""Which callers have an account that they can come back to."""

from __future__ import annotations

from townhall.pg import sql

# A subquery without columns of the table is evaluated once per statement.
HAS_ACCOUNT = sql.layout(
    """
    (
        select
            nullif(current_setting('request.jwt.claims', true), '')::jsonb
            ->> 'is_anonymous'
    ) is distinct from 'true'
    """
)
"""The condition that the caller's token lacks the claim of an anonymous sign-in."""
