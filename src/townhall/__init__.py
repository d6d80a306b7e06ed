"""The PostgreSQL data layer for products that bring people together."""
