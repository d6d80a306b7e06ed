"""How a run is guarded: its connection, its locks, and the history it belongs to."""
