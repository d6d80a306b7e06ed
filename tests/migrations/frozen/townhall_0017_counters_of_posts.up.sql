update public.social_feed_posts as t
set reaction_count =
(select count(*) from public.social_feed_reactions as r where r.post_id = t.id)
, comment_count =
(select count(*) from public.social_feed_comments as c where c.post_id = t.id)
where (t.reaction_count, t.comment_count) is distinct from (
(select count(*) from public.social_feed_reactions as r where r.post_id = t.id)
,
(select count(*) from public.social_feed_comments as c where c.post_id = t.id)
);

update public.social_feed_comments as t
set depth = 1
where t.parent_comment_id is not null and t.depth = 0;
