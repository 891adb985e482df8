"""The reference: a page for every name in ``__all__`` of skvision and its modules."""

import inspect
from pathlib import Path

import skvision

# autosummary looks for this file on disk
INDEX = Path(__file__).parents[1] / "api" / "index.rst"


def public_names():
    """Return the names of each public module, by the name of the module."""
    modules = {
        name: module
        for name in skvision.__all__
        if inspect.ismodule(module := getattr(skvision, name))
    }
    return {"skvision": [name for name in skvision.__all__ if name not in modules]} | {
        module.__name__: module.__all__ for module in modules.values()
    }


def index_page():
    """Return the page that lists all public names."""
    lines = ["API reference", "=============", ""]
    for module, names in public_names().items():
        lines += [module, "-" * len(module), "", f".. automodule:: {module}"]
        lines += ["   :no-members:", ""]
        lines += [".. autosummary::", "   :toctree: generated", "   :nosignatures:", ""]
        lines += [f"   {name}" for name in names]
        lines += [""]
    return "\n".join(lines)


def write_index(app, config):
    """Write the index page before autosummary reads it, if it has changed."""
    page = index_page()
    if not INDEX.is_file() or INDEX.read_text(encoding="utf-8") != page:
        INDEX.parent.mkdir(exist_ok=True)
        INDEX.write_text(page, encoding="utf-8")


def is_ours(member):
    """Return whether a method is defined in skvision, and is not inherited."""
    function = getattr(member, "__func__", member)  # of a class method
    home = getattr(function, "__module__", None) or ""
    return inspect.isfunction(function) and home.startswith("skvision.")


def name_inherited(app, what, name, member, options, lines):
    """Add a list of the methods that a class inherits from scikit-learn."""
    if what == "class":
        inherited = [
            f"``{attribute}``"
            for attribute, method in inspect.getmembers_static(member)
            if not attribute.startswith("_")
            and callable(method)
            and not is_ours(method)
        ]
        if inherited:
            lines += ["", f"Inherited from scikit-learn: {', '.join(inherited)}.", ""]


def skip_inherited(app, what, name, member, skip, options):
    """Skip inherited methods, and properties, which are listed under Attributes."""
    return True if what == "class" and not is_ours(member) else None


def resolve_bare_name(app, env, node, contnode):
    """Resolve `HOG` as `skvision.HOG`, because docstrings use the short name."""
    target = node.get("reftarget", "")
    if node.get("refdomain") != "py" or target not in skvision.__all__:
        return None
    domain = env.domains["py"]
    return domain.resolve_xref(
        env, node["refdoc"], app.builder, "obj", f"skvision.{target}", node, contnode
    )


def setup(app):
    """Connect the functions above to the events of Sphinx."""
    app.connect("config-inited", write_index)
    app.connect("autodoc-skip-member", skip_inherited)
    app.connect("autodoc-process-docstring", name_inherited, priority=600)
    app.connect("missing-reference", resolve_bare_name)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
