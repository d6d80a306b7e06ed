"""How differences are written into a revision."""
