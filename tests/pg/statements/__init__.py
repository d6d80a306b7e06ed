"""The SQL that entities and operations emit, a module per kind."""
