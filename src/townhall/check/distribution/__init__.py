"""What a distributed engine would refuse of declared tables and entities; without a database."""
