"""The first files of an application."""
