"""Where events take place."""

from townhall.domains.venues.models import Venue

__all__ = ["Venue"]
