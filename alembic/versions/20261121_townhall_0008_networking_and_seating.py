"""Consent to networking, seats at tables, and statistics of tracks.

The new column has a constant default, so that no row of a large table is written: consent is
explicit, and a participant who never answered has not consented.

A downgrade destroys every answer on networking and every seat.

Revision: townhall_0008
Revises: townhall_0007
Created: 2026-11-21
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from townhall import pg
from townhall.migrate.safety import drop_column, drop_table, lock_tables

revision = "townhall_0008"
down_revision = "townhall_0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    lock_tables("public.table_assignments", "public.participants", writes_only=["public.events"])
    op.create_table(
        "table_assignments",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False, comment="האירוע (The event)"),
        sa.Column(
            "participant_id",
            sa.Uuid(),
            nullable=False,
            comment="המשתתף, מאותו אירוע (The participant, of the same event)",
        ),
        sa.Column(
            "table_number",
            sa.Integer(),
            nullable=False,
            comment="מספר השולחן, מ-1 (The number of the table, from 1)",
        ),
        sa.Column(
            "seat_number",
            sa.Integer(),
            nullable=True,
            comment=(
                "מספר המושב ליד השולחן, מ-1; NULL כשלא נקבע (The seat at the table, "
                "from 1; null where none was chosen)"
            ),
        ),
        sa.Column(
            "is_vip_table",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="האם זה שולחן VIP (Whether it is a VIP table)",
        ),
        sa.Column(
            "assigned_by",
            sa.Text(),
            server_default="ai",
            nullable=False,
            comment=("מי שיבץ: בינה מלאכותית, מנהל או אוטומטי (Assigned by: ai, manager, auto)"),
        ),
        sa.Column(
            "assigned_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="מועד השיבוץ (When the seat was chosen)",
        ),
        sa.Column("notes", sa.Text(), nullable=True, comment="הערות לשיבוץ (Notes on the seat)"),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="מועד יצירת השורה (When the row was created)",
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment=(
                "מועד השינוי האחרון; נשמר בטריגר"
                " (When the row last changed; maintained by a trigger)"
            ),
        ),
        sa.CheckConstraint(
            "extract(year from assigned_at at time zone 'UTC') between 2 and 9998",
            name=op.f("ck_table_assignments_assigned_at_bounds"),
        ),
        sa.CheckConstraint(
            "char_length(notes) <= 20000", name=op.f("ck_table_assignments_notes_bounds")
        ),
        sa.CheckConstraint(
            "assigned_by in ('ai', 'manager', 'auto')",
            name=op.f("ck_table_assignments_assigned_by_known"),
        ),
        sa.CheckConstraint(
            "seat_number > 0", name=op.f("ck_table_assignments_seat_number_positive")
        ),
        sa.CheckConstraint(
            "table_number > 0", name=op.f("ck_table_assignments_table_number_positive")
        ),
        sa.ForeignKeyConstraint(
            ["event_id", "participant_id"],
            ["participants.event_id", "participants.id"],
            name=op.f("fk_table_assignments_event_id_participant_id_participants"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["event_id"],
            ["events.id"],
            name=op.f("fk_table_assignments_event_id_events"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_table_assignments")),
        sa.UniqueConstraint(
            "event_id", "participant_id", name=op.f("uq_table_assignments_event_id_participant_id")
        ),
        sa.UniqueConstraint(
            "event_id",
            "table_number",
            "seat_number",
            deferrable=True,
            initially="IMMEDIATE",
            name=op.f("uq_table_assignments_event_id_table_number_seat_number"),
        ),
        comment="שיבוץ משתתפים לשולחנות (Seats at tables: one per participant and event)",
        if_not_exists=True,
    )
    op.create_index(
        "idx_table_assignments_event",
        "table_assignments",
        ["event_id"],
        unique=False,
        if_not_exists=True,
    )
    op.create_index(
        "idx_table_assignments_participant",
        "table_assignments",
        ["participant_id"],
        unique=False,
        if_not_exists=True,
    )
    op.create_index(
        "idx_table_assignments_table",
        "table_assignments",
        ["event_id", "table_number"],
        unique=False,
        if_not_exists=True,
    )
    op.create_index(
        "idx_table_assignments_vip",
        "table_assignments",
        ["event_id", "table_number"],
        unique=False,
        postgresql_where=sa.text("is_vip_table"),
        if_not_exists=True,
    )
    op.add_column(
        "participants",
        sa.Column(
            "networking_opt_in",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment=(
                "הסכמה מפורשת להשתתף בנטוורקינג; NULL בהוספה מקבל את ברירת המחדל של "
                "האירוע (Explicit consent to networking; NULL on insert takes the "
                "event's default)"
            ),
        ),
        if_not_exists=True,
    )
    pg.create_entity(
        pg.Function(
            schema="private",
            name="set_networking_opt_in",
            arguments={"participant_id": "uuid", "opt_in": "boolean"},
            returns="void",
            language="plpgsql",
            body="""
                begin
                    if opt_in is null then
                        raise exception 'consent to networking is true or false, not null'
                            using errcode = 'not_null_violation',
                                schema = 'public',
                                table = 'participants',
                                column = 'networking_opt_in',
                                constraint = 'networking_opt_in_is_given';
                    end if;
                    update public.participants as p
                    set networking_opt_in = set_networking_opt_in.opt_in
                    where p.id = set_networking_opt_in.participant_id
                        and (
                            p.user_id = (select auth.uid())
                            or p.user_id is null
                                and private.my_managed_event_ids_include(p.event_id)
                        );
                    if not found then
                        raise exception 'participant % is not yours', participant_id
                            using errcode = 'insufficient_privilege',
                                hint = 'Participants set their own opt-in, and managers'
                                    ' that of guests without an account.',
                                schema = 'public',
                                table = 'participants',
                                column = 'networking_opt_in',
                                constraint = 'networking_opt_in_is_own';
                    end if;
                end
            """,
            security="definer",
            settings={"search_path": "pg_catalog, pg_temp"},
            execute=("authenticated",),
            comment=(
                "מעדכן בהרשאות הבעלים את ההסכמה: המשתתף את שלו, מנהל את של "
                "אורח ללא חשבון (Sets a networking opt-in with its owner's "
                "rights: the caller's own, or as a manager that of a guest "
                "without an account)"
            ),
        )
    )
    pg.create_entity(
        pg.Function(
            name="set_networking_opt_in",
            arguments={"participant_id": "uuid", "opt_in": "boolean"},
            returns="void",
            body="select private.set_networking_opt_in(participant_id, opt_in)",
            settings={"search_path": "pg_catalog, pg_temp"},
            execute=("authenticated",),
            comment=(
                "מגדיר הסכמה לנטוורקינג: המשתתף את שלו, מנהל את של אורח ללא "
                "חשבון (Sets a networking opt-in: the caller's own, or as a "
                "manager that of a guest without an account; an error for "
                "another participant)"
            ),
        )
    )
    pg.replace_entity(
        pg.TableAccess(
            table="participants",
            grants={
                "authenticated": (
                    "select",
                    (
                        "insert (id, event_id, user_id, first_name, last_name, email,"
                        " phone, status, is_vip, networking_opt_in)"
                    ),
                    "update (user_id, first_name, last_name, email, phone, status, is_vip)",
                    "delete",
                ),
                "service_role": ("all",),
            },
        )
    )
    pg.create_entity(
        pg.TableAccess(
            table="table_assignments",
            grants={
                "authenticated": (
                    "select",
                    (
                        "insert (id, event_id, participant_id, table_number, "
                        "seat_number, is_vip_table, assigned_by, assigned_at, notes)"
                    ),
                    (
                        "update (participant_id, table_number, seat_number, "
                        "is_vip_table, assigned_by, assigned_at, notes)"
                    ),
                    "delete",
                ),
                "service_role": ("all",),
            },
        )
    )
    pg.create_entity(
        pg.Policy(
            table="table_assignments",
            name="members of the event or the participant can read",
            command="select",
            roles=("authenticated",),
            using="""
                (
                    (
                        select current_setting('asked_at.public.events.id', true)
                            = statement_timestamp()::text
                    )
                    or private.my_event_ids_ask_for(event_id) is not null
                )
                and (
                    event_id = any (
                        array(
                            select asked.id
                            from unnest(
                                nullif(
                                    current_setting('asked_for.public.events.id', true), ''
                                )::uuid[]
                            ) as asked (id)
                            where private.my_event_ids_include(asked.id)
                        )
                    )
                    or event_id = any (array(select private.my_event_ids()))
                    or participant_id = any (array(select private.my_participant_ids()))
                )
            """,
        )
    )
    pg.create_entity(
        pg.Policy(
            table="table_assignments",
            name="managers of the event can insert",
            command="insert",
            roles=("authenticated",),
            check="""
                exists (
                    select
                    from private.my_managed_event_ids_by_id as mine
                    where mine.id = public.table_assignments.event_id
                    offset 0
                )
            """,
        )
    )
    pg.create_entity(
        pg.Policy(
            table="table_assignments",
            name="managers of the event can update",
            command="update",
            roles=("authenticated",),
            using="""
                (
                    (
                        select current_setting('asked_at.public.events.id', true)
                            = statement_timestamp()::text
                    )
                    or private.my_managed_event_ids_ask_for(event_id) is not null
                )
                and (
                    event_id = any (
                        array(
                            select asked.id
                            from unnest(
                                nullif(
                                    current_setting('asked_for.public.events.id', true), ''
                                )::uuid[]
                            ) as asked (id)
                            where private.my_managed_event_ids_include(asked.id)
                        )
                    )
                    or event_id = any (array(select private.my_managed_event_ids()))
                )
            """,
            check="""
                exists (
                    select
                    from private.my_managed_event_ids_by_id as mine
                    where mine.id = public.table_assignments.event_id
                    offset 0
                )
            """,
        )
    )
    pg.create_entity(
        pg.Policy(
            table="table_assignments",
            name="managers of the event can delete",
            command="delete",
            roles=("authenticated",),
            using="""
                (
                    (
                        select current_setting('asked_at.public.events.id', true)
                            = statement_timestamp()::text
                    )
                    or private.my_managed_event_ids_ask_for(event_id) is not null
                )
                and (
                    event_id = any (
                        array(
                            select asked.id
                            from unnest(
                                nullif(
                                    current_setting('asked_for.public.events.id', true), ''
                                )::uuid[]
                            ) as asked (id)
                            where private.my_managed_event_ids_include(asked.id)
                        )
                    )
                    or event_id = any (array(select private.my_managed_event_ids()))
                )
            """,
        )
    )
    pg.create_entity(
        pg.Policy(
            table="table_assignments",
            name="the service can do everything",
            command="all",
            roles=("service_role",),
            using="true",
            check="true",
        )
    )
    pg.create_entity(
        pg.Function(
            schema="private",
            name="start_networking_opt_in",
            language="plpgsql",
            body="""
                begin
                    new.networking_opt_in := coalesce(
                        (
                            select e.settings -> 'default_networking_opt_in' = 'true'::jsonb
                            from public.events as e
                            where e.id = new.event_id
                        ),
                        false
                    );
                    return new;
                end
            """,
            security="definer",
            settings={"search_path": "pg_catalog, pg_temp"},
            comment=(
                "ההסכמה לנטוורקינג של משתתף חדש שלא ענה בעצמו: NULL הופך "
                "לברירת המחדל של האירוע (Sets the opt-in of a new participant"
                " who has not answered: NULL to the event's default, or to "
                "false)"
            ),
        )
    )
    pg.create_entity(
        pg.Function(
            schema="private",
            name="leave_networking_opt_in",
            language="plpgsql",
            body="""
                begin
                    if row_security_active('public.participants')
                        and not pg_has_role('service_role', 'usage')
                    then
                        new.networking_opt_in := false;
                    end if;
                    return new;
                end
            """,
            settings={"search_path": "pg_catalog, pg_temp"},
            comment=(
                "בעל חשבון עונה בעצמו (Leaves the opt-in of a person with an "
                "account to them: what a client gives becomes false)"
            ),
        )
    )
    pg.create_entity(
        pg.Function(
            name="withdraw_networking_opt_in",
            language="plpgsql",
            body="""
                begin
                    new.networking_opt_in := false;
                    return new;
                end
            """,
            settings={"search_path": "pg_catalog, pg_temp"},
            comment="מבטל את ההסכמה לנטוורקינג (Sets the networking opt-in to false)",
        )
    )
    pg.create_entity(
        pg.Trigger(
            table="table_assignments",
            name="update_table_assignments_updated_at",
            timing="before",
            events=("update",),
            function="private.update_updated_at_column",
            comment="מעדכן את updated_at (Sets updated_at)",
        )
    )
    pg.create_entity(
        pg.Trigger(
            table="participants",
            name="start_networking_opt_in",
            timing="before",
            events=("insert",),
            condition="new.networking_opt_in is null",
            function="private.start_networking_opt_in",
            comment="NULL הופך לברירת המחדל של האירוע (NULL becomes the event's default)",
        )
    )
    pg.create_entity(
        pg.Trigger(
            table="participants",
            name="leave_networking_opt_in",
            timing="before",
            events=("insert",),
            condition="new.networking_opt_in and new.user_id is not null",
            function="private.leave_networking_opt_in",
            comment="בעל חשבון עונה בעצמו (A person with an account answers for themselves)",
        )
    )
    pg.create_entity(
        pg.Trigger(
            table="participants",
            name="withdraw_networking_opt_in",
            timing="before",
            events=("update",),
            columns=("user_id",),
            condition="old.user_id is distinct from new.user_id",
            function="public.withdraw_networking_opt_in",
            comment=("ההסכמה אינה עוברת לאדם אחר (A consent does not pass to another person)"),
        )
    )
    pg.create_entity(
        pg.View(
            name="track_statistics",
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
            grants={"authenticated": ("select",), "service_role": ("select",)},
            comment="סטטיסטיקת מסלולים לכל אירוע (Statistics of the active tracks of each event)",
            column_comments={
                "track_id": "המסלול (The track)",
                "event_id": "האירוע (The event)",
                "track_name": "שם המסלול (The track's name)",
                "color": "צבע המסלול (The track's colour)",
                "participant_count": "מספר המשתתפים במסלול (Participants in the track)",
                "vip_count": "מתוכם אורחי VIP (Of them VIPs)",
                "primary_count": ("מתוכם במסלול כראשי (Of them with this as their main track)"),
                "percentage": (
                    "חלקו של המסלול בשיבוצים של מסלולי האירוע הפעילים, באחוזים "
                    "(The track's share of the placements in the event's active "
                    "tracks, in percent)"
                ),
            },
        )
    )


def downgrade() -> None:
    lock_tables(
        "public.track_statistics",
        "public.table_assignments",
        "public.participants",
        "public.events",
    )
    pg.drop_entity(pg.View.named(name="track_statistics"))
    pg.drop_entity(pg.Trigger.named(table="participants", name="withdraw_networking_opt_in"))
    pg.drop_entity(pg.Trigger.named(table="participants", name="leave_networking_opt_in"))
    pg.drop_entity(pg.Trigger.named(table="participants", name="start_networking_opt_in"))
    drop_table("table_assignments")
    pg.replace_entity(
        pg.TableAccess(
            table="participants",
            grants={
                "authenticated": (
                    "select",
                    "delete",
                    (
                        "insert (id, event_id, user_id, first_name, last_name, email,"
                        " phone, status, is_vip)"
                    ),
                    "update (user_id, first_name, last_name, email, phone, status, is_vip)",
                ),
                "service_role": ("all",),
            },
        )
    )
    arguments = {"participant_id": "uuid", "opt_in": "boolean"}
    pg.drop_entity(pg.Function.named(name="set_networking_opt_in", arguments=arguments))
    pg.drop_entity(
        pg.Function.named(schema="private", name="set_networking_opt_in", arguments=arguments)
    )
    pg.drop_entity(pg.Function.named(name="withdraw_networking_opt_in"))
    pg.drop_entity(pg.Function.named(schema="private", name="leave_networking_opt_in"))
    pg.drop_entity(pg.Function.named(schema="private", name="start_networking_opt_in"))
    drop_column("participants", "networking_opt_in")
