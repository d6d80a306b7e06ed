"""What differs between what is declared and what a database has."""
