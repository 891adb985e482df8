"""The configuration of Sphinx.

The build needs no network, and the pages load nothing from one: formulas are MathML,
fonts come with the theme, and no inventory of another project is used.
"""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

os.environ.pop("SKVISION_DATA", None)  # the gallery looks the same on every machine

import skvision

project = "skvision"
author = "the skvision developers"
version = release = skvision.__version__
project_copyright = author

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "myst_parser",
    "sphinx_gallery.gen_gallery",
    "docstrings",
    "mathml",
    "offline",
    "public_names",
]
templates_path = ["_templates"]
exclude_patterns = ["_build", "gallery/**/*.md5"]
default_role = "py:obj"
highlight_language = "python"

# Names of skvision in docstrings must exist; other names are shown as code.
nitpicky = True
nitpick_ignore_regex = [("py:.*", r"(?!skvision\.).*")]

autosummary_generate = True
toc_object_entries_show_parents = "hide"
autodoc_typehints = "none"  # numpydoc's sections have more
numpydoc_show_class_members = False  # the page of a class has its methods in full

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "gallery",
    "filename_pattern": "/plot_",
    "ignore_pattern": r"(^|/)(?!plot_)\w+\.py$",  # long scripts, which other pages name
    "within_subsection_order": "gallery_order.place",
    "doc_module": ("skvision",),
    "reference_url": {"skvision": None},
    "backreferences_dir": "gallery/backreferences",
    "abort_on_example_error": True,
    "download_all_examples": False,
    "show_signature": False,
    "write_computation_times": False,
    "plot_gallery": "True",
}

html_theme = "pydata_sphinx_theme"
html_title = "skvision"
html_static_path = ["_static"]
html_css_files = ["skvision.css"]
html_math_renderer = "mathml"
html_sidebars = {
    page: [] for page in ("index", "results", "peers", "contributing", "changelog")
}
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "logo": {"text": "skvision"},
    "navbar_align": "left",
    "header_links_before_dropdown": 7,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "show_toc_level": 2,
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
