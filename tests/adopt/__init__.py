"""Tests of townhall.adopt."""
