"""The access rules of venues."""

from townhall.domains.venues.models import Venue

from townhall.domains.identity.access import managers, members
from townhall.pg.access import Access

RULES = (
    Access(
        Venue,
        read=members(Venue.organization_id),
        write=managers(Venue.organization_id),
        fixed=(Venue.organization_id,),
    ),
)
