-- The starter of Supabase's user management.

create table profiles (
    id uuid references auth.users not null primary key,
    updated_at timestamp with time zone,
    full_name text,
    avatar_url text
);

alter table profiles enable row level security;

create policy "Public profiles are viewable by everyone." on profiles
    for select using (true);
create policy "Users can insert their own profile." on profiles
    for insert with check ((select auth.uid()) = id);
create policy "Users can update own profile." on profiles
    for update using ((select auth.uid()) = id);

create function public.handle_new_user() returns trigger
set search_path = '' as $$
begin
    insert into public.profiles (id, full_name, avatar_url)
    values (
        new.id,
        new.raw_user_meta_data ->> 'full_name',
        new.raw_user_meta_data ->> 'avatar_url'
    );
    return new;
end;
$$ language plpgsql security definer;

insert into profiles (id, full_name)
values
    ('aaaaaaaa-0000-4000-8000-000000000001', 'Ada'),
    ('aaaaaaaa-0000-4000-8000-000000000002', 'Ben');

create trigger on_auth_user_created after insert on auth.users
    for each row execute procedure public.handle_new_user();
