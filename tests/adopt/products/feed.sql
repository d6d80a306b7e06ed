-- Feed, messages and connections.

create table milestones (
    id text primary key,
    user_id uuid not null references auth.users (id) on delete cascade,
    title text not null,
    description text,
    status text default 'planned',
    due_date date,
    completed_at timestamptz,
    created_at timestamptz default now(),
    updated_at timestamptz default now()
);

create table social_feed_posts (
    id uuid primary key default uuid_generate_v4(),
    author_id uuid not null references auth.users (id) on delete cascade,
    post_type text default 'milestone' check (
        post_type in ('milestone', 'achievement', 'update', 'shoutout')
    ),
    title varchar(200),
    content text not null,
    milestone_id text references milestones (id) on delete set null,
    metadata jsonb default '{}',
    reaction_count integer default 0,
    comment_count integer default 0,
    view_count integer default 0,
    is_public boolean default true,
    is_pinned boolean not null default false,
    created_at timestamptz default now(),
    updated_at timestamptz default now()
);

create index idx_social_feed_posts_author on social_feed_posts (author_id);
create index idx_social_feed_posts_created on social_feed_posts (created_at desc);

create table social_feed_reactions (
    id uuid primary key default uuid_generate_v4(),
    post_id uuid not null references social_feed_posts (id) on delete cascade,
    user_id uuid not null references auth.users (id) on delete cascade,
    reaction_type text default 'encourage' check (
        reaction_type in ('encourage', 'celebrate', 'insightful')
    ),
    created_at timestamptz default now(),
    unique (post_id, user_id, reaction_type)
);

create table social_feed_comments (
    id uuid primary key default uuid_generate_v4(),
    post_id uuid not null references social_feed_posts (id) on delete cascade,
    author_id uuid not null references auth.users (id) on delete cascade,
    content text not null,
    parent_comment_id uuid references social_feed_comments (id) on delete cascade,
    created_at timestamptz default now(),
    updated_at timestamptz default now()
);

create table founder_messages (
    id uuid primary key default uuid_generate_v4(),
    sender_id uuid not null references auth.users (id) on delete cascade,
    recipient_id uuid not null references auth.users (id) on delete cascade,
    content text not null,
    is_read boolean default false,
    metadata jsonb default '{}',
    created_at timestamp default now()
);

create table founder_connections (
    id uuid primary key default uuid_generate_v4(),
    requester_id uuid not null references auth.users (id) on delete cascade,
    recipient_id uuid not null references auth.users (id) on delete cascade,
    status text default 'pending' check (
        status in ('pending', 'accepted', 'blocked', 'declined')
    ),
    source text default 'directory',
    created_at timestamptz default now(),
    updated_at timestamptz default now(),
    unique (requester_id, recipient_id)
);

create function public.update_reaction_count() returns trigger
language plpgsql security definer as $$
begin
    if tg_op = 'INSERT' then
        update social_feed_posts set reaction_count = reaction_count + 1 where id = new.post_id;
        return new;
    end if;
    update social_feed_posts set reaction_count = reaction_count - 1 where id = old.post_id;
    return old;
end
$$;

create trigger reaction_count_trigger after insert or delete on social_feed_reactions
    for each row execute function update_reaction_count();
create trigger update_social_feed_posts_updated_at before update on social_feed_posts
    for each row execute function update_updated_at_column();

alter table social_feed_posts enable row level security;
alter table social_feed_reactions enable row level security;
alter table founder_messages enable row level security;

create policy "Public posts are viewable by everyone" on social_feed_posts
    for select to public using (is_public or auth.uid() = author_id);
create policy "Users can create posts" on social_feed_posts
    for insert to public with check (auth.uid() = author_id);
create policy "Users can react" on social_feed_reactions
    for all to public using (auth.uid() = user_id);
create policy "Users can read own messages" on founder_messages
    for select to public using (auth.uid() in (sender_id, recipient_id));

insert into milestones (id, user_id, title, status)
values ('first-sale', 'aaaaaaaa-0000-4000-8000-000000000001', 'First sale', 'done');
insert into social_feed_posts (id, author_id, title, content, milestone_id)
values
    (
        '00000000-0000-4000-8000-000000000051',
        'aaaaaaaa-0000-4000-8000-000000000001',
        'Sold',
        'We sold our first engine.',
        'first-sale'
    ),
    (
        '00000000-0000-4000-8000-000000000052',
        'aaaaaaaa-0000-4000-8000-000000000002',
        null,
        'Hello',
        null
    );
insert into social_feed_reactions (post_id, user_id)
values
    ('00000000-0000-4000-8000-000000000051', 'aaaaaaaa-0000-4000-8000-000000000001'),
    ('00000000-0000-4000-8000-000000000051', 'aaaaaaaa-0000-4000-8000-000000000002');
insert into social_feed_comments (id, post_id, author_id, content, parent_comment_id)
values
    (
        '00000000-0000-4000-8000-000000000061',
        '00000000-0000-4000-8000-000000000051',
        'aaaaaaaa-0000-4000-8000-000000000002',
        'Well done',
        null
    ),
    (
        '00000000-0000-4000-8000-000000000062',
        '00000000-0000-4000-8000-000000000051',
        'aaaaaaaa-0000-4000-8000-000000000001',
        'Thank you',
        '00000000-0000-4000-8000-000000000061'
    );
insert into founder_messages (sender_id, recipient_id, content)
values (
    'aaaaaaaa-0000-4000-8000-000000000001', 'aaaaaaaa-0000-4000-8000-000000000002', 'Hello Ben'
);
insert into founder_connections (requester_id, recipient_id, status)
values (
    'aaaaaaaa-0000-4000-8000-000000000001', 'aaaaaaaa-0000-4000-8000-000000000002', 'accepted'
);
