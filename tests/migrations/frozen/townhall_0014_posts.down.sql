DROP TABLE IF EXISTS social_feed_posts;

drop function if exists private.start_post_counters();
