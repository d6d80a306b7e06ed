DROP TABLE IF EXISTS social_feed_comments;

drop function if exists private.reset_comment_count();

drop function if exists private.keep_comment_count();
