"""Configuration of Sphinx."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent / "_extensions"))

project = "townhall"
author = "The townhall authors"
project_copyright = "2026, The townhall authors"

extensions = [
    "myst_parser",
    "attributes",
    "constants",
    "reading",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
]
exclude_patterns = ["_build", "_extensions", "examples"]
smartquotes_action = "qe"  # an option keeps its two hyphens
html_theme = "furo"
html_title = "townhall"
html_static_path = ["_static"]
html_css_files = ["reading.css"]
copybutton_exclude = ".linenos, .gp, .go"  # prompts and output are not copied

# Every function, method, attribute and module that the text refers to has an entry. Those of other
# packages have theirs elsewhere, and annotations also name classes that are no part of the API.
nitpicky = True
nitpick_ignore_regex = [("py:(class|exc)", r"(?!townhall\.).*"), ("py:class", r"townhall\..*")]

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_default_options = {"exclude-members": "model_config"}  # Pydantic's
autodoc_typehints = "description"
autodoc_preserve_defaults = True  # as the signature is written

# Attributes of a class are a list in its entry, and no entries of their own.
napoleon_use_ivar = True
