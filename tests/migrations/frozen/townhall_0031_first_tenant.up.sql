insert into public.tenant_profiles (
    slug, display_name, brand_config, email_config, enabled_assessments
)
values (
    'leadingwithmeaning', 'Leading with Meaning', '
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
', '
{
    "replyTo": "hello@leadingwithmeaning.example",
    "fromName": "Leading with Meaning"
}
', '{industry4}'
)
on conflict (slug) do nothing;
