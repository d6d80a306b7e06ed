DROP TABLE IF EXISTS social_feed_reactions;

drop function if exists private.reset_reaction_count();

drop function if exists private.keep_reaction_count();
