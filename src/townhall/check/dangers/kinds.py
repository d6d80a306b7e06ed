"""The kinds of dangers, the worst first."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from townhall.check.impact import Severity


class Danger(StrEnum):
    """A kind of danger in the rules of a database, or in models, by its name; the worst first."""

    NO_ROW_SECURITY = "no row security"
    """A table of an exposed schema without row level security."""

    UNUSED_POLICIES = "unused policies"
    """A table that has policies, and no row level security."""

    WRITABLE_BY_ALL = "writable by all"
    """A permissive policy for writing whose condition is ``true``."""

    USERS_SHOWN = "users shown"
    """A view of an exposed schema by which callers read ``auth.users``."""

    OWNERS_VIEW = "view runs as owner"
    """A view of an exposed schema that reads tables past their policies."""

    ANONYMOUS_DEFINER = "definer function for anonymous"
    """A function of an exposed schema that runs as its owner and needs no token."""

    UNSAFE_SEARCH_PATH = "unsafe search path"
    """A function that runs as its owner and finds what its caller has made."""

    USER_METADATA = "user metadata"
    """A policy that trusts what users may set themselves."""

    UNCLASSIFIED = "unclassified foreign key"
    """A foreign key to an account, or to a row of a person, that does not say whose its row is."""

    PER_ROW = "evaluated per row"
    """A policy that calls a function for each row which could be called once."""

    SEVERAL_PERMISSIVE = "several permissive policies"
    """Several permissive policies for one role and command."""

    NO_INDEX = "foreign key without index"
    """A foreign key whose columns no index begins with."""


@dataclass(frozen=True)
class Words:
    """What the report says of a kind.

    Attributes:
        severity: How severe it is.
        one: What one finding is, behind its object.
        many: What several are, behind their number.
        impact: What it means.
    """

    severity: Severity
    one: str
    many: str
    impact: str


WORDS = {
    Danger.NO_ROW_SECURITY: Words(
        Severity.SECURITY,
        "is exposed without row level security",
        "exposed tables without row level security",
        "every role with a privilege can access every row",
    ),
    Danger.UNUSED_POLICIES: Words(
        Severity.SECURITY,
        "has policies, and row level security is off",
        "tables with policies whose row level security is off",
        "no policy applies: every role with a privilege can access every row",
    ),
    Danger.WRITABLE_BY_ALL: Words(
        Severity.SECURITY,
        "lets its roles write any row",
        "policies that let their roles write any row",
        "a client with one of its roles can change or fake the rows of others",
    ),
    Danger.USERS_SHOWN: Words(
        Severity.SECURITY,
        "shows auth.users",
        "views that show auth.users",
        "callers see the data of the accounts of others",
    ),
    Danger.OWNERS_VIEW: Words(
        Severity.SECURITY,
        "runs as its owner",
        "views that run as their owner",
        "the policies of the tables below do not apply to its callers",
    ),
    Danger.ANONYMOUS_DEFINER: Words(
        Severity.SECURITY,
        "runs as its owner, and can be called without signing in",
        "functions that run as their owner and can be called without signing in",
        "the policies do not apply to what they read and write",
    ),
    Danger.UNSAFE_SEARCH_PATH: Words(
        Severity.SECURITY,
        "runs as its owner, and has no safe search path",
        "functions that run as their owner and have no safe search path",
        "a caller can put a table or function of its own in the place of one that is named",
    ),
    Danger.USER_METADATA: Words(
        Severity.SECURITY,
        "trusts user metadata",
        "policies that trust user metadata",
        "users can set it themselves, and so give themselves access",
    ),
    Danger.UNCLASSIFIED: Words(
        Severity.FUNCTIONAL,
        "does not say whose its rows are",
        "foreign keys that do not say whose their rows are",
        "export_person and erase_person are refused, since they would leave rows behind",
    ),
    Danger.PER_ROW: Words(
        Severity.PERFORMANCE,
        "calls a function for each row",
        "policies that call a function for each row",
        "a query on a large table takes many times as long as with one call",
    ),
    Danger.SEVERAL_PERMISSIVE: Words(
        Severity.PERFORMANCE,
        "has several permissive policies for one role and command",
        "tables with several permissive policies for one role and command",
        "every one of them is evaluated for each row",
    ),
    Danger.NO_INDEX: Words(
        Severity.PERFORMANCE,
        "has no index",
        "foreign keys without an index",
        "each delete or change of a referenced row, and each join, reads the whole table",
    ),
}
