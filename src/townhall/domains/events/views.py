"""The views of events: statistics of tracks."""

from __future__ import annotations

from townhall.pg import AUTHENTICATED, SERVICE, Entity, View

ENTITIES: tuple[Entity, ...] = (
    View(
        name="track_statistics",
        # Grouping by the track, partitioning by event and joining by the event as well let
        # PostgreSQL push a condition on event_id down to every table, so that it reads one event.
        definition="""
            select
                t.id as track_id,
                t.event_id,
                t.name as track_name,
                t.color,
                count(pt.id) as participant_count,
                count(pt.id) filter (where p.is_vip) as vip_count,
                count(pt.id) filter (where pt.is_primary) as primary_count,
                round(
                    100.0 * count(pt.id)
                    / nullif(sum(count(pt.id)) over (partition by t.event_id), 0),
                    1
                ) as percentage
            from public.tracks as t
            left join public.participant_tracks as pt
                on pt.event_id = t.event_id and pt.track_id = t.id
            left join public.participants as p
                on p.event_id = pt.event_id and p.id = pt.participant_id
            where t.is_active
            group by t.id, t.event_id, t.name, t.color
        """,
        grants={AUTHENTICATED: ("select",), SERVICE: ("select",)},
        comment="סטטיסטיקת מסלולים לכל אירוע (Statistics of the active tracks of each event)",
        column_comments={
            "track_id": "המסלול (The track)",
            "event_id": "האירוע (The event)",
            "track_name": "שם המסלול (The track's name)",
            "color": "צבע המסלול (The track's colour)",
            "participant_count": "מספר המשתתפים במסלול (Participants in the track)",
            "vip_count": "מתוכם אורחי VIP (Of them VIPs)",
            "primary_count": "מתוכם במסלול כראשי (Of them with this as their main track)",
            "percentage": "חלקו של המסלול בשיבוצים של מסלולי האירוע הפעילים, באחוזים"
            " (The track's share of the placements in the event's active tracks, in percent)",
        },
    ),
)
