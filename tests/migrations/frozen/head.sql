CREATE SCHEMA auth;


COMMENT ON SCHEMA auth IS 'townhall: accounts and the caller''s claims, as Supabase has them.';

CREATE SCHEMA private;


COMMENT ON SCHEMA private IS 'townhall: helper functions, not exposed to API clients.';

CREATE FUNCTION auth.jwt() RETURNS jsonb
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN (NULLIF(current_setting('request.jwt.claims'::text, true), ''::text))::jsonb;


COMMENT ON FUNCTION auth.jwt() IS 'The caller''s claims; null where there are none.';

CREATE FUNCTION auth.email() RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN COALESCE(NULLIF((auth.jwt() ->> 'email'::text), ''::text), NULLIF(current_setting('request.jwt.claim.email'::text, true), ''::text));


COMMENT ON FUNCTION auth.email() IS 'The e-mail address in the caller''s claims.';

CREATE FUNCTION auth.role() RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN COALESCE(NULLIF((auth.jwt() ->> 'role'::text), ''::text), NULLIF(current_setting('request.jwt.claim.role'::text, true), ''::text));


COMMENT ON FUNCTION auth.role() IS 'The role in the caller''s claims.';

CREATE FUNCTION auth.uid() RETURNS uuid
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN (COALESCE(NULLIF((auth.jwt() ->> 'sub'::text), ''::text), NULLIF(current_setting('request.jwt.claim.sub'::text, true), ''::text)))::uuid;


COMMENT ON FUNCTION auth.uid() IS 'The calling user; null where there is none.';

CREATE FUNCTION private.add_creator_as_owner() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    insert into public.community_members (community_id, user_id, role)
    values (new.id, new.created_by, 'owner');
    return null;
end
$$;


COMMENT ON FUNCTION private.add_creator_as_owner() IS 'Makes the creator of a new community a member of it, as its owner.';

CREATE FUNCTION private.audit_consent() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    if tg_op = 'UPDATE'
        and (old.user_id, old.category) = (new.user_id, new.category)
    then
        if old.enabled <> new.enabled then
            perform private.record_consent(
                new.user_id, new.category, old.enabled, new.enabled
            );
        end if;
        return null;
    end if;
    if tg_op <> 'INSERT' and old.enabled then
        perform private.record_consent(old.user_id, old.category, true, false);
    end if;
    if tg_op <> 'DELETE' then
        perform private.record_consent(
            new.user_id, new.category, false, new.enabled
        );
    end if;
    return null;
end
$$;


COMMENT ON FUNCTION private.audit_consent() IS 'Writes an insert of a consent, and what an update or delete changes of it, to consent_audit_log.';

CREATE FUNCTION private.audit_emptied_consents() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    perform private.record_consent(c.user_id, c.category, true, false)
    from public.consent_preferences as c
    where c.enabled;
    return null;
end
$$;


COMMENT ON FUNCTION private.audit_emptied_consents() IS 'Writes the end of every enabled consent to consent_audit_log.';

CREATE FUNCTION private.block_founder(user_id uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    caller uuid := (select auth.uid());
begin
    if caller is null then
        raise insufficient_privilege
        using message = 'Only a signed-in user can block a founder.',
            schema = 'public',
            table = 'founder_connections',
            constraint = 'blocker_is_signed_in';
    end if;
    if not (
        (
            select
                nullif(current_setting('request.jwt.claims', true), '')::jsonb
                ->> 'is_anonymous'
        ) is distinct from 'true'
    ) then
        raise insufficient_privilege
        using message = 'Only a user with an account can block a founder.',
            schema = 'public',
            table = 'founder_connections',
            constraint = 'blocker_has_account';
    end if;
    loop
        update public.founder_connections as c
        set
            status = 'blocked',
            blocked_by_requester =
                c.blocked_by_requester or c.requester_id = caller,
            blocked_by_recipient =
                c.blocked_by_recipient or c.recipient_id = caller
        where least(c.requester_id, c.recipient_id)
                = least(caller, block_founder.user_id)
            and greatest(c.requester_id, c.recipient_id)
                = greatest(caller, block_founder.user_id);
        exit when found;
        insert into public.founder_connections (
            requester_id, recipient_id, status, blocked_by_requester
        )
        values (
            caller, block_founder.user_id, 'blocked', true
        )
        on conflict do nothing;
        exit when found;
    end loop;
end
$$;


COMMENT ON FUNCTION private.block_founder(user_id uuid) IS 'Blocks a founder for the caller: neither asks the other for a connection, nor sends them messages, reactions or comments.';

CREATE FUNCTION private.can_join_community(community_id uuid) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
select exists (
    select
    from public.communities as c
    where c.id = can_join_community.community_id
        and not c.is_private
        and not c.is_archived
        and c.tier_required <= coalesce(
            (
                select p.tier
                from public.profiles as p
                where p.id = (select auth.uid())
            ),
            0
        )
)
$$;


COMMENT ON FUNCTION private.can_join_community(community_id uuid) IS 'Whether a community is neither private nor archived, and the caller''s tier suffices.';

CREATE FUNCTION private.canonical_domain(host text) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
select case
    when char_length(host) <= 260
    then regexp_replace(lower(host collate "C"), '[.]?(:[0-9]*)?$', '')
end
$_$;


COMMENT ON FUNCTION private.canonical_domain(host text) IS 'The domain of a host in ASCII: in lower case, without a dot at its end and a port.';

CREATE FUNCTION private.check_community_levels() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    above uuid := new.parent_community_id;
    next_above uuid;
    above_is_private boolean;
    parent_is_private boolean;
    level integer := 1;
begin
    while above is not null and level <= 5 loop
        if above = new.id then
            raise check_violation
            using
                message = 'A community can not be below itself.',
                schema = 'public',
                table = 'communities',
                column = 'parent_community_id',
                constraint = 'community_is_not_below_itself';
        end if;
        select c.parent_community_id, c.is_private
        into next_above, above_is_private
        from public.communities as c
        where c.id = above
        for share;
        parent_is_private := coalesce(parent_is_private, above_is_private);
        level := level + 1;
        above := next_above;
    end loop;
    if exists (
        with recursive below (id, level) as (
            select new.id, level
            union all
            select c.id, b.level + 1
            from below as b
            join public.communities as c on c.parent_community_id = b.id
            where b.level <= 5
                and new.parent_community_id is distinct from old.parent_community_id
        )
        select from below as b where b.level > 5
    )
    then
        raise check_violation
        using
            message = 'Communities have at most 5 levels.',
            schema = 'public',
            table = 'communities',
            column = 'parent_community_id',
            constraint = 'community_levels';
    end if;
    if parent_is_private and not new.is_private then
        raise check_violation
        using
            message = 'A community below a private one is private.',
            schema = 'public',
            table = 'communities',
            column = 'is_private',
            constraint = 'community_below_private_is_private';
    end if;
    if new.is_private and exists (
        select
        from public.communities as c
        where c.parent_community_id = new.id
            and not c.is_private
    )
    then
        raise check_violation
        using
            message = 'A community with public ones below it can not be private.',
            hint = 'Make those private first, or in the same statement.',
            schema = 'public',
            table = 'communities',
            column = 'is_private',
            constraint = 'community_above_public_is_public';
    end if;
    return null;
end
$$;


COMMENT ON FUNCTION private.check_community_levels() IS 'Refuses a community below itself, on a level too many, or public below a private one.';

CREATE FUNCTION private.check_parent_is_moderated() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    if new.parent_community_id <> all (
        array(select private.my_moderated_community_ids())
    )
    then
        raise insufficient_privilege
        using
            message = 'Only its owners and moderators put others below it.',
            schema = 'public',
            table = 'communities',
            column = 'parent_community_id',
            constraint = 'parent_community_is_moderated';
    end if;
    return new;
end
$$;


COMMENT ON FUNCTION private.check_parent_is_moderated() IS 'Refuses a parent community that the caller does not moderate.';

CREATE FUNCTION private.complete_participant_session(session_id uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    found_status text;
begin
    update public.participant_sessions as s
    set status = 'completed',
        completed_at = now(),
        client_status = case
            when s.client_status in ('registered', 'started')
                then 'completed'
            else s.client_status
        end
    where s.id = complete_participant_session.session_id
        and s.user_id = (select auth.uid())
        and s.status = 'in_progress';
    if found then
        return;
    end if;
    select s.status into found_status
    from public.participant_sessions as s
    where s.id = complete_participant_session.session_id
        and s.user_id = (select auth.uid());
    if found_status is null then
        raise exception 'session % is not yours', session_id
            using errcode = 'insufficient_privilege',
                schema = 'public',
                table = 'participant_sessions',
                constraint = 'participant_session_is_own';
    end if;
    raise exception 'session % is %, not in_progress', session_id, found_status
        using errcode = 'check_violation',
            schema = 'public',
            table = 'participant_sessions',
            column = 'status',
            constraint = 'participant_session_is_in_progress';
end
$$;


COMMENT ON FUNCTION private.complete_participant_session(session_id uuid) IS 'Completes the caller''s own session; an error for another user''s, or if it is not in progress.';

CREATE FUNCTION private.directory_page(after_created_at timestamp with time zone DEFAULT NULL::timestamp with time zone, after_id uuid DEFAULT NULL::uuid, page_size integer DEFAULT 20) RETURNS TABLE(user_id uuid, display_name text, avatar_url text, bio text, stage text, industry text, achievements text[], created_at timestamp with time zone, id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
select
    p.user_id,
    case when shows.name then p.display_name end,
    case when shows.name then p.avatar_url end,
    case when shows.bio then p.bio end,
    case when shows.stage then p.stage end,
    case when shows.industry then p.industry end,
    case when shows.achievements then p.achievements end,
    p.created_at,
    p.id
from public.community_profiles as p
cross join lateral (
    select
        coalesce(p.visibility_settings -> 'show_name', 'true') = 'true'
            as name,
        coalesce(p.visibility_settings -> 'show_bio', 'true') = 'true'
            as bio,
        coalesce(p.visibility_settings -> 'show_stage', 'true') = 'true'
            as stage,
        coalesce(p.visibility_settings -> 'show_industry', 'true') = 'true'
            as industry,
        coalesce(p.visibility_settings -> 'show_achievements', 'true') = 'true'
            as achievements
) as shows
where (p.created_at, p.id) < (
        coalesce(directory_page.after_created_at, 'infinity'),
        coalesce(directory_page.after_id, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
    )
    and (
        select c.enabled
        from public.consent_preferences as c
        where c.user_id = p.user_id
            and c.category = 'directory'
    )
order by p.created_at desc, p.id desc
limit directory_page.page_size
$$;


COMMENT ON FUNCTION private.directory_page(after_created_at timestamp with time zone, after_id uuid, page_size integer) IS 'A page of the profiles of founders who consented to the directory, newest first, with the fields that they show.';

CREATE FUNCTION private.fill_campaign_sessions_tenant() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    update public.participant_sessions as s
    set tenant_id = new.tenant_id
    where s.campaign_id = new.id and s.tenant_id is null;
    return null;
end
$$;


COMMENT ON FUNCTION private.fill_campaign_sessions_tenant() IS 'Sets the tenant of a campaign''s sessions without one when the campaign gets one.';

CREATE FUNCTION private.fill_participant_track_event() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    new.event_id := (
        select p.event_id
        from public.participants as p
        where p.id = new.participant_id
    );
    return new;
end
$$;


COMMENT ON FUNCTION private.fill_participant_track_event() IS 'Sets event_id to the event of the participant.';

CREATE FUNCTION private.fill_session_tenant() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    select c.tenant_id into new.tenant_id
    from public.campaigns as c
    where c.id = new.campaign_id
    for key share;
    new.tenant_id := (
        select t.id
        from public.tenant_profiles as t
        where t.id = new.tenant_id
    );
    return new;
end
$$;


COMMENT ON FUNCTION private.fill_session_tenant() IS 'Sets the tenant of a session to that of its campaign.';

CREATE FUNCTION private.get_tenant_branding(INOUT slug text, OUT display_name text, OUT tenant_type text, OUT brand_config jsonb, OUT custom_domain text) RETURNS SETOF record
    LANGUAGE sql STABLE SECURITY DEFINER ROWS 1
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
select
    t.slug,
    t.display_name,
    t.tenant_type,
    t.brand_config,
    case when t.custom_domain_verified_at is not null then t.custom_domain end
from public.tenant_profiles as t
where t.slug = get_tenant_branding.slug and t.is_active
$$;


COMMENT ON FUNCTION private.get_tenant_branding(INOUT slug text, OUT display_name text, OUT tenant_type text, OUT brand_config jsonb, OUT custom_domain text) IS 'The public branding of the active tenant with this slug.';

CREATE FUNCTION private.get_tenant_branding_by_domain(domain text, OUT slug text, OUT display_name text, OUT tenant_type text, OUT brand_config jsonb, OUT custom_domain text) RETURNS SETOF record
    LANGUAGE sql STABLE SECURITY DEFINER ROWS 1
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
select t.slug, t.display_name, t.tenant_type, t.brand_config, t.custom_domain
from public.tenant_profiles as t
where t.custom_domain = private.canonical_domain(
        get_tenant_branding_by_domain.domain
    )
    and t.custom_domain_verified_at is not null
    and t.is_active
$$;


COMMENT ON FUNCTION private.get_tenant_branding_by_domain(domain text, OUT slug text, OUT display_name text, OUT tenant_type text, OUT brand_config jsonb, OUT custom_domain text) IS 'The public branding of the active tenant whose verified domain this is.';

CREATE FUNCTION private.hold_account() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    if has_any_column_privilege('auth.users', 'update') then
        perform
        from auth.users as u
        where u.id = (select auth.uid())
        for key share;
    end if;
    return null;
end
$$;


COMMENT ON FUNCTION private.hold_account() IS 'Locks the caller''s account against deletion until the transaction ends.';

CREATE FUNCTION private.hold_owned_communities() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    perform
    from public.communities as g
    where g.id in (
        select m.community_id
        from public.community_members as m
        where m.user_id = (select auth.uid()) and m.role = 'owner'
    )
    order by g.id
    for no key update;
    return null;
end
$$;


COMMENT ON FUNCTION private.hold_owned_communities() IS 'Locks the communities that the caller owns until the transaction ends.';

CREATE FUNCTION private.hold_owned_organizations() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    perform
    from public.organizations as g
    where g.id in (
        select m.organization_id
        from public.organization_members as m
        where m.user_id = (select auth.uid()) and m.role = 'owner'
    )
    order by g.id
    for no key update;
    return null;
end
$$;


COMMENT ON FUNCTION private.hold_owned_organizations() IS 'Locks the organizations that the caller owns until the transaction ends.';

CREATE FUNCTION private.is_comment_of_blocked(comment_id uuid) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
select exists (
    select
    from public.social_feed_comments as c
    where c.id = is_comment_of_blocked.comment_id
        and c.author_id = any (array(select private.my_blocked_user_ids()))
)
$$;


COMMENT ON FUNCTION private.is_comment_of_blocked(comment_id uuid) IS 'Whether the author of a comment blocks the caller, or the caller that author.';

CREATE FUNCTION private.is_post_of_blocked(post_id uuid) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
select exists (
    select
    from public.social_feed_posts as p
    where p.id = is_post_of_blocked.post_id
        and p.author_id = any (array(select private.my_blocked_user_ids()))
)
$$;


COMMENT ON FUNCTION private.is_post_of_blocked(post_id uuid) IS 'Whether the author of a post blocks the caller, or the caller that author.';

CREATE FUNCTION private.keep_comment_count() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    added_to uuid[];
    removed_from uuid[];
    changed uuid[];
    posts uuid[];
    changes bigint[];
begin
    if tg_op <> 'DELETE' then
        added_to := array(select a.post_id from added as a);
    end if;
    if tg_op <> 'INSERT' then
        removed_from := array(select r.post_id from removed as r);
    end if;
    changed := added_to || removed_from;
    if cardinality(changed) = 1 then
        update public.social_feed_posts as p
        set comment_count = greatest(
            p.comment_count + case tg_op when 'INSERT' then 1 else -1 end, 0
        )
        where p.id = changed[1];
        return null;
    end if;
    select array_agg(c.post_id), array_agg(c.change)
    into posts, changes
    from (
        select c.post_id, sum(c.change) as change
        from (
            select a.post_id, 1
            from unnest(added_to) as a (post_id)
            union all
            select r.post_id, -1
            from unnest(removed_from) as r (post_id)
        ) as c (post_id, change)
        group by c.post_id
        having sum(c.change) <> 0
    ) as c;
    if posts is null then
        return null;
    end if;
    perform
    from public.social_feed_posts as p
    where p.id = any (posts)
    order by p.id
    for no key update;
    update public.social_feed_posts as p
    set comment_count = greatest(p.comment_count + c.change, 0)
    from unnest(posts, changes) as c (post_id, change)
    where p.id = c.post_id;
    return null;
end
$$;


COMMENT ON FUNCTION private.keep_comment_count() IS 'Keeps comment_count of social_feed_posts equal to the number of rows in social_feed_comments.';

CREATE FUNCTION private.keep_connection() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    caller uuid := (select auth.uid());
begin
    if new.status <> 'blocked'
        and old.status = 'blocked'
    then
        new.blocked_by_requester := false;
        new.blocked_by_recipient := false;
    elsif new.blocked_by_requester or new.blocked_by_recipient then
        new.status := 'blocked';
    elsif new.status = 'blocked' then
        new.blocked_by_recipient := true;
    end if;
    if new.status = 'declined' then
        new.declined_by := coalesce(
            new.declined_by,
            case
                when caller = new.requester_id then caller
                else new.recipient_id
            end
        );
    elsif new.status <> 'blocked' then
        new.declined_by := null;
    end if;
    return new;
end
$$;


COMMENT ON FUNCTION private.keep_connection() IS 'Keeps who declined and who blocks in agreement with the status of a connection.';

CREATE FUNCTION private.keep_owner_of_community() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    changed uuid;
begin
    for changed in
        select distinct o.community_id
        from old_members as o
        where o.role = 'owner'
    loop
        perform
        from public.community_members as m
        where m.community_id = changed and m.role = 'owner'
        limit 1
        for share;
        if not found then
            raise exception 'community % would have no owner', changed
                using errcode = 'check_violation',
                    hint = 'Make another member an owner first.',
                    schema = 'public',
                    table = 'community_members',
                    column = 'role',
                    constraint = 'community_has_owner';
        end if;
    end loop;
    return null;
end
$$;


COMMENT ON FUNCTION private.keep_owner_of_community() IS 'Refuses a statement after which the community has no owner.';

CREATE FUNCTION private.keep_owner_of_organization() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    changed uuid;
begin
    for changed in
        select distinct o.organization_id
        from old_members as o
        where o.role = 'owner'
    loop
        perform
        from public.organization_members as m
        where m.organization_id = changed and m.role = 'owner'
        limit 1
        for share;
        if not found then
            raise exception 'organization % would have no owner', changed
                using errcode = 'check_violation',
                    hint = 'Make another member an owner first.',
                    schema = 'public',
                    table = 'organization_members',
                    column = 'role',
                    constraint = 'organization_has_owner';
        end if;
    end loop;
    return null;
end
$$;


COMMENT ON FUNCTION private.keep_owner_of_organization() IS 'Refuses a statement after which the organization has no owner.';

CREATE FUNCTION private.keep_reaction_count() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    added_to uuid[];
    removed_from uuid[];
    changed uuid[];
    posts uuid[];
    changes bigint[];
begin
    if tg_op <> 'DELETE' then
        added_to := array(select a.post_id from added as a);
    end if;
    if tg_op <> 'INSERT' then
        removed_from := array(select r.post_id from removed as r);
    end if;
    changed := added_to || removed_from;
    if cardinality(changed) = 1 then
        update public.social_feed_posts as p
        set reaction_count = greatest(
            p.reaction_count + case tg_op when 'INSERT' then 1 else -1 end, 0
        )
        where p.id = changed[1];
        return null;
    end if;
    select array_agg(c.post_id), array_agg(c.change)
    into posts, changes
    from (
        select c.post_id, sum(c.change) as change
        from (
            select a.post_id, 1
            from unnest(added_to) as a (post_id)
            union all
            select r.post_id, -1
            from unnest(removed_from) as r (post_id)
        ) as c (post_id, change)
        group by c.post_id
        having sum(c.change) <> 0
    ) as c;
    if posts is null then
        return null;
    end if;
    perform
    from public.social_feed_posts as p
    where p.id = any (posts)
    order by p.id
    for no key update;
    update public.social_feed_posts as p
    set reaction_count = greatest(p.reaction_count + c.change, 0)
    from unnest(posts, changes) as c (post_id, change)
    where p.id = c.post_id;
    return null;
end
$$;


COMMENT ON FUNCTION private.keep_reaction_count() IS 'Keeps reaction_count of social_feed_posts equal to the number of rows in social_feed_reactions.';

CREATE FUNCTION private.leave_networking_opt_in() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    if row_security_active('public.participants')
        and not pg_has_role('service_role', 'usage')
    then
        new.networking_opt_in := false;
    end if;
    return new;
end
$$;


COMMENT ON FUNCTION private.leave_networking_opt_in() IS 'בעל חשבון עונה בעצמו (Leaves the opt-in of a person with an account to them: what a client gives becomes false)';

CREATE FUNCTION private.mark_messages_read(message_ids uuid[]) RETURNS bigint
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
select m.id
from public.founder_messages as m
where m.id = any (message_ids)
    and m.recipient_id = (select auth.uid())
    and not m.is_read
order by m.id
for no key update;
with marked as (
    update public.founder_messages as m
    set is_read = true
    where m.id = any (message_ids)
        and m.recipient_id = (select auth.uid())
        and not m.is_read
    returning m.id
)
select count(*) from marked
$$;


COMMENT ON FUNCTION private.mark_messages_read(message_ids uuid[]) IS 'Marks messages to the caller as read; returns how many were unread.';

CREATE FUNCTION private.move_answers() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    update public.social_feed_comments as c
    set depth = new.depth + 1
    where c.parent_comment_id = new.id;
    return null;
end
$$;


COMMENT ON FUNCTION private.move_answers() IS 'Sets the depth of the answers to a comment whose depth changed.';

CREATE FUNCTION private.my_active_tenant_ids() RETURNS SETOF uuid
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return query
    select mine.id::uuid
    from (
        select mine.id
        from (
            select t.id
            from public.tenant_profiles as t
            where t.user_id = (select auth.uid()) and t.is_active
        ) as mine (id)
        where (
            select
                nullif(current_setting('request.jwt.claims', true), '')::jsonb
                ->> 'is_anonymous'
        ) is distinct from 'true'
    ) as mine (id);
end
$$;


COMMENT ON FUNCTION private.my_active_tenant_ids() IS 'The active tenants that the caller owns, with an account.';

CREATE FUNCTION private.my_blocked_user_ids() RETURNS SETOF uuid
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return query
    select mine.id::uuid
    from (
        select c.recipient_id
        from public.founder_connections as c
        where c.requester_id = (select auth.uid())
            and c.status = 'blocked'
        union all
        select c.requester_id
        from public.founder_connections as c
        where c.recipient_id = (select auth.uid())
            and c.status = 'blocked'
    ) as mine (id);
end
$$;


COMMENT ON FUNCTION private.my_blocked_user_ids() IS 'The users who block the caller, and those whom the caller blocks.';

CREATE FUNCTION private.my_cohort_ids() RETURNS SETOF uuid
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    perform set_config(
        'asked_at.public.cohorts.id', statement_timestamp()::text, true
    );
    return query
    select mine.id::uuid
    from (
        select m.cohort_id
        from public.cohort_members as m
        where m.user_id = (select auth.uid())
            and m.is_active
            and m.left_at is null
    ) as mine (id);
end
$$;


COMMENT ON FUNCTION private.my_cohort_ids() IS 'The cohorts that the caller belongs to and has not left.';

CREATE FUNCTION private.my_cohort_ids_ask_for(asked_id uuid) RETURNS boolean
    LANGUAGE plpgsql STABLE COST 1
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
begin
    if current_setting('asked_at.public.cohorts.id', true)
        is distinct from statement_timestamp()::text
    then
        perform
            set_config(
                'asked_for.public.cohorts.id',
                case
                    when private.my_cohort_ids_include($1)
                        then array[$1]::text
                    else ''
                end,
                true
            ),
            set_config(
                'asked_at.public.cohorts.id',
                statement_timestamp()::text,
                true
            );
    end if;
    return true;
end
$_$;


COMMENT ON FUNCTION private.my_cohort_ids_ask_for(asked_id uuid) IS 'Asks for the first id of a statement that is one of private.my_cohort_ids().';

CREATE FUNCTION private.my_cohort_ids_include(asked_id uuid) RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
begin
    return exists (
        select
        from private.my_cohort_ids_by_id as mine
        where mine.id = $1
        offset 0
    );
end
$_$;


COMMENT ON FUNCTION private.my_cohort_ids_include(asked_id uuid) IS 'Whether an id is one of private.my_cohort_ids().';

CREATE FUNCTION private.my_community_ids() RETURNS SETOF uuid
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    perform set_config(
        'asked_at.public.communities.id', statement_timestamp()::text, true
    );
    return query
    select mine.id::uuid
    from (
        select m.community_id
        from public.community_members as m
        where m.user_id = (select auth.uid())
    ) as mine (id);
end
$$;


COMMENT ON FUNCTION private.my_community_ids() IS 'The communities that the caller belongs to.';

CREATE FUNCTION private.my_community_ids_ask_for(asked_id uuid) RETURNS boolean
    LANGUAGE plpgsql STABLE COST 1
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
begin
    if current_setting('asked_at.public.communities.id', true)
        is distinct from statement_timestamp()::text
    then
        perform
            set_config(
                'asked_for.public.communities.id',
                case
                    when private.my_community_ids_include($1)
                        then array[$1]::text
                    else ''
                end,
                true
            ),
            set_config(
                'asked_at.public.communities.id',
                statement_timestamp()::text,
                true
            );
    end if;
    return true;
end
$_$;


COMMENT ON FUNCTION private.my_community_ids_ask_for(asked_id uuid) IS 'Asks for the first id of a statement that is one of private.my_community_ids().';

CREATE FUNCTION private.my_community_ids_include(asked_id uuid) RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
begin
    return exists (
        select
        from private.my_community_ids_by_id as mine
        where mine.id = $1
        offset 0
    );
end
$_$;


COMMENT ON FUNCTION private.my_community_ids_include(asked_id uuid) IS 'Whether an id is one of private.my_community_ids().';

CREATE FUNCTION private.my_enabled_assessments(OUT tenant_id uuid, OUT assessment_type text) RETURNS SETOF record
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
select t.id, a.assessment_type
from public.tenant_profiles as t,
    unnest(t.enabled_assessments) as a (assessment_type)
where t.user_id = (select auth.uid())
$$;


COMMENT ON FUNCTION private.my_enabled_assessments(OUT tenant_id uuid, OUT assessment_type text) IS 'The assessments that the caller''s tenants have enabled.';

CREATE FUNCTION private.my_event_ids() RETURNS SETOF uuid
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    perform set_config(
        'asked_at.public.events.id', statement_timestamp()::text, true
    );
    return query
    select mine.id::uuid
    from (
        select e.id
        from public.events as e
        where e.organization_id = any (array(select private.my_organization_ids()))
    ) as mine (id);
end
$$;


COMMENT ON FUNCTION private.my_event_ids() IS 'The events of the organizations that the caller belongs to.';

CREATE FUNCTION private.my_event_ids_ask_for(asked_id uuid) RETURNS boolean
    LANGUAGE plpgsql STABLE COST 1
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
begin
    if current_setting('asked_at.public.events.id', true)
        is distinct from statement_timestamp()::text
    then
        perform
            set_config(
                'asked_for.public.events.id',
                case
                    when private.my_event_ids_include($1)
                        then array[$1]::text
                    else ''
                end,
                true
            ),
            set_config(
                'asked_at.public.events.id',
                statement_timestamp()::text,
                true
            );
    end if;
    return true;
end
$_$;


COMMENT ON FUNCTION private.my_event_ids_ask_for(asked_id uuid) IS 'Asks for the first id of a statement that is one of private.my_event_ids().';

CREATE FUNCTION private.my_event_ids_include(asked_id uuid) RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
begin
    return exists (
        select
        from private.my_event_ids_by_id as mine
        where mine.id = $1
        offset 0
    );
end
$_$;


COMMENT ON FUNCTION private.my_event_ids_include(asked_id uuid) IS 'Whether an id is one of private.my_event_ids().';

CREATE FUNCTION private.my_managed_event_ids() RETURNS SETOF uuid
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    perform set_config(
        'asked_at.public.events.id', statement_timestamp()::text, true
    );
    return query
    select mine.id::uuid
    from (
        select e.id
        from public.events as e
        where e.organization_id = any (
            array(select private.my_managed_organization_ids())
        )
    ) as mine (id);
end
$$;


COMMENT ON FUNCTION private.my_managed_event_ids() IS 'The events that the caller manages, with an account.';

CREATE FUNCTION private.my_managed_event_ids_ask_for(asked_id uuid) RETURNS boolean
    LANGUAGE plpgsql STABLE COST 1
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
begin
    if current_setting('asked_at.public.events.id', true)
        is distinct from statement_timestamp()::text
    then
        perform
            set_config(
                'asked_for.public.events.id',
                case
                    when private.my_managed_event_ids_include($1)
                        then array[$1]::text
                    else ''
                end,
                true
            ),
            set_config(
                'asked_at.public.events.id',
                statement_timestamp()::text,
                true
            );
    end if;
    return true;
end
$_$;


COMMENT ON FUNCTION private.my_managed_event_ids_ask_for(asked_id uuid) IS 'Asks for the first id of a statement that is one of private.my_managed_event_ids().';

CREATE FUNCTION private.my_managed_event_ids_include(asked_id uuid) RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
begin
    return exists (
        select
        from private.my_managed_event_ids_by_id as mine
        where mine.id = $1
        offset 0
    );
end
$_$;


COMMENT ON FUNCTION private.my_managed_event_ids_include(asked_id uuid) IS 'Whether an id is one of private.my_managed_event_ids().';

CREATE FUNCTION private.my_managed_organization_ids() RETURNS SETOF uuid
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    perform set_config(
        'asked_at.public.organizations.id', statement_timestamp()::text, true
    );
    return query
    select mine.id::uuid
    from (
        select mine.id
        from (
            select m.organization_id
            from public.organization_members as m
            where m.user_id = (select auth.uid())
                and m.role in ('owner', 'manager')
        ) as mine (id)
        where (
            select
                nullif(current_setting('request.jwt.claims', true), '')::jsonb
                ->> 'is_anonymous'
        ) is distinct from 'true'
    ) as mine (id);
end
$$;


COMMENT ON FUNCTION private.my_managed_organization_ids() IS 'The organizations whose events the caller manages, with an account.';

CREATE FUNCTION private.my_managed_organization_ids_ask_for(asked_id uuid) RETURNS boolean
    LANGUAGE plpgsql STABLE COST 1
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
begin
    if current_setting('asked_at.public.organizations.id', true)
        is distinct from statement_timestamp()::text
    then
        perform
            set_config(
                'asked_for.public.organizations.id',
                case
                    when private.my_managed_organization_ids_include($1)
                        then array[$1]::text
                    else ''
                end,
                true
            ),
            set_config(
                'asked_at.public.organizations.id',
                statement_timestamp()::text,
                true
            );
    end if;
    return true;
end
$_$;


COMMENT ON FUNCTION private.my_managed_organization_ids_ask_for(asked_id uuid) IS 'Asks for the first id of a statement that is one of private.my_managed_organization_ids().';

CREATE FUNCTION private.my_managed_organization_ids_include(asked_id uuid) RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
begin
    return exists (
        select
        from private.my_managed_organization_ids_by_id as mine
        where mine.id = $1
        offset 0
    );
end
$_$;


COMMENT ON FUNCTION private.my_managed_organization_ids_include(asked_id uuid) IS 'Whether an id is one of private.my_managed_organization_ids().';

CREATE FUNCTION private.my_moderated_community_ids() RETURNS SETOF uuid
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return query
    select mine.id::uuid
    from (
        select mine.id
        from (
            select m.community_id
            from public.community_members as m
            where m.user_id = (select auth.uid())
                and m.role in ('moderator', 'owner')
        ) as mine (id)
        where (
            select
                nullif(current_setting('request.jwt.claims', true), '')::jsonb
                ->> 'is_anonymous'
        ) is distinct from 'true'
    ) as mine (id);
end
$$;


COMMENT ON FUNCTION private.my_moderated_community_ids() IS 'The communities that the caller is a moderator or an owner of, with an account.';

CREATE FUNCTION private.my_newest_usage(p_limit bigint DEFAULT 50, OUT id uuid, OUT tenant_id uuid, OUT user_id uuid, OUT event_type text, OUT event_data jsonb, OUT tokens_used bigint, OUT model_used text, OUT cost_cents numeric, OUT created_at timestamp with time zone) RETURNS SETOF record
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET plan_cache_mode TO 'force_custom_plan'
    AS $$
declare
    tenant uuid;
begin
    for tenant in select private.my_tenant_ids() loop
        return query
        select
            u.id,
            u.tenant_id,
            u.user_id,
            u.event_type,
            u.event_data,
            u.tokens_used,
            u.model_used,
            u.cost_cents,
            u.created_at
        from public.usage_events as u
        where u.tenant_id = tenant
        order by u.created_at desc
        limit p_limit;
    end loop;
end
$$;


COMMENT ON FUNCTION private.my_newest_usage(p_limit bigint, OUT id uuid, OUT tenant_id uuid, OUT user_id uuid, OUT event_type text, OUT event_data jsonb, OUT tokens_used bigint, OUT model_used text, OUT cost_cents numeric, OUT created_at timestamp with time zone) IS 'Returns the newest usage events of each of the caller''s tenants.';

CREATE FUNCTION private.my_organization_ids() RETURNS SETOF uuid
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    perform set_config(
        'asked_at.public.organizations.id', statement_timestamp()::text, true
    );
    return query
    select mine.id::uuid
    from (
        select m.organization_id
        from public.organization_members as m
        where m.user_id = (select auth.uid())
    ) as mine (id);
end
$$;


COMMENT ON FUNCTION private.my_organization_ids() IS 'The organizations that the caller belongs to.';

CREATE FUNCTION private.my_organization_ids_ask_for(asked_id uuid) RETURNS boolean
    LANGUAGE plpgsql STABLE COST 1
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
begin
    if current_setting('asked_at.public.organizations.id', true)
        is distinct from statement_timestamp()::text
    then
        perform
            set_config(
                'asked_for.public.organizations.id',
                case
                    when private.my_organization_ids_include($1)
                        then array[$1]::text
                    else ''
                end,
                true
            ),
            set_config(
                'asked_at.public.organizations.id',
                statement_timestamp()::text,
                true
            );
    end if;
    return true;
end
$_$;


COMMENT ON FUNCTION private.my_organization_ids_ask_for(asked_id uuid) IS 'Asks for the first id of a statement that is one of private.my_organization_ids().';

CREATE FUNCTION private.my_organization_ids_include(asked_id uuid) RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
begin
    return exists (
        select
        from private.my_organization_ids_by_id as mine
        where mine.id = $1
        offset 0
    );
end
$_$;


COMMENT ON FUNCTION private.my_organization_ids_include(asked_id uuid) IS 'Whether an id is one of private.my_organization_ids().';

CREATE FUNCTION private.my_owned_community_ids() RETURNS SETOF uuid
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return query
    select mine.id::uuid
    from (
        select mine.id
        from (
            select m.community_id
            from public.community_members as m
            where m.user_id = (select auth.uid())
                and m.role in ('owner')
        ) as mine (id)
        where (
            select
                nullif(current_setting('request.jwt.claims', true), '')::jsonb
                ->> 'is_anonymous'
        ) is distinct from 'true'
    ) as mine (id);
end
$$;


COMMENT ON FUNCTION private.my_owned_community_ids() IS 'The communities that the caller is an owner of, with an account.';

CREATE FUNCTION private.my_owned_organization_ids() RETURNS SETOF uuid
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return query
    select mine.id::uuid
    from (
        select mine.id
        from (
            select m.organization_id
            from public.organization_members as m
            where m.user_id = (select auth.uid())
                and m.role in ('owner')
        ) as mine (id)
        where (
            select
                nullif(current_setting('request.jwt.claims', true), '')::jsonb
                ->> 'is_anonymous'
        ) is distinct from 'true'
    ) as mine (id);
end
$$;


COMMENT ON FUNCTION private.my_owned_organization_ids() IS 'The organizations that the caller is an owner of, with an account.';

CREATE FUNCTION private.my_participant_ids() RETURNS SETOF uuid
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return query
    select mine.id::uuid
    from (
        select p.id
        from public.participants as p
        where p.user_id = (select auth.uid())
    ) as mine (id);
end
$$;


COMMENT ON FUNCTION private.my_participant_ids() IS 'The participants who have the caller''s account.';

CREATE FUNCTION private.my_tenant_ids() RETURNS SETOF uuid
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return query
    select mine.id::uuid
    from (
        select t.id
        from public.tenant_profiles as t
        where t.user_id = (select auth.uid())
    ) as mine (id);
end
$$;


COMMENT ON FUNCTION private.my_tenant_ids() IS 'The tenants that the caller owns.';

CREATE FUNCTION private.my_usage_summary(p_month date, p_tenant_id uuid DEFAULT NULL::uuid, OUT tenant_id uuid, OUT event_type text, OUT model_used text, OUT events bigint, OUT tokens_used numeric, OUT cost_cents numeric) RETURNS SETOF record
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET plan_cache_mode TO 'force_custom_plan'
    AS $$
declare
    first constant timestamp := date_trunc('month', p_month::timestamp);
    tenants constant uuid[] := array(
        select mine.id
        from private.my_tenant_ids() as mine (id)
        where p_tenant_id is null or mine.id = p_tenant_id
    );
begin
    return query
    select
        u.tenant_id,
        u.event_type,
        u.model_used,
        count(*),
        sum(u.tokens_used),
        sum(u.cost_cents)
    from public.usage_events as u
    where u.created_at >= first at time zone 'UTC'
        and u.created_at < (first + interval '1 month') at time zone 'UTC'
        and u.tenant_id = any (tenants)
    group by u.tenant_id, u.event_type, u.model_used
    order by u.tenant_id, u.event_type, u.model_used;
end
$$;


COMMENT ON FUNCTION private.my_usage_summary(p_month date, p_tenant_id uuid, OUT tenant_id uuid, OUT event_type text, OUT model_used text, OUT events bigint, OUT tokens_used numeric, OUT cost_cents numeric) IS 'Sums up a month of the caller''s tenants, or of one of them.';

CREATE FUNCTION private.record_consent(user_id uuid, category text, previous_value boolean, new_value boolean) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
insert into public.consent_audit_log (
    user_id, category, previous_value, new_value, changed_by, ip_address, user_agent
)
select
    u.id,
    record_consent.category,
    record_consent.previous_value,
    record_consent.new_value,
    (select auth.uid()),
    nullif(
        left(
            trim(split_part(h.headers ->> 'x-forwarded-for', ',', 1)), 2000
        ),
        ''
    ),
    nullif(left(h.headers ->> 'user-agent', 2000), '')
from auth.users as u
cross join (
    select nullif(current_setting('request.headers', true), '')::jsonb
) as h (headers)
where u.id = record_consent.user_id
$$;


COMMENT ON FUNCTION private.record_consent(user_id uuid, category text, previous_value boolean, new_value boolean) IS 'Writes an answer to consent_audit_log, unless the account is deleted.';

CREATE FUNCTION private.refresh_benchmark_aggregates(OUT view_name text, OUT refreshed_at timestamp with time zone, OUT error text) RETURNS SETOF record
    LANGUAGE plpgsql SECURITY DEFINER ROWS 2
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET work_mem TO '64MB'
    AS $$
declare
    aggregate record;
    is_any_refreshed boolean := false;
begin
    for aggregate in
        select
            c.oid::regclass as name,
            c.relname as relation,
            c.relispopulated as is_populated
        from pg_catalog.pg_class as c
        where c.oid in (
            'public.benchmark_stage_aggregates'::regclass,
            'public.benchmark_industry_aggregates'::regclass
        )
        order by c.relname
    loop
        view_name := aggregate.relation;
        refreshed_at := null;
        error := null;
        begin
            execute format(
                'refresh materialized view %s %s',
                case when aggregate.is_populated then 'concurrently' end,
                aggregate.name
            );
            refreshed_at := clock_timestamp();
            is_any_refreshed := true;
        exception
            when others then
                error := sqlerrm;
                raise warning '% was not refreshed: %', view_name, error;
        end;
        return next;
    end loop;
    if not is_any_refreshed then
        raise exception 'no benchmark was refreshed: %', error
            using constraint = 'a_benchmark_is_refreshed';
    end if;
end
$$;


COMMENT ON FUNCTION private.refresh_benchmark_aggregates(OUT view_name text, OUT refreshed_at timestamp with time zone, OUT error text) IS 'Refreshes each benchmark view on its own and returns a row for each; readers are not blocked.';

CREATE FUNCTION private.reset_comment_count() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    update public.social_feed_posts as p
    set comment_count = 0
    where p.comment_count <> 0;
    return null;
end
$$;


COMMENT ON FUNCTION private.reset_comment_count() IS 'Sets comment_count of social_feed_posts to 0 when social_feed_comments is truncated.';

CREATE FUNCTION private.reset_reaction_count() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    update public.social_feed_posts as p
    set reaction_count = 0
    where p.reaction_count <> 0;
    return null;
end
$$;


COMMENT ON FUNCTION private.reset_reaction_count() IS 'Sets reaction_count of social_feed_posts to 0 when social_feed_reactions is truncated.';

CREATE FUNCTION private.set_comment_depth() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    new.depth := 0;
    if new.parent_comment_id is not null then
        select c.depth + 1
        into new.depth
        from public.social_feed_comments as c
        where c.id = new.parent_comment_id;
        if not found then
            raise foreign_key_violation
            using
                message = 'The comment that is answered does not exist.',
                hint = 'Insert a comment before its answers.',
                schema = 'public',
                table = 'social_feed_comments',
                column = 'parent_comment_id',
                constraint = 'fk_social_feed_comments_parent_comment';
        end if;
    end if;
    return new;
end
$$;


COMMENT ON FUNCTION private.set_comment_depth() IS 'Sets the depth of a comment from that of the comment it answers.';

CREATE FUNCTION private.set_networking_opt_in(participant_id uuid, opt_in boolean) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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
$$;


COMMENT ON FUNCTION private.set_networking_opt_in(participant_id uuid, opt_in boolean) IS 'מעדכן בהרשאות הבעלים את ההסכמה: המשתתף את שלו, מנהל את של אורח ללא חשבון (Sets a networking opt-in with its owner''s rights: the caller''s own, or as a manager that of a guest without an account)';

CREATE FUNCTION private.start_networking_opt_in() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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
$$;


COMMENT ON FUNCTION private.start_networking_opt_in() IS 'ההסכמה לנטוורקינג של משתתף חדש שלא ענה בעצמו: NULL הופך לברירת המחדל של האירוע (Sets the opt-in of a new participant who has not answered: NULL to the event''s default, or to false)';

CREATE FUNCTION private.start_participant_session(session_id uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    found_status text;
begin
    update public.participant_sessions as s
    set status = 'in_progress',
        started_at = now(),
        client_status = case
            when s.client_status in ('registered')
                then 'started'
            else s.client_status
        end
    where s.id = start_participant_session.session_id
        and s.user_id = (select auth.uid())
        and s.status = 'pending';
    if found then
        return;
    end if;
    select s.status into found_status
    from public.participant_sessions as s
    where s.id = start_participant_session.session_id
        and s.user_id = (select auth.uid());
    if found_status is null then
        raise exception 'session % is not yours', session_id
            using errcode = 'insufficient_privilege',
                schema = 'public',
                table = 'participant_sessions',
                constraint = 'participant_session_is_own';
    end if;
    raise exception 'session % is %, not pending', session_id, found_status
        using errcode = 'check_violation',
            schema = 'public',
            table = 'participant_sessions',
            column = 'status',
            constraint = 'participant_session_is_pending';
end
$$;


COMMENT ON FUNCTION private.start_participant_session(session_id uuid) IS 'Starts the caller''s own session; an error for another user''s, or if it has been started.';

CREATE FUNCTION private.start_post_counters() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    new.reaction_count := 0;
    new.comment_count := 0;
    return new;
end
$$;


COMMENT ON FUNCTION private.start_post_counters() IS 'Sets the counters of a new post to 0, whatever the insert gives.';

CREATE FUNCTION private.unblock_founder(user_id uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    caller uuid := (select auth.uid());
    blocked uuid;
begin
    if caller is null then
        raise insufficient_privilege
        using message = 'Only a signed-in user can unblock a founder.',
            schema = 'public',
            table = 'founder_connections',
            constraint = 'blocker_is_signed_in';
    end if;
    select c.id
    into blocked
    from public.founder_connections as c
    where least(c.requester_id, c.recipient_id)
            = least(caller, unblock_founder.user_id)
        and greatest(c.requester_id, c.recipient_id)
            = greatest(caller, unblock_founder.user_id)
        and c.status = 'blocked'
    for update;
    delete from public.founder_connections as c
    where c.id = blocked
        and not (c.blocked_by_requester and c.requester_id <> caller)
        and not (c.blocked_by_recipient and c.recipient_id <> caller)
        and coalesce(c.declined_by, caller) = caller;
    update public.founder_connections as c
    set
        status = case
            when c.blocked_by_requester and c.requester_id <> caller
                or c.blocked_by_recipient and c.recipient_id <> caller
                then 'blocked'
            else 'declined'
        end,
        blocked_by_requester = c.blocked_by_requester and c.requester_id <> caller,
        blocked_by_recipient = c.blocked_by_recipient and c.recipient_id <> caller
    where c.id = blocked;
end
$$;


COMMENT ON FUNCTION private.unblock_founder(user_id uuid) IS 'Ends the caller''s block of a founder. A block by the founder stays, and so does their refusal of a request; without either the two can ask each other again.';

CREATE FUNCTION private.unverify_custom_domain() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    new.custom_domain_verified_at := null;
    return new;
end
$$;


COMMENT ON FUNCTION private.unverify_custom_domain() IS 'Makes a domain that has changed one that is not verified.';

CREATE FUNCTION private.update_updated_at_column() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    new.updated_at := now();
    return new;
end
$$;


COMMENT ON FUNCTION private.update_updated_at_column() IS 'Sets updated_at to now(); shared by all tables with timestamps.';

CREATE FUNCTION public.block_founder(user_id uuid) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
select private.block_founder(user_id)
$$;


COMMENT ON FUNCTION public.block_founder(user_id uuid) IS 'Blocks a founder for the caller: neither asks the other for a connection, nor sends them messages, reactions or comments.';

CREATE FUNCTION public.complete_participant_session(session_id uuid) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
select private.complete_participant_session(session_id)
$$;


COMMENT ON FUNCTION public.complete_participant_session(session_id uuid) IS 'Completes the caller''s own session; an error for another user''s, or if it is not in progress.';

CREATE FUNCTION public.directory_page(after_created_at timestamp with time zone DEFAULT NULL::timestamp with time zone, after_id uuid DEFAULT NULL::uuid, page_size integer DEFAULT 20) RETURNS TABLE(user_id uuid, display_name text, avatar_url text, bio text, stage text, industry text, achievements text[], created_at timestamp with time zone, id uuid)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
select * from private.directory_page(after_created_at, after_id, page_size)
$$;


COMMENT ON FUNCTION public.directory_page(after_created_at timestamp with time zone, after_id uuid, page_size integer) IS 'A page of the profiles of founders who consented to the directory, newest first, with the fields that they show.';

CREATE FUNCTION public.get_tenant_branding(INOUT slug text, OUT display_name text, OUT tenant_type text, OUT brand_config jsonb, OUT custom_domain text) RETURNS SETOF record
    LANGUAGE sql STABLE ROWS 1
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
select * from private.get_tenant_branding(slug)
$$;


COMMENT ON FUNCTION public.get_tenant_branding(INOUT slug text, OUT display_name text, OUT tenant_type text, OUT brand_config jsonb, OUT custom_domain text) IS 'The public branding of the active tenant with this slug.';

CREATE FUNCTION public.get_tenant_branding_by_domain(domain text, OUT slug text, OUT display_name text, OUT tenant_type text, OUT brand_config jsonb, OUT custom_domain text) RETURNS SETOF record
    LANGUAGE sql STABLE ROWS 1
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
select * from private.get_tenant_branding_by_domain(domain)
$$;


COMMENT ON FUNCTION public.get_tenant_branding_by_domain(domain text, OUT slug text, OUT display_name text, OUT tenant_type text, OUT brand_config jsonb, OUT custom_domain text) IS 'The public branding of the active tenant whose verified domain this is.';

CREATE FUNCTION public.log_usage_event(p_tenant_id uuid, p_event_type text, p_event_data jsonb DEFAULT '{}'::jsonb, p_user_id uuid DEFAULT NULL::uuid, p_tokens_used bigint DEFAULT 0, p_model_used text DEFAULT NULL::text, p_cost_cents numeric DEFAULT 0, p_id uuid DEFAULT NULL::uuid, p_created_at timestamp with time zone DEFAULT NULL::timestamp with time zone) RETURNS uuid
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    event_id constant uuid := coalesce(p_id, gen_random_uuid());
begin
    insert into public.usage_events (
        id, tenant_id, event_type, event_data, user_id, tokens_used, model_used,
        cost_cents, created_at
    )
    values (
        event_id,
        p_tenant_id,
        p_event_type,
        coalesce(p_event_data, '{}'),
        p_user_id,
        coalesce(p_tokens_used, 0),
        p_model_used,
        coalesce(p_cost_cents, 0),
        coalesce(p_created_at, now())
    )
    on conflict do nothing;
    if not found and not exists (
        select u.id
        from public.usage_events as u
        where u.id = event_id and u.tenant_id is not distinct from p_tenant_id
    ) then
        raise exception 'usage event % is not of tenant %', event_id, p_tenant_id
            using errcode = 'unique_violation',
                hint = 'Choose a new id for each event, also across tenants.',
                schema = 'public',
                table = 'usage_events',
                constraint = 'pk_usage_events',
                column = 'id';
    end if;
    return event_id;
end
$$;


COMMENT ON FUNCTION public.log_usage_event(p_tenant_id uuid, p_event_type text, p_event_data jsonb, p_user_id uuid, p_tokens_used bigint, p_model_used text, p_cost_cents numeric, p_id uuid, p_created_at timestamp with time zone) IS 'Logs usage of a tenant for billing, once for each id; returns the id of the event.';

CREATE FUNCTION public.mark_messages_read(message_ids uuid[]) RETURNS bigint
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
select private.mark_messages_read(message_ids)
$$;


COMMENT ON FUNCTION public.mark_messages_read(message_ids uuid[]) IS 'Marks messages to the caller as read; returns how many were unread.';

CREATE FUNCTION public.newest_usage(p_limit bigint DEFAULT 50, OUT id uuid, OUT tenant_id uuid, OUT user_id uuid, OUT event_type text, OUT event_data jsonb, OUT tokens_used bigint, OUT model_used text, OUT cost_cents numeric, OUT created_at timestamp with time zone) RETURNS SETOF record
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET plan_cache_mode TO 'force_custom_plan'
    AS $$
begin
    if
        row_security_active('public.usage_events')
        and not pg_has_role('service_role', 'usage')
    then
        return query
        select n.*
        from private.my_newest_usage(p_limit) as n
        order by n.created_at desc
        limit p_limit;
        return;
    end if;
    return query
    select
        u.id,
        u.tenant_id,
        u.user_id,
        u.event_type,
        u.event_data,
        u.tokens_used,
        u.model_used,
        u.cost_cents,
        u.created_at
    from public.usage_events as u
    where u.tenant_id is not null
    order by u.created_at desc
    limit p_limit;
end
$$;


COMMENT ON FUNCTION public.newest_usage(p_limit bigint, OUT id uuid, OUT tenant_id uuid, OUT user_id uuid, OUT event_type text, OUT event_data jsonb, OUT tokens_used bigint, OUT model_used text, OUT cost_cents numeric, OUT created_at timestamp with time zone) IS 'Returns the newest usage events that the caller may read, the newest first.';

CREATE FUNCTION public.refresh_benchmark_aggregates(OUT view_name text, OUT refreshed_at timestamp with time zone, OUT error text) RETURNS SETOF record
    LANGUAGE sql ROWS 2
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
select * from private.refresh_benchmark_aggregates()
$$;


COMMENT ON FUNCTION public.refresh_benchmark_aggregates(OUT view_name text, OUT refreshed_at timestamp with time zone, OUT error text) IS 'Refreshes each benchmark view on its own and returns a row for each; readers are not blocked.';

CREATE TABLE public.wizard_sessions (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid NOT NULL,
    event_id uuid,
    stage integer DEFAULT 1 NOT NULL,
    status text DEFAULT 'in_progress'::text NOT NULL,
    state jsonb DEFAULT '{}'::jsonb NOT NULL,
    started_at timestamp with time zone DEFAULT now() NOT NULL,
    last_saved_at timestamp with time zone DEFAULT now() NOT NULL,
    completed_at timestamp with time zone,
    CONSTRAINT ck_wizard_sessions_completed_at_fits_status CHECK (((status = 'completed'::text) = (completed_at IS NOT NULL))),
    CONSTRAINT ck_wizard_sessions_stage_in_range CHECK (((stage >= 1) AND (stage <= 6))),
    CONSTRAINT ck_wizard_sessions_state_bounds CHECK (((octet_length((state)::text) <= 1048576) AND (NOT jsonb_path_exists(state, 'strict $.**{32}?(@.type() == "object" || @.type() == "array")'::jsonpath)) AND (NOT jsonb_path_exists(state, 'strict $.**?(@ > 179769313486231580000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000 || @ < -179769313486231580000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000)'::jsonpath)))),
    CONSTRAINT ck_wizard_sessions_state_is_object CHECK ((jsonb_typeof(state) = 'object'::text)),
    CONSTRAINT ck_wizard_sessions_status_known CHECK ((status = ANY (ARRAY['in_progress'::text, 'completed'::text, 'abandoned'::text])))
);


COMMENT ON TABLE public.wizard_sessions IS 'A session of the wizard that creates an event, saved stage by stage.';

COMMENT ON COLUMN public.wizard_sessions.user_id IS 'The user of the session.';

COMMENT ON COLUMN public.wizard_sessions.event_id IS 'The event that was created; null before that, and once the event is deleted.';

COMMENT ON COLUMN public.wizard_sessions.stage IS 'The stage the person is at, from 1 to 6.';

COMMENT ON COLUMN public.wizard_sessions.state IS 'The data entered so far; immutable once completed.';

COMMENT ON COLUMN public.wizard_sessions.last_saved_at IS 'When the session last changed; maintained by a trigger.';

COMMENT ON COLUMN public.wizard_sessions.completed_at IS 'When it was completed, or null; maintained by a trigger.';

CREATE FUNCTION public.save_wizard_session(session_id uuid, patch jsonb DEFAULT '{}'::jsonb, stage integer DEFAULT NULL::integer, status text DEFAULT NULL::text, removed text[] DEFAULT '{}'::text[]) RETURNS public.wizard_sessions
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    saved public.wizard_sessions;
begin
    update public.wizard_sessions as w
    set state =
            (w.state - save_wizard_session.removed) || save_wizard_session.patch,
        stage = coalesce(save_wizard_session.stage, w.stage),
        status = coalesce(save_wizard_session.status, w.status)
    where w.id = save_wizard_session.session_id and w.status = 'in_progress'
    returning w.* into saved;
    if found then
        return saved;
    end if;
    select w.*
    into saved
    from public.wizard_sessions as w
    where w.id = save_wizard_session.session_id;
    if not found then
        raise exception 'wizard session % is not yours', session_id
            using errcode = 'insufficient_privilege',
                schema = 'public',
                table = 'wizard_sessions',
                constraint = 'wizard_session_is_own';
    end if;
    if saved.status = save_wizard_session.status
        and saved.stage = coalesce(save_wizard_session.stage, saved.stage)
        and saved.state =
            (saved.state - save_wizard_session.removed)
            || save_wizard_session.patch
    then
        return saved;
    end if;
    raise exception 'wizard session % is %', session_id, saved.status
        using errcode = 'check_violation',
            hint = 'Only a session in progress can be saved.',
            schema = 'public',
            table = 'wizard_sessions',
            column = 'status',
            constraint = 'wizard_session_is_in_progress';
end
$$;


COMMENT ON FUNCTION public.save_wizard_session(session_id uuid, patch jsonb, stage integer, status text, removed text[]) IS 'Removes keys of a session in progress, merges a patch, and moves it to a stage or status; a call that is repeated returns the session.';

CREATE FUNCTION public.set_networking_opt_in(participant_id uuid, opt_in boolean) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
select private.set_networking_opt_in(participant_id, opt_in)
$$;


COMMENT ON FUNCTION public.set_networking_opt_in(participant_id uuid, opt_in boolean) IS 'מגדיר הסכמה לנטוורקינג: המשתתף את שלו, מנהל את של אורח ללא חשבון (Sets a networking opt-in: the caller''s own, or as a manager that of a guest without an account; an error for another participant)';

CREATE FUNCTION public.start_participant_session(session_id uuid) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
select private.start_participant_session(session_id)
$$;


COMMENT ON FUNCTION public.start_participant_session(session_id uuid) IS 'Starts the caller''s own session; an error for another user''s, or if it has been started.';

CREATE FUNCTION public.unblock_founder(user_id uuid) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
select private.unblock_founder(user_id)
$$;


COMMENT ON FUNCTION public.unblock_founder(user_id uuid) IS 'Ends the caller''s block of a founder. A block by the founder stays, and so does their refusal of a request; without either the two can ask each other again.';

CREATE FUNCTION public.update_wizard_session_timestamp() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    saved_at constant timestamptz := clock_timestamp();
begin
    if tg_op = 'UPDATE' then
        if old.status = 'completed' and new.state is distinct from old.state then
            raise exception 'wizard session % is completed: its state stays', old.id
                using errcode = 'check_violation',
                    hint = 'Set its status to in_progress first.',
                    schema = 'public',
                    table = 'wizard_sessions',
                    column = 'state',
                    constraint = 'wizard_session_is_open';
        end if;
        new.last_saved_at := saved_at;
    end if;
    if new.status is distinct from 'completed' then
        new.completed_at := null;
    elsif tg_op = 'INSERT' then
        new.completed_at := coalesce(new.completed_at, saved_at);
    elsif old.status <> 'completed' then
        new.completed_at := saved_at;
    end if;
    return new;
end
$$;


COMMENT ON FUNCTION public.update_wizard_session_timestamp() IS 'Sets last_saved_at and completed_at; refuses a change of a completed session''s state.';

CREATE FUNCTION public.usage_summary(p_month date, p_tenant_id uuid DEFAULT NULL::uuid, OUT tenant_id uuid, OUT event_type text, OUT model_used text, OUT events bigint, OUT tokens_used numeric, OUT cost_cents numeric) RETURNS SETOF record
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET plan_cache_mode TO 'force_custom_plan'
    AS $$
declare
    first constant timestamp := date_trunc('month', p_month::timestamp);
begin
    if
        row_security_active('public.usage_events')
        and not pg_has_role('service_role', 'usage')
    then
        return query
        select s.*
        from private.my_usage_summary(p_month, p_tenant_id) as s;
        return;
    end if;
    return query
    select
        u.tenant_id,
        u.event_type,
        u.model_used,
        count(*),
        sum(u.tokens_used),
        sum(u.cost_cents)
    from public.usage_events as u
    where u.created_at >= first at time zone 'UTC'
        and u.created_at < (first + interval '1 month') at time zone 'UTC'
        and (p_tenant_id is null or u.tenant_id = p_tenant_id)
    group by u.tenant_id, u.event_type, u.model_used
    order by u.tenant_id, u.event_type, u.model_used;
end
$$;


COMMENT ON FUNCTION public.usage_summary(p_month date, p_tenant_id uuid, OUT tenant_id uuid, OUT event_type text, OUT model_used text, OUT events bigint, OUT tokens_used numeric, OUT cost_cents numeric) IS 'Sums up a month of what the caller may read, by tenant, event type and model.';

CREATE FUNCTION public.verify_custom_domain(tenant_id uuid, domain text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    verified constant text := private.canonical_domain(verify_custom_domain.domain);
begin
    perform
    from public.tenant_profiles as t
    where t.custom_domain = verified
    order by t.id
    for no key update;
    update public.tenant_profiles as t
    set custom_domain_verified_at = null
    where t.custom_domain = verified
        and t.custom_domain_verified_at is not null
        and t.id <> verify_custom_domain.tenant_id;
    update public.tenant_profiles as t
    set custom_domain_verified_at = now()
    where t.custom_domain = verified
        and t.id = verify_custom_domain.tenant_id;
    if not found then
        raise exception 'tenant % does not have the domain %', tenant_id, domain
            using errcode = 'check_violation',
            hint = 'Verify the domain that is its custom_domain.',
            schema = 'public',
            table = 'tenant_profiles',
            column = 'custom_domain',
            constraint = 'tenant_has_domain';
    end if;
end
$$;


COMMENT ON FUNCTION public.verify_custom_domain(tenant_id uuid, domain text) IS 'Records that a tenant''s domain was verified; another tenant''s no longer is.';

CREATE FUNCTION public.withdraw_networking_opt_in() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    new.networking_opt_in := false;
    return new;
end
$$;


COMMENT ON FUNCTION public.withdraw_networking_opt_in() IS 'מבטל את ההסכמה לנטוורקינג (Sets the networking opt-in to false)';

CREATE TABLE auth.users (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    email text,
    raw_app_meta_data jsonb,
    raw_user_meta_data jsonb,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    last_sign_in_at timestamp with time zone
);


COMMENT ON TABLE auth.users IS 'Accounts; the shape of Supabase''s table of that name.';

CREATE TABLE public.cohort_members (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid NOT NULL,
    cohort_id uuid NOT NULL,
    role text DEFAULT 'member'::text NOT NULL,
    joined_at timestamp with time zone DEFAULT now() NOT NULL,
    left_at timestamp with time zone,
    is_active boolean DEFAULT true NOT NULL,
    CONSTRAINT ck_cohort_members_joined_at_bounds CHECK (((EXTRACT(year FROM (joined_at AT TIME ZONE 'UTC'::text)) >= (2)::numeric) AND (EXTRACT(year FROM (joined_at AT TIME ZONE 'UTC'::text)) <= (9998)::numeric))),
    CONSTRAINT ck_cohort_members_left_at_bounds CHECK (((EXTRACT(year FROM (left_at AT TIME ZONE 'UTC'::text)) >= (2)::numeric) AND (EXTRACT(year FROM (left_at AT TIME ZONE 'UTC'::text)) <= (9998)::numeric))),
    CONSTRAINT ck_cohort_members_role_known CHECK ((role = ANY (ARRAY['member'::text, 'facilitator'::text])))
);


COMMENT ON TABLE public.cohort_members IS 'The members of a cohort; a founder who left can''t read it.';

COMMENT ON COLUMN public.cohort_members.left_at IS 'When the founder left; a value ends the membership.';

COMMENT ON COLUMN public.cohort_members.is_active IS 'Whether the membership is active; false ends it.';

CREATE VIEW private.my_cohort_ids_by_id WITH (security_barrier='true') AS
 SELECT id
   FROM ( SELECT m.cohort_id
           FROM public.cohort_members m
          WHERE ((m.user_id = ( SELECT auth.uid() AS uid)) AND m.is_active AND (m.left_at IS NULL))) mine(id);


COMMENT ON VIEW private.my_cohort_ids_by_id IS 'The ids of private.my_cohort_ids(), for a lookup of single ones.';

CREATE TABLE public.community_members (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    community_id uuid NOT NULL,
    user_id uuid NOT NULL,
    role text DEFAULT 'member'::text NOT NULL,
    joined_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT ck_community_members_role_known CHECK ((role = ANY (ARRAY['member'::text, 'moderator'::text, 'owner'::text])))
);


COMMENT ON TABLE public.community_members IS 'The members of a community, with their roles.';

CREATE VIEW private.my_community_ids_by_id WITH (security_barrier='true') AS
 SELECT id
   FROM ( SELECT m.community_id
           FROM public.community_members m
          WHERE (m.user_id = ( SELECT auth.uid() AS uid))) mine(id);


COMMENT ON VIEW private.my_community_ids_by_id IS 'The ids of private.my_community_ids(), for a lookup of single ones.';

CREATE TABLE public.events (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    name text NOT NULL,
    description text,
    starts_at timestamp with time zone,
    ends_at timestamp with time zone,
    status text DEFAULT 'draft'::text NOT NULL,
    settings jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT ck_events_description_bounds CHECK ((char_length(description) <= 20000)),
    CONSTRAINT ck_events_ends_after_start CHECK ((ends_at >= starts_at)),
    CONSTRAINT ck_events_ends_at_bounds CHECK (((EXTRACT(year FROM (ends_at AT TIME ZONE 'UTC'::text)) >= (2)::numeric) AND (EXTRACT(year FROM (ends_at AT TIME ZONE 'UTC'::text)) <= (9998)::numeric))),
    CONSTRAINT ck_events_name_bounds CHECK (((char_length(name) <= 200) AND (name ~ '[^\s\u001c-\u001f\u0085\u00a0\u00ad\u1680\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]'::text))),
    CONSTRAINT ck_events_settings_bounds CHECK (((octet_length((settings)::text) <= 262144) AND (NOT jsonb_path_exists(settings, 'strict $.**{32}?(@.type() == "object" || @.type() == "array")'::jsonpath)) AND (NOT jsonb_path_exists(settings, 'strict $.**?(@ > 179769313486231580000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000 || @ < -179769313486231580000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000)'::jsonpath)))),
    CONSTRAINT ck_events_settings_is_object CHECK ((jsonb_typeof(settings) = 'object'::text)),
    CONSTRAINT ck_events_starts_at_bounds CHECK (((EXTRACT(year FROM (starts_at AT TIME ZONE 'UTC'::text)) >= (2)::numeric) AND (EXTRACT(year FROM (starts_at AT TIME ZONE 'UTC'::text)) <= (9998)::numeric))),
    CONSTRAINT ck_events_status_known CHECK ((status = ANY (ARRAY['draft'::text, 'published'::text, 'cancelled'::text, 'completed'::text])))
);


COMMENT ON TABLE public.events IS 'An event of an organization.';

COMMENT ON COLUMN public.events.settings IS 'Preferences; default_networking_opt_in is the default of new participants.';

COMMENT ON COLUMN public.events.created_at IS 'When the row was created.';

COMMENT ON COLUMN public.events.updated_at IS 'When the row last changed; maintained by a trigger.';

CREATE TABLE public.organization_members (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    user_id uuid NOT NULL,
    role text DEFAULT 'viewer'::text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT ck_organization_members_role_known CHECK ((role = ANY (ARRAY['owner'::text, 'manager'::text, 'viewer'::text])))
);


COMMENT ON TABLE public.organization_members IS 'The members of an organization, with their roles.';

COMMENT ON COLUMN public.organization_members.role IS 'Owners manage the organization, managers its events; viewers read.';

COMMENT ON COLUMN public.organization_members.created_at IS 'When the row was created.';

CREATE VIEW private.my_event_ids_by_id WITH (security_barrier='true') AS
 SELECT id
   FROM ( SELECT e.id
           FROM public.events e
          WHERE (EXISTS ( SELECT
                   FROM public.organization_members m
                  WHERE ((m.organization_id = e.organization_id) AND (m.user_id = ( SELECT auth.uid() AS uid)))
                 OFFSET 0))) mine(id);


COMMENT ON VIEW private.my_event_ids_by_id IS 'The ids of private.my_event_ids(), for a lookup of single ones.';

CREATE VIEW private.my_managed_event_ids_by_id WITH (security_barrier='true') AS
 SELECT id
   FROM ( SELECT e.id
           FROM public.events e
          WHERE (EXISTS ( SELECT
                   FROM ( SELECT mine_1.id
                           FROM ( SELECT m.organization_id
                                   FROM public.organization_members m
                                  WHERE ((m.user_id = ( SELECT auth.uid() AS uid)) AND (m.role = ANY (ARRAY['owner'::text, 'manager'::text])))) mine_1(id)
                          WHERE (( SELECT ((NULLIF(current_setting('request.jwt.claims'::text, true), ''::text))::jsonb ->> 'is_anonymous'::text)) IS DISTINCT FROM 'true'::text)) managed(id)
                  WHERE (managed.id = e.organization_id)
                 OFFSET 0))) mine(id);


COMMENT ON VIEW private.my_managed_event_ids_by_id IS 'The ids of private.my_managed_event_ids(), for a lookup of single ones.';

CREATE VIEW private.my_managed_organization_ids_by_id WITH (security_barrier='true') AS
 SELECT id
   FROM ( SELECT mine_1.id
           FROM ( SELECT m.organization_id
                   FROM public.organization_members m
                  WHERE ((m.user_id = ( SELECT auth.uid() AS uid)) AND (m.role = ANY (ARRAY['owner'::text, 'manager'::text])))) mine_1(id)
          WHERE (( SELECT ((NULLIF(current_setting('request.jwt.claims'::text, true), ''::text))::jsonb ->> 'is_anonymous'::text)) IS DISTINCT FROM 'true'::text)) mine(id);


COMMENT ON VIEW private.my_managed_organization_ids_by_id IS 'The ids of private.my_managed_organization_ids(), for a lookup of single ones.';

CREATE VIEW private.my_organization_ids_by_id WITH (security_barrier='true') AS
 SELECT id
   FROM ( SELECT m.organization_id
           FROM public.organization_members m
          WHERE (m.user_id = ( SELECT auth.uid() AS uid))) mine(id);


COMMENT ON VIEW private.my_organization_ids_by_id IS 'The ids of private.my_organization_ids(), for a lookup of single ones.';

CREATE TABLE public.alembic_version (
    version_num character varying(32) NOT NULL
);


CREATE TABLE public.consent_preferences (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid NOT NULL,
    category text NOT NULL,
    enabled boolean DEFAULT false NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT ck_consent_preferences_category_known CHECK ((category = ANY (ARRAY['benchmarks'::text, 'social_feed'::text, 'directory'::text, 'messaging'::text, 'investor_intros'::text])))
);


COMMENT ON TABLE public.consent_preferences IS 'A user''s consents; no row means none. Only the user can read them.';

COMMENT ON COLUMN public.consent_preferences.enabled IS 'Whether the user consents.';

COMMENT ON COLUMN public.consent_preferences.updated_at IS 'When the row last changed; maintained by a trigger.';

CREATE TABLE public.investor_readiness_scores (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid NOT NULL,
    overall_score numeric(5,2) NOT NULL,
    breakdown jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT ck_investor_readiness_scores_breakdown_bounds CHECK (((octet_length((breakdown)::text) <= 262144) AND (NOT jsonb_path_exists(breakdown, 'strict $.**{32}?(@.type() == "object" || @.type() == "array")'::jsonpath)) AND (NOT jsonb_path_exists(breakdown, 'strict $.**?(@ > 179769313486231580000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000 || @ < -179769313486231580000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000)'::jsonpath)))),
    CONSTRAINT ck_investor_readiness_scores_breakdown_is_object CHECK ((jsonb_typeof(breakdown) = 'object'::text)),
    CONSTRAINT ck_investor_readiness_scores_overall_score_in_range CHECK (((overall_score >= (0)::numeric) AND (overall_score <= (100)::numeric)))
);


COMMENT ON TABLE public.investor_readiness_scores IS 'The investor readiness of a founder; the latest row is the current one.';

COMMENT ON COLUMN public.investor_readiness_scores.overall_score IS 'From 0 to 100.';

COMMENT ON COLUMN public.investor_readiness_scores.breakdown IS 'The parts of the score.';

COMMENT ON COLUMN public.investor_readiness_scores.created_at IS 'When the row was created.';

CREATE TABLE public.profiles (
    id uuid NOT NULL,
    full_name text,
    avatar_url text,
    stage text,
    industry text,
    tier integer DEFAULT 0 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT ck_profiles_avatar_url_bounds CHECK ((char_length(avatar_url) <= 2000)),
    CONSTRAINT ck_profiles_full_name_bounds CHECK ((char_length(full_name) <= 200)),
    CONSTRAINT ck_profiles_industry_bounds CHECK ((char_length(industry) <= 200)),
    CONSTRAINT ck_profiles_stage_bounds CHECK ((char_length(stage) <= 200)),
    CONSTRAINT ck_profiles_tier_known CHECK (((tier >= 0) AND (tier <= 2)))
);


COMMENT ON TABLE public.profiles IS 'The profile of a person; one row per account.';

COMMENT ON COLUMN public.profiles.id IS 'The account, auth.users.id.';

COMMENT ON COLUMN public.profiles.stage IS 'The stage of the person''s company.';

COMMENT ON COLUMN public.profiles.industry IS 'The industry of the person''s company.';

COMMENT ON COLUMN public.profiles.tier IS 'The subscription tier: 0 free, 1 pro, 2 studio; written by the service.';

COMMENT ON COLUMN public.profiles.created_at IS 'When the row was created.';

COMMENT ON COLUMN public.profiles.updated_at IS 'When the row last changed; maintained by a trigger.';

CREATE MATERIALIZED VIEW public.benchmark_industry_aggregates AS
 SELECT industry,
    count(*) AS founder_count,
    (
        CASE
            WHEN (count(overall_score) >= 5) THEN avg(overall_score)
            ELSE NULL::numeric
        END)::numeric(5,2) AS avg_irs_score,
    (
        CASE
            WHEN (count(overall_score) >= 5) THEN percentile_cont((0.5)::double precision) WITHIN GROUP (ORDER BY ((overall_score)::double precision))
            ELSE NULL::double precision
        END)::numeric(5,2) AS median_irs_score,
    now() AS refreshed_at
   FROM ( SELECT DISTINCT ON (c.user_id) p.industry,
            s.overall_score
           FROM ((public.consent_preferences c
             JOIN public.profiles p ON ((p.id = c.user_id)))
             LEFT JOIN public.investor_readiness_scores s ON ((s.user_id = c.user_id)))
          WHERE ((c.category = 'benchmarks'::text) AND c.enabled AND (char_length(p.industry) <= 200))
          ORDER BY c.user_id, s.created_at DESC, s.id DESC) f
  GROUP BY industry
 HAVING (count(*) >= 5)
  WITH NO DATA;


COMMENT ON MATERIALIZED VIEW public.benchmark_industry_aggregates IS 'Scores of the founders of each industry who consented to benchmarks, in groups of at least 5. As of the last refresh_benchmark_aggregates().';

COMMENT ON COLUMN public.benchmark_industry_aggregates.industry IS 'The industry, as in profiles.';

COMMENT ON COLUMN public.benchmark_industry_aggregates.founder_count IS 'The number of founders who consented; at least 5.';

COMMENT ON COLUMN public.benchmark_industry_aggregates.avg_irs_score IS 'The average of their latest scores; NULL if fewer than 5 have one.';

COMMENT ON COLUMN public.benchmark_industry_aggregates.median_irs_score IS 'The median of their latest scores; NULL if fewer than 5 have one.';

COMMENT ON COLUMN public.benchmark_industry_aggregates.refreshed_at IS 'When the transaction began that computed the row.';

CREATE MATERIALIZED VIEW public.benchmark_stage_aggregates AS
 SELECT stage,
    count(*) AS founder_count,
    (
        CASE
            WHEN (count(overall_score) >= 5) THEN avg(overall_score)
            ELSE NULL::numeric
        END)::numeric(5,2) AS avg_irs_score,
    (
        CASE
            WHEN (count(overall_score) >= 5) THEN percentile_cont((0.5)::double precision) WITHIN GROUP (ORDER BY ((overall_score)::double precision))
            ELSE NULL::double precision
        END)::numeric(5,2) AS median_irs_score,
    now() AS refreshed_at
   FROM ( SELECT DISTINCT ON (c.user_id) p.stage,
            s.overall_score
           FROM ((public.consent_preferences c
             JOIN public.profiles p ON ((p.id = c.user_id)))
             LEFT JOIN public.investor_readiness_scores s ON ((s.user_id = c.user_id)))
          WHERE ((c.category = 'benchmarks'::text) AND c.enabled AND (char_length(p.stage) <= 200))
          ORDER BY c.user_id, s.created_at DESC, s.id DESC) f
  GROUP BY stage
 HAVING (count(*) >= 5)
  WITH NO DATA;


COMMENT ON MATERIALIZED VIEW public.benchmark_stage_aggregates IS 'Scores of the founders of each stage who consented to benchmarks, in groups of at least 5. As of the last refresh_benchmark_aggregates().';

COMMENT ON COLUMN public.benchmark_stage_aggregates.stage IS 'The stage, as in profiles.';

COMMENT ON COLUMN public.benchmark_stage_aggregates.founder_count IS 'The number of founders who consented; at least 5.';

COMMENT ON COLUMN public.benchmark_stage_aggregates.avg_irs_score IS 'The average of their latest scores; NULL if fewer than 5 have one.';

COMMENT ON COLUMN public.benchmark_stage_aggregates.median_irs_score IS 'The median of their latest scores; NULL if fewer than 5 have one.';

COMMENT ON COLUMN public.benchmark_stage_aggregates.refreshed_at IS 'When the transaction began that computed the row.';

CREATE TABLE public.participant_sessions (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    campaign_id uuid NOT NULL,
    stakeholder_name text,
    stakeholder_email text,
    user_id uuid,
    status text DEFAULT 'pending'::text NOT NULL,
    started_at timestamp with time zone,
    completed_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    client_status text DEFAULT 'registered'::text NOT NULL,
    tenant_id uuid,
    CONSTRAINT ck_participant_sessions_client_status_known CHECK ((client_status = ANY (ARRAY['registered'::text, 'started'::text, 'completed'::text, 'contacted'::text, 'converted'::text, 'archived'::text]))),
    CONSTRAINT ck_participant_sessions_completed_at_bounds CHECK (((EXTRACT(year FROM (completed_at AT TIME ZONE 'UTC'::text)) >= (2)::numeric) AND (EXTRACT(year FROM (completed_at AT TIME ZONE 'UTC'::text)) <= (9998)::numeric))),
    CONSTRAINT ck_participant_sessions_stakeholder_email_bounds CHECK ((char_length(stakeholder_email) <= 2000)),
    CONSTRAINT ck_participant_sessions_stakeholder_name_bounds CHECK ((char_length(stakeholder_name) <= 200)),
    CONSTRAINT ck_participant_sessions_started_at_bounds CHECK (((EXTRACT(year FROM (started_at AT TIME ZONE 'UTC'::text)) >= (2)::numeric) AND (EXTRACT(year FROM (started_at AT TIME ZONE 'UTC'::text)) <= (9998)::numeric))),
    CONSTRAINT ck_participant_sessions_status_known CHECK ((status = ANY (ARRAY['pending'::text, 'in_progress'::text, 'completed'::text])))
);


COMMENT ON TABLE public.participant_sessions IS 'A person''s participation in a campaign, a lead of the coach''s pipeline.';

COMMENT ON COLUMN public.participant_sessions.user_id IS 'The person''s account; null for a guest without one.';

COMMENT ON COLUMN public.participant_sessions.status IS 'The progress of the person.';

COMMENT ON COLUMN public.participant_sessions.created_at IS 'When the row was created.';

COMMENT ON COLUMN public.participant_sessions.updated_at IS 'When the row last changed; maintained by a trigger.';

COMMENT ON COLUMN public.participant_sessions.client_status IS 'The person''s stage in the coach''s pipeline.';

COMMENT ON COLUMN public.participant_sessions.tenant_id IS 'The campaign''s tenant, whose pipeline the person is in; set by a trigger.';

CREATE VIEW public.campaign_assignments WITH (security_invoker='true') AS
 SELECT id,
    campaign_id,
    stakeholder_name,
    stakeholder_email,
    user_id,
    status,
    started_at,
    completed_at,
    created_at,
    updated_at,
    client_status,
    tenant_id
   FROM public.participant_sessions s;


COMMENT ON VIEW public.campaign_assignments IS 'A former name of participant_sessions, for clients that still use it.';

CREATE TABLE public.campaigns (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    name text NOT NULL,
    description text,
    status text DEFAULT 'draft'::text NOT NULL,
    created_by uuid,
    starts_at timestamp with time zone,
    ends_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    tenant_id uuid,
    assessment_type text DEFAULT 'industry4'::text NOT NULL,
    results_disclosure text DEFAULT 'full'::text NOT NULL,
    CONSTRAINT ck_campaigns_assessment_type_bounds CHECK ((char_length(assessment_type) <= 200)),
    CONSTRAINT ck_campaigns_description_bounds CHECK ((char_length(description) <= 20000)),
    CONSTRAINT ck_campaigns_ends_at_bounds CHECK (((EXTRACT(year FROM (ends_at AT TIME ZONE 'UTC'::text)) >= (2)::numeric) AND (EXTRACT(year FROM (ends_at AT TIME ZONE 'UTC'::text)) <= (9998)::numeric))),
    CONSTRAINT ck_campaigns_name_bounds CHECK (((char_length(name) <= 200) AND (name ~ '[^\s\u001c-\u001f\u0085\u00a0\u00ad\u1680\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]'::text))),
    CONSTRAINT ck_campaigns_results_disclosure_bounds CHECK ((char_length(results_disclosure) <= 200)),
    CONSTRAINT ck_campaigns_starts_at_bounds CHECK (((EXTRACT(year FROM (starts_at AT TIME ZONE 'UTC'::text)) >= (2)::numeric) AND (EXTRACT(year FROM (starts_at AT TIME ZONE 'UTC'::text)) <= (9998)::numeric))),
    CONSTRAINT ck_campaigns_status_known CHECK ((status = ANY (ARRAY['draft'::text, 'active'::text, 'completed'::text, 'archived'::text])))
);


COMMENT ON TABLE public.campaigns IS 'An assessment that a coach invites people to.';

COMMENT ON COLUMN public.campaigns.created_by IS 'The account that created the campaign; null once that account is deleted.';

COMMENT ON COLUMN public.campaigns.created_at IS 'When the row was created.';

COMMENT ON COLUMN public.campaigns.updated_at IS 'When the row last changed; maintained by a trigger.';

COMMENT ON COLUMN public.campaigns.tenant_id IS 'The tenant; null for a creator''s own campaign, or once it is deleted.';

COMMENT ON COLUMN public.campaigns.assessment_type IS 'The assessment that participants take.';

COMMENT ON COLUMN public.campaigns.results_disclosure IS 'How much of their results participants can read.';

CREATE TABLE public.cohorts (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    name text NOT NULL,
    cohort_type text DEFAULT 'stage'::text NOT NULL,
    max_members integer DEFAULT 8 NOT NULL,
    status text DEFAULT 'forming'::text NOT NULL,
    match_criteria jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT ck_cohorts_cohort_type_known CHECK ((cohort_type = ANY (ARRAY['stage'::text, 'industry'::text, 'custom'::text]))),
    CONSTRAINT ck_cohorts_match_criteria_bounds CHECK (((octet_length((match_criteria)::text) <= 262144) AND (NOT jsonb_path_exists(match_criteria, 'strict $.**{32}?(@.type() == "object" || @.type() == "array")'::jsonpath)) AND (NOT jsonb_path_exists(match_criteria, 'strict $.**?(@ > 179769313486231580000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000 || @ < -179769313486231580000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000)'::jsonpath)))),
    CONSTRAINT ck_cohorts_match_criteria_is_object CHECK ((jsonb_typeof(match_criteria) = 'object'::text)),
    CONSTRAINT ck_cohorts_max_members_positive CHECK ((max_members > 0)),
    CONSTRAINT ck_cohorts_name_bounds CHECK (((char_length(name) <= 200) AND (name ~ '[^\s\u001c-\u001f\u0085\u00a0\u00ad\u1680\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]'::text))),
    CONSTRAINT ck_cohorts_status_known CHECK ((status = ANY (ARRAY['forming'::text, 'active'::text, 'archived'::text])))
);


COMMENT ON TABLE public.cohorts IS 'A small group of founders; only its active members can read it.';

COMMENT ON COLUMN public.cohorts.max_members IS 'The size that the matching aims for; not enforced by the database.';

COMMENT ON COLUMN public.cohorts.match_criteria IS 'The criteria by which the group was matched.';

COMMENT ON COLUMN public.cohorts.created_at IS 'When the row was created.';

COMMENT ON COLUMN public.cohorts.updated_at IS 'When the row last changed; maintained by a trigger.';

CREATE TABLE public.communities (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    name text NOT NULL,
    slug text NOT NULL,
    description text,
    created_by uuid,
    is_private boolean DEFAULT false NOT NULL,
    is_archived boolean DEFAULT false NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    parent_community_id uuid,
    is_sponsored boolean DEFAULT false NOT NULL,
    tier_required integer DEFAULT 0 NOT NULL,
    CONSTRAINT ck_communities_description_bounds CHECK ((char_length(description) <= 20000)),
    CONSTRAINT ck_communities_name_bounds CHECK (((char_length(name) <= 200) AND (name ~ '[^\s\u001c-\u001f\u0085\u00a0\u00ad\u1680\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]'::text))),
    CONSTRAINT ck_communities_parent_is_another CHECK ((parent_community_id <> id)),
    CONSTRAINT ck_communities_slug_bounds CHECK (((char_length(slug) <= 200) AND (slug ~ '[^\s\u001c-\u001f\u0085\u00a0\u00ad\u1680\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]'::text))),
    CONSTRAINT ck_communities_tier_required_known CHECK (((tier_required >= 0) AND (tier_required <= 2)))
);


COMMENT ON TABLE public.communities IS 'A place where founders meet.';

COMMENT ON COLUMN public.communities.slug IS 'The name in URLs.';

COMMENT ON COLUMN public.communities.created_by IS 'The account that created it; null once that account is deleted.';

COMMENT ON COLUMN public.communities.is_private IS 'Whether only its members and its creator can read it; all below it are private.';

COMMENT ON COLUMN public.communities.is_archived IS 'Whether it is closed; only its owners and its creator can read it then.';

COMMENT ON COLUMN public.communities.created_at IS 'When the row was created.';

COMMENT ON COLUMN public.communities.updated_at IS 'When the row last changed; maintained by a trigger.';

COMMENT ON COLUMN public.communities.parent_community_id IS 'The parent community; null at the top level. At most five levels.';

COMMENT ON COLUMN public.communities.is_sponsored IS 'Whether it has a paying sponsor; written by the service.';

COMMENT ON COLUMN public.communities.tier_required IS 'The subscription tier that joining it requires: 0 free, 1 pro, 2 studio.';

CREATE TABLE public.community_profiles (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid NOT NULL,
    display_name text DEFAULT ''::text NOT NULL,
    bio text DEFAULT ''::text NOT NULL,
    avatar_url text,
    stage text,
    industry text,
    achievements text[] DEFAULT '{}'::text[] NOT NULL,
    visibility_settings jsonb DEFAULT '{"show_bio": true, "show_name": true, "show_stage": true, "show_industry": true, "show_achievements": true}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT ck_community_profiles_achievements_bounds CHECK (((cardinality(achievements) <= 100) AND (COALESCE(array_ndims(achievements), 1) = 1) AND (array_position(achievements, NULL::text) IS NULL) AND (NOT jsonb_path_exists(to_jsonb(achievements), '$[*]?(@ like_regex "^.{201}" flag "s")'::jsonpath)))),
    CONSTRAINT ck_community_profiles_avatar_url_bounds CHECK ((char_length(avatar_url) <= 2000)),
    CONSTRAINT ck_community_profiles_bio_bounds CHECK ((char_length(bio) <= 20000)),
    CONSTRAINT ck_community_profiles_display_name_bounds CHECK ((char_length(display_name) <= 200)),
    CONSTRAINT ck_community_profiles_industry_bounds CHECK ((char_length(industry) <= 200)),
    CONSTRAINT ck_community_profiles_stage_bounds CHECK ((char_length(stage) <= 200)),
    CONSTRAINT ck_community_profiles_visibility_settings_bounds CHECK (((octet_length((visibility_settings)::text) <= 262144) AND (NOT jsonb_path_exists(visibility_settings, 'strict $.**{32}?(@.type() == "object" || @.type() == "array")'::jsonpath)) AND (NOT jsonb_path_exists(visibility_settings, 'strict $.**?(@ > 179769313486231580000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000 || @ < -179769313486231580000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000)'::jsonpath)))),
    CONSTRAINT ck_community_profiles_visibility_settings_is_object CHECK ((jsonb_typeof(visibility_settings) = 'object'::text))
);


COMMENT ON TABLE public.community_profiles IS 'The profile that a founder shows to the community; one row per account.';

COMMENT ON COLUMN public.community_profiles.stage IS 'The stage of the founder''s company.';

COMMENT ON COLUMN public.community_profiles.industry IS 'The industry of the founder''s company.';

COMMENT ON COLUMN public.community_profiles.visibility_settings IS 'The fields that applications show; signed-in users can read the whole row.';

COMMENT ON COLUMN public.community_profiles.created_at IS 'When the row was created.';

COMMENT ON COLUMN public.community_profiles.updated_at IS 'When the row last changed; maintained by a trigger.';

CREATE TABLE public.consent_audit_log (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid NOT NULL,
    category text NOT NULL,
    previous_value boolean NOT NULL,
    new_value boolean NOT NULL,
    changed_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    changed_by uuid,
    ip_address text,
    user_agent text,
    CONSTRAINT ck_consent_audit_log_category_known CHECK ((category = ANY (ARRAY['benchmarks'::text, 'social_feed'::text, 'directory'::text, 'messaging'::text, 'investor_intros'::text]))),
    CONSTRAINT ck_consent_audit_log_ip_address_bounds CHECK ((char_length(ip_address) <= 2000)),
    CONSTRAINT ck_consent_audit_log_user_agent_bounds CHECK ((char_length(user_agent) <= 2000))
);


COMMENT ON TABLE public.consent_audit_log IS 'Every new consent and every change of one; written only by a trigger.';

COMMENT ON COLUMN public.consent_audit_log.previous_value IS 'Whether the user had consented before the change.';

COMMENT ON COLUMN public.consent_audit_log.new_value IS 'Whether the user consents since the change.';

COMMENT ON COLUMN public.consent_audit_log.changed_at IS 'When; changes of one transaction are in order.';

COMMENT ON COLUMN public.consent_audit_log.changed_by IS 'The account whose session changed it; null for the service.';

COMMENT ON COLUMN public.consent_audit_log.ip_address IS 'The client''s IP address, as the request states it.';

COMMENT ON COLUMN public.consent_audit_log.user_agent IS 'The client''s user agent, as the request states it.';

CREATE TABLE public.engagement_streaks (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid NOT NULL,
    current_streak integer DEFAULT 0 NOT NULL,
    longest_streak integer DEFAULT 0 NOT NULL,
    total_checkins integer DEFAULT 0 NOT NULL,
    last_checkin_date date,
    streak_started_at timestamp with time zone,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT ck_engagement_streaks_current_streak_not_negative CHECK ((current_streak >= 0)),
    CONSTRAINT ck_engagement_streaks_last_checkin_date_bounds CHECK (((last_checkin_date >= '0001-01-01'::date) AND (last_checkin_date <= '9999-12-31'::date))),
    CONSTRAINT ck_engagement_streaks_longest_is_longest CHECK ((longest_streak >= current_streak)),
    CONSTRAINT ck_engagement_streaks_streak_started_at_bounds CHECK (((EXTRACT(year FROM (streak_started_at AT TIME ZONE 'UTC'::text)) >= (2)::numeric) AND (EXTRACT(year FROM (streak_started_at AT TIME ZONE 'UTC'::text)) <= (9998)::numeric))),
    CONSTRAINT ck_engagement_streaks_total_checkins_not_negative CHECK ((total_checkins >= 0))
);


COMMENT ON TABLE public.engagement_streaks IS 'On how many days in a row a founder has checked in; written by the service.';

COMMENT ON COLUMN public.engagement_streaks.updated_at IS 'When the row last changed; maintained by a trigger.';

CREATE TABLE public.expert_listings (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid NOT NULL,
    expertise_type text NOT NULL,
    title text NOT NULL,
    description text NOT NULL,
    is_active boolean DEFAULT true NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT ck_expert_listings_description_bounds CHECK ((char_length(description) <= 20000)),
    CONSTRAINT ck_expert_listings_expertise_type_known CHECK ((expertise_type = ANY (ARRAY['design_review'::text, 'tech_architecture'::text, 'gtm_strategy'::text, 'fundraising'::text, 'legal'::text, 'other'::text]))),
    CONSTRAINT ck_expert_listings_title_bounds CHECK (((char_length(title) <= 200) AND (title ~ '[^\s\u001c-\u001f\u0085\u00a0\u00ad\u1680\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]'::text)))
);


COMMENT ON TABLE public.expert_listings IS 'The expertise that founders offer.';

COMMENT ON COLUMN public.expert_listings.is_active IS 'Whether the offer is open.';

COMMENT ON COLUMN public.expert_listings.created_at IS 'When the row was created.';

COMMENT ON COLUMN public.expert_listings.updated_at IS 'When the row last changed; maintained by a trigger.';

CREATE TABLE public.founder_connections (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    requester_id uuid NOT NULL,
    recipient_id uuid NOT NULL,
    status text DEFAULT 'pending'::text NOT NULL,
    source text DEFAULT 'directory'::text NOT NULL,
    declined_by uuid,
    blocked_by_requester boolean DEFAULT false NOT NULL,
    blocked_by_recipient boolean DEFAULT false NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT ck_founder_connections_between_two CHECK ((requester_id <> recipient_id)),
    CONSTRAINT ck_founder_connections_blocked_by_a_party CHECK (((status = 'blocked'::text) = (blocked_by_requester OR blocked_by_recipient))),
    CONSTRAINT ck_founder_connections_source_known CHECK ((source = ANY (ARRAY['directory'::text, 'cohort'::text, 'fred_suggestion'::text, 'community'::text]))),
    CONSTRAINT ck_founder_connections_status_known CHECK ((status = ANY (ARRAY['pending'::text, 'accepted'::text, 'blocked'::text, 'declined'::text])))
);


COMMENT ON TABLE public.founder_connections IS 'Requests of founders for a connection, their answers and blocks; one row per pair of founders.';

COMMENT ON COLUMN public.founder_connections.requester_id IS 'The account that sent the request.';

COMMENT ON COLUMN public.founder_connections.recipient_id IS 'The account that received the request.';

COMMENT ON COLUMN public.founder_connections.status IS 'The answer; blocked while one of the two blocks the other.';

COMMENT ON COLUMN public.founder_connections.source IS 'Where the requester found the recipient.';

COMMENT ON COLUMN public.founder_connections.declined_by IS 'The party that declined or withdrew the request; maintained by a trigger.';

COMMENT ON COLUMN public.founder_connections.blocked_by_requester IS 'Whether the requester blocks the recipient; written by block_founder().';

COMMENT ON COLUMN public.founder_connections.blocked_by_recipient IS 'Whether the recipient blocks the requester; written by block_founder().';

COMMENT ON COLUMN public.founder_connections.created_at IS 'When the row was created.';

COMMENT ON COLUMN public.founder_connections.updated_at IS 'When the row last changed; maintained by a trigger.';

CREATE TABLE public.founder_messages (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    sender_id uuid NOT NULL,
    recipient_id uuid NOT NULL,
    content text NOT NULL,
    is_read boolean DEFAULT false NOT NULL,
    is_fred_facilitated boolean DEFAULT false NOT NULL,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT ck_founder_messages_content_bounds CHECK ((char_length(content) <= 20000)),
    CONSTRAINT ck_founder_messages_metadata_bounds CHECK (((octet_length((metadata)::text) <= 262144) AND (NOT jsonb_path_exists(metadata, 'strict $.**{32}?(@.type() == "object" || @.type() == "array")'::jsonpath)) AND (NOT jsonb_path_exists(metadata, 'strict $.**?(@ > 179769313486231580000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000 || @ < -179769313486231580000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000)'::jsonpath)))),
    CONSTRAINT ck_founder_messages_metadata_is_object CHECK ((jsonb_typeof(metadata) = 'object'::text))
);

ALTER TABLE ONLY public.founder_messages REPLICA IDENTITY FULL;


COMMENT ON TABLE public.founder_messages IS 'Messages between founders; immutable.';

COMMENT ON COLUMN public.founder_messages.is_read IS 'Whether the recipient has read it; set by mark_messages_read().';

COMMENT ON COLUMN public.founder_messages.is_fred_facilitated IS 'Whether Fred, the assistant, introduced the two; written by the service.';

COMMENT ON COLUMN public.founder_messages.created_at IS 'When the row was created.';

CREATE TABLE public.milestones (
    id text NOT NULL,
    user_id uuid NOT NULL,
    title text NOT NULL,
    description text,
    status text DEFAULT 'planned'::text NOT NULL,
    due_date date,
    completed_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT ck_milestones_completed_at_bounds CHECK (((EXTRACT(year FROM (completed_at AT TIME ZONE 'UTC'::text)) >= (2)::numeric) AND (EXTRACT(year FROM (completed_at AT TIME ZONE 'UTC'::text)) <= (9998)::numeric))),
    CONSTRAINT ck_milestones_description_bounds CHECK ((char_length(description) <= 20000)),
    CONSTRAINT ck_milestones_due_date_bounds CHECK (((due_date >= '0001-01-01'::date) AND (due_date <= '9999-12-31'::date))),
    CONSTRAINT ck_milestones_id_bounds CHECK (((char_length(id) <= 200) AND (id ~ '[^\s\u001c-\u001f\u0085\u00a0\u00ad\u1680\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]'::text))),
    CONSTRAINT ck_milestones_status_known CHECK ((status = ANY (ARRAY['planned'::text, 'active'::text, 'done'::text]))),
    CONSTRAINT ck_milestones_title_bounds CHECK (((char_length(title) <= 200) AND (title ~ '[^\s\u001c-\u001f\u0085\u00a0\u00ad\u1680\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]'::text)))
);


COMMENT ON TABLE public.milestones IS 'A goal of a founder.';

COMMENT ON COLUMN public.milestones.id IS 'A text key that the application chooses; not a UUID.';

COMMENT ON COLUMN public.milestones.created_at IS 'When the row was created.';

COMMENT ON COLUMN public.milestones.updated_at IS 'When the row last changed; maintained by a trigger.';

CREATE TABLE public.organizations (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    name text NOT NULL,
    slug text NOT NULL,
    settings jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT ck_organizations_name_bounds CHECK (((char_length(name) <= 200) AND (name ~ '[^\s\u001c-\u001f\u0085\u00a0\u00ad\u1680\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]'::text))),
    CONSTRAINT ck_organizations_settings_bounds CHECK (((octet_length((settings)::text) <= 262144) AND (NOT jsonb_path_exists(settings, 'strict $.**{32}?(@.type() == "object" || @.type() == "array")'::jsonpath)) AND (NOT jsonb_path_exists(settings, 'strict $.**?(@ > 179769313486231580000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000 || @ < -179769313486231580000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000)'::jsonpath)))),
    CONSTRAINT ck_organizations_settings_is_object CHECK ((jsonb_typeof(settings) = 'object'::text)),
    CONSTRAINT ck_organizations_slug_bounds CHECK (((char_length(slug) <= 200) AND (slug ~ '[^\s\u001c-\u001f\u0085\u00a0\u00ad\u1680\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]'::text)))
);


COMMENT ON TABLE public.organizations IS 'A company or group that runs events.';

COMMENT ON COLUMN public.organizations.slug IS 'The name in URLs.';

COMMENT ON COLUMN public.organizations.settings IS 'The organization''s preferences.';

COMMENT ON COLUMN public.organizations.created_at IS 'When the row was created.';

COMMENT ON COLUMN public.organizations.updated_at IS 'When the row last changed; maintained by a trigger.';

CREATE TABLE public.participant_tracks (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    event_id uuid NOT NULL,
    participant_id uuid NOT NULL,
    track_id uuid NOT NULL,
    is_primary boolean DEFAULT false NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);


COMMENT ON TABLE public.participant_tracks IS 'The tracks of a participant, at most one of them primary.';

COMMENT ON COLUMN public.participant_tracks.event_id IS 'The event of both, set by a trigger; it keeps the two in one event.';

COMMENT ON COLUMN public.participant_tracks.is_primary IS 'Whether this is the participant''s primary track.';

COMMENT ON COLUMN public.participant_tracks.created_at IS 'When the row was created.';

CREATE TABLE public.participants (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    event_id uuid NOT NULL,
    user_id uuid,
    first_name text,
    last_name text,
    email text,
    phone text,
    status text DEFAULT 'registered'::text NOT NULL,
    is_vip boolean DEFAULT false NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    networking_opt_in boolean DEFAULT false NOT NULL,
    CONSTRAINT ck_participants_email_bounds CHECK ((char_length(email) <= 2000)),
    CONSTRAINT ck_participants_first_name_bounds CHECK ((char_length(first_name) <= 200)),
    CONSTRAINT ck_participants_last_name_bounds CHECK ((char_length(last_name) <= 200)),
    CONSTRAINT ck_participants_phone_bounds CHECK ((char_length(phone) <= 2000)),
    CONSTRAINT ck_participants_status_known CHECK ((status = ANY (ARRAY['registered'::text, 'confirmed'::text, 'checked_in'::text, 'cancelled'::text])))
);


COMMENT ON TABLE public.participants IS 'A participant of an event, with or without an account.';

COMMENT ON COLUMN public.participants.user_id IS 'The person''s account; null for a guest without one.';

COMMENT ON COLUMN public.participants.email IS 'Unique within the event, without regard to case.';

COMMENT ON COLUMN public.participants.created_at IS 'When the row was created.';

COMMENT ON COLUMN public.participants.updated_at IS 'When the row last changed; maintained by a trigger.';

COMMENT ON COLUMN public.participants.networking_opt_in IS 'הסכמה מפורשת להשתתף בנטוורקינג; NULL בהוספה מקבל את ברירת המחדל של האירוע (Explicit consent to networking; NULL on insert takes the event''s default)';

CREATE TABLE public.reputation_events (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid NOT NULL,
    event_type text NOT NULL,
    points integer DEFAULT 1 NOT NULL,
    source_id uuid,
    source_type text,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT ck_reputation_events_event_type_known CHECK ((event_type = ANY (ARRAY['intro_made'::text, 'roundtable_participation'::text, 'help_given'::text, 'expertise_shared'::text, 'mentor_session'::text]))),
    CONSTRAINT ck_reputation_events_metadata_bounds CHECK (((octet_length((metadata)::text) <= 262144) AND (NOT jsonb_path_exists(metadata, 'strict $.**{32}?(@.type() == "object" || @.type() == "array")'::jsonpath)) AND (NOT jsonb_path_exists(metadata, 'strict $.**?(@ > 179769313486231580000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000 || @ < -179769313486231580000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000)'::jsonpath)))),
    CONSTRAINT ck_reputation_events_metadata_is_object CHECK ((jsonb_typeof(metadata) = 'object'::text)),
    CONSTRAINT ck_reputation_events_source_type_bounds CHECK ((char_length(source_type) <= 200))
);


COMMENT ON TABLE public.reputation_events IS 'The events that earned a founder points; written by the service.';

COMMENT ON COLUMN public.reputation_events.source_id IS 'The row that the points are for, in the table that source_type names.';

COMMENT ON COLUMN public.reputation_events.source_type IS 'The table of source_id.';

COMMENT ON COLUMN public.reputation_events.created_at IS 'When the row was created.';

CREATE TABLE public.social_feed_comments (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    author_id uuid NOT NULL,
    post_id uuid NOT NULL,
    content text NOT NULL,
    parent_comment_id uuid,
    depth smallint DEFAULT 0 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT ck_social_feed_comments_content_bounds CHECK ((char_length(content) <= 20000)),
    CONSTRAINT ck_social_feed_comments_depth_bounded CHECK (((depth >= 0) AND (depth <= 20)))
);


COMMENT ON TABLE public.social_feed_comments IS 'Comments on a post, or on another comment of it.';

COMMENT ON COLUMN public.social_feed_comments.parent_comment_id IS 'The comment it answers, on the same post; moved and deleted with that.';

COMMENT ON COLUMN public.social_feed_comments.depth IS 'The number of comments above it; maintained by a trigger.';

COMMENT ON COLUMN public.social_feed_comments.created_at IS 'When the row was created.';

COMMENT ON COLUMN public.social_feed_comments.updated_at IS 'When the row last changed; maintained by a trigger.';

CREATE TABLE public.social_feed_posts (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    author_id uuid NOT NULL,
    post_type text DEFAULT 'milestone'::text NOT NULL,
    title text DEFAULT ''::text NOT NULL,
    content text NOT NULL,
    milestone_id text,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    reaction_count integer DEFAULT 0 NOT NULL,
    comment_count integer DEFAULT 0 NOT NULL,
    view_count integer DEFAULT 0 NOT NULL,
    is_public boolean DEFAULT true NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT ck_social_feed_posts_comment_count_not_negative CHECK ((comment_count >= 0)),
    CONSTRAINT ck_social_feed_posts_content_bounds CHECK ((char_length(content) <= 20000)),
    CONSTRAINT ck_social_feed_posts_metadata_bounds CHECK (((octet_length((metadata)::text) <= 262144) AND (NOT jsonb_path_exists(metadata, 'strict $.**{32}?(@.type() == "object" || @.type() == "array")'::jsonpath)) AND (NOT jsonb_path_exists(metadata, 'strict $.**?(@ > 179769313486231580000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000 || @ < -179769313486231580000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000)'::jsonpath)))),
    CONSTRAINT ck_social_feed_posts_metadata_is_object CHECK ((jsonb_typeof(metadata) = 'object'::text)),
    CONSTRAINT ck_social_feed_posts_post_type_known CHECK ((post_type = ANY (ARRAY['milestone'::text, 'achievement'::text, 'update'::text, 'shoutout'::text]))),
    CONSTRAINT ck_social_feed_posts_reaction_count_not_negative CHECK ((reaction_count >= 0)),
    CONSTRAINT ck_social_feed_posts_title_bounds CHECK ((char_length(title) <= 200)),
    CONSTRAINT ck_social_feed_posts_view_count_not_negative CHECK ((view_count >= 0))
)
WITH (fillfactor='85');

ALTER TABLE ONLY public.social_feed_posts REPLICA IDENTITY FULL;


COMMENT ON TABLE public.social_feed_posts IS 'Posts of founders; only the author can read a private post.';

COMMENT ON COLUMN public.social_feed_posts.milestone_id IS 'The milestone that it is about; text, like the key of milestones.';

COMMENT ON COLUMN public.social_feed_posts.reaction_count IS 'The number of reactions; maintained by triggers.';

COMMENT ON COLUMN public.social_feed_posts.comment_count IS 'The number of comments; maintained by triggers.';

COMMENT ON COLUMN public.social_feed_posts.view_count IS 'The number of views; written by the service.';

COMMENT ON COLUMN public.social_feed_posts.is_public IS 'Whether signed-in users can read it; otherwise only its author can.';

COMMENT ON COLUMN public.social_feed_posts.created_at IS 'When the row was created.';

COMMENT ON COLUMN public.social_feed_posts.updated_at IS 'When the row last changed; maintained by a trigger.';

CREATE TABLE public.social_feed_reactions (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid NOT NULL,
    post_id uuid NOT NULL,
    reaction_type text DEFAULT 'encourage'::text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT ck_social_feed_reactions_reaction_type_known CHECK ((reaction_type = ANY (ARRAY['encourage'::text, 'celebrate'::text, 'insightful'::text])))
);


COMMENT ON TABLE public.social_feed_reactions IS 'Reactions to a post; each user has each kind at most once.';

COMMENT ON COLUMN public.social_feed_reactions.created_at IS 'When the row was created.';

CREATE VIEW public.stakeholder_sessions WITH (security_invoker='true') AS
 SELECT id,
    campaign_id,
    stakeholder_name,
    stakeholder_email,
    user_id,
    status,
    started_at,
    completed_at,
    created_at,
    updated_at,
    client_status,
    tenant_id
   FROM public.participant_sessions s;


COMMENT ON VIEW public.stakeholder_sessions IS 'A former name of participant_sessions, for clients that still use it.';

CREATE TABLE public.subcommunity_sponsors (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    sponsor_user_id uuid,
    community_id uuid NOT NULL,
    sponsor_name text NOT NULL,
    sponsor_logo_url text,
    sponsor_url text,
    is_featured boolean DEFAULT false NOT NULL,
    started_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone,
    is_active boolean DEFAULT true NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT ck_subcommunity_sponsors_expires_at_bounds CHECK (((EXTRACT(year FROM (expires_at AT TIME ZONE 'UTC'::text)) >= (2)::numeric) AND (EXTRACT(year FROM (expires_at AT TIME ZONE 'UTC'::text)) <= (9998)::numeric))),
    CONSTRAINT ck_subcommunity_sponsors_sponsor_logo_url_bounds CHECK ((char_length(sponsor_logo_url) <= 2000)),
    CONSTRAINT ck_subcommunity_sponsors_sponsor_name_bounds CHECK (((char_length(sponsor_name) <= 200) AND (sponsor_name ~ '[^\s\u001c-\u001f\u0085\u00a0\u00ad\u1680\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]'::text))),
    CONSTRAINT ck_subcommunity_sponsors_sponsor_url_bounds CHECK ((char_length(sponsor_url) <= 2000)),
    CONSTRAINT ck_subcommunity_sponsors_started_at_bounds CHECK (((EXTRACT(year FROM (started_at AT TIME ZONE 'UTC'::text)) >= (2)::numeric) AND (EXTRACT(year FROM (started_at AT TIME ZONE 'UTC'::text)) <= (9998)::numeric)))
);


COMMENT ON TABLE public.subcommunity_sponsors IS 'The sponsors of a community.';

COMMENT ON COLUMN public.subcommunity_sponsors.sponsor_user_id IS 'The sponsor''s account; null where there is none, or it was deleted.';

COMMENT ON COLUMN public.subcommunity_sponsors.is_featured IS 'Whether the sponsor is shown first.';

COMMENT ON COLUMN public.subcommunity_sponsors.started_at IS 'When the sponsorship began.';

COMMENT ON COLUMN public.subcommunity_sponsors.expires_at IS 'When the sponsorship ends; null for no end.';

COMMENT ON COLUMN public.subcommunity_sponsors.is_active IS 'Whether the sponsor is shown.';

COMMENT ON COLUMN public.subcommunity_sponsors.created_at IS 'When the row was created.';

COMMENT ON COLUMN public.subcommunity_sponsors.updated_at IS 'When the row last changed; maintained by a trigger.';

CREATE TABLE public.table_assignments (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    event_id uuid NOT NULL,
    participant_id uuid NOT NULL,
    table_number integer NOT NULL,
    seat_number integer,
    is_vip_table boolean DEFAULT false NOT NULL,
    assigned_by text DEFAULT 'ai'::text NOT NULL,
    assigned_at timestamp with time zone DEFAULT now() NOT NULL,
    notes text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT ck_table_assignments_assigned_at_bounds CHECK (((EXTRACT(year FROM (assigned_at AT TIME ZONE 'UTC'::text)) >= (2)::numeric) AND (EXTRACT(year FROM (assigned_at AT TIME ZONE 'UTC'::text)) <= (9998)::numeric))),
    CONSTRAINT ck_table_assignments_assigned_by_known CHECK ((assigned_by = ANY (ARRAY['ai'::text, 'manager'::text, 'auto'::text]))),
    CONSTRAINT ck_table_assignments_notes_bounds CHECK ((char_length(notes) <= 20000)),
    CONSTRAINT ck_table_assignments_seat_number_positive CHECK ((seat_number > 0)),
    CONSTRAINT ck_table_assignments_table_number_positive CHECK ((table_number > 0))
);


COMMENT ON TABLE public.table_assignments IS 'שיבוץ משתתפים לשולחנות (Seats at tables: one per participant and event)';

COMMENT ON COLUMN public.table_assignments.event_id IS 'האירוע (The event)';

COMMENT ON COLUMN public.table_assignments.participant_id IS 'המשתתף, מאותו אירוע (The participant, of the same event)';

COMMENT ON COLUMN public.table_assignments.table_number IS 'מספר השולחן, מ-1 (The number of the table, from 1)';

COMMENT ON COLUMN public.table_assignments.seat_number IS 'מספר המושב ליד השולחן, מ-1; NULL כשלא נקבע (The seat at the table, from 1; null where none was chosen)';

COMMENT ON COLUMN public.table_assignments.is_vip_table IS 'האם זה שולחן VIP (Whether it is a VIP table)';

COMMENT ON COLUMN public.table_assignments.assigned_by IS 'מי שיבץ: בינה מלאכותית, מנהל או אוטומטי (Assigned by: ai, manager, auto)';

COMMENT ON COLUMN public.table_assignments.assigned_at IS 'מועד השיבוץ (When the seat was chosen)';

COMMENT ON COLUMN public.table_assignments.notes IS 'הערות לשיבוץ (Notes on the seat)';

COMMENT ON COLUMN public.table_assignments.created_at IS 'מועד יצירת השורה (When the row was created)';

COMMENT ON COLUMN public.table_assignments.updated_at IS 'מועד השינוי האחרון; נשמר בטריגר (When the row last changed; maintained by a trigger)';

CREATE TABLE public.tenant_profiles (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid,
    slug text NOT NULL,
    display_name text NOT NULL,
    tenant_type text DEFAULT 'coach'::text NOT NULL,
    brand_config jsonb DEFAULT '{}'::jsonb NOT NULL,
    email_config jsonb DEFAULT '{}'::jsonb NOT NULL,
    enabled_assessments text[] DEFAULT '{}'::text[] NOT NULL,
    subscription_tier text DEFAULT 'free'::text NOT NULL,
    is_active boolean DEFAULT true NOT NULL,
    custom_domain text,
    custom_domain_verified_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT ck_tenant_profiles_brand_config_bounds CHECK (((octet_length((brand_config)::text) <= 262144) AND (NOT jsonb_path_exists(brand_config, 'strict $.**{32}?(@.type() == "object" || @.type() == "array")'::jsonpath)) AND (NOT jsonb_path_exists(brand_config, 'strict $.**?(@ > 179769313486231580000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000 || @ < -179769313486231580000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000)'::jsonpath)))),
    CONSTRAINT ck_tenant_profiles_brand_config_colors_are_hex CHECK ((((brand_config #>> '{colors,primary}'::text[]) ~ '^#([0-9A-Fa-f]{3,4}|[0-9A-Fa-f]{6}|[0-9A-Fa-f]{8})$'::text) AND ((brand_config #>> '{colors,primaryHover}'::text[]) ~ '^#([0-9A-Fa-f]{3,4}|[0-9A-Fa-f]{6}|[0-9A-Fa-f]{8})$'::text) AND ((brand_config #>> '{colors,secondary}'::text[]) ~ '^#([0-9A-Fa-f]{3,4}|[0-9A-Fa-f]{6}|[0-9A-Fa-f]{8})$'::text) AND ((brand_config #>> '{colors,background}'::text[]) ~ '^#([0-9A-Fa-f]{3,4}|[0-9A-Fa-f]{6}|[0-9A-Fa-f]{8})$'::text) AND ((brand_config #>> '{colors,backgroundSubtle}'::text[]) ~ '^#([0-9A-Fa-f]{3,4}|[0-9A-Fa-f]{6}|[0-9A-Fa-f]{8})$'::text) AND ((brand_config #>> '{colors,text}'::text[]) ~ '^#([0-9A-Fa-f]{3,4}|[0-9A-Fa-f]{6}|[0-9A-Fa-f]{8})$'::text) AND ((brand_config #>> '{colors,textMuted}'::text[]) ~ '^#([0-9A-Fa-f]{3,4}|[0-9A-Fa-f]{6}|[0-9A-Fa-f]{8})$'::text) AND ((brand_config #>> '{colors,border}'::text[]) ~ '^#([0-9A-Fa-f]{3,4}|[0-9A-Fa-f]{6}|[0-9A-Fa-f]{8})$'::text))),
    CONSTRAINT ck_tenant_profiles_brand_config_fonts_are_names CHECK ((((brand_config #>> '{fonts,heading}'::text[]) ~ '^[^ \u0001-\u001f!-+/:-@\[-\^`{-~\u007f-\u00a0\u00ad\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff][^\u0001-\u001f!-+/:-@\[-\^`{-~\u007f-\u00a0\u00ad\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]*$'::text) AND ((brand_config #>> '{fonts,body}'::text[]) ~ '^[^ \u0001-\u001f!-+/:-@\[-\^`{-~\u007f-\u00a0\u00ad\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff][^\u0001-\u001f!-+/:-@\[-\^`{-~\u007f-\u00a0\u00ad\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]*$'::text))),
    CONSTRAINT ck_tenant_profiles_brand_config_is_object CHECK ((jsonb_typeof(brand_config) = 'object'::text)),
    CONSTRAINT ck_tenant_profiles_brand_config_logo_is_url CHECK (((brand_config #>> '{logo,url}'::text[]) ~ '^((([Hh][Tt][Tt][Pp][Ss]?:)?//[0-9A-Z\[\]_a-z.:-]+|[@!$\u0025(-.0-9;=A-Z\[\]_a-z~]+)([/?#][:/?#@&!$\u0025(-.0-9;=A-Z\[\]_a-z~]*)?|/([:?#@&!$\u0025(-.0-9;=A-Z\[\]_a-z~][:/?#@&!$\u0025(-.0-9;=A-Z\[\]_a-z~]*)?|[?#][:/?#@&!$\u0025(-.0-9;=A-Z\[\]_a-z~]*)$'::text)),
    CONSTRAINT ck_tenant_profiles_brand_config_width_is_number CHECK (((brand_config #>> '{logo,width}'::text[]) ~ '^[1-9][0-9]{0,4}$'::text)),
    CONSTRAINT ck_tenant_profiles_custom_domain_bounds CHECK ((char_length(custom_domain) <= 253)),
    CONSTRAINT ck_tenant_profiles_custom_domain_is_canonical CHECK ((custom_domain ~ '^((?!(?!xn)..--)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?[.])+(?!(?!xn)..--)[a-z]([a-z0-9-]{0,61}[a-z0-9])?$'::text)),
    CONSTRAINT ck_tenant_profiles_custom_domain_verified_at_bounds CHECK (((EXTRACT(year FROM (custom_domain_verified_at AT TIME ZONE 'UTC'::text)) >= (2)::numeric) AND (EXTRACT(year FROM (custom_domain_verified_at AT TIME ZONE 'UTC'::text)) <= (9998)::numeric))),
    CONSTRAINT ck_tenant_profiles_custom_domain_verified_at_has_domain CHECK (((custom_domain_verified_at IS NULL) OR (custom_domain IS NOT NULL))),
    CONSTRAINT ck_tenant_profiles_display_name_bounds CHECK (((char_length(display_name) <= 200) AND (display_name ~ '[^\s\u001c-\u001f\u0085\u00a0\u00ad\u1680\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]'::text))),
    CONSTRAINT ck_tenant_profiles_email_config_bounds CHECK (((octet_length((email_config)::text) <= 262144) AND (NOT jsonb_path_exists(email_config, 'strict $.**{32}?(@.type() == "object" || @.type() == "array")'::jsonpath)) AND (NOT jsonb_path_exists(email_config, 'strict $.**?(@ > 179769313486231580000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000 || @ < -179769313486231580000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000)'::jsonpath)))),
    CONSTRAINT ck_tenant_profiles_email_config_from_name_is_plain CHECK (((email_config #>> '{fromName}'::text[]) ~ '^([^="(),:;<>@\[\\\]\u0001-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]|=+[^=?"(),:;<>@\[\\\]\u0001-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069])*=*$'::text)),
    CONSTRAINT ck_tenant_profiles_email_config_is_object CHECK ((jsonb_typeof(email_config) = 'object'::text)),
    CONSTRAINT ck_tenant_profiles_email_config_reply_to_is_address CHECK (((email_config #>> '{replyTo}'::text[]) ~ '^[A-Za-z0-9_][A-Za-z0-9_+''-]*([.][A-Za-z0-9_+''-]+)*@([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?[.])+[A-Za-z]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$'::text)),
    CONSTRAINT ck_tenant_profiles_enabled_assessments_bounds CHECK (((cardinality(enabled_assessments) <= 100) AND (COALESCE(array_ndims(enabled_assessments), 1) = 1) AND (array_position(enabled_assessments, NULL::text) IS NULL) AND (NOT jsonb_path_exists(to_jsonb(enabled_assessments), '$[*]?(@ like_regex "^.{201}" flag "s")'::jsonpath)))),
    CONSTRAINT ck_tenant_profiles_slug_bounds CHECK (((char_length(slug) <= 200) AND (slug ~ '[^\s\u001c-\u001f\u0085\u00a0\u00ad\u1680\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]'::text))),
    CONSTRAINT ck_tenant_profiles_slug_is_hyphenated CHECK ((slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'::text)),
    CONSTRAINT ck_tenant_profiles_subscription_tier_bounds CHECK ((char_length(subscription_tier) <= 200)),
    CONSTRAINT ck_tenant_profiles_tenant_type_bounds CHECK ((char_length(tenant_type) <= 200))
);


COMMENT ON TABLE public.tenant_profiles IS 'A coach or company with its own brand on the platform.';

COMMENT ON COLUMN public.tenant_profiles.user_id IS 'The owner; null until the coach has an account, and once that is deleted.';

COMMENT ON COLUMN public.tenant_profiles.slug IS 'The name in URLs: lower-case words joined by hyphens.';

COMMENT ON COLUMN public.tenant_profiles.tenant_type IS 'The type of the tenant; written by the service.';

COMMENT ON COLUMN public.tenant_profiles.brand_config IS 'The brand of its pages; an empty object until it is set.';

COMMENT ON COLUMN public.tenant_profiles.email_config IS 'The settings of its e-mails; an empty object until they are set.';

COMMENT ON COLUMN public.tenant_profiles.enabled_assessments IS 'The assessments that its campaigns may use; written by the service.';

COMMENT ON COLUMN public.tenant_profiles.subscription_tier IS 'The subscription; written by the service.';

COMMENT ON COLUMN public.tenant_profiles.is_active IS 'Whether its pages are served and its owner may write; written by the service.';

COMMENT ON COLUMN public.tenant_profiles.custom_domain IS 'The domain of its pages in canonical form; served once it is verified.';

COMMENT ON COLUMN public.tenant_profiles.custom_domain_verified_at IS 'When the service verified that the domain is the tenant''s; null until then.';

COMMENT ON COLUMN public.tenant_profiles.created_at IS 'When the row was created.';

COMMENT ON COLUMN public.tenant_profiles.updated_at IS 'When the row last changed; maintained by a trigger.';

CREATE TABLE public.tracks (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    event_id uuid NOT NULL,
    name text NOT NULL,
    description text,
    color text,
    is_active boolean DEFAULT true NOT NULL,
    sort_order integer,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT ck_tracks_color_bounds CHECK ((char_length(color) <= 200)),
    CONSTRAINT ck_tracks_description_bounds CHECK ((char_length(description) <= 20000)),
    CONSTRAINT ck_tracks_name_bounds CHECK (((char_length(name) <= 200) AND (name ~ '[^\s\u001c-\u001f\u0085\u00a0\u00ad\u1680\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]'::text)))
);


COMMENT ON TABLE public.tracks IS 'A part of an event''s programme that participants choose.';

COMMENT ON COLUMN public.tracks.is_active IS 'Whether the track is open; statistics cover open tracks only.';

COMMENT ON COLUMN public.tracks.created_at IS 'When the row was created.';

COMMENT ON COLUMN public.tracks.updated_at IS 'When the row last changed; maintained by a trigger.';

CREATE VIEW public.track_statistics WITH (security_invoker='true') AS
 SELECT t.id AS track_id,
    t.event_id,
    t.name AS track_name,
    t.color,
    count(pt.id) AS participant_count,
    count(pt.id) FILTER (WHERE p.is_vip) AS vip_count,
    count(pt.id) FILTER (WHERE pt.is_primary) AS primary_count,
    round(((100.0 * (count(pt.id))::numeric) / NULLIF(sum(count(pt.id)) OVER (PARTITION BY t.event_id), (0)::numeric)), 1) AS percentage
   FROM ((public.tracks t
     LEFT JOIN public.participant_tracks pt ON (((pt.event_id = t.event_id) AND (pt.track_id = t.id))))
     LEFT JOIN public.participants p ON (((p.event_id = pt.event_id) AND (p.id = pt.participant_id))))
  WHERE t.is_active
  GROUP BY t.id, t.event_id, t.name, t.color;


COMMENT ON VIEW public.track_statistics IS 'סטטיסטיקת מסלולים לכל אירוע (Statistics of the active tracks of each event)';

COMMENT ON COLUMN public.track_statistics.track_id IS 'המסלול (The track)';

COMMENT ON COLUMN public.track_statistics.event_id IS 'האירוע (The event)';

COMMENT ON COLUMN public.track_statistics.track_name IS 'שם המסלול (The track''s name)';

COMMENT ON COLUMN public.track_statistics.color IS 'צבע המסלול (The track''s colour)';

COMMENT ON COLUMN public.track_statistics.participant_count IS 'מספר המשתתפים במסלול (Participants in the track)';

COMMENT ON COLUMN public.track_statistics.vip_count IS 'מתוכם אורחי VIP (Of them VIPs)';

COMMENT ON COLUMN public.track_statistics.primary_count IS 'מתוכם במסלול כראשי (Of them with this as their main track)';

COMMENT ON COLUMN public.track_statistics.percentage IS 'חלקו של המסלול בשיבוצים של מסלולי האירוע הפעילים, באחוזים (The track''s share of the placements in the event''s active tracks, in percent)';

CREATE TABLE public.usage_events (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    tenant_id uuid,
    user_id uuid,
    event_type text NOT NULL,
    event_data jsonb DEFAULT '{}'::jsonb NOT NULL,
    tokens_used bigint DEFAULT 0 NOT NULL,
    model_used text,
    cost_cents numeric(12,4) DEFAULT 0 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT ck_usage_events_cost_cents_not_negative CHECK (((cost_cents >= (0)::numeric) AND (cost_cents < 'NaN'::numeric))),
    CONSTRAINT ck_usage_events_created_at_bounds CHECK (((EXTRACT(year FROM (created_at AT TIME ZONE 'UTC'::text)) >= (2)::numeric) AND (EXTRACT(year FROM (created_at AT TIME ZONE 'UTC'::text)) <= (9998)::numeric))),
    CONSTRAINT ck_usage_events_event_data_bounds CHECK (((octet_length((event_data)::text) <= 262144) AND (NOT jsonb_path_exists(event_data, 'strict $.**{32}?(@.type() == "object" || @.type() == "array")'::jsonpath)) AND (NOT jsonb_path_exists(event_data, 'strict $.**?(@ > 179769313486231580000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000 || @ < -179769313486231580000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000)'::jsonpath)))),
    CONSTRAINT ck_usage_events_event_data_is_object CHECK ((jsonb_typeof(event_data) = 'object'::text)),
    CONSTRAINT ck_usage_events_event_type_bounds CHECK (((char_length(event_type) <= 200) AND (event_type ~ '[^\s\u001c-\u001f\u0085\u00a0\u00ad\u1680\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]'::text))),
    CONSTRAINT ck_usage_events_model_used_bounds CHECK ((char_length(model_used) <= 200)),
    CONSTRAINT ck_usage_events_tokens_used_not_negative CHECK ((tokens_used >= 0))
);


COMMENT ON TABLE public.usage_events IS 'What tenants used, for billing; rows are only added.';

COMMENT ON COLUMN public.usage_events.tenant_id IS 'The tenant that pays; null once it is deleted.';

COMMENT ON COLUMN public.usage_events.user_id IS 'The account that caused it; null where none did, or it was deleted.';

COMMENT ON COLUMN public.usage_events.event_data IS 'Details of the event.';

COMMENT ON COLUMN public.usage_events.tokens_used IS 'Input and output tokens of the language model.';

COMMENT ON COLUMN public.usage_events.model_used IS 'The language model, if one was used.';

COMMENT ON COLUMN public.usage_events.cost_cents IS 'The cost in cents, with fractions.';

COMMENT ON COLUMN public.usage_events.created_at IS 'When the row was created.';

ALTER TABLE ONLY auth.users
    ADD CONSTRAINT pk_users PRIMARY KEY (id);

ALTER TABLE ONLY auth.users
    ADD CONSTRAINT uq_users_email UNIQUE (email);

ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);

ALTER TABLE ONLY public.campaigns
    ADD CONSTRAINT pk_campaigns PRIMARY KEY (id);

ALTER TABLE ONLY public.cohort_members
    ADD CONSTRAINT pk_cohort_members PRIMARY KEY (id);

ALTER TABLE ONLY public.cohorts
    ADD CONSTRAINT pk_cohorts PRIMARY KEY (id);

ALTER TABLE ONLY public.communities
    ADD CONSTRAINT pk_communities PRIMARY KEY (id);

ALTER TABLE ONLY public.community_members
    ADD CONSTRAINT pk_community_members PRIMARY KEY (id);

ALTER TABLE ONLY public.community_profiles
    ADD CONSTRAINT pk_community_profiles PRIMARY KEY (id);

ALTER TABLE ONLY public.consent_audit_log
    ADD CONSTRAINT pk_consent_audit_log PRIMARY KEY (id);

ALTER TABLE ONLY public.consent_preferences
    ADD CONSTRAINT pk_consent_preferences PRIMARY KEY (id);

ALTER TABLE ONLY public.engagement_streaks
    ADD CONSTRAINT pk_engagement_streaks PRIMARY KEY (id);

ALTER TABLE ONLY public.events
    ADD CONSTRAINT pk_events PRIMARY KEY (id);

ALTER TABLE ONLY public.expert_listings
    ADD CONSTRAINT pk_expert_listings PRIMARY KEY (id);

ALTER TABLE ONLY public.founder_connections
    ADD CONSTRAINT pk_founder_connections PRIMARY KEY (id);

ALTER TABLE ONLY public.founder_messages
    ADD CONSTRAINT pk_founder_messages PRIMARY KEY (id);

ALTER TABLE ONLY public.investor_readiness_scores
    ADD CONSTRAINT pk_investor_readiness_scores PRIMARY KEY (id);

ALTER TABLE ONLY public.milestones
    ADD CONSTRAINT pk_milestones PRIMARY KEY (id);

ALTER TABLE ONLY public.organization_members
    ADD CONSTRAINT pk_organization_members PRIMARY KEY (id);

ALTER TABLE ONLY public.organizations
    ADD CONSTRAINT pk_organizations PRIMARY KEY (id);

ALTER TABLE ONLY public.participant_sessions
    ADD CONSTRAINT pk_participant_sessions PRIMARY KEY (id);

ALTER TABLE ONLY public.participant_tracks
    ADD CONSTRAINT pk_participant_tracks PRIMARY KEY (id);

ALTER TABLE ONLY public.participants
    ADD CONSTRAINT pk_participants PRIMARY KEY (id);

ALTER TABLE ONLY public.profiles
    ADD CONSTRAINT pk_profiles PRIMARY KEY (id);

ALTER TABLE ONLY public.reputation_events
    ADD CONSTRAINT pk_reputation_events PRIMARY KEY (id);

ALTER TABLE ONLY public.social_feed_comments
    ADD CONSTRAINT pk_social_feed_comments PRIMARY KEY (id);

ALTER TABLE ONLY public.social_feed_posts
    ADD CONSTRAINT pk_social_feed_posts PRIMARY KEY (id);

ALTER TABLE ONLY public.social_feed_reactions
    ADD CONSTRAINT pk_social_feed_reactions PRIMARY KEY (id);

ALTER TABLE ONLY public.subcommunity_sponsors
    ADD CONSTRAINT pk_subcommunity_sponsors PRIMARY KEY (id);

ALTER TABLE ONLY public.table_assignments
    ADD CONSTRAINT pk_table_assignments PRIMARY KEY (id);

ALTER TABLE ONLY public.tenant_profiles
    ADD CONSTRAINT pk_tenant_profiles PRIMARY KEY (id);

ALTER TABLE ONLY public.tracks
    ADD CONSTRAINT pk_tracks PRIMARY KEY (id);

ALTER TABLE ONLY public.usage_events
    ADD CONSTRAINT pk_usage_events PRIMARY KEY (id);

ALTER TABLE ONLY public.wizard_sessions
    ADD CONSTRAINT pk_wizard_sessions PRIMARY KEY (id);

ALTER TABLE ONLY public.campaigns
    ADD CONSTRAINT uq_campaigns_id_tenant_id UNIQUE (id, tenant_id);

ALTER TABLE ONLY public.cohort_members
    ADD CONSTRAINT uq_cohort_members_cohort_id_user_id UNIQUE (cohort_id, user_id);

ALTER TABLE ONLY public.communities
    ADD CONSTRAINT uq_communities_slug UNIQUE (slug);

ALTER TABLE ONLY public.community_members
    ADD CONSTRAINT uq_community_members_community_id_user_id UNIQUE (community_id, user_id);

ALTER TABLE ONLY public.community_profiles
    ADD CONSTRAINT uq_community_profiles_user_id UNIQUE (user_id);

ALTER TABLE ONLY public.consent_preferences
    ADD CONSTRAINT uq_consent_preferences_user_id_category UNIQUE (user_id, category);

ALTER TABLE ONLY public.engagement_streaks
    ADD CONSTRAINT uq_engagement_streaks_user_id UNIQUE (user_id);

ALTER TABLE ONLY public.founder_connections
    ADD CONSTRAINT uq_founder_connections_requester_id_recipient_id UNIQUE (requester_id, recipient_id);

ALTER TABLE ONLY public.organization_members
    ADD CONSTRAINT uq_organization_members_organization_id_user_id UNIQUE (organization_id, user_id);

ALTER TABLE ONLY public.organizations
    ADD CONSTRAINT uq_organizations_slug UNIQUE (slug);

ALTER TABLE ONLY public.participant_tracks
    ADD CONSTRAINT uq_participant_tracks_participant_id_track_id UNIQUE (participant_id, track_id);

ALTER TABLE ONLY public.participants
    ADD CONSTRAINT uq_participants_event_id_id UNIQUE (event_id, id);

ALTER TABLE ONLY public.social_feed_comments
    ADD CONSTRAINT uq_social_feed_comments_post_id_id UNIQUE (post_id, id);

ALTER TABLE ONLY public.social_feed_reactions
    ADD CONSTRAINT uq_social_feed_reactions_post_id_user_id_reaction_type UNIQUE (post_id, user_id, reaction_type);

ALTER TABLE ONLY public.subcommunity_sponsors
    ADD CONSTRAINT uq_subcommunity_sponsors_community_id_sponsor_user_id UNIQUE (community_id, sponsor_user_id);

ALTER TABLE ONLY public.table_assignments
    ADD CONSTRAINT uq_table_assignments_event_id_participant_id UNIQUE (event_id, participant_id);

ALTER TABLE ONLY public.table_assignments
    ADD CONSTRAINT uq_table_assignments_event_id_table_number_seat_number UNIQUE (event_id, table_number, seat_number) DEFERRABLE;

ALTER TABLE ONLY public.tenant_profiles
    ADD CONSTRAINT uq_tenant_profiles_slug UNIQUE (slug);

ALTER TABLE ONLY public.tracks
    ADD CONSTRAINT uq_tracks_event_id_id UNIQUE (event_id, id);

ALTER TABLE ONLY public.tracks
    ADD CONSTRAINT uq_tracks_event_id_name UNIQUE (event_id, name);

CREATE UNIQUE INDEX idx_benchmark_industry_agg_industry ON public.benchmark_industry_aggregates USING btree (industry);

CREATE UNIQUE INDEX idx_benchmark_stage_agg_stage ON public.benchmark_stage_aggregates USING btree (stage);

CREATE INDEX idx_communities_parent ON public.communities USING btree (parent_community_id) WHERE (parent_community_id IS NOT NULL);

CREATE INDEX idx_table_assignments_event ON public.table_assignments USING btree (event_id);

CREATE INDEX idx_table_assignments_participant ON public.table_assignments USING btree (participant_id);

CREATE INDEX idx_table_assignments_table ON public.table_assignments USING btree (event_id, table_number);

CREATE INDEX idx_table_assignments_vip ON public.table_assignments USING btree (event_id, table_number) WHERE is_vip_table;

CREATE INDEX idx_wizard_sessions_event_id ON public.wizard_sessions USING btree (event_id);

CREATE INDEX idx_wizard_sessions_last_saved_at ON public.wizard_sessions USING btree (last_saved_at);

CREATE INDEX idx_wizard_sessions_status ON public.wizard_sessions USING btree (status);

CREATE INDEX idx_wizard_sessions_user_id ON public.wizard_sessions USING btree (user_id);

CREATE INDEX idx_wizard_sessions_user_status ON public.wizard_sessions USING btree (user_id, status);

CREATE INDEX ix_campaigns_created_by_created_at ON public.campaigns USING btree (created_by, created_at DESC);

CREATE INDEX ix_campaigns_tenant_id_created_at ON public.campaigns USING btree (tenant_id, created_at DESC);

CREATE INDEX ix_cohort_members_user_id ON public.cohort_members USING btree (user_id);

CREATE INDEX ix_communities_created_by ON public.communities USING btree (created_by);

CREATE INDEX ix_community_members_user_id ON public.community_members USING btree (user_id);

CREATE INDEX ix_community_profiles_created_at ON public.community_profiles USING btree (created_at DESC, id DESC);

CREATE INDEX ix_consent_audit_log_changed_by ON public.consent_audit_log USING btree (changed_by) WHERE (changed_by <> user_id);

CREATE INDEX ix_consent_audit_log_user_id_changed_at ON public.consent_audit_log USING btree (user_id, changed_at DESC);

CREATE INDEX ix_events_organization_id_created_at ON public.events USING btree (organization_id, created_at DESC);

CREATE INDEX ix_expert_listings_user_id ON public.expert_listings USING btree (user_id);

CREATE INDEX ix_founder_connections_recipient_id ON public.founder_connections USING btree (recipient_id);

CREATE INDEX ix_founder_messages_recipient_id_created_at ON public.founder_messages USING btree (recipient_id, created_at DESC);

CREATE INDEX ix_founder_messages_sender_id_recipient_id_created_at ON public.founder_messages USING btree (sender_id, recipient_id, created_at DESC, id DESC);

CREATE INDEX ix_investor_readiness_scores_user_id_created_at ON public.investor_readiness_scores USING btree (user_id, created_at DESC);

CREATE INDEX ix_milestones_user_id_created_at ON public.milestones USING btree (user_id, created_at DESC);

CREATE INDEX ix_organization_members_user_id_organization_id ON public.organization_members USING btree (user_id, organization_id);

CREATE INDEX ix_participant_sessions_campaign_id ON public.participant_sessions USING btree (campaign_id);

CREATE INDEX ix_participant_sessions_client_status ON public.participant_sessions USING btree (client_status);

CREATE INDEX ix_participant_sessions_lower_stakeholder_email ON public.participant_sessions USING btree (lower(stakeholder_email));

CREATE INDEX ix_participant_sessions_tenant_id ON public.participant_sessions USING btree (tenant_id);

CREATE INDEX ix_participant_sessions_tenant_id_client_status ON public.participant_sessions USING btree (tenant_id, client_status);

CREATE INDEX ix_participant_sessions_user_id ON public.participant_sessions USING btree (user_id);

CREATE INDEX ix_participant_tracks_event_id ON public.participant_tracks USING btree (event_id);

CREATE INDEX ix_participant_tracks_track_id ON public.participant_tracks USING btree (track_id);

CREATE INDEX ix_participants_lower_email ON public.participants USING btree (lower(email));

CREATE INDEX ix_participants_user_id ON public.participants USING btree (user_id);

CREATE INDEX ix_reputation_events_user_id_created_at ON public.reputation_events USING btree (user_id, created_at DESC);

CREATE INDEX ix_social_feed_comments_author_id ON public.social_feed_comments USING btree (author_id);

CREATE INDEX ix_social_feed_comments_parent_comment_id ON public.social_feed_comments USING btree (parent_comment_id);

CREATE INDEX ix_social_feed_comments_post_id_created_at ON public.social_feed_comments USING btree (post_id, created_at DESC);

CREATE INDEX ix_social_feed_posts_author_id_created_at ON public.social_feed_posts USING btree (author_id, created_at DESC, id DESC);

CREATE INDEX ix_social_feed_posts_created_at ON public.social_feed_posts USING btree (created_at DESC, id DESC) WHERE is_public;

CREATE INDEX ix_social_feed_posts_created_at_id ON public.social_feed_posts USING btree (created_at DESC, id DESC);

CREATE INDEX ix_social_feed_posts_milestone_id ON public.social_feed_posts USING btree (milestone_id);

CREATE INDEX ix_social_feed_reactions_user_id ON public.social_feed_reactions USING btree (user_id);

CREATE INDEX ix_subcommunity_sponsors_sponsor_user_id ON public.subcommunity_sponsors USING btree (sponsor_user_id);

CREATE INDEX ix_tenant_profiles_custom_domain ON public.tenant_profiles USING btree (custom_domain);

CREATE INDEX ix_tenant_profiles_user_id ON public.tenant_profiles USING btree (user_id);

CREATE INDEX ix_usage_events_created_at ON public.usage_events USING btree (created_at);

CREATE INDEX ix_usage_events_event_type ON public.usage_events USING btree (event_type);

CREATE INDEX ix_usage_events_tenant_id ON public.usage_events USING btree (tenant_id);

CREATE INDEX ix_usage_events_tenant_id_created_at ON public.usage_events USING btree (tenant_id, created_at DESC);

CREATE INDEX ix_usage_events_user_id ON public.usage_events USING btree (user_id);

CREATE UNIQUE INDEX uq_founder_connections_pair ON public.founder_connections USING btree (LEAST(requester_id, recipient_id), GREATEST(requester_id, recipient_id));

CREATE UNIQUE INDEX uq_participant_tracks_primary ON public.participant_tracks USING btree (participant_id) WHERE is_primary;

CREATE UNIQUE INDEX uq_participants_event_id_email ON public.participants USING btree (event_id, lower(email));

CREATE UNIQUE INDEX uq_tenant_profiles_custom_domain ON public.tenant_profiles USING btree (custom_domain) WHERE (custom_domain_verified_at IS NOT NULL);

CREATE TRIGGER update_users_updated_at BEFORE UPDATE ON auth.users FOR EACH ROW EXECUTE FUNCTION private.update_updated_at_column();

CREATE TRIGGER add_creator_as_owner AFTER INSERT ON public.communities FOR EACH ROW WHEN ((new.created_by IS NOT NULL)) EXECUTE FUNCTION private.add_creator_as_owner();

COMMENT ON TRIGGER add_creator_as_owner ON public.communities IS 'The creator of a community is its first owner.';

CREATE TRIGGER audit_consent AFTER INSERT OR DELETE OR UPDATE ON public.consent_preferences FOR EACH ROW EXECUTE FUNCTION private.audit_consent();

COMMENT ON TRIGGER audit_consent ON public.consent_preferences IS 'Inserts a row into consent_audit_log for each first answer and each change.';

CREATE TRIGGER audit_emptied_consents BEFORE TRUNCATE ON public.consent_preferences FOR EACH STATEMENT EXECUTE FUNCTION private.audit_emptied_consents();

COMMENT ON TRIGGER audit_emptied_consents ON public.consent_preferences IS 'Inserts a row into consent_audit_log for every enabled consent.';

CREATE TRIGGER check_levels_on_insert AFTER INSERT ON public.communities FOR EACH ROW WHEN ((new.parent_community_id IS NOT NULL)) EXECUTE FUNCTION private.check_community_levels();

COMMENT ON TRIGGER check_levels_on_insert ON public.communities IS 'Checks the place of a new community.';

CREATE TRIGGER check_levels_on_update AFTER UPDATE OF parent_community_id, is_private ON public.communities FOR EACH ROW WHEN (((new.parent_community_id IS DISTINCT FROM old.parent_community_id) OR (new.is_private IS DISTINCT FROM old.is_private))) EXECUTE FUNCTION private.check_community_levels();

COMMENT ON TRIGGER check_levels_on_update ON public.communities IS 'Checks the place of a community that moves, or becomes private or public.';

CREATE TRIGGER check_parent_is_moderated BEFORE UPDATE OF parent_community_id ON public.communities FOR EACH ROW WHEN (((new.parent_community_id IS DISTINCT FROM old.parent_community_id) AND (new.parent_community_id IS NOT NULL) AND row_security_active('public.communities'::text) AND (NOT pg_has_role('service_role'::name, 'usage'::text)))) EXECUTE FUNCTION private.check_parent_is_moderated();

COMMENT ON TRIGGER check_parent_is_moderated ON public.communities IS 'A client can move a community only below one that they moderate.';

CREATE TRIGGER fill_campaign_sessions_tenant AFTER UPDATE OF tenant_id ON public.campaigns FOR EACH ROW WHEN (((new.tenant_id IS DISTINCT FROM old.tenant_id) AND (new.tenant_id IS NOT NULL))) EXECUTE FUNCTION private.fill_campaign_sessions_tenant();

COMMENT ON TRIGGER fill_campaign_sessions_tenant ON public.campaigns IS 'Sets the tenant of a campaign''s sessions without one when the campaign gets one.';

CREATE TRIGGER fill_participant_track_event BEFORE INSERT OR UPDATE OF participant_id, event_id ON public.participant_tracks FOR EACH ROW EXECUTE FUNCTION private.fill_participant_track_event();

COMMENT ON TRIGGER fill_participant_track_event ON public.participant_tracks IS 'Sets event_id to the event of the participant.';

CREATE TRIGGER fill_session_tenant BEFORE INSERT OR UPDATE OF campaign_id, tenant_id ON public.participant_sessions FOR EACH ROW EXECUTE FUNCTION private.fill_session_tenant();

COMMENT ON TRIGGER fill_session_tenant ON public.participant_sessions IS 'Sets the tenant of a session to that of its campaign.';

CREATE TRIGGER hold_account BEFORE INSERT OR DELETE OR UPDATE ON public.consent_preferences FOR EACH STATEMENT EXECUTE FUNCTION private.hold_account();

COMMENT ON TRIGGER hold_account ON public.consent_preferences IS 'Prevents a deadlock between the audit and the deletion of an account.';

CREATE TRIGGER hold_owned_communities BEFORE DELETE OR UPDATE ON public.community_members FOR EACH STATEMENT WHEN ((row_security_active('public.community_members'::text) AND (NOT pg_has_role('service_role'::name, 'usage'::text)))) EXECUTE FUNCTION private.hold_owned_communities();

COMMENT ON TRIGGER hold_owned_communities ON public.community_members IS 'Two owners of one community change its members one after the other.';

CREATE TRIGGER hold_owned_organizations BEFORE DELETE OR UPDATE ON public.organization_members FOR EACH STATEMENT WHEN ((row_security_active('public.organization_members'::text) AND (NOT pg_has_role('service_role'::name, 'usage'::text)))) EXECUTE FUNCTION private.hold_owned_organizations();

COMMENT ON TRIGGER hold_owned_organizations ON public.organization_members IS 'Two owners of one organization change its members one after the other.';

CREATE TRIGGER keep_comment_count_on_delete AFTER DELETE ON public.social_feed_comments REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION private.keep_comment_count();

COMMENT ON TRIGGER keep_comment_count_on_delete ON public.social_feed_comments IS 'Maintains comment_count of social_feed_posts.';

CREATE TRIGGER keep_comment_count_on_insert AFTER INSERT ON public.social_feed_comments REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION private.keep_comment_count();

COMMENT ON TRIGGER keep_comment_count_on_insert ON public.social_feed_comments IS 'Maintains comment_count of social_feed_posts.';

CREATE TRIGGER keep_comment_count_on_update AFTER UPDATE ON public.social_feed_comments REFERENCING OLD TABLE AS removed NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION private.keep_comment_count();

COMMENT ON TRIGGER keep_comment_count_on_update ON public.social_feed_comments IS 'Maintains comment_count of social_feed_posts.';

CREATE TRIGGER keep_connection BEFORE INSERT OR UPDATE ON public.founder_connections FOR EACH ROW EXECUTE FUNCTION private.keep_connection();

COMMENT ON TRIGGER keep_connection ON public.founder_connections IS 'Maintains declined_by, and the sides of a block.';

CREATE TRIGGER keep_owner_on_delete AFTER DELETE ON public.community_members REFERENCING OLD TABLE AS old_members FOR EACH STATEMENT WHEN ((row_security_active('public.community_members'::text) AND (NOT pg_has_role('service_role'::name, 'usage'::text)))) EXECUTE FUNCTION private.keep_owner_of_community();

COMMENT ON TRIGGER keep_owner_on_delete ON public.community_members IS 'A client can''t remove the last owner of the community, or change the role.';

CREATE TRIGGER keep_owner_on_delete AFTER DELETE ON public.organization_members REFERENCING OLD TABLE AS old_members FOR EACH STATEMENT WHEN ((row_security_active('public.organization_members'::text) AND (NOT pg_has_role('service_role'::name, 'usage'::text)))) EXECUTE FUNCTION private.keep_owner_of_organization();

COMMENT ON TRIGGER keep_owner_on_delete ON public.organization_members IS 'A client can''t remove the last owner of the organization, or change the role.';

CREATE TRIGGER keep_owner_on_update AFTER UPDATE ON public.community_members REFERENCING OLD TABLE AS old_members FOR EACH STATEMENT WHEN ((row_security_active('public.community_members'::text) AND (NOT pg_has_role('service_role'::name, 'usage'::text)))) EXECUTE FUNCTION private.keep_owner_of_community();

COMMENT ON TRIGGER keep_owner_on_update ON public.community_members IS 'A client can''t remove the last owner of the community, or change the role.';

CREATE TRIGGER keep_owner_on_update AFTER UPDATE ON public.organization_members REFERENCING OLD TABLE AS old_members FOR EACH STATEMENT WHEN ((row_security_active('public.organization_members'::text) AND (NOT pg_has_role('service_role'::name, 'usage'::text)))) EXECUTE FUNCTION private.keep_owner_of_organization();

COMMENT ON TRIGGER keep_owner_on_update ON public.organization_members IS 'A client can''t remove the last owner of the organization, or change the role.';

CREATE TRIGGER keep_reaction_count_on_delete AFTER DELETE ON public.social_feed_reactions REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION private.keep_reaction_count();

COMMENT ON TRIGGER keep_reaction_count_on_delete ON public.social_feed_reactions IS 'Maintains reaction_count of social_feed_posts.';

CREATE TRIGGER keep_reaction_count_on_insert AFTER INSERT ON public.social_feed_reactions REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION private.keep_reaction_count();

COMMENT ON TRIGGER keep_reaction_count_on_insert ON public.social_feed_reactions IS 'Maintains reaction_count of social_feed_posts.';

CREATE TRIGGER keep_reaction_count_on_update AFTER UPDATE ON public.social_feed_reactions REFERENCING OLD TABLE AS removed NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION private.keep_reaction_count();

COMMENT ON TRIGGER keep_reaction_count_on_update ON public.social_feed_reactions IS 'Maintains reaction_count of social_feed_posts.';

CREATE TRIGGER leave_networking_opt_in BEFORE INSERT ON public.participants FOR EACH ROW WHEN ((new.networking_opt_in AND (new.user_id IS NOT NULL))) EXECUTE FUNCTION private.leave_networking_opt_in();

COMMENT ON TRIGGER leave_networking_opt_in ON public.participants IS 'בעל חשבון עונה בעצמו (A person with an account answers for themselves)';

CREATE TRIGGER move_answers AFTER UPDATE ON public.social_feed_comments FOR EACH ROW WHEN ((new.depth IS DISTINCT FROM old.depth)) EXECUTE FUNCTION private.move_answers();

COMMENT ON TRIGGER move_answers ON public.social_feed_comments IS 'Maintains depth of the answers.';

CREATE TRIGGER reset_comment_count_on_truncate AFTER TRUNCATE ON public.social_feed_comments FOR EACH STATEMENT EXECUTE FUNCTION private.reset_comment_count();

COMMENT ON TRIGGER reset_comment_count_on_truncate ON public.social_feed_comments IS 'Maintains comment_count of social_feed_posts.';

CREATE TRIGGER reset_reaction_count_on_truncate AFTER TRUNCATE ON public.social_feed_reactions FOR EACH STATEMENT EXECUTE FUNCTION private.reset_reaction_count();

COMMENT ON TRIGGER reset_reaction_count_on_truncate ON public.social_feed_reactions IS 'Maintains reaction_count of social_feed_posts.';

CREATE TRIGGER set_comment_depth BEFORE INSERT OR UPDATE OF parent_comment_id, depth ON public.social_feed_comments FOR EACH ROW WHEN (((new.parent_comment_id IS NOT NULL) OR (new.depth IS DISTINCT FROM 0))) EXECUTE FUNCTION private.set_comment_depth();

COMMENT ON TRIGGER set_comment_depth ON public.social_feed_comments IS 'Maintains depth.';

CREATE TRIGGER start_networking_opt_in BEFORE INSERT ON public.participants FOR EACH ROW WHEN ((new.networking_opt_in IS NULL)) EXECUTE FUNCTION private.start_networking_opt_in();

COMMENT ON TRIGGER start_networking_opt_in ON public.participants IS 'NULL הופך לברירת המחדל של האירוע (NULL becomes the event''s default)';

CREATE TRIGGER start_post_counters BEFORE INSERT ON public.social_feed_posts FOR EACH ROW WHEN (((new.reaction_count IS DISTINCT FROM 0) OR (new.comment_count IS DISTINCT FROM 0))) EXECUTE FUNCTION private.start_post_counters();

COMMENT ON TRIGGER start_post_counters ON public.social_feed_posts IS 'A new post has no reactions and no comments.';

CREATE TRIGGER unverify_custom_domain BEFORE UPDATE ON public.tenant_profiles FOR EACH ROW WHEN (((new.custom_domain IS DISTINCT FROM old.custom_domain) AND (NOT (new.custom_domain_verified_at IS DISTINCT FROM old.custom_domain_verified_at)))) EXECUTE FUNCTION private.unverify_custom_domain();

COMMENT ON TRIGGER unverify_custom_domain ON public.tenant_profiles IS 'Makes a domain that has changed one that is not verified.';

CREATE TRIGGER update_campaigns_updated_at BEFORE UPDATE ON public.campaigns FOR EACH ROW EXECUTE FUNCTION private.update_updated_at_column();

COMMENT ON TRIGGER update_campaigns_updated_at ON public.campaigns IS 'Sets updated_at.';

CREATE TRIGGER update_cohorts_updated_at BEFORE UPDATE ON public.cohorts FOR EACH ROW EXECUTE FUNCTION private.update_updated_at_column();

COMMENT ON TRIGGER update_cohorts_updated_at ON public.cohorts IS 'Sets updated_at.';

CREATE TRIGGER update_communities_updated_at BEFORE UPDATE ON public.communities FOR EACH ROW EXECUTE FUNCTION private.update_updated_at_column();

COMMENT ON TRIGGER update_communities_updated_at ON public.communities IS 'Sets updated_at.';

CREATE TRIGGER update_community_profiles_updated_at BEFORE UPDATE ON public.community_profiles FOR EACH ROW EXECUTE FUNCTION private.update_updated_at_column();

COMMENT ON TRIGGER update_community_profiles_updated_at ON public.community_profiles IS 'Sets updated_at.';

CREATE TRIGGER update_consent_preferences_updated_at BEFORE UPDATE ON public.consent_preferences FOR EACH ROW EXECUTE FUNCTION private.update_updated_at_column();

COMMENT ON TRIGGER update_consent_preferences_updated_at ON public.consent_preferences IS 'Sets updated_at.';

CREATE TRIGGER update_engagement_streaks_updated_at BEFORE UPDATE ON public.engagement_streaks FOR EACH ROW EXECUTE FUNCTION private.update_updated_at_column();

COMMENT ON TRIGGER update_engagement_streaks_updated_at ON public.engagement_streaks IS 'Sets updated_at.';

CREATE TRIGGER update_events_updated_at BEFORE UPDATE ON public.events FOR EACH ROW EXECUTE FUNCTION private.update_updated_at_column();

COMMENT ON TRIGGER update_events_updated_at ON public.events IS 'Sets updated_at.';

CREATE TRIGGER update_expert_listings_updated_at BEFORE UPDATE ON public.expert_listings FOR EACH ROW EXECUTE FUNCTION private.update_updated_at_column();

COMMENT ON TRIGGER update_expert_listings_updated_at ON public.expert_listings IS 'Sets updated_at.';

CREATE TRIGGER update_founder_connections_updated_at BEFORE UPDATE ON public.founder_connections FOR EACH ROW EXECUTE FUNCTION private.update_updated_at_column();

COMMENT ON TRIGGER update_founder_connections_updated_at ON public.founder_connections IS 'Sets updated_at.';

CREATE TRIGGER update_milestones_updated_at BEFORE UPDATE ON public.milestones FOR EACH ROW EXECUTE FUNCTION private.update_updated_at_column();

COMMENT ON TRIGGER update_milestones_updated_at ON public.milestones IS 'Sets updated_at.';

CREATE TRIGGER update_organizations_updated_at BEFORE UPDATE ON public.organizations FOR EACH ROW EXECUTE FUNCTION private.update_updated_at_column();

COMMENT ON TRIGGER update_organizations_updated_at ON public.organizations IS 'Sets updated_at.';

CREATE TRIGGER update_participant_sessions_updated_at BEFORE UPDATE ON public.participant_sessions FOR EACH ROW EXECUTE FUNCTION private.update_updated_at_column();

COMMENT ON TRIGGER update_participant_sessions_updated_at ON public.participant_sessions IS 'Sets updated_at.';

CREATE TRIGGER update_participants_updated_at BEFORE UPDATE ON public.participants FOR EACH ROW EXECUTE FUNCTION private.update_updated_at_column();

COMMENT ON TRIGGER update_participants_updated_at ON public.participants IS 'Sets updated_at.';

CREATE TRIGGER update_profiles_updated_at BEFORE UPDATE ON public.profiles FOR EACH ROW EXECUTE FUNCTION private.update_updated_at_column();

COMMENT ON TRIGGER update_profiles_updated_at ON public.profiles IS 'Sets updated_at.';

CREATE TRIGGER update_social_feed_comments_updated_at BEFORE UPDATE ON public.social_feed_comments FOR EACH ROW EXECUTE FUNCTION private.update_updated_at_column();

COMMENT ON TRIGGER update_social_feed_comments_updated_at ON public.social_feed_comments IS 'Sets updated_at.';

CREATE TRIGGER update_social_feed_posts_updated_at BEFORE UPDATE OF author_id, post_type, title, content, milestone_id, metadata, is_public ON public.social_feed_posts FOR EACH ROW EXECUTE FUNCTION private.update_updated_at_column();

COMMENT ON TRIGGER update_social_feed_posts_updated_at ON public.social_feed_posts IS 'Sets updated_at.';

CREATE TRIGGER update_subcommunity_sponsors_updated_at BEFORE UPDATE ON public.subcommunity_sponsors FOR EACH ROW EXECUTE FUNCTION private.update_updated_at_column();

COMMENT ON TRIGGER update_subcommunity_sponsors_updated_at ON public.subcommunity_sponsors IS 'Sets updated_at.';

CREATE TRIGGER update_table_assignments_updated_at BEFORE UPDATE ON public.table_assignments FOR EACH ROW EXECUTE FUNCTION private.update_updated_at_column();

COMMENT ON TRIGGER update_table_assignments_updated_at ON public.table_assignments IS 'מעדכן את updated_at (Sets updated_at)';

CREATE TRIGGER update_tenant_profiles_updated_at BEFORE UPDATE ON public.tenant_profiles FOR EACH ROW EXECUTE FUNCTION private.update_updated_at_column();

COMMENT ON TRIGGER update_tenant_profiles_updated_at ON public.tenant_profiles IS 'Sets updated_at.';

CREATE TRIGGER update_tracks_updated_at BEFORE UPDATE ON public.tracks FOR EACH ROW EXECUTE FUNCTION private.update_updated_at_column();

COMMENT ON TRIGGER update_tracks_updated_at ON public.tracks IS 'Sets updated_at.';

CREATE TRIGGER update_wizard_session_timestamp BEFORE INSERT OR UPDATE ON public.wizard_sessions FOR EACH ROW EXECUTE FUNCTION public.update_wizard_session_timestamp();

COMMENT ON TRIGGER update_wizard_session_timestamp ON public.wizard_sessions IS 'Sets last_saved_at and completed_at; refuses a change of a completed session''s state.';

CREATE TRIGGER withdraw_networking_opt_in BEFORE UPDATE OF user_id ON public.participants FOR EACH ROW WHEN ((old.user_id IS DISTINCT FROM new.user_id)) EXECUTE FUNCTION public.withdraw_networking_opt_in();

COMMENT ON TRIGGER withdraw_networking_opt_in ON public.participants IS 'ההסכמה אינה עוברת לאדם אחר (A consent does not pass to another person)';

ALTER TABLE ONLY public.campaigns
    ADD CONSTRAINT fk_campaigns_created_by_users FOREIGN KEY (created_by) REFERENCES auth.users(id) ON DELETE SET NULL;

ALTER TABLE ONLY public.campaigns
    ADD CONSTRAINT fk_campaigns_tenant_id_tenant_profiles FOREIGN KEY (tenant_id) REFERENCES public.tenant_profiles(id) ON DELETE SET NULL;

ALTER TABLE ONLY public.cohort_members
    ADD CONSTRAINT fk_cohort_members_cohort_id_cohorts FOREIGN KEY (cohort_id) REFERENCES public.cohorts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.cohort_members
    ADD CONSTRAINT fk_cohort_members_user_id_users FOREIGN KEY (user_id) REFERENCES auth.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.communities
    ADD CONSTRAINT fk_communities_created_by_users FOREIGN KEY (created_by) REFERENCES auth.users(id) ON DELETE SET NULL;

ALTER TABLE ONLY public.communities
    ADD CONSTRAINT fk_communities_parent_community_id_communities FOREIGN KEY (parent_community_id) REFERENCES public.communities(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.community_members
    ADD CONSTRAINT fk_community_members_community_id_communities FOREIGN KEY (community_id) REFERENCES public.communities(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.community_members
    ADD CONSTRAINT fk_community_members_user_id_users FOREIGN KEY (user_id) REFERENCES auth.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.community_profiles
    ADD CONSTRAINT fk_community_profiles_user_id_users FOREIGN KEY (user_id) REFERENCES auth.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.consent_audit_log
    ADD CONSTRAINT fk_consent_audit_log_user_id_users FOREIGN KEY (user_id) REFERENCES auth.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.consent_preferences
    ADD CONSTRAINT fk_consent_preferences_user_id_users FOREIGN KEY (user_id) REFERENCES auth.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.engagement_streaks
    ADD CONSTRAINT fk_engagement_streaks_user_id_users FOREIGN KEY (user_id) REFERENCES auth.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.events
    ADD CONSTRAINT fk_events_organization_id_organizations FOREIGN KEY (organization_id) REFERENCES public.organizations(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.expert_listings
    ADD CONSTRAINT fk_expert_listings_user_id_users FOREIGN KEY (user_id) REFERENCES auth.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.founder_connections
    ADD CONSTRAINT fk_founder_connections_recipient_id_users FOREIGN KEY (recipient_id) REFERENCES auth.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.founder_connections
    ADD CONSTRAINT fk_founder_connections_requester_id_users FOREIGN KEY (requester_id) REFERENCES auth.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.founder_messages
    ADD CONSTRAINT fk_founder_messages_recipient_id_users FOREIGN KEY (recipient_id) REFERENCES auth.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.founder_messages
    ADD CONSTRAINT fk_founder_messages_sender_id_users FOREIGN KEY (sender_id) REFERENCES auth.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.investor_readiness_scores
    ADD CONSTRAINT fk_investor_readiness_scores_user_id_users FOREIGN KEY (user_id) REFERENCES auth.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.milestones
    ADD CONSTRAINT fk_milestones_user_id_users FOREIGN KEY (user_id) REFERENCES auth.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.organization_members
    ADD CONSTRAINT fk_organization_members_organization_id_organizations FOREIGN KEY (organization_id) REFERENCES public.organizations(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.organization_members
    ADD CONSTRAINT fk_organization_members_user_id_users FOREIGN KEY (user_id) REFERENCES auth.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.participant_sessions
    ADD CONSTRAINT fk_participant_sessions_campaign_id_campaigns FOREIGN KEY (campaign_id) REFERENCES public.campaigns(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.participant_sessions
    ADD CONSTRAINT fk_participant_sessions_campaign_id_tenant_id_campaigns FOREIGN KEY (campaign_id, tenant_id) REFERENCES public.campaigns(id, tenant_id) ON UPDATE CASCADE ON DELETE CASCADE;

ALTER TABLE ONLY public.participant_sessions
    ADD CONSTRAINT fk_participant_sessions_tenant_id_tenant_profiles FOREIGN KEY (tenant_id) REFERENCES public.tenant_profiles(id) ON DELETE SET NULL;

ALTER TABLE ONLY public.participant_sessions
    ADD CONSTRAINT fk_participant_sessions_user_id_users FOREIGN KEY (user_id) REFERENCES auth.users(id) ON DELETE SET NULL;

ALTER TABLE ONLY public.participant_tracks
    ADD CONSTRAINT fk_participant_tracks_event_id_participant_id_participants FOREIGN KEY (event_id, participant_id) REFERENCES public.participants(event_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.participant_tracks
    ADD CONSTRAINT fk_participant_tracks_event_id_track_id_tracks FOREIGN KEY (event_id, track_id) REFERENCES public.tracks(event_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.participants
    ADD CONSTRAINT fk_participants_event_id_events FOREIGN KEY (event_id) REFERENCES public.events(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.participants
    ADD CONSTRAINT fk_participants_user_id_users FOREIGN KEY (user_id) REFERENCES auth.users(id) ON DELETE SET NULL;

ALTER TABLE ONLY public.profiles
    ADD CONSTRAINT fk_profiles_id_users FOREIGN KEY (id) REFERENCES auth.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.reputation_events
    ADD CONSTRAINT fk_reputation_events_user_id_users FOREIGN KEY (user_id) REFERENCES auth.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.social_feed_comments
    ADD CONSTRAINT fk_social_feed_comments_author_id_users FOREIGN KEY (author_id) REFERENCES auth.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.social_feed_comments
    ADD CONSTRAINT fk_social_feed_comments_parent_comment FOREIGN KEY (post_id, parent_comment_id) REFERENCES public.social_feed_comments(post_id, id) ON UPDATE CASCADE ON DELETE CASCADE;

ALTER TABLE ONLY public.social_feed_comments
    ADD CONSTRAINT fk_social_feed_comments_post_id_social_feed_posts FOREIGN KEY (post_id) REFERENCES public.social_feed_posts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.social_feed_posts
    ADD CONSTRAINT fk_social_feed_posts_author_id_users FOREIGN KEY (author_id) REFERENCES auth.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.social_feed_posts
    ADD CONSTRAINT fk_social_feed_posts_milestone_id_milestones FOREIGN KEY (milestone_id) REFERENCES public.milestones(id) ON DELETE SET NULL;

ALTER TABLE ONLY public.social_feed_reactions
    ADD CONSTRAINT fk_social_feed_reactions_post_id_social_feed_posts FOREIGN KEY (post_id) REFERENCES public.social_feed_posts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.social_feed_reactions
    ADD CONSTRAINT fk_social_feed_reactions_user_id_users FOREIGN KEY (user_id) REFERENCES auth.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.subcommunity_sponsors
    ADD CONSTRAINT fk_subcommunity_sponsors_community_id_communities FOREIGN KEY (community_id) REFERENCES public.communities(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.subcommunity_sponsors
    ADD CONSTRAINT fk_subcommunity_sponsors_sponsor_user_id_users FOREIGN KEY (sponsor_user_id) REFERENCES auth.users(id) ON DELETE SET NULL;

ALTER TABLE ONLY public.table_assignments
    ADD CONSTRAINT fk_table_assignments_event_id_events FOREIGN KEY (event_id) REFERENCES public.events(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.table_assignments
    ADD CONSTRAINT fk_table_assignments_event_id_participant_id_participants FOREIGN KEY (event_id, participant_id) REFERENCES public.participants(event_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.tenant_profiles
    ADD CONSTRAINT fk_tenant_profiles_user_id_users FOREIGN KEY (user_id) REFERENCES auth.users(id) ON DELETE SET NULL;

ALTER TABLE ONLY public.tracks
    ADD CONSTRAINT fk_tracks_event_id_events FOREIGN KEY (event_id) REFERENCES public.events(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.usage_events
    ADD CONSTRAINT fk_usage_events_tenant_id_tenant_profiles FOREIGN KEY (tenant_id) REFERENCES public.tenant_profiles(id) ON DELETE SET NULL;

ALTER TABLE ONLY public.usage_events
    ADD CONSTRAINT fk_usage_events_user_id_users FOREIGN KEY (user_id) REFERENCES auth.users(id) ON DELETE SET NULL;

ALTER TABLE ONLY public.wizard_sessions
    ADD CONSTRAINT fk_wizard_sessions_event_id_events FOREIGN KEY (event_id) REFERENCES public.events(id) ON DELETE SET NULL;

ALTER TABLE ONLY public.wizard_sessions
    ADD CONSTRAINT fk_wizard_sessions_user_id_profiles FOREIGN KEY (user_id) REFERENCES public.profiles(id) ON DELETE CASCADE;

ALTER TABLE auth.users ENABLE ROW LEVEL SECURITY;

CREATE POLICY "active members of the cohort can read" ON public.cohorts FOR SELECT TO authenticated USING (((( SELECT (current_setting('asked_at.public.cohorts.id'::text, true) = (statement_timestamp())::text)) OR (private.my_cohort_ids_ask_for(id) IS NOT NULL)) AND ((id = ANY (ARRAY( SELECT asked.id
   FROM unnest((NULLIF(current_setting('asked_for.public.cohorts.id'::text, true), ''::text))::uuid[]) asked(id)
  WHERE private.my_cohort_ids_include(asked.id)))) OR (id = ANY (ARRAY( SELECT private.my_cohort_ids() AS my_cohort_ids))))));

CREATE POLICY "active members of the cohort or the owner can read" ON public.cohort_members FOR SELECT TO authenticated USING (((( SELECT (current_setting('asked_at.public.cohorts.id'::text, true) = (statement_timestamp())::text)) OR (private.my_cohort_ids_ask_for(cohort_id) IS NOT NULL)) AND ((user_id = ( SELECT auth.uid() AS uid)) OR (cohort_id = ANY (ARRAY( SELECT asked.id
   FROM unnest((NULLIF(current_setting('asked_for.public.cohorts.id'::text, true), ''::text))::uuid[]) asked(id)
  WHERE private.my_cohort_ids_include(asked.id)))) OR (cohort_id = ANY (ARRAY( SELECT private.my_cohort_ids() AS my_cohort_ids))))));

ALTER TABLE public.alembic_version ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.campaigns ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.cohort_members ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.cohorts ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.communities ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.community_members ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.community_profiles ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.consent_audit_log ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.consent_preferences ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.engagement_streaks ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.events ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.expert_listings ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.founder_connections ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.founder_messages ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.investor_readiness_scores ENABLE ROW LEVEL SECURITY;

CREATE POLICY "managers of the event can delete" ON public.participant_tracks FOR DELETE TO authenticated USING (((( SELECT (current_setting('asked_at.public.events.id'::text, true) = (statement_timestamp())::text)) OR (private.my_managed_event_ids_ask_for(event_id) IS NOT NULL)) AND ((event_id = ANY (ARRAY( SELECT asked.id
   FROM unnest((NULLIF(current_setting('asked_for.public.events.id'::text, true), ''::text))::uuid[]) asked(id)
  WHERE private.my_managed_event_ids_include(asked.id)))) OR (event_id = ANY (ARRAY( SELECT private.my_managed_event_ids() AS my_managed_event_ids))))));

CREATE POLICY "managers of the event can delete" ON public.participants FOR DELETE TO authenticated USING (((( SELECT (current_setting('asked_at.public.events.id'::text, true) = (statement_timestamp())::text)) OR (private.my_managed_event_ids_ask_for(event_id) IS NOT NULL)) AND ((event_id = ANY (ARRAY( SELECT asked.id
   FROM unnest((NULLIF(current_setting('asked_for.public.events.id'::text, true), ''::text))::uuid[]) asked(id)
  WHERE private.my_managed_event_ids_include(asked.id)))) OR (event_id = ANY (ARRAY( SELECT private.my_managed_event_ids() AS my_managed_event_ids))))));

CREATE POLICY "managers of the event can delete" ON public.table_assignments FOR DELETE TO authenticated USING (((( SELECT (current_setting('asked_at.public.events.id'::text, true) = (statement_timestamp())::text)) OR (private.my_managed_event_ids_ask_for(event_id) IS NOT NULL)) AND ((event_id = ANY (ARRAY( SELECT asked.id
   FROM unnest((NULLIF(current_setting('asked_for.public.events.id'::text, true), ''::text))::uuid[]) asked(id)
  WHERE private.my_managed_event_ids_include(asked.id)))) OR (event_id = ANY (ARRAY( SELECT private.my_managed_event_ids() AS my_managed_event_ids))))));

CREATE POLICY "managers of the event can delete" ON public.tracks FOR DELETE TO authenticated USING (((( SELECT (current_setting('asked_at.public.events.id'::text, true) = (statement_timestamp())::text)) OR (private.my_managed_event_ids_ask_for(event_id) IS NOT NULL)) AND ((event_id = ANY (ARRAY( SELECT asked.id
   FROM unnest((NULLIF(current_setting('asked_for.public.events.id'::text, true), ''::text))::uuid[]) asked(id)
  WHERE private.my_managed_event_ids_include(asked.id)))) OR (event_id = ANY (ARRAY( SELECT private.my_managed_event_ids() AS my_managed_event_ids))))));

CREATE POLICY "managers of the event can insert" ON public.participant_tracks FOR INSERT TO authenticated WITH CHECK ((EXISTS ( SELECT
   FROM private.my_managed_event_ids_by_id mine
  WHERE (mine.id = participant_tracks.event_id)
 OFFSET 0)));

CREATE POLICY "managers of the event can insert" ON public.participants FOR INSERT TO authenticated WITH CHECK ((EXISTS ( SELECT
   FROM private.my_managed_event_ids_by_id mine
  WHERE (mine.id = participants.event_id)
 OFFSET 0)));

CREATE POLICY "managers of the event can insert" ON public.table_assignments FOR INSERT TO authenticated WITH CHECK ((EXISTS ( SELECT
   FROM private.my_managed_event_ids_by_id mine
  WHERE (mine.id = table_assignments.event_id)
 OFFSET 0)));

CREATE POLICY "managers of the event can insert" ON public.tracks FOR INSERT TO authenticated WITH CHECK ((EXISTS ( SELECT
   FROM private.my_managed_event_ids_by_id mine
  WHERE (mine.id = tracks.event_id)
 OFFSET 0)));

CREATE POLICY "managers of the event can update" ON public.participant_tracks FOR UPDATE TO authenticated USING (((( SELECT (current_setting('asked_at.public.events.id'::text, true) = (statement_timestamp())::text)) OR (private.my_managed_event_ids_ask_for(event_id) IS NOT NULL)) AND ((event_id = ANY (ARRAY( SELECT asked.id
   FROM unnest((NULLIF(current_setting('asked_for.public.events.id'::text, true), ''::text))::uuid[]) asked(id)
  WHERE private.my_managed_event_ids_include(asked.id)))) OR (event_id = ANY (ARRAY( SELECT private.my_managed_event_ids() AS my_managed_event_ids)))))) WITH CHECK ((EXISTS ( SELECT
   FROM private.my_managed_event_ids_by_id mine
  WHERE (mine.id = participant_tracks.event_id)
 OFFSET 0)));

CREATE POLICY "managers of the event can update" ON public.participants FOR UPDATE TO authenticated USING (((( SELECT (current_setting('asked_at.public.events.id'::text, true) = (statement_timestamp())::text)) OR (private.my_managed_event_ids_ask_for(event_id) IS NOT NULL)) AND ((event_id = ANY (ARRAY( SELECT asked.id
   FROM unnest((NULLIF(current_setting('asked_for.public.events.id'::text, true), ''::text))::uuid[]) asked(id)
  WHERE private.my_managed_event_ids_include(asked.id)))) OR (event_id = ANY (ARRAY( SELECT private.my_managed_event_ids() AS my_managed_event_ids)))))) WITH CHECK ((EXISTS ( SELECT
   FROM private.my_managed_event_ids_by_id mine
  WHERE (mine.id = participants.event_id)
 OFFSET 0)));

CREATE POLICY "managers of the event can update" ON public.table_assignments FOR UPDATE TO authenticated USING (((( SELECT (current_setting('asked_at.public.events.id'::text, true) = (statement_timestamp())::text)) OR (private.my_managed_event_ids_ask_for(event_id) IS NOT NULL)) AND ((event_id = ANY (ARRAY( SELECT asked.id
   FROM unnest((NULLIF(current_setting('asked_for.public.events.id'::text, true), ''::text))::uuid[]) asked(id)
  WHERE private.my_managed_event_ids_include(asked.id)))) OR (event_id = ANY (ARRAY( SELECT private.my_managed_event_ids() AS my_managed_event_ids)))))) WITH CHECK ((EXISTS ( SELECT
   FROM private.my_managed_event_ids_by_id mine
  WHERE (mine.id = table_assignments.event_id)
 OFFSET 0)));

CREATE POLICY "managers of the event can update" ON public.tracks FOR UPDATE TO authenticated USING (((( SELECT (current_setting('asked_at.public.events.id'::text, true) = (statement_timestamp())::text)) OR (private.my_managed_event_ids_ask_for(event_id) IS NOT NULL)) AND ((event_id = ANY (ARRAY( SELECT asked.id
   FROM unnest((NULLIF(current_setting('asked_for.public.events.id'::text, true), ''::text))::uuid[]) asked(id)
  WHERE private.my_managed_event_ids_include(asked.id)))) OR (event_id = ANY (ARRAY( SELECT private.my_managed_event_ids() AS my_managed_event_ids)))))) WITH CHECK ((EXISTS ( SELECT
   FROM private.my_managed_event_ids_by_id mine
  WHERE (mine.id = tracks.event_id)
 OFFSET 0)));

CREATE POLICY "managers of the organization can delete" ON public.events FOR DELETE TO authenticated USING (((( SELECT (current_setting('asked_at.public.organizations.id'::text, true) = (statement_timestamp())::text)) OR (private.my_managed_organization_ids_ask_for(organization_id) IS NOT NULL)) AND ((organization_id = ANY (ARRAY( SELECT asked.id
   FROM unnest((NULLIF(current_setting('asked_for.public.organizations.id'::text, true), ''::text))::uuid[]) asked(id)
  WHERE private.my_managed_organization_ids_include(asked.id)))) OR (organization_id = ANY (ARRAY( SELECT private.my_managed_organization_ids() AS my_managed_organization_ids))))));

CREATE POLICY "managers of the organization can insert" ON public.events FOR INSERT TO authenticated WITH CHECK ((EXISTS ( SELECT
   FROM private.my_managed_organization_ids_by_id mine
  WHERE (mine.id = events.organization_id)
 OFFSET 0)));

CREATE POLICY "managers of the organization can update" ON public.events FOR UPDATE TO authenticated USING (((( SELECT (current_setting('asked_at.public.organizations.id'::text, true) = (statement_timestamp())::text)) OR (private.my_managed_organization_ids_ask_for(organization_id) IS NOT NULL)) AND ((organization_id = ANY (ARRAY( SELECT asked.id
   FROM unnest((NULLIF(current_setting('asked_for.public.organizations.id'::text, true), ''::text))::uuid[]) asked(id)
  WHERE private.my_managed_organization_ids_include(asked.id)))) OR (organization_id = ANY (ARRAY( SELECT private.my_managed_organization_ids() AS my_managed_organization_ids)))))) WITH CHECK ((EXISTS ( SELECT
   FROM private.my_managed_organization_ids_by_id mine
  WHERE (mine.id = events.organization_id)
 OFFSET 0)));

CREATE POLICY "members of the community or the member can read" ON public.community_members FOR SELECT TO authenticated USING (((( SELECT (current_setting('asked_at.public.communities.id'::text, true) = (statement_timestamp())::text)) OR (private.my_community_ids_ask_for(community_id) IS NOT NULL)) AND ((user_id = ( SELECT auth.uid() AS uid)) OR (community_id = ANY (ARRAY( SELECT asked.id
   FROM unnest((NULLIF(current_setting('asked_for.public.communities.id'::text, true), ''::text))::uuid[]) asked(id)
  WHERE private.my_community_ids_include(asked.id)))) OR (community_id = ANY (ARRAY( SELECT private.my_community_ids() AS my_community_ids))))));

CREATE POLICY "members of the event can read" ON public.tracks FOR SELECT TO authenticated USING (((( SELECT (current_setting('asked_at.public.events.id'::text, true) = (statement_timestamp())::text)) OR (private.my_event_ids_ask_for(event_id) IS NOT NULL)) AND ((event_id = ANY (ARRAY( SELECT asked.id
   FROM unnest((NULLIF(current_setting('asked_for.public.events.id'::text, true), ''::text))::uuid[]) asked(id)
  WHERE private.my_event_ids_include(asked.id)))) OR (event_id = ANY (ARRAY( SELECT private.my_event_ids() AS my_event_ids))))));

CREATE POLICY "members of the event or the participant can read" ON public.participant_tracks FOR SELECT TO authenticated USING (((( SELECT (current_setting('asked_at.public.events.id'::text, true) = (statement_timestamp())::text)) OR (private.my_event_ids_ask_for(event_id) IS NOT NULL)) AND ((event_id = ANY (ARRAY( SELECT asked.id
   FROM unnest((NULLIF(current_setting('asked_for.public.events.id'::text, true), ''::text))::uuid[]) asked(id)
  WHERE private.my_event_ids_include(asked.id)))) OR (event_id = ANY (ARRAY( SELECT private.my_event_ids() AS my_event_ids))) OR (participant_id = ANY (ARRAY( SELECT private.my_participant_ids() AS my_participant_ids))))));

CREATE POLICY "members of the event or the participant can read" ON public.participants FOR SELECT TO authenticated USING (((( SELECT (current_setting('asked_at.public.events.id'::text, true) = (statement_timestamp())::text)) OR (private.my_event_ids_ask_for(event_id) IS NOT NULL)) AND ((user_id = ( SELECT auth.uid() AS uid)) OR (event_id = ANY (ARRAY( SELECT asked.id
   FROM unnest((NULLIF(current_setting('asked_for.public.events.id'::text, true), ''::text))::uuid[]) asked(id)
  WHERE private.my_event_ids_include(asked.id)))) OR (event_id = ANY (ARRAY( SELECT private.my_event_ids() AS my_event_ids))))));

CREATE POLICY "members of the event or the participant can read" ON public.table_assignments FOR SELECT TO authenticated USING (((( SELECT (current_setting('asked_at.public.events.id'::text, true) = (statement_timestamp())::text)) OR (private.my_event_ids_ask_for(event_id) IS NOT NULL)) AND ((event_id = ANY (ARRAY( SELECT asked.id
   FROM unnest((NULLIF(current_setting('asked_for.public.events.id'::text, true), ''::text))::uuid[]) asked(id)
  WHERE private.my_event_ids_include(asked.id)))) OR (event_id = ANY (ARRAY( SELECT private.my_event_ids() AS my_event_ids))) OR (participant_id = ANY (ARRAY( SELECT private.my_participant_ids() AS my_participant_ids))))));

CREATE POLICY "members of the organization can read" ON public.events FOR SELECT TO authenticated USING (((( SELECT (current_setting('asked_at.public.organizations.id'::text, true) = (statement_timestamp())::text)) OR (private.my_organization_ids_ask_for(organization_id) IS NOT NULL)) AND ((organization_id = ANY (ARRAY( SELECT asked.id
   FROM unnest((NULLIF(current_setting('asked_for.public.organizations.id'::text, true), ''::text))::uuid[]) asked(id)
  WHERE private.my_organization_ids_include(asked.id)))) OR (organization_id = ANY (ARRAY( SELECT private.my_organization_ids() AS my_organization_ids))))));

CREATE POLICY "members of the organization can read" ON public.organization_members FOR SELECT TO authenticated USING (((( SELECT (current_setting('asked_at.public.organizations.id'::text, true) = (statement_timestamp())::text)) OR (private.my_organization_ids_ask_for(organization_id) IS NOT NULL)) AND ((organization_id = ANY (ARRAY( SELECT asked.id
   FROM unnest((NULLIF(current_setting('asked_for.public.organizations.id'::text, true), ''::text))::uuid[]) asked(id)
  WHERE private.my_organization_ids_include(asked.id)))) OR (organization_id = ANY (ARRAY( SELECT private.my_organization_ids() AS my_organization_ids))))));

CREATE POLICY "members of the organization can read" ON public.organizations FOR SELECT TO authenticated USING (((( SELECT (current_setting('asked_at.public.organizations.id'::text, true) = (statement_timestamp())::text)) OR (private.my_organization_ids_ask_for(id) IS NOT NULL)) AND ((id = ANY (ARRAY( SELECT asked.id
   FROM unnest((NULLIF(current_setting('asked_for.public.organizations.id'::text, true), ''::text))::uuid[]) asked(id)
  WHERE private.my_organization_ids_include(asked.id)))) OR (id = ANY (ARRAY( SELECT private.my_organization_ids() AS my_organization_ids))))));

CREATE POLICY "members with an account who may join, or owners can insert" ON public.community_members FOR INSERT TO authenticated WITH CHECK ((((user_id = ( SELECT auth.uid() AS uid)) AND ((role = 'member'::text) AND private.can_join_community(community_id)) AND (( SELECT ((NULLIF(current_setting('request.jwt.claims'::text, true), ''::text))::jsonb ->> 'is_anonymous'::text)) IS DISTINCT FROM 'true'::text)) OR (community_id = ANY (ARRAY( SELECT private.my_owned_community_ids() AS my_owned_community_ids)))));

ALTER TABLE public.milestones ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.organization_members ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.organizations ENABLE ROW LEVEL SECURITY;

CREATE POLICY "owners of the community can update" ON public.communities FOR UPDATE TO authenticated USING ((id = ANY (ARRAY( SELECT private.my_owned_community_ids() AS my_owned_community_ids)))) WITH CHECK ((id = ANY (ARRAY( SELECT private.my_owned_community_ids() AS my_owned_community_ids))));

CREATE POLICY "owners of the community can update" ON public.community_members FOR UPDATE TO authenticated USING ((community_id = ANY (ARRAY( SELECT private.my_owned_community_ids() AS my_owned_community_ids)))) WITH CHECK ((community_id = ANY (ARRAY( SELECT private.my_owned_community_ids() AS my_owned_community_ids))));

CREATE POLICY "owners of the organization can delete" ON public.organization_members FOR DELETE TO authenticated USING ((organization_id = ANY (ARRAY( SELECT private.my_owned_organization_ids() AS my_owned_organization_ids))));

CREATE POLICY "owners of the organization can insert" ON public.organization_members FOR INSERT TO authenticated WITH CHECK ((organization_id = ANY (ARRAY( SELECT private.my_owned_organization_ids() AS my_owned_organization_ids))));

CREATE POLICY "owners of the organization can update" ON public.organization_members FOR UPDATE TO authenticated USING ((organization_id = ANY (ARRAY( SELECT private.my_owned_organization_ids() AS my_owned_organization_ids)))) WITH CHECK ((organization_id = ANY (ARRAY( SELECT private.my_owned_organization_ids() AS my_owned_organization_ids))));

CREATE POLICY "owners of the organization can update" ON public.organizations FOR UPDATE TO authenticated USING ((id = ANY (ARRAY( SELECT private.my_owned_organization_ids() AS my_owned_organization_ids)))) WITH CHECK ((id = ANY (ARRAY( SELECT private.my_owned_organization_ids() AS my_owned_organization_ids))));

ALTER TABLE public.participant_sessions ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.participant_tracks ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.participants ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.profiles ENABLE ROW LEVEL SECURITY;

CREATE POLICY "readers of public posts or the author can read" ON public.social_feed_posts FOR SELECT TO authenticated USING ((is_public OR (author_id = ( SELECT auth.uid() AS uid))));

CREATE POLICY "readers of the post or the author can read" ON public.social_feed_comments FOR SELECT TO authenticated USING (((author_id = ( SELECT auth.uid() AS uid)) OR (post_id = ANY (ARRAY( SELECT parent.id
   FROM (unnest((NULLIF(current_setting('asked_for.public.social_feed_posts.id'::text, true), ''::text))::uuid[]) lookup(id)
     JOIN public.social_feed_posts parent ON ((parent.id = lookup.id)))))) OR (EXISTS ( SELECT
   FROM (jsonb_to_recordset('[{"is_made": true}]'::jsonb) lookup(is_made boolean)
     JOIN public.social_feed_posts parent ON ((parent.id =
        CASE
            WHEN lookup.is_made THEN social_feed_comments.post_id
            ELSE NULL::uuid
        END)))
 OFFSET 0))));

CREATE POLICY "readers of the post or the owner can read" ON public.social_feed_reactions FOR SELECT TO authenticated USING (((user_id = ( SELECT auth.uid() AS uid)) OR (post_id = ANY (ARRAY( SELECT parent.id
   FROM (unnest((NULLIF(current_setting('asked_for.public.social_feed_posts.id'::text, true), ''::text))::uuid[]) lookup(id)
     JOIN public.social_feed_posts parent ON ((parent.id = lookup.id)))))) OR (EXISTS ( SELECT
   FROM (jsonb_to_recordset('[{"is_made": true}]'::jsonb) lookup(is_made boolean)
     JOIN public.social_feed_posts parent ON ((parent.id =
        CASE
            WHEN lookup.is_made THEN social_feed_reactions.post_id
            ELSE NULL::uuid
        END)))
 OFFSET 0))));

CREATE POLICY "readers of the post with an account unless blocked can insert" ON public.social_feed_comments FOR INSERT TO authenticated WITH CHECK (((author_id = ( SELECT auth.uid() AS uid)) AND ((EXISTS ( SELECT
   FROM public.social_feed_posts parent
  WHERE ((parent.id = social_feed_comments.post_id) AND (parent.author_id <> ALL (ARRAY( SELECT private.my_blocked_user_ids() AS my_blocked_user_ids))))
 OFFSET 0)) AND ((parent_comment_id IS NULL) OR (NOT private.is_comment_of_blocked(parent_comment_id)))) AND (( SELECT ((NULLIF(current_setting('request.jwt.claims'::text, true), ''::text))::jsonb ->> 'is_anonymous'::text)) IS DISTINCT FROM 'true'::text)));

CREATE POLICY "readers of the post with an account unless blocked can insert" ON public.social_feed_reactions FOR INSERT TO authenticated WITH CHECK (((user_id = ( SELECT auth.uid() AS uid)) AND (EXISTS ( SELECT
   FROM public.social_feed_posts parent
  WHERE ((parent.id = social_feed_reactions.post_id) AND (parent.author_id <> ALL (ARRAY( SELECT private.my_blocked_user_ids() AS my_blocked_user_ids))))
 OFFSET 0)) AND (( SELECT ((NULLIF(current_setting('request.jwt.claims'::text, true), ''::text))::jsonb ->> 'is_anonymous'::text)) IS DISTINCT FROM 'true'::text)));

ALTER TABLE public.reputation_events ENABLE ROW LEVEL SECURITY;

CREATE POLICY "signed-in users can read" ON public.community_profiles FOR SELECT TO authenticated USING (true);

CREATE POLICY "signed-in users can read" ON public.expert_listings FOR SELECT TO authenticated USING (true);

CREATE POLICY "signed-in users can read" ON public.subcommunity_sponsors FOR SELECT TO authenticated USING (true);

ALTER TABLE public.social_feed_comments ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.social_feed_posts ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.social_feed_reactions ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.subcommunity_sponsors ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.table_assignments ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.tenant_profiles ENABLE ROW LEVEL SECURITY;

CREATE POLICY "the active campaign's owner can delete" ON public.campaigns FOR DELETE TO authenticated USING (((tenant_id = ANY (ARRAY( SELECT private.my_active_tenant_ids() AS my_active_tenant_ids))) OR ((created_by = ( SELECT auth.uid() AS uid)) AND (tenant_id IS NULL) AND (( SELECT ((NULLIF(current_setting('request.jwt.claims'::text, true), ''::text))::jsonb ->> 'is_anonymous'::text)) IS DISTINCT FROM 'true'::text))));

CREATE POLICY "the active campaign's owner can update" ON public.campaigns FOR UPDATE TO authenticated USING (((tenant_id = ANY (ARRAY( SELECT private.my_active_tenant_ids() AS my_active_tenant_ids))) OR ((created_by = ( SELECT auth.uid() AS uid)) AND (tenant_id IS NULL) AND (( SELECT ((NULLIF(current_setting('request.jwt.claims'::text, true), ''::text))::jsonb ->> 'is_anonymous'::text)) IS DISTINCT FROM 'true'::text)))) WITH CHECK ((((tenant_id = ANY (ARRAY( SELECT private.my_active_tenant_ids() AS my_active_tenant_ids))) AND ((tenant_id, assessment_type) IN ( SELECT e.tenant_id,
    e.assessment_type
   FROM private.my_enabled_assessments() e(tenant_id, assessment_type)))) OR ((created_by = ( SELECT auth.uid() AS uid)) AND (tenant_id IS NULL) AND (( SELECT ((NULLIF(current_setting('request.jwt.claims'::text, true), ''::text))::jsonb ->> 'is_anonymous'::text)) IS DISTINCT FROM 'true'::text))));

CREATE POLICY "the active campaign's owner in their own name can insert" ON public.campaigns FOR INSERT TO authenticated WITH CHECK (((((tenant_id = ANY (ARRAY( SELECT private.my_active_tenant_ids() AS my_active_tenant_ids))) AND ((tenant_id, assessment_type) IN ( SELECT e.tenant_id,
    e.assessment_type
   FROM private.my_enabled_assessments() e(tenant_id, assessment_type)))) OR ((created_by = ( SELECT auth.uid() AS uid)) AND (tenant_id IS NULL) AND (( SELECT ((NULLIF(current_setting('request.jwt.claims'::text, true), ''::text))::jsonb ->> 'is_anonymous'::text)) IS DISTINCT FROM 'true'::text))) AND (COALESCE(created_by, ( SELECT auth.uid() AS uid)) = ( SELECT auth.uid() AS uid))));

CREATE POLICY "the active tenant's owner can update" ON public.participant_sessions FOR UPDATE TO authenticated USING ((tenant_id = ANY (ARRAY( SELECT private.my_active_tenant_ids() AS my_active_tenant_ids)))) WITH CHECK ((tenant_id = ANY (ARRAY( SELECT private.my_active_tenant_ids() AS my_active_tenant_ids))));

CREATE POLICY "the active tenant's owner can update" ON public.tenant_profiles FOR UPDATE TO authenticated USING (((user_id = ( SELECT auth.uid() AS uid)) AND is_active AND (( SELECT ((NULLIF(current_setting('request.jwt.claims'::text, true), ''::text))::jsonb ->> 'is_anonymous'::text)) IS DISTINCT FROM 'true'::text))) WITH CHECK (((user_id = ( SELECT auth.uid() AS uid)) AND is_active AND (( SELECT ((NULLIF(current_setting('request.jwt.claims'::text, true), ''::text))::jsonb ->> 'is_anonymous'::text)) IS DISTINCT FROM 'true'::text)));

CREATE POLICY "the author can delete" ON public.social_feed_comments FOR DELETE TO authenticated USING ((author_id = ( SELECT auth.uid() AS uid)));

CREATE POLICY "the author can delete" ON public.social_feed_posts FOR DELETE TO authenticated USING ((author_id = ( SELECT auth.uid() AS uid)));

CREATE POLICY "the author with an account and their own milestones can insert" ON public.social_feed_posts FOR INSERT TO authenticated WITH CHECK (((author_id = ( SELECT auth.uid() AS uid)) AND (( SELECT ((NULLIF(current_setting('request.jwt.claims'::text, true), ''::text))::jsonb ->> 'is_anonymous'::text)) IS DISTINCT FROM 'true'::text) AND ((milestone_id IS NULL) OR (EXISTS ( SELECT
   FROM public.milestones parent
  WHERE (parent.id = social_feed_posts.milestone_id)
 OFFSET 0)))));

CREATE POLICY "the author with an account can update" ON public.social_feed_comments FOR UPDATE TO authenticated USING (((author_id = ( SELECT auth.uid() AS uid)) AND (( SELECT ((NULLIF(current_setting('request.jwt.claims'::text, true), ''::text))::jsonb ->> 'is_anonymous'::text)) IS DISTINCT FROM 'true'::text))) WITH CHECK (((author_id = ( SELECT auth.uid() AS uid)) AND ((NOT private.is_post_of_blocked(post_id)) AND ((parent_comment_id IS NULL) OR (NOT private.is_comment_of_blocked(parent_comment_id)))) AND (( SELECT ((NULLIF(current_setting('request.jwt.claims'::text, true), ''::text))::jsonb ->> 'is_anonymous'::text)) IS DISTINCT FROM 'true'::text)));

CREATE POLICY "the author with an account can update" ON public.social_feed_posts FOR UPDATE TO authenticated USING (((author_id = ( SELECT auth.uid() AS uid)) AND (( SELECT ((NULLIF(current_setting('request.jwt.claims'::text, true), ''::text))::jsonb ->> 'is_anonymous'::text)) IS DISTINCT FROM 'true'::text))) WITH CHECK (((author_id = ( SELECT auth.uid() AS uid)) AND (( SELECT ((NULLIF(current_setting('request.jwt.claims'::text, true), ''::text))::jsonb ->> 'is_anonymous'::text)) IS DISTINCT FROM 'true'::text) AND ((milestone_id IS NULL) OR (EXISTS ( SELECT
   FROM public.milestones parent
  WHERE (parent.id = social_feed_posts.milestone_id)
 OFFSET 0)))));

CREATE POLICY "the campaign's owner can read" ON public.campaigns FOR SELECT TO authenticated USING (((tenant_id = ANY (ARRAY( SELECT private.my_tenant_ids() AS my_tenant_ids))) OR ((created_by = ( SELECT auth.uid() AS uid)) AND (tenant_id IS NULL))));

CREATE POLICY "the creator with an account below what they moderate can insert" ON public.communities FOR INSERT TO authenticated WITH CHECK (((created_by = ( SELECT auth.uid() AS uid)) AND ((parent_community_id IS NULL) OR (parent_community_id = ANY (ARRAY( SELECT private.my_moderated_community_ids() AS my_moderated_community_ids)))) AND (( SELECT ((NULLIF(current_setting('request.jwt.claims'::text, true), ''::text))::jsonb ->> 'is_anonymous'::text)) IS DISTINCT FROM 'true'::text)));

CREATE POLICY "the creator, owners or visitors can read" ON public.communities FOR SELECT TO authenticated USING (((((NOT is_archived) IS NOT TRUE) OR ( SELECT (current_setting('asked_at.public.communities.id'::text, true) = (statement_timestamp())::text)) OR (private.my_community_ids_ask_for(id) IS NOT NULL)) AND ((created_by = ( SELECT auth.uid() AS uid)) OR ((NOT is_archived) AND (NOT is_private)) OR (((id = ANY (ARRAY( SELECT asked.id
   FROM unnest((NULLIF(current_setting('asked_for.public.communities.id'::text, true), ''::text))::uuid[]) asked(id)
  WHERE private.my_community_ids_include(asked.id)))) OR (id = ANY (ARRAY( SELECT private.my_community_ids() AS my_community_ids)))) AND (NOT is_archived)) OR (id = ANY (ARRAY( SELECT private.my_owned_community_ids() AS my_owned_community_ids))))));

CREATE POLICY "the member, owners, or moderators removing members can delete" ON public.community_members FOR DELETE TO authenticated USING (((user_id = ( SELECT auth.uid() AS uid)) OR (community_id = ANY (ARRAY( SELECT private.my_owned_community_ids() AS my_owned_community_ids))) OR ((community_id = ANY (ARRAY( SELECT private.my_moderated_community_ids() AS my_moderated_community_ids))) AND (role = 'member'::text))));

CREATE POLICY "the owner can delete" ON public.cohort_members FOR DELETE TO authenticated USING ((user_id = ( SELECT auth.uid() AS uid)));

CREATE POLICY "the owner can delete" ON public.community_profiles FOR DELETE TO authenticated USING ((user_id = ( SELECT auth.uid() AS uid)));

CREATE POLICY "the owner can delete" ON public.consent_preferences FOR DELETE TO authenticated USING ((user_id = ( SELECT auth.uid() AS uid)));

CREATE POLICY "the owner can delete" ON public.expert_listings FOR DELETE TO authenticated USING ((user_id = ( SELECT auth.uid() AS uid)));

CREATE POLICY "the owner can delete" ON public.milestones FOR DELETE TO authenticated USING ((user_id = ( SELECT auth.uid() AS uid)));

CREATE POLICY "the owner can delete" ON public.social_feed_reactions FOR DELETE TO authenticated USING ((user_id = ( SELECT auth.uid() AS uid)));

CREATE POLICY "the owner can insert" ON public.milestones FOR INSERT TO authenticated WITH CHECK ((user_id = ( SELECT auth.uid() AS uid)));

CREATE POLICY "the owner can insert" ON public.profiles FOR INSERT TO authenticated WITH CHECK ((id = ( SELECT auth.uid() AS uid)));

CREATE POLICY "the owner can read" ON public.consent_audit_log FOR SELECT TO authenticated USING ((user_id = ( SELECT auth.uid() AS uid)));

CREATE POLICY "the owner can read" ON public.consent_preferences FOR SELECT TO authenticated USING ((user_id = ( SELECT auth.uid() AS uid)));

CREATE POLICY "the owner can read" ON public.engagement_streaks FOR SELECT TO authenticated USING ((user_id = ( SELECT auth.uid() AS uid)));

CREATE POLICY "the owner can read" ON public.investor_readiness_scores FOR SELECT TO authenticated USING ((user_id = ( SELECT auth.uid() AS uid)));

CREATE POLICY "the owner can read" ON public.milestones FOR SELECT TO authenticated USING ((user_id = ( SELECT auth.uid() AS uid)));

CREATE POLICY "the owner can read" ON public.profiles FOR SELECT TO authenticated USING ((id = ( SELECT auth.uid() AS uid)));

CREATE POLICY "the owner can read" ON public.reputation_events FOR SELECT TO authenticated USING ((user_id = ( SELECT auth.uid() AS uid)));

CREATE POLICY "the owner can update" ON public.milestones FOR UPDATE TO authenticated USING ((user_id = ( SELECT auth.uid() AS uid))) WITH CHECK ((user_id = ( SELECT auth.uid() AS uid)));

CREATE POLICY "the owner can update" ON public.profiles FOR UPDATE TO authenticated USING ((id = ( SELECT auth.uid() AS uid))) WITH CHECK ((id = ( SELECT auth.uid() AS uid)));

CREATE POLICY "the owner with an account can insert" ON public.community_profiles FOR INSERT TO authenticated WITH CHECK (((user_id = ( SELECT auth.uid() AS uid)) AND (( SELECT ((NULLIF(current_setting('request.jwt.claims'::text, true), ''::text))::jsonb ->> 'is_anonymous'::text)) IS DISTINCT FROM 'true'::text)));

CREATE POLICY "the owner with an account can insert" ON public.consent_preferences FOR INSERT TO authenticated WITH CHECK (((user_id = ( SELECT auth.uid() AS uid)) AND (( SELECT ((NULLIF(current_setting('request.jwt.claims'::text, true), ''::text))::jsonb ->> 'is_anonymous'::text)) IS DISTINCT FROM 'true'::text)));

CREATE POLICY "the owner with an account can insert" ON public.expert_listings FOR INSERT TO authenticated WITH CHECK (((user_id = ( SELECT auth.uid() AS uid)) AND (( SELECT ((NULLIF(current_setting('request.jwt.claims'::text, true), ''::text))::jsonb ->> 'is_anonymous'::text)) IS DISTINCT FROM 'true'::text)));

CREATE POLICY "the owner with an account can update" ON public.community_profiles FOR UPDATE TO authenticated USING (((user_id = ( SELECT auth.uid() AS uid)) AND (( SELECT ((NULLIF(current_setting('request.jwt.claims'::text, true), ''::text))::jsonb ->> 'is_anonymous'::text)) IS DISTINCT FROM 'true'::text))) WITH CHECK (((user_id = ( SELECT auth.uid() AS uid)) AND (( SELECT ((NULLIF(current_setting('request.jwt.claims'::text, true), ''::text))::jsonb ->> 'is_anonymous'::text)) IS DISTINCT FROM 'true'::text)));

CREATE POLICY "the owner with an account can update" ON public.consent_preferences FOR UPDATE TO authenticated USING (((user_id = ( SELECT auth.uid() AS uid)) AND (( SELECT ((NULLIF(current_setting('request.jwt.claims'::text, true), ''::text))::jsonb ->> 'is_anonymous'::text)) IS DISTINCT FROM 'true'::text))) WITH CHECK (((user_id = ( SELECT auth.uid() AS uid)) AND (( SELECT ((NULLIF(current_setting('request.jwt.claims'::text, true), ''::text))::jsonb ->> 'is_anonymous'::text)) IS DISTINCT FROM 'true'::text)));

CREATE POLICY "the owner with an account can update" ON public.expert_listings FOR UPDATE TO authenticated USING (((user_id = ( SELECT auth.uid() AS uid)) AND (( SELECT ((NULLIF(current_setting('request.jwt.claims'::text, true), ''::text))::jsonb ->> 'is_anonymous'::text)) IS DISTINCT FROM 'true'::text))) WITH CHECK (((user_id = ( SELECT auth.uid() AS uid)) AND (( SELECT ((NULLIF(current_setting('request.jwt.claims'::text, true), ''::text))::jsonb ->> 'is_anonymous'::text)) IS DISTINCT FROM 'true'::text)));

CREATE POLICY "the requester or the recipient can read" ON public.founder_connections FOR SELECT TO authenticated USING (((requester_id = ( SELECT auth.uid() AS uid)) OR (recipient_id = ( SELECT auth.uid() AS uid))));

CREATE POLICY "the requester or the recipient if theirs to end can delete" ON public.founder_connections FOR DELETE TO authenticated USING ((((requester_id = ( SELECT auth.uid() AS uid)) OR (recipient_id = ( SELECT auth.uid() AS uid))) AND ((status = 'accepted'::text) OR ((status = 'pending'::text) AND (requester_id = ( SELECT auth.uid() AS uid))) OR ((status = 'declined'::text) AND (( SELECT auth.uid() AS uid) = declined_by)))));

CREATE POLICY "the requester or the recipient of a pending request can update" ON public.founder_connections FOR UPDATE TO authenticated USING ((((requester_id = ( SELECT auth.uid() AS uid)) OR (recipient_id = ( SELECT auth.uid() AS uid))) AND (status = 'pending'::text))) WITH CHECK ((((recipient_id = ( SELECT auth.uid() AS uid)) AND (( SELECT ((NULLIF(current_setting('request.jwt.claims'::text, true), ''::text))::jsonb ->> 'is_anonymous'::text)) IS DISTINCT FROM 'true'::text) AND (status = 'accepted'::text)) OR (((requester_id = ( SELECT auth.uid() AS uid)) OR (recipient_id = ( SELECT auth.uid() AS uid))) AND (status = 'declined'::text))));

CREATE POLICY "the requester with an account asking to connect can insert" ON public.founder_connections FOR INSERT TO authenticated WITH CHECK (((requester_id = ( SELECT auth.uid() AS uid)) AND (( SELECT ((NULLIF(current_setting('request.jwt.claims'::text, true), ''::text))::jsonb ->> 'is_anonymous'::text)) IS DISTINCT FROM 'true'::text) AND (status = 'pending'::text)));

CREATE POLICY "the sender or the recipient can read" ON public.founder_messages FOR SELECT TO authenticated USING (((sender_id = ( SELECT auth.uid() AS uid)) OR (recipient_id = ( SELECT auth.uid() AS uid))));

CREATE POLICY "the sender with an account to another unless blocked can insert" ON public.founder_messages FOR INSERT TO authenticated WITH CHECK (((sender_id = ( SELECT auth.uid() AS uid)) AND (( SELECT ((NULLIF(current_setting('request.jwt.claims'::text, true), ''::text))::jsonb ->> 'is_anonymous'::text)) IS DISTINCT FROM 'true'::text) AND ((recipient_id <> sender_id) AND (recipient_id <> ALL (ARRAY( SELECT private.my_blocked_user_ids() AS my_blocked_user_ids))))));

CREATE POLICY "the service can do everything" ON public.campaigns TO service_role USING (true) WITH CHECK (true);

CREATE POLICY "the service can do everything" ON public.cohort_members TO service_role USING (true) WITH CHECK (true);

CREATE POLICY "the service can do everything" ON public.cohorts TO service_role USING (true) WITH CHECK (true);

CREATE POLICY "the service can do everything" ON public.communities TO service_role USING (true) WITH CHECK (true);

CREATE POLICY "the service can do everything" ON public.community_members TO service_role USING (true) WITH CHECK (true);

CREATE POLICY "the service can do everything" ON public.community_profiles TO service_role USING (true) WITH CHECK (true);

CREATE POLICY "the service can do everything" ON public.consent_audit_log TO service_role USING (true) WITH CHECK (true);

CREATE POLICY "the service can do everything" ON public.consent_preferences TO service_role USING (true) WITH CHECK (true);

CREATE POLICY "the service can do everything" ON public.engagement_streaks TO service_role USING (true) WITH CHECK (true);

CREATE POLICY "the service can do everything" ON public.events TO service_role USING (true) WITH CHECK (true);

CREATE POLICY "the service can do everything" ON public.expert_listings TO service_role USING (true) WITH CHECK (true);

CREATE POLICY "the service can do everything" ON public.founder_connections TO service_role USING (true) WITH CHECK (true);

CREATE POLICY "the service can do everything" ON public.founder_messages TO service_role USING (true) WITH CHECK (true);

CREATE POLICY "the service can do everything" ON public.investor_readiness_scores TO service_role USING (true) WITH CHECK (true);

CREATE POLICY "the service can do everything" ON public.milestones TO service_role USING (true) WITH CHECK (true);

CREATE POLICY "the service can do everything" ON public.organization_members TO service_role USING (true) WITH CHECK (true);

CREATE POLICY "the service can do everything" ON public.organizations TO service_role USING (true) WITH CHECK (true);

CREATE POLICY "the service can do everything" ON public.participant_sessions TO service_role USING (true) WITH CHECK (true);

CREATE POLICY "the service can do everything" ON public.participant_tracks TO service_role USING (true) WITH CHECK (true);

CREATE POLICY "the service can do everything" ON public.participants TO service_role USING (true) WITH CHECK (true);

CREATE POLICY "the service can do everything" ON public.profiles TO service_role USING (true) WITH CHECK (true);

CREATE POLICY "the service can do everything" ON public.reputation_events TO service_role USING (true) WITH CHECK (true);

CREATE POLICY "the service can do everything" ON public.social_feed_comments TO service_role USING (true) WITH CHECK (true);

CREATE POLICY "the service can do everything" ON public.social_feed_posts TO service_role USING (true) WITH CHECK (true);

CREATE POLICY "the service can do everything" ON public.social_feed_reactions TO service_role USING (true) WITH CHECK (true);

CREATE POLICY "the service can do everything" ON public.subcommunity_sponsors TO service_role USING (true) WITH CHECK (true);

CREATE POLICY "the service can do everything" ON public.table_assignments TO service_role USING (true) WITH CHECK (true);

CREATE POLICY "the service can do everything" ON public.tenant_profiles TO service_role USING (true) WITH CHECK (true);

CREATE POLICY "the service can do everything" ON public.tracks TO service_role USING (true) WITH CHECK (true);

CREATE POLICY "the service can do everything" ON public.usage_events TO service_role USING (true) WITH CHECK (true);

CREATE POLICY "the service can do everything" ON public.wizard_sessions TO service_role USING (true) WITH CHECK (true);

CREATE POLICY "the tenant's owner can read" ON public.tenant_profiles FOR SELECT TO authenticated USING ((user_id = ( SELECT auth.uid() AS uid)));

CREATE POLICY "the tenant's owner can read" ON public.usage_events FOR SELECT TO authenticated USING ((tenant_id = ANY (ARRAY( SELECT private.my_tenant_ids() AS my_tenant_ids))));

CREATE POLICY "the tenant's owner or the participant can read" ON public.participant_sessions FOR SELECT TO authenticated USING (((tenant_id = ANY (ARRAY( SELECT private.my_tenant_ids() AS my_tenant_ids))) OR (user_id = ( SELECT auth.uid() AS uid))));

ALTER TABLE public.tracks ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.usage_events ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.wizard_sessions ENABLE ROW LEVEL SECURITY;

CREATE POLICY wizard_sessions_insert_policy ON public.wizard_sessions AS RESTRICTIVE FOR INSERT TO authenticated WITH CHECK ((user_id = ( SELECT auth.uid() AS uid)));

COMMENT ON POLICY wizard_sessions_insert_policy ON public.wizard_sessions IS 'Restrictive: a policy that is added later can''t allow inserts for other users.';

CREATE POLICY wizard_sessions_policy ON public.wizard_sessions TO authenticated USING ((user_id = ( SELECT auth.uid() AS uid))) WITH CHECK ((user_id = ( SELECT auth.uid() AS uid)));

COMMENT ON POLICY wizard_sessions_policy ON public.wizard_sessions IS 'Users reach their own sessions.';

GRANT USAGE ON SCHEMA auth TO anon;
GRANT USAGE ON SCHEMA auth TO authenticated;
GRANT USAGE ON SCHEMA auth TO service_role;

GRANT USAGE ON SCHEMA private TO anon;
GRANT USAGE ON SCHEMA private TO authenticated;
GRANT USAGE ON SCHEMA private TO service_role;

REVOKE ALL ON FUNCTION private.add_creator_as_owner() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.audit_consent() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.audit_emptied_consents() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.block_founder(user_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION private.block_founder(user_id uuid) TO authenticated;

REVOKE ALL ON FUNCTION private.can_join_community(community_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION private.can_join_community(community_id uuid) TO authenticated;
GRANT ALL ON FUNCTION private.can_join_community(community_id uuid) TO service_role;

REVOKE ALL ON FUNCTION private.canonical_domain(host text) FROM PUBLIC;
GRANT ALL ON FUNCTION private.canonical_domain(host text) TO service_role;

REVOKE ALL ON FUNCTION private.check_community_levels() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.check_parent_is_moderated() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.complete_participant_session(session_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION private.complete_participant_session(session_id uuid) TO authenticated;

REVOKE ALL ON FUNCTION private.directory_page(after_created_at timestamp with time zone, after_id uuid, page_size integer) FROM PUBLIC;
GRANT ALL ON FUNCTION private.directory_page(after_created_at timestamp with time zone, after_id uuid, page_size integer) TO authenticated;
GRANT ALL ON FUNCTION private.directory_page(after_created_at timestamp with time zone, after_id uuid, page_size integer) TO service_role;

REVOKE ALL ON FUNCTION private.fill_campaign_sessions_tenant() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.fill_participant_track_event() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.fill_session_tenant() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.get_tenant_branding(INOUT slug text, OUT display_name text, OUT tenant_type text, OUT brand_config jsonb, OUT custom_domain text) FROM PUBLIC;
GRANT ALL ON FUNCTION private.get_tenant_branding(INOUT slug text, OUT display_name text, OUT tenant_type text, OUT brand_config jsonb, OUT custom_domain text) TO anon;
GRANT ALL ON FUNCTION private.get_tenant_branding(INOUT slug text, OUT display_name text, OUT tenant_type text, OUT brand_config jsonb, OUT custom_domain text) TO authenticated;
GRANT ALL ON FUNCTION private.get_tenant_branding(INOUT slug text, OUT display_name text, OUT tenant_type text, OUT brand_config jsonb, OUT custom_domain text) TO service_role;

REVOKE ALL ON FUNCTION private.get_tenant_branding_by_domain(domain text, OUT slug text, OUT display_name text, OUT tenant_type text, OUT brand_config jsonb, OUT custom_domain text) FROM PUBLIC;
GRANT ALL ON FUNCTION private.get_tenant_branding_by_domain(domain text, OUT slug text, OUT display_name text, OUT tenant_type text, OUT brand_config jsonb, OUT custom_domain text) TO anon;
GRANT ALL ON FUNCTION private.get_tenant_branding_by_domain(domain text, OUT slug text, OUT display_name text, OUT tenant_type text, OUT brand_config jsonb, OUT custom_domain text) TO authenticated;
GRANT ALL ON FUNCTION private.get_tenant_branding_by_domain(domain text, OUT slug text, OUT display_name text, OUT tenant_type text, OUT brand_config jsonb, OUT custom_domain text) TO service_role;

REVOKE ALL ON FUNCTION private.hold_account() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.hold_owned_communities() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.hold_owned_organizations() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.is_comment_of_blocked(comment_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION private.is_comment_of_blocked(comment_id uuid) TO authenticated;
GRANT ALL ON FUNCTION private.is_comment_of_blocked(comment_id uuid) TO service_role;

REVOKE ALL ON FUNCTION private.is_post_of_blocked(post_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION private.is_post_of_blocked(post_id uuid) TO authenticated;
GRANT ALL ON FUNCTION private.is_post_of_blocked(post_id uuid) TO service_role;

REVOKE ALL ON FUNCTION private.keep_comment_count() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.keep_connection() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.keep_owner_of_community() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.keep_owner_of_organization() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.keep_reaction_count() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.leave_networking_opt_in() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.mark_messages_read(message_ids uuid[]) FROM PUBLIC;
GRANT ALL ON FUNCTION private.mark_messages_read(message_ids uuid[]) TO authenticated;

REVOKE ALL ON FUNCTION private.move_answers() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.my_active_tenant_ids() FROM PUBLIC;
GRANT ALL ON FUNCTION private.my_active_tenant_ids() TO authenticated;
GRANT ALL ON FUNCTION private.my_active_tenant_ids() TO service_role;

REVOKE ALL ON FUNCTION private.my_blocked_user_ids() FROM PUBLIC;
GRANT ALL ON FUNCTION private.my_blocked_user_ids() TO authenticated;
GRANT ALL ON FUNCTION private.my_blocked_user_ids() TO service_role;

REVOKE ALL ON FUNCTION private.my_cohort_ids() FROM PUBLIC;
GRANT ALL ON FUNCTION private.my_cohort_ids() TO authenticated;
GRANT ALL ON FUNCTION private.my_cohort_ids() TO service_role;

REVOKE ALL ON FUNCTION private.my_cohort_ids_ask_for(asked_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION private.my_cohort_ids_ask_for(asked_id uuid) TO authenticated;
GRANT ALL ON FUNCTION private.my_cohort_ids_ask_for(asked_id uuid) TO service_role;

REVOKE ALL ON FUNCTION private.my_cohort_ids_include(asked_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION private.my_cohort_ids_include(asked_id uuid) TO authenticated;
GRANT ALL ON FUNCTION private.my_cohort_ids_include(asked_id uuid) TO service_role;

REVOKE ALL ON FUNCTION private.my_community_ids() FROM PUBLIC;
GRANT ALL ON FUNCTION private.my_community_ids() TO authenticated;
GRANT ALL ON FUNCTION private.my_community_ids() TO service_role;

REVOKE ALL ON FUNCTION private.my_community_ids_ask_for(asked_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION private.my_community_ids_ask_for(asked_id uuid) TO authenticated;
GRANT ALL ON FUNCTION private.my_community_ids_ask_for(asked_id uuid) TO service_role;

REVOKE ALL ON FUNCTION private.my_community_ids_include(asked_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION private.my_community_ids_include(asked_id uuid) TO authenticated;
GRANT ALL ON FUNCTION private.my_community_ids_include(asked_id uuid) TO service_role;

REVOKE ALL ON FUNCTION private.my_enabled_assessments(OUT tenant_id uuid, OUT assessment_type text) FROM PUBLIC;
GRANT ALL ON FUNCTION private.my_enabled_assessments(OUT tenant_id uuid, OUT assessment_type text) TO authenticated;
GRANT ALL ON FUNCTION private.my_enabled_assessments(OUT tenant_id uuid, OUT assessment_type text) TO service_role;

REVOKE ALL ON FUNCTION private.my_event_ids() FROM PUBLIC;
GRANT ALL ON FUNCTION private.my_event_ids() TO authenticated;
GRANT ALL ON FUNCTION private.my_event_ids() TO service_role;

REVOKE ALL ON FUNCTION private.my_event_ids_ask_for(asked_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION private.my_event_ids_ask_for(asked_id uuid) TO authenticated;
GRANT ALL ON FUNCTION private.my_event_ids_ask_for(asked_id uuid) TO service_role;

REVOKE ALL ON FUNCTION private.my_event_ids_include(asked_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION private.my_event_ids_include(asked_id uuid) TO authenticated;
GRANT ALL ON FUNCTION private.my_event_ids_include(asked_id uuid) TO service_role;

REVOKE ALL ON FUNCTION private.my_managed_event_ids() FROM PUBLIC;
GRANT ALL ON FUNCTION private.my_managed_event_ids() TO authenticated;
GRANT ALL ON FUNCTION private.my_managed_event_ids() TO service_role;

REVOKE ALL ON FUNCTION private.my_managed_event_ids_ask_for(asked_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION private.my_managed_event_ids_ask_for(asked_id uuid) TO authenticated;
GRANT ALL ON FUNCTION private.my_managed_event_ids_ask_for(asked_id uuid) TO service_role;

REVOKE ALL ON FUNCTION private.my_managed_event_ids_include(asked_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION private.my_managed_event_ids_include(asked_id uuid) TO authenticated;
GRANT ALL ON FUNCTION private.my_managed_event_ids_include(asked_id uuid) TO service_role;

REVOKE ALL ON FUNCTION private.my_managed_organization_ids() FROM PUBLIC;
GRANT ALL ON FUNCTION private.my_managed_organization_ids() TO authenticated;
GRANT ALL ON FUNCTION private.my_managed_organization_ids() TO service_role;

REVOKE ALL ON FUNCTION private.my_managed_organization_ids_ask_for(asked_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION private.my_managed_organization_ids_ask_for(asked_id uuid) TO authenticated;
GRANT ALL ON FUNCTION private.my_managed_organization_ids_ask_for(asked_id uuid) TO service_role;

REVOKE ALL ON FUNCTION private.my_managed_organization_ids_include(asked_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION private.my_managed_organization_ids_include(asked_id uuid) TO authenticated;
GRANT ALL ON FUNCTION private.my_managed_organization_ids_include(asked_id uuid) TO service_role;

REVOKE ALL ON FUNCTION private.my_moderated_community_ids() FROM PUBLIC;
GRANT ALL ON FUNCTION private.my_moderated_community_ids() TO authenticated;
GRANT ALL ON FUNCTION private.my_moderated_community_ids() TO service_role;

REVOKE ALL ON FUNCTION private.my_newest_usage(p_limit bigint, OUT id uuid, OUT tenant_id uuid, OUT user_id uuid, OUT event_type text, OUT event_data jsonb, OUT tokens_used bigint, OUT model_used text, OUT cost_cents numeric, OUT created_at timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION private.my_newest_usage(p_limit bigint, OUT id uuid, OUT tenant_id uuid, OUT user_id uuid, OUT event_type text, OUT event_data jsonb, OUT tokens_used bigint, OUT model_used text, OUT cost_cents numeric, OUT created_at timestamp with time zone) TO authenticated;

REVOKE ALL ON FUNCTION private.my_organization_ids() FROM PUBLIC;
GRANT ALL ON FUNCTION private.my_organization_ids() TO authenticated;
GRANT ALL ON FUNCTION private.my_organization_ids() TO service_role;

REVOKE ALL ON FUNCTION private.my_organization_ids_ask_for(asked_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION private.my_organization_ids_ask_for(asked_id uuid) TO authenticated;
GRANT ALL ON FUNCTION private.my_organization_ids_ask_for(asked_id uuid) TO service_role;

REVOKE ALL ON FUNCTION private.my_organization_ids_include(asked_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION private.my_organization_ids_include(asked_id uuid) TO authenticated;
GRANT ALL ON FUNCTION private.my_organization_ids_include(asked_id uuid) TO service_role;

REVOKE ALL ON FUNCTION private.my_owned_community_ids() FROM PUBLIC;
GRANT ALL ON FUNCTION private.my_owned_community_ids() TO authenticated;
GRANT ALL ON FUNCTION private.my_owned_community_ids() TO service_role;

REVOKE ALL ON FUNCTION private.my_owned_organization_ids() FROM PUBLIC;
GRANT ALL ON FUNCTION private.my_owned_organization_ids() TO authenticated;
GRANT ALL ON FUNCTION private.my_owned_organization_ids() TO service_role;

REVOKE ALL ON FUNCTION private.my_participant_ids() FROM PUBLIC;
GRANT ALL ON FUNCTION private.my_participant_ids() TO authenticated;
GRANT ALL ON FUNCTION private.my_participant_ids() TO service_role;

REVOKE ALL ON FUNCTION private.my_tenant_ids() FROM PUBLIC;
GRANT ALL ON FUNCTION private.my_tenant_ids() TO authenticated;
GRANT ALL ON FUNCTION private.my_tenant_ids() TO service_role;

REVOKE ALL ON FUNCTION private.my_usage_summary(p_month date, p_tenant_id uuid, OUT tenant_id uuid, OUT event_type text, OUT model_used text, OUT events bigint, OUT tokens_used numeric, OUT cost_cents numeric) FROM PUBLIC;
GRANT ALL ON FUNCTION private.my_usage_summary(p_month date, p_tenant_id uuid, OUT tenant_id uuid, OUT event_type text, OUT model_used text, OUT events bigint, OUT tokens_used numeric, OUT cost_cents numeric) TO authenticated;

REVOKE ALL ON FUNCTION private.record_consent(user_id uuid, category text, previous_value boolean, new_value boolean) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.refresh_benchmark_aggregates(OUT view_name text, OUT refreshed_at timestamp with time zone, OUT error text) FROM PUBLIC;
GRANT ALL ON FUNCTION private.refresh_benchmark_aggregates(OUT view_name text, OUT refreshed_at timestamp with time zone, OUT error text) TO service_role;

REVOKE ALL ON FUNCTION private.reset_comment_count() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.reset_reaction_count() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.set_comment_depth() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.set_networking_opt_in(participant_id uuid, opt_in boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION private.set_networking_opt_in(participant_id uuid, opt_in boolean) TO authenticated;

REVOKE ALL ON FUNCTION private.start_networking_opt_in() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.start_participant_session(session_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION private.start_participant_session(session_id uuid) TO authenticated;

REVOKE ALL ON FUNCTION private.start_post_counters() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.unblock_founder(user_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION private.unblock_founder(user_id uuid) TO authenticated;

REVOKE ALL ON FUNCTION private.unverify_custom_domain() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.update_updated_at_column() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.block_founder(user_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.block_founder(user_id uuid) TO authenticated;

REVOKE ALL ON FUNCTION public.complete_participant_session(session_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.complete_participant_session(session_id uuid) TO authenticated;

REVOKE ALL ON FUNCTION public.directory_page(after_created_at timestamp with time zone, after_id uuid, page_size integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.directory_page(after_created_at timestamp with time zone, after_id uuid, page_size integer) TO authenticated;
GRANT ALL ON FUNCTION public.directory_page(after_created_at timestamp with time zone, after_id uuid, page_size integer) TO service_role;

REVOKE ALL ON FUNCTION public.get_tenant_branding(INOUT slug text, OUT display_name text, OUT tenant_type text, OUT brand_config jsonb, OUT custom_domain text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.get_tenant_branding(INOUT slug text, OUT display_name text, OUT tenant_type text, OUT brand_config jsonb, OUT custom_domain text) TO anon;
GRANT ALL ON FUNCTION public.get_tenant_branding(INOUT slug text, OUT display_name text, OUT tenant_type text, OUT brand_config jsonb, OUT custom_domain text) TO authenticated;
GRANT ALL ON FUNCTION public.get_tenant_branding(INOUT slug text, OUT display_name text, OUT tenant_type text, OUT brand_config jsonb, OUT custom_domain text) TO service_role;

REVOKE ALL ON FUNCTION public.get_tenant_branding_by_domain(domain text, OUT slug text, OUT display_name text, OUT tenant_type text, OUT brand_config jsonb, OUT custom_domain text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.get_tenant_branding_by_domain(domain text, OUT slug text, OUT display_name text, OUT tenant_type text, OUT brand_config jsonb, OUT custom_domain text) TO anon;
GRANT ALL ON FUNCTION public.get_tenant_branding_by_domain(domain text, OUT slug text, OUT display_name text, OUT tenant_type text, OUT brand_config jsonb, OUT custom_domain text) TO authenticated;
GRANT ALL ON FUNCTION public.get_tenant_branding_by_domain(domain text, OUT slug text, OUT display_name text, OUT tenant_type text, OUT brand_config jsonb, OUT custom_domain text) TO service_role;

REVOKE ALL ON FUNCTION public.log_usage_event(p_tenant_id uuid, p_event_type text, p_event_data jsonb, p_user_id uuid, p_tokens_used bigint, p_model_used text, p_cost_cents numeric, p_id uuid, p_created_at timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION public.log_usage_event(p_tenant_id uuid, p_event_type text, p_event_data jsonb, p_user_id uuid, p_tokens_used bigint, p_model_used text, p_cost_cents numeric, p_id uuid, p_created_at timestamp with time zone) TO service_role;

REVOKE ALL ON FUNCTION public.mark_messages_read(message_ids uuid[]) FROM PUBLIC;
GRANT ALL ON FUNCTION public.mark_messages_read(message_ids uuid[]) TO authenticated;

REVOKE ALL ON FUNCTION public.newest_usage(p_limit bigint, OUT id uuid, OUT tenant_id uuid, OUT user_id uuid, OUT event_type text, OUT event_data jsonb, OUT tokens_used bigint, OUT model_used text, OUT cost_cents numeric, OUT created_at timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION public.newest_usage(p_limit bigint, OUT id uuid, OUT tenant_id uuid, OUT user_id uuid, OUT event_type text, OUT event_data jsonb, OUT tokens_used bigint, OUT model_used text, OUT cost_cents numeric, OUT created_at timestamp with time zone) TO authenticated;
GRANT ALL ON FUNCTION public.newest_usage(p_limit bigint, OUT id uuid, OUT tenant_id uuid, OUT user_id uuid, OUT event_type text, OUT event_data jsonb, OUT tokens_used bigint, OUT model_used text, OUT cost_cents numeric, OUT created_at timestamp with time zone) TO service_role;

REVOKE ALL ON FUNCTION public.refresh_benchmark_aggregates(OUT view_name text, OUT refreshed_at timestamp with time zone, OUT error text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.refresh_benchmark_aggregates(OUT view_name text, OUT refreshed_at timestamp with time zone, OUT error text) TO service_role;

GRANT SELECT,DELETE ON TABLE public.wizard_sessions TO authenticated;
GRANT ALL ON TABLE public.wizard_sessions TO service_role;

GRANT INSERT(id) ON TABLE public.wizard_sessions TO authenticated;

GRANT INSERT(user_id) ON TABLE public.wizard_sessions TO authenticated;

GRANT INSERT(event_id),UPDATE(event_id) ON TABLE public.wizard_sessions TO authenticated;

GRANT INSERT(stage),UPDATE(stage) ON TABLE public.wizard_sessions TO authenticated;

GRANT INSERT(status),UPDATE(status) ON TABLE public.wizard_sessions TO authenticated;

GRANT INSERT(state),UPDATE(state) ON TABLE public.wizard_sessions TO authenticated;

REVOKE ALL ON FUNCTION public.save_wizard_session(session_id uuid, patch jsonb, stage integer, status text, removed text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION public.save_wizard_session(session_id uuid, patch jsonb, stage integer, status text, removed text[]) TO authenticated;
GRANT ALL ON FUNCTION public.save_wizard_session(session_id uuid, patch jsonb, stage integer, status text, removed text[]) TO service_role;

REVOKE ALL ON FUNCTION public.set_networking_opt_in(participant_id uuid, opt_in boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION public.set_networking_opt_in(participant_id uuid, opt_in boolean) TO authenticated;

REVOKE ALL ON FUNCTION public.start_participant_session(session_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.start_participant_session(session_id uuid) TO authenticated;

REVOKE ALL ON FUNCTION public.unblock_founder(user_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.unblock_founder(user_id uuid) TO authenticated;

REVOKE ALL ON FUNCTION public.update_wizard_session_timestamp() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.usage_summary(p_month date, p_tenant_id uuid, OUT tenant_id uuid, OUT event_type text, OUT model_used text, OUT events bigint, OUT tokens_used numeric, OUT cost_cents numeric) FROM PUBLIC;
GRANT ALL ON FUNCTION public.usage_summary(p_month date, p_tenant_id uuid, OUT tenant_id uuid, OUT event_type text, OUT model_used text, OUT events bigint, OUT tokens_used numeric, OUT cost_cents numeric) TO authenticated;
GRANT ALL ON FUNCTION public.usage_summary(p_month date, p_tenant_id uuid, OUT tenant_id uuid, OUT event_type text, OUT model_used text, OUT events bigint, OUT tokens_used numeric, OUT cost_cents numeric) TO service_role;

REVOKE ALL ON FUNCTION public.verify_custom_domain(tenant_id uuid, domain text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.verify_custom_domain(tenant_id uuid, domain text) TO service_role;

REVOKE ALL ON FUNCTION public.withdraw_networking_opt_in() FROM PUBLIC;

GRANT SELECT,DELETE ON TABLE public.cohort_members TO authenticated;
GRANT ALL ON TABLE public.cohort_members TO service_role;

GRANT SELECT ON TABLE private.my_cohort_ids_by_id TO authenticated;
GRANT SELECT ON TABLE private.my_cohort_ids_by_id TO service_role;

GRANT SELECT,DELETE ON TABLE public.community_members TO authenticated;
GRANT ALL ON TABLE public.community_members TO service_role;

GRANT INSERT(id) ON TABLE public.community_members TO authenticated;

GRANT INSERT(community_id) ON TABLE public.community_members TO authenticated;

GRANT INSERT(user_id) ON TABLE public.community_members TO authenticated;

GRANT INSERT(role),UPDATE(role) ON TABLE public.community_members TO authenticated;

GRANT SELECT ON TABLE private.my_community_ids_by_id TO authenticated;
GRANT SELECT ON TABLE private.my_community_ids_by_id TO service_role;

GRANT SELECT,DELETE ON TABLE public.events TO authenticated;
GRANT ALL ON TABLE public.events TO service_role;

GRANT INSERT(id) ON TABLE public.events TO authenticated;

GRANT INSERT(organization_id) ON TABLE public.events TO authenticated;

GRANT INSERT(name),UPDATE(name) ON TABLE public.events TO authenticated;

GRANT INSERT(description),UPDATE(description) ON TABLE public.events TO authenticated;

GRANT INSERT(starts_at),UPDATE(starts_at) ON TABLE public.events TO authenticated;

GRANT INSERT(ends_at),UPDATE(ends_at) ON TABLE public.events TO authenticated;

GRANT INSERT(status),UPDATE(status) ON TABLE public.events TO authenticated;

GRANT INSERT(settings),UPDATE(settings) ON TABLE public.events TO authenticated;

GRANT SELECT,DELETE ON TABLE public.organization_members TO authenticated;
GRANT ALL ON TABLE public.organization_members TO service_role;

GRANT INSERT(id) ON TABLE public.organization_members TO authenticated;

GRANT INSERT(organization_id) ON TABLE public.organization_members TO authenticated;

GRANT INSERT(user_id) ON TABLE public.organization_members TO authenticated;

GRANT INSERT(role),UPDATE(role) ON TABLE public.organization_members TO authenticated;

GRANT SELECT ON TABLE private.my_event_ids_by_id TO authenticated;
GRANT SELECT ON TABLE private.my_event_ids_by_id TO service_role;

GRANT SELECT ON TABLE private.my_managed_event_ids_by_id TO authenticated;
GRANT SELECT ON TABLE private.my_managed_event_ids_by_id TO service_role;

GRANT SELECT ON TABLE private.my_managed_organization_ids_by_id TO authenticated;
GRANT SELECT ON TABLE private.my_managed_organization_ids_by_id TO service_role;

GRANT SELECT ON TABLE private.my_organization_ids_by_id TO authenticated;
GRANT SELECT ON TABLE private.my_organization_ids_by_id TO service_role;

GRANT SELECT,DELETE ON TABLE public.consent_preferences TO authenticated;
GRANT ALL ON TABLE public.consent_preferences TO service_role;

GRANT INSERT(id) ON TABLE public.consent_preferences TO authenticated;

GRANT INSERT(user_id) ON TABLE public.consent_preferences TO authenticated;

GRANT INSERT(category) ON TABLE public.consent_preferences TO authenticated;

GRANT INSERT(enabled),UPDATE(enabled) ON TABLE public.consent_preferences TO authenticated;

GRANT SELECT ON TABLE public.investor_readiness_scores TO authenticated;
GRANT ALL ON TABLE public.investor_readiness_scores TO service_role;

GRANT SELECT ON TABLE public.profiles TO authenticated;
GRANT ALL ON TABLE public.profiles TO service_role;

GRANT INSERT(id) ON TABLE public.profiles TO authenticated;

GRANT INSERT(full_name),UPDATE(full_name) ON TABLE public.profiles TO authenticated;

GRANT INSERT(avatar_url),UPDATE(avatar_url) ON TABLE public.profiles TO authenticated;

GRANT INSERT(stage),UPDATE(stage) ON TABLE public.profiles TO authenticated;

GRANT INSERT(industry),UPDATE(industry) ON TABLE public.profiles TO authenticated;

GRANT SELECT ON TABLE public.benchmark_industry_aggregates TO authenticated;
GRANT SELECT ON TABLE public.benchmark_industry_aggregates TO service_role;

GRANT SELECT ON TABLE public.benchmark_stage_aggregates TO authenticated;
GRANT SELECT ON TABLE public.benchmark_stage_aggregates TO service_role;

GRANT SELECT ON TABLE public.participant_sessions TO authenticated;
GRANT ALL ON TABLE public.participant_sessions TO service_role;

GRANT UPDATE(stakeholder_name) ON TABLE public.participant_sessions TO authenticated;

GRANT UPDATE(stakeholder_email) ON TABLE public.participant_sessions TO authenticated;

GRANT UPDATE(client_status) ON TABLE public.participant_sessions TO authenticated;

GRANT SELECT ON TABLE public.campaign_assignments TO authenticated;
GRANT ALL ON TABLE public.campaign_assignments TO service_role;

GRANT UPDATE(stakeholder_name) ON TABLE public.campaign_assignments TO authenticated;

GRANT UPDATE(stakeholder_email) ON TABLE public.campaign_assignments TO authenticated;

GRANT UPDATE(client_status) ON TABLE public.campaign_assignments TO authenticated;

GRANT SELECT,DELETE ON TABLE public.campaigns TO authenticated;
GRANT ALL ON TABLE public.campaigns TO service_role;

GRANT INSERT(id) ON TABLE public.campaigns TO authenticated;

GRANT INSERT(name),UPDATE(name) ON TABLE public.campaigns TO authenticated;

GRANT INSERT(description),UPDATE(description) ON TABLE public.campaigns TO authenticated;

GRANT INSERT(status),UPDATE(status) ON TABLE public.campaigns TO authenticated;

GRANT INSERT(created_by) ON TABLE public.campaigns TO authenticated;

GRANT INSERT(starts_at),UPDATE(starts_at) ON TABLE public.campaigns TO authenticated;

GRANT INSERT(ends_at),UPDATE(ends_at) ON TABLE public.campaigns TO authenticated;

GRANT INSERT(tenant_id) ON TABLE public.campaigns TO authenticated;

GRANT INSERT(assessment_type),UPDATE(assessment_type) ON TABLE public.campaigns TO authenticated;

GRANT INSERT(results_disclosure),UPDATE(results_disclosure) ON TABLE public.campaigns TO authenticated;

GRANT SELECT ON TABLE public.cohorts TO authenticated;
GRANT ALL ON TABLE public.cohorts TO service_role;

GRANT SELECT ON TABLE public.communities TO authenticated;
GRANT ALL ON TABLE public.communities TO service_role;

GRANT INSERT(id) ON TABLE public.communities TO authenticated;

GRANT INSERT(name),UPDATE(name) ON TABLE public.communities TO authenticated;

GRANT INSERT(slug),UPDATE(slug) ON TABLE public.communities TO authenticated;

GRANT INSERT(description),UPDATE(description) ON TABLE public.communities TO authenticated;

GRANT INSERT(created_by) ON TABLE public.communities TO authenticated;

GRANT INSERT(is_private),UPDATE(is_private) ON TABLE public.communities TO authenticated;

GRANT INSERT(is_archived),UPDATE(is_archived) ON TABLE public.communities TO authenticated;

GRANT INSERT(parent_community_id),UPDATE(parent_community_id) ON TABLE public.communities TO authenticated;

GRANT INSERT(tier_required),UPDATE(tier_required) ON TABLE public.communities TO authenticated;

GRANT SELECT,DELETE ON TABLE public.community_profiles TO authenticated;
GRANT ALL ON TABLE public.community_profiles TO service_role;

GRANT INSERT(id) ON TABLE public.community_profiles TO authenticated;

GRANT INSERT(user_id) ON TABLE public.community_profiles TO authenticated;

GRANT INSERT(display_name),UPDATE(display_name) ON TABLE public.community_profiles TO authenticated;

GRANT INSERT(bio),UPDATE(bio) ON TABLE public.community_profiles TO authenticated;

GRANT INSERT(avatar_url),UPDATE(avatar_url) ON TABLE public.community_profiles TO authenticated;

GRANT INSERT(stage),UPDATE(stage) ON TABLE public.community_profiles TO authenticated;

GRANT INSERT(industry),UPDATE(industry) ON TABLE public.community_profiles TO authenticated;

GRANT INSERT(achievements),UPDATE(achievements) ON TABLE public.community_profiles TO authenticated;

GRANT INSERT(visibility_settings),UPDATE(visibility_settings) ON TABLE public.community_profiles TO authenticated;

GRANT SELECT ON TABLE public.consent_audit_log TO authenticated;
GRANT ALL ON TABLE public.consent_audit_log TO service_role;

GRANT SELECT ON TABLE public.engagement_streaks TO authenticated;
GRANT ALL ON TABLE public.engagement_streaks TO service_role;

GRANT SELECT,DELETE ON TABLE public.expert_listings TO authenticated;
GRANT ALL ON TABLE public.expert_listings TO service_role;

GRANT INSERT(id) ON TABLE public.expert_listings TO authenticated;

GRANT INSERT(user_id) ON TABLE public.expert_listings TO authenticated;

GRANT INSERT(expertise_type),UPDATE(expertise_type) ON TABLE public.expert_listings TO authenticated;

GRANT INSERT(title),UPDATE(title) ON TABLE public.expert_listings TO authenticated;

GRANT INSERT(description),UPDATE(description) ON TABLE public.expert_listings TO authenticated;

GRANT INSERT(is_active),UPDATE(is_active) ON TABLE public.expert_listings TO authenticated;

GRANT SELECT,DELETE ON TABLE public.founder_connections TO authenticated;
GRANT ALL ON TABLE public.founder_connections TO service_role;

GRANT INSERT(id) ON TABLE public.founder_connections TO authenticated;

GRANT INSERT(requester_id) ON TABLE public.founder_connections TO authenticated;

GRANT INSERT(recipient_id) ON TABLE public.founder_connections TO authenticated;

GRANT INSERT(status),UPDATE(status) ON TABLE public.founder_connections TO authenticated;

GRANT INSERT(source) ON TABLE public.founder_connections TO authenticated;

GRANT SELECT ON TABLE public.founder_messages TO authenticated;
GRANT ALL ON TABLE public.founder_messages TO service_role;

GRANT INSERT(sender_id) ON TABLE public.founder_messages TO authenticated;

GRANT INSERT(recipient_id) ON TABLE public.founder_messages TO authenticated;

GRANT INSERT(content) ON TABLE public.founder_messages TO authenticated;

GRANT INSERT(metadata) ON TABLE public.founder_messages TO authenticated;

GRANT SELECT,DELETE ON TABLE public.milestones TO authenticated;
GRANT ALL ON TABLE public.milestones TO service_role;

GRANT INSERT(id) ON TABLE public.milestones TO authenticated;

GRANT INSERT(user_id) ON TABLE public.milestones TO authenticated;

GRANT INSERT(title),UPDATE(title) ON TABLE public.milestones TO authenticated;

GRANT INSERT(description),UPDATE(description) ON TABLE public.milestones TO authenticated;

GRANT INSERT(status),UPDATE(status) ON TABLE public.milestones TO authenticated;

GRANT INSERT(due_date),UPDATE(due_date) ON TABLE public.milestones TO authenticated;

GRANT INSERT(completed_at),UPDATE(completed_at) ON TABLE public.milestones TO authenticated;

GRANT SELECT ON TABLE public.organizations TO authenticated;
GRANT ALL ON TABLE public.organizations TO service_role;

GRANT UPDATE(name) ON TABLE public.organizations TO authenticated;

GRANT UPDATE(slug) ON TABLE public.organizations TO authenticated;

GRANT UPDATE(settings) ON TABLE public.organizations TO authenticated;

GRANT SELECT,DELETE ON TABLE public.participant_tracks TO authenticated;
GRANT ALL ON TABLE public.participant_tracks TO service_role;

GRANT INSERT(id) ON TABLE public.participant_tracks TO authenticated;

GRANT INSERT(participant_id),UPDATE(participant_id) ON TABLE public.participant_tracks TO authenticated;

GRANT INSERT(track_id),UPDATE(track_id) ON TABLE public.participant_tracks TO authenticated;

GRANT INSERT(is_primary),UPDATE(is_primary) ON TABLE public.participant_tracks TO authenticated;

GRANT SELECT,DELETE ON TABLE public.participants TO authenticated;
GRANT ALL ON TABLE public.participants TO service_role;

GRANT INSERT(id) ON TABLE public.participants TO authenticated;

GRANT INSERT(event_id) ON TABLE public.participants TO authenticated;

GRANT INSERT(user_id),UPDATE(user_id) ON TABLE public.participants TO authenticated;

GRANT INSERT(first_name),UPDATE(first_name) ON TABLE public.participants TO authenticated;

GRANT INSERT(last_name),UPDATE(last_name) ON TABLE public.participants TO authenticated;

GRANT INSERT(email),UPDATE(email) ON TABLE public.participants TO authenticated;

GRANT INSERT(phone),UPDATE(phone) ON TABLE public.participants TO authenticated;

GRANT INSERT(status),UPDATE(status) ON TABLE public.participants TO authenticated;

GRANT INSERT(is_vip),UPDATE(is_vip) ON TABLE public.participants TO authenticated;

GRANT INSERT(networking_opt_in) ON TABLE public.participants TO authenticated;

GRANT SELECT ON TABLE public.reputation_events TO authenticated;
GRANT ALL ON TABLE public.reputation_events TO service_role;

GRANT SELECT,DELETE ON TABLE public.social_feed_comments TO authenticated;
GRANT ALL ON TABLE public.social_feed_comments TO service_role;

GRANT INSERT(id) ON TABLE public.social_feed_comments TO authenticated;

GRANT INSERT(author_id) ON TABLE public.social_feed_comments TO authenticated;

GRANT INSERT(post_id) ON TABLE public.social_feed_comments TO authenticated;

GRANT INSERT(content),UPDATE(content) ON TABLE public.social_feed_comments TO authenticated;

GRANT INSERT(parent_comment_id) ON TABLE public.social_feed_comments TO authenticated;

GRANT SELECT,DELETE ON TABLE public.social_feed_posts TO authenticated;
GRANT ALL ON TABLE public.social_feed_posts TO service_role;

GRANT INSERT(id) ON TABLE public.social_feed_posts TO authenticated;

GRANT INSERT(author_id) ON TABLE public.social_feed_posts TO authenticated;

GRANT INSERT(post_type),UPDATE(post_type) ON TABLE public.social_feed_posts TO authenticated;

GRANT INSERT(title),UPDATE(title) ON TABLE public.social_feed_posts TO authenticated;

GRANT INSERT(content),UPDATE(content) ON TABLE public.social_feed_posts TO authenticated;

GRANT INSERT(milestone_id),UPDATE(milestone_id) ON TABLE public.social_feed_posts TO authenticated;

GRANT INSERT(metadata),UPDATE(metadata) ON TABLE public.social_feed_posts TO authenticated;

GRANT INSERT(is_public),UPDATE(is_public) ON TABLE public.social_feed_posts TO authenticated;

GRANT SELECT,DELETE ON TABLE public.social_feed_reactions TO authenticated;
GRANT ALL ON TABLE public.social_feed_reactions TO service_role;

GRANT INSERT(id) ON TABLE public.social_feed_reactions TO authenticated;

GRANT INSERT(user_id) ON TABLE public.social_feed_reactions TO authenticated;

GRANT INSERT(post_id) ON TABLE public.social_feed_reactions TO authenticated;

GRANT INSERT(reaction_type) ON TABLE public.social_feed_reactions TO authenticated;

GRANT SELECT ON TABLE public.stakeholder_sessions TO authenticated;
GRANT ALL ON TABLE public.stakeholder_sessions TO service_role;

GRANT UPDATE(stakeholder_name) ON TABLE public.stakeholder_sessions TO authenticated;

GRANT UPDATE(stakeholder_email) ON TABLE public.stakeholder_sessions TO authenticated;

GRANT UPDATE(client_status) ON TABLE public.stakeholder_sessions TO authenticated;

GRANT SELECT ON TABLE public.subcommunity_sponsors TO authenticated;
GRANT ALL ON TABLE public.subcommunity_sponsors TO service_role;

GRANT SELECT,DELETE ON TABLE public.table_assignments TO authenticated;
GRANT ALL ON TABLE public.table_assignments TO service_role;

GRANT INSERT(id) ON TABLE public.table_assignments TO authenticated;

GRANT INSERT(event_id) ON TABLE public.table_assignments TO authenticated;

GRANT INSERT(participant_id),UPDATE(participant_id) ON TABLE public.table_assignments TO authenticated;

GRANT INSERT(table_number),UPDATE(table_number) ON TABLE public.table_assignments TO authenticated;

GRANT INSERT(seat_number),UPDATE(seat_number) ON TABLE public.table_assignments TO authenticated;

GRANT INSERT(is_vip_table),UPDATE(is_vip_table) ON TABLE public.table_assignments TO authenticated;

GRANT INSERT(assigned_by),UPDATE(assigned_by) ON TABLE public.table_assignments TO authenticated;

GRANT INSERT(assigned_at),UPDATE(assigned_at) ON TABLE public.table_assignments TO authenticated;

GRANT INSERT(notes),UPDATE(notes) ON TABLE public.table_assignments TO authenticated;

GRANT SELECT ON TABLE public.tenant_profiles TO authenticated;
GRANT ALL ON TABLE public.tenant_profiles TO service_role;

GRANT UPDATE(display_name) ON TABLE public.tenant_profiles TO authenticated;

GRANT UPDATE(brand_config) ON TABLE public.tenant_profiles TO authenticated;

GRANT UPDATE(email_config) ON TABLE public.tenant_profiles TO authenticated;

GRANT UPDATE(custom_domain) ON TABLE public.tenant_profiles TO authenticated;

GRANT SELECT,DELETE ON TABLE public.tracks TO authenticated;
GRANT ALL ON TABLE public.tracks TO service_role;

GRANT INSERT(id) ON TABLE public.tracks TO authenticated;

GRANT INSERT(event_id) ON TABLE public.tracks TO authenticated;

GRANT INSERT(name),UPDATE(name) ON TABLE public.tracks TO authenticated;

GRANT INSERT(description),UPDATE(description) ON TABLE public.tracks TO authenticated;

GRANT INSERT(color),UPDATE(color) ON TABLE public.tracks TO authenticated;

GRANT INSERT(is_active),UPDATE(is_active) ON TABLE public.tracks TO authenticated;

GRANT INSERT(sort_order),UPDATE(sort_order) ON TABLE public.tracks TO authenticated;

GRANT SELECT ON TABLE public.track_statistics TO authenticated;
GRANT SELECT ON TABLE public.track_statistics TO service_role;

GRANT SELECT ON TABLE public.usage_events TO authenticated;
GRANT ALL ON TABLE public.usage_events TO service_role;
