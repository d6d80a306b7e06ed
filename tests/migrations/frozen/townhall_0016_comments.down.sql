DROP TABLE IF EXISTS social_feed_comments;

drop function if exists private.move_answers();

drop function if exists private.set_comment_depth();

drop function if exists private.reset_comment_count();

drop function if exists private.keep_comment_count();
