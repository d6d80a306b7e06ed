delete from public.tenant_profiles as t
where t.slug = 'leadingwithmeaning'
    and t.brand_config = '
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
'
    and t.email_config = '
{
    "replyTo": "hello@leadingwithmeaning.example",
    "fromName": "Leading with Meaning"
}
'
    and t.user_id is null
    and t.updated_at = t.created_at
    and not exists (select from public.campaigns as c where c.tenant_id = t.id)
    and not exists (select from public.participant_sessions as s where s.tenant_id = t.id)
    and not exists (select from public.usage_events as e where e.tenant_id = t.id);
