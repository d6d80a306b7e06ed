"""Tests of ``townhall pull``."""
