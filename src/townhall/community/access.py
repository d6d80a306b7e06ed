"""Who may do what to communities, and to what founders plan and score."""

from __future__ import annotations

from townhall.community.models import (
    Community,
    CommunityMember,
    CommunityRole,
    InvestorReadinessScore,
    Milestone,
)
from townhall.pg import AUTHENTICATED, SERVICE, Entity, Function
from townhall.pg.access import (
    Access,
    Who,
    anyone_with,
    entities_of,
    membership,
    owner,
)

HELPERS = (
    membership(
        "my_community_ids",
        """
        select m.community_id
        from public.community_members as m
        where m.user_id = (select auth.uid())
        """,
        "The communities that the caller belongs to.",
    ),
    Function(
        schema="private",
        name="is_open_community",
        arguments={"community_id": "uuid"},
        returns="boolean",
        volatility="stable",
        security="definer",
        settings={"search_path": ""},
        body="""
            select exists (
                select
                from public.communities as c
                where c.id = is_open_community.community_id
                    and not c.is_private
                    and not c.is_archived
            )
        """,
        execute=(AUTHENTICATED, SERVICE),
        comment="Whether anybody may join a community.",
    ),
)

the_person = owner("user_id", "the person")
the_creator = owner("created_by", "the creator")
# Members, and where it is public everybody.
visitors = Who(
    "visitors of what is not archived",
    """
    not is_archived
    and (not is_private or id = any (array(select private.my_community_ids())))
    """,
)


RULES = (
    # A creator goes on seeing what they archived: whoever may not read a row can't update it, and
    # nobody could archive.
    Access(
        Community,
        read=the_creator | visitors,
        insert=the_creator,
        update=the_creator,
        fixed=("created_by",),
    ),
    Access(
        CommunityMember,
        read=anyone_with("community_id", "my_community_ids", "members") | the_person,
        insert=the_person.where(
            f"role = '{CommunityRole.MEMBER.value}' and private.is_open_community(community_id)",
            "joining what is public",
        ),
        delete=the_person,
    ),
    Access(Milestone, read=owner("user_id"), write=owner("user_id"), fixed=("user_id",)),
    Access(InvestorReadinessScore, read=owner("user_id")),
)

ENTITIES: tuple[Entity, ...] = (*HELPERS, *entities_of(RULES))
