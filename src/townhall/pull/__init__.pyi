# The public names, each with the module that has it; __init__.py looks up in this file.
from townhall.pull.pulling import Pulled as Pulled
from townhall.pull.pulling import pull as pull

__all__: list[str]
