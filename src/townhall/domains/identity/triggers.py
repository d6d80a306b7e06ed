"""The triggers of identity, and those that other domains share: updated_at, the last owner."""

from __future__ import annotations

from collections.abc import Iterable

from townhall.pg import SAFE_SEARCH_PATH, SERVICE, Entity, Function, Trigger
from townhall.pg.trigger import Event
from townhall.refusals import Kind, Refusal

UPDATE_UPDATED_AT_COLUMN = Function(
    schema="private",
    name="update_updated_at_column",
    language="plpgsql",
    settings={"search_path": SAFE_SEARCH_PATH},
    body="""
        begin
            new.updated_at := now();
            return new;
        end
    """,
    comment="Sets updated_at to now(); shared by all tables with timestamps.",
)


def updated_at_trigger(
    table: str, columns: Iterable[str] = (), comment: str = "Sets updated_at."
) -> Trigger:
    """Return the trigger that sets ``updated_at`` on every update of a table.

    Args:
        table: The name of a table of schema ``public``.
        columns: The columns whose update counts as one; none for all of them.
        comment: The comment on the trigger.
    """
    return Trigger(
        table=table,
        name=f"update_{table}_updated_at",
        timing="before",
        events=("update",),
        columns=tuple(columns),
        function=UPDATE_UPDATED_AT_COLUMN,
        comment=comment,
    )


def of_clients(table: str) -> str:
    """Return the condition of a trigger that fires for the statements of clients alone.

    It is evaluated as the role that runs the statement, which is the owner of the table where the
    deletion of an account or of an organization deletes rows.

    Args:
        table: The name of a table of schema ``public``.
    """
    return f"row_security_active('public.{table}')\nand not pg_has_role('{SERVICE}', 'usage')"


def last_owner(group: str, groups: str, members: str) -> tuple[Entity, ...]:
    """Return the triggers that keep an owner in every group that a client changes members of.

    The caller's groups are locked before the statement, in the order in which the deletion of a
    group locks it and its members: of two owners who remove each other the second waits, and is
    refused. The owner who remains is locked too, whose account may be deleted at the same time.

    Args:
        group: What a group is called: ``organization``; its members have the column
            ``organization_id`` and a role, which may be ``owner``.
        groups: The name of its table.
        members: The name of the table of its members.
    """
    changes: tuple[Event, ...] = ("update", "delete")
    hold = Function(
        schema="private",
        name=f"hold_owned_{groups}",
        language="plpgsql",
        security="definer",
        settings={"search_path": SAFE_SEARCH_PATH},
        body=f"""
            begin
                perform
                from public.{groups} as g
                where g.id in (
                    select m.{group}_id
                    from public.{members} as m
                    where m.user_id = :caller and m.role = 'owner'
                )
                order by g.id
                for no key update;
                return null;
            end
        """,  # noqa: S608 - names of ours
        comment=f"Locks the {groups} that the caller owns until the transaction ends.",
    )
    keep = Function(
        schema="private",
        name=f"keep_owner_of_{group}",
        language="plpgsql",
        security="definer",
        settings={"search_path": SAFE_SEARCH_PATH},
        body=f"""
            declare
                changed uuid;
            begin
                for changed in
                    select distinct o.{group}_id
                    from old_members as o
                    where o.role = 'owner'
                loop
                    perform
                    from public.{members} as m
                    where m.{group}_id = changed and m.role = 'owner'
                    limit 1
                    for share;
                    if not found then
                        raise exception '{group} % would have no owner', changed
                            using errcode = 'check_violation',
                                hint = 'Make another member an owner first.',
                                schema = 'public',
                                table = '{members}',
                                column = 'role',
                                constraint = '{group}_has_owner';
                    end if;
                end loop;
                return null;
            end
        """,  # noqa: S608 - names of ours
        comment=f"Refuses a statement after which the {group} has no owner.",
    )
    return (
        hold,
        keep,
        Trigger(
            table=members,
            name=f"hold_owned_{groups}",
            timing="before",
            events=changes,
            level="statement",
            condition=of_clients(members),
            function=hold,
            comment=f"Two owners of one {group} change its members one after the other.",
        ),
        *(
            Trigger(
                table=members,
                name=f"keep_owner_on_{event}",
                timing="after",
                events=(event,),
                level="statement",
                condition=of_clients(members),
                old_table="old_members",
                function=keep,
                comment=f"A client can't remove the last owner of the {group}, or change the role.",
            )
            for event in changes
        ),
    )


REFUSALS = {
    "organization_has_owner": Refusal(
        Kind.WRONG_STATE, "Make another member of the organization an owner first."
    ),
}

ENTITIES: tuple[Entity, ...] = (
    UPDATE_UPDATED_AT_COLUMN,
    updated_at_trigger("profiles"),
    updated_at_trigger("organizations"),
    *last_owner("organization", "organizations", "organization_members"),
)
