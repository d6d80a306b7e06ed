"""The first tenant, Leading with Meaning.

The tenant is inserted once: an existing tenant of that slug is never changed. ``-x seed=none``
leaves it out. The logo and the reply-to address are placeholders for its owner to change.

A downgrade destroys the tenant where it is unchanged and nothing refers to it. Otherwise it leaves
the tenant: it is in use, or existed before.

Revision: townhall_0031
Revises: townhall_0030
Created: 2026-11-21
"""

from __future__ import annotations

from alembic import context

from townhall import pg

revision = "townhall_0031"
down_revision = "townhall_0030"
branch_labels = None
depends_on = None

BRAND = """
{
    "logo": {
        "url": "/tenants/leadingwithmeaning/logo.svg",
        "alt": "Leading with Meaning",
        "width": 180
    },
    "colors": {
        "primary": "#1f5c46",
        "primaryHover": "#17483a",
        "secondary": "#b8912f",
        "background": "#ffffff",
        "backgroundSubtle": "#f4f7f2",
        "text": "#1d2b26",
        "textMuted": "#5a6a63",
        "border": "#d5dfd8"
    },
    "fonts": {"heading": "Playfair Display", "body": "Lato"},
    "tagline": "Lead with purpose. Grow with meaning.",
    "welcomeMessage": "Welcome. Find a quiet moment, and answer as things are today.",
    "completionMessage": "Thank you. Your coach will be in touch to talk about your results.",
    "showPoweredBy": true
}
"""

EMAIL = """
{
    "replyTo": "hello@leadingwithmeaning.example",
    "fromName": "Leading with Meaning"
}
"""

INSERT = f"""
insert into public.tenant_profiles (
    slug, display_name, brand_config, email_config, enabled_assessments
)
values (
    'leadingwithmeaning', 'Leading with Meaning', '{BRAND}', '{EMAIL}', '{{industry4}}'
)
on conflict (slug) do nothing
"""  # noqa: S608 - of constants

DELETE_UNTOUCHED = f"""
delete from public.tenant_profiles as t
where t.slug = 'leadingwithmeaning'
    and t.brand_config = '{BRAND}'
    and t.email_config = '{EMAIL}'
    and t.user_id is null
    and t.updated_at = t.created_at
    and not exists (select from public.campaigns as c where c.tenant_id = t.id)
    and not exists (select from public.participant_sessions as s where s.tenant_id = t.id)
    and not exists (select from public.usage_events as e where e.tenant_id = t.id)
"""  # noqa: S608 - of constants


def upgrade() -> None:
    if context.get_x_argument(as_dictionary=True).get("seed") != "none":
        pg.execute(INSERT)


def downgrade() -> None:
    pg.execute(DELETE_UNTOUCHED)
