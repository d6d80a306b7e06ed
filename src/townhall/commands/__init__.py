"""The commands of the command line that have no package of their own.

Each is a module with a function of its name and ``add_arguments``, and is loaded only when it is
the command that was given. Beside them are ``shared`` and ``pictures``, for what several commands
have in common, and ``state``, for what ``status`` prints.
"""
