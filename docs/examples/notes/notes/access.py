"""The access rules of workspaces and their notes."""

from __future__ import annotations

from notes.models import Account, Membership, Note, Workspace
from notes.roles import ROLES
from townhall.pg.access import (
    Access,
    Attribute,
    Principal,
    anyone_with,
    entities_of,
    membership,
    owner,
)

MY_WORKSPACE_IDS = membership(
    "my_workspace_ids",
    Workspace.id,
    """
    select m.workspace_id
    from public.memberships as m
    where m.account_id = :caller
    """,
    "The workspaces that the caller is a member of.",
)


def members(workspace_id: Attribute) -> Principal:
    """Return the members of the workspace whose id is in a column."""
    return anyone_with(workspace_id, MY_WORKSPACE_IDS, "members of the workspace")


the_author = owner(Note.author_id, "the author").where(
    members(Note.workspace_id).condition, "as a member of the workspace"
)

RULES = (
    Access(Account, read=owner(Account.id)),
    Access(Workspace, read=members(Workspace.id)),
    Access(Membership, read=members(Membership.workspace_id)),
    Access(
        Note,
        read=members(Note.workspace_id),
        write=the_author,
        fixed=(Note.workspace_id, Note.author_id),
    ),
)

ENTITIES = entities_of((MY_WORKSPACE_IDS, *RULES), roles=ROLES)
