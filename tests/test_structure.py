"""The architecture: who imports whom, and what `import skvision` loads."""

import ast
import inspect
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import skvision

PACKAGE = Path(skvision.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))

# Each room and the rooms that it imports, in the order of levels: all stand above it.
ROOMS = {
    "_kernels": set(),
    "_layers": {"_kernels"},
    "_training": {"_kernels", "_layers"},
    "_contract": {"_layers", "_training"},
    "_readers": {"_contract", "_training"},
    "_features": {"_contract", "_kernels", "_training"},
    "_neighbors": {"_contract", "_kernels", "_training"},
    "_linear": {"_contract", "_kernels", "_layers", "_training"},
    "_networks": {"_contract", "_layers", "_training"},
    "augmentation": {"_contract", "_kernels"},
    "datasets": {"_contract", "_readers"},
    "metrics": {"_contract"},
    "schedules": {"_contract", "_training"},
    "model_selection": {"_contract", "_neighbors"},
    "_verification": {"_contract", "metrics"},
    "_recipes": {
        "_contract",
        "_features",
        "_linear",
        "_neighbors",
        "_networks",
        "_readers",
        "_training",
        "augmentation",
        "model_selection",
    },
    "inspection": {"_contract", "metrics", "model_selection"},
    "_model_files": {"_contract"},
    "_app": {
        "_contract",
        "_kernels",
        "_linear",
        "_model_files",
        "_readers",
        "_recipes",
        "_training",
        "datasets",
        "inspection",
    },
    "cli": {"_app", "_contract"},
    "__main__": {"cli"},
}

# Those that say in their docstring what they may import; _app may import all.
PRIVATE_ROOMS = {room for room in ROOMS if room.startswith("_")} - {"_app", "__main__"}

# Each package of others, and the rooms that import it.
OTHERS = {
    "numba": {"_kernels"},
    "llvmlite": {"_kernels"},
    "numpy": ROOMS.keys() - {"schedules", "cli", "__main__"},
    "scipy": ROOMS.keys()
    - {"_kernels", "_readers", "_linear", "_networks", "augmentation", "datasets"}
    - {"schedules", "_verification", "_model_files", "cli", "__main__"},
    "sklearn": ROOMS.keys()
    - {"_kernels", "_layers", "_training", "augmentation", "schedules", "cli"}
    - {"__main__"},
    "joblib": {"_training", "_contract", "_app"},
    "threadpoolctl": {"_training"},
    "pandas": {"_contract", "datasets", "model_selection", "inspection", "_app"},
    "PIL": {"_contract", "_readers", "_recipes", "_app"},
    "pillow_heif": {"_readers"},
    "faiss": {"_neighbors"},
    "matplotlib": {"inspection"},
    "rich": {"_app"},
    "jinja2": {"_app"},
    "markupsafe": {"_app"},
}

# Files that their room depends on, and that must not depend on it.
LOWEST = {
    "_contract/containers.py": set(),
    "_contract/public.py": set(),
    "_contract/warn.py": set(),
    "_contract/images.py": {"containers", "public", "warn"},
}


def names(path):
    return path.relative_to(PACKAGE).as_posix()


def room_of(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


@cache
def parse(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(tree):
    """Return (module, name) of all imports, at the top or within functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, None) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "a relative import"
            yield from ((node.module, alias.name) for alias in node.names)


def imported_rooms(tree):
    """Return the rooms that are imported, and what is imported from skvision itself."""
    for module, name in imported(tree):
        path = module.split(".")
        if path[0] == "skvision" and (path[1:] or name):
            yield path[1] if path[1:] else name


def test_rooms_import_rooms_above_them():
    assert set(ROOMS) == {room_of(path) for path in FILES} - {"__init__"}
    above = set()
    for room, others in ROOMS.items():
        assert others <= above, room
        above.add(room)


@pytest.mark.parametrize("room", ROOMS)
def test_imports_are_those_of_the_table(room):
    paths = [path for path in FILES if room_of(path) == room]
    found = {other for path in paths for other in imported_rooms(parse(path))}
    assert found - {room, "__version__"} == ROOMS[room]


@pytest.mark.parametrize("room", sorted(PRIVATE_ROOMS))
def test_rooms_say_what_they_may_import(room):
    lines = ast.get_docstring(parse(PACKAGE / room / "__init__.py"))
    assert {other for other in ROOMS if f"`{other}`" in lines} == ROOMS[room]


@pytest.mark.parametrize("path", FILES, ids=names)
def test_packages_of_others_are_imported_in_their_rooms(path):
    roots = {module.split(".")[0] for module, _ in imported(parse(path))}
    for root in roots - set(sys.stdlib_module_names) - {"skvision"}:
        assert room_of(path) in OTHERS.get(root, ())


@pytest.mark.parametrize("name", LOWEST)
def test_lowest_files_of_a_room(name):
    modules = {module for module, _ in imported(parse(PACKAGE / name))}
    room = f"skvision.{Path(name).parent.name}"
    ours = {module for module in modules if module.startswith("skvision.")}
    assert ours == {f"{room}.{other}" for other in LOWEST[name]}


@pytest.mark.parametrize("path", FILES, ids=names)
def test_skvision_itself_is_asked_for_its_version_and_place_only(path):
    """Its other names are those of rooms, which are imported by theirs."""
    asked = {
        node.attr
        for node in ast.walk(parse(path))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "skvision"
    }
    assert asked <= {"__version__", "__file__"}


def is_private(name):
    return name is not None and name.startswith("_") and not name.startswith("__")


def bound_names(tree):
    """Yield the names that a file gives to functions, classes and attributes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Name | ast.Attribute):
            if isinstance(node.ctx, ast.Store):
                yield node.id if isinstance(node, ast.Name) else node.attr
        elif isinstance(node, ast.keyword):
            yield node.arg


OURS = {name for path in FILES for name in bound_names(parse(path))}


def private_names_of_others(tree):
    """Yield private names of scikit-learn, and private attributes that are not ours.

    An attribute is whoever's object it belongs to, so those that no file of ours sets
    are taken for scikit-learn's.
    """
    for module, name in imported(tree):
        if module.split(".")[0] == "sklearn":
            yield from filter(is_private, [*module.split("."), name])
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and is_private(node.attr):
            theirs = ast.unparse(node).startswith("sklearn.")
            if theirs or node.attr not in OURS | {"_getframe"}:  # of sys
                yield node.attr


@pytest.mark.parametrize("path", FILES, ids=names)
def test_private_names_of_scikit_learn_are_in_one_file(path):
    if names(path) != "_contract/sklearn_compat.py":
        assert list(private_names_of_others(parse(path))) == []


@pytest.mark.parametrize(
    "code",
    [
        "from sklearn.utils import _safe_indexing",
        "from sklearn.utils._param_validation import Interval",
        "import sklearn.utils._mask as mask",
        "import sklearn.utils\nsklearn.utils._safe_indexing(X, rows)",
        "def f(estimator):\n    from sklearn.base import _fit_context",
        "def fit(self, X):\n    self._validate_params()",
    ],
)
def test_private_names_are_found(code):
    assert list(private_names_of_others(ast.parse(code)))


# Sizes of functions

MOST_LINES, MOST_PARAMETERS = 60, 8

# Public functions, whose parameters are the interface, and their numbers of parameters.
WITH_MORE_PARAMETERS = {
    "gradient_check_estimator": 9,
    "LossLandscapeDisplay.from_estimator": 9,
    "RobustnessDisplay.from_estimator": 10,
    "k_selection_curve": 10,
}


def functions(tree, within=""):
    """Yield the name of each function but constructors, within its class, and its node.

    The parameters of a constructor are the attributes of its class.
    """
    for node in ast.iter_child_nodes(tree):
        name = within
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            name = f"{within}.{node.name}".strip(".")
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            if node.name != "__init__":
                yield name, node
        yield from functions(node, name)


def n_lines(function):
    """Return the number of lines of the body without its docstring."""
    body = function.body[ast.get_docstring(function) is not None :]
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0


def n_parameters(function):
    children = ast.iter_child_nodes(function.args)  # parameters and their defaults
    found = {node.arg for node in children if isinstance(node, ast.arg)}
    return len(found - {"self", "cls"})


def long_functions(tree):
    """Return the functions that do not fit on a screen, with both numbers."""
    numbers = {name: (n_lines(f), n_parameters(f)) for name, f in functions(tree)}
    return {
        name: (lines, parameters)
        for name, (lines, parameters) in numbers.items()
        if lines > MOST_LINES
        or parameters > WITH_MORE_PARAMETERS.get(name, MOST_PARAMETERS)
    }


@pytest.mark.parametrize("path", FILES, ids=names)
def test_functions_fit_on_a_screen(path):
    assert long_functions(parse(path)) == {}


def test_exceptions_are_needed():
    found = {
        name: n_parameters(function)
        for path in FILES
        for name, function in functions(parse(path))
        if name in WITH_MORE_PARAMETERS
    }
    assert found == WITH_MORE_PARAMETERS


def test_long_functions_are_found():
    parameters = ", ".join("abcdefg")
    long = "\n".join(["    x = 0"] * 61)
    code = (
        f"class A:\n"
        f"    def __init__({parameters}, h, i): pass\n"
        f"    def f(self, {parameters}, h): pass\n"
        f"    def g(self, {parameters}, *h, i=0): pass\n"
        f"def outer():\n"
        f"    def inner({parameters}, *, h, **i): pass\n"
        f"def long():\n"
        f"    'Docstring.'\n"
        f"{long}\n"
    )
    assert long_functions(ast.parse(code)) == {
        "A.g": (1, 9),
        "outer.inner": (1, 9),
        "long": (61, 0),
    }


# Rows


def subscripts_of_X(tree):
    """Yield the subscripts of names and attributes ``X``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript):
            value = node.value
            if "X" in (getattr(value, "id", None), getattr(value, "attr", None)):
                yield ast.unparse(node)


@pytest.mark.parametrize(
    "path",
    [path for path in FILES if room_of(path) in {"_training", "_linear", "_networks"}],
    ids=names,
)
def test_training_reads_rows_from_sources_alone(path):
    assert list(subscripts_of_X(parse(path))) == []


@pytest.mark.parametrize("code", ["X[index]", "problem.X[3:5]", "f(self.X[:, 0])"])
def test_subscripts_of_arrays_are_found(code):
    assert list(subscripts_of_X(ast.parse(code)))


# Functions of the engine are given values, not estimators


def conditions(tree):
    """Yield the names of functions that decide whether a method is available."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "available_if":
            yield from map(ast.unparse, node.args)


CONDITIONS = {name for path in FILES for name in conditions(parse(path))}


def attributes_of_estimators(tree):
    """Yield the attributes that functions, not methods, read off an estimator."""
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    for function in functions:
        if function.name in CONDITIONS:
            continue
        for node in ast.walk(function):
            if isinstance(node, ast.Attribute):
                owner = ast.unparse(node.value)
                if owner in {"estimator", "model", "self"}:
                    yield ast.unparse(node)


@pytest.mark.parametrize(
    "path",
    [
        path
        for path in FILES
        if room_of(path) in {"_layers", "_training", "_linear", "_networks"}
    ],
    ids=names,
)
def test_the_engine_reads_no_attributes_of_estimators(path):
    assert list(attributes_of_estimators(parse(path))) == []


def test_attributes_of_estimators_are_found():
    tree = ast.parse("def rate_of(estimator):\n    return estimator.rate")
    assert list(attributes_of_estimators(tree)) == ["estimator.rate"]


# Estimators are asked what `_contract.models` lists, not for their class


def rooms_of_estimators():
    """Return the room of each estimator, and of each class of ours that it inherits."""
    modules = [skvision, *(getattr(skvision, name) for name in skvision.__all__)]
    modules = [module for module in modules if inspect.ismodule(module)]
    things = [getattr(module, name) for module in modules for name in module.__all__]
    defined_in = {
        node.name: room_of(path)
        for path in FILES
        for node in ast.walk(parse(path))
        if isinstance(node, ast.ClassDef)
    }
    return {
        base.__name__: defined_in[base.__name__]
        for thing in things
        if hasattr(thing, "fit")
        for base in inspect.getmro(thing)
        if base.__module__.split(".")[0] == "skvision"
    }


ROOMS_OF_ESTIMATORS = rooms_of_estimators()
OF_NAMED_TUPLES = {"_asdict", "_fields", "_make", "_replace"}  # which are public
ASKING = {"isinstance", "issubclass"}
BY_NAME = {"getattr", "hasattr", "setattr", "delattr"}


def called(node, names):
    named = isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    return named and node.func.id in names and len(node.args) > 1


def classes_asked_for(tree):
    """Yield the names in all questions for the class of an object."""
    for node in ast.walk(tree):
        asked = [node.args[1]] if called(node, ASKING) else []
        asked += [node.cls] if isinstance(node, ast.MatchClass) else []
        for part in (part for thing in asked for part in ast.walk(thing)):
            if isinstance(part, ast.Name | ast.Attribute):
                yield part.id if isinstance(part, ast.Name) else part.attr


def is_own(node, modules):
    """Return whether an object is self, its class, its base class, or a module."""
    name = ast.unparse(node)
    return name in {"self", "cls", "super()", "type(self)"} | modules


def private_attributes_of_others(tree):
    """Yield private attributes of other objects than those that the file defines."""
    modules = {name or module for module, name in imported(tree)}
    own = {*bound_names(tree), *OF_NAMED_TUPLES}
    for node in ast.walk(tree):
        owner, name = None, None
        if isinstance(node, ast.Attribute):
            owner, name = node.value, node.attr
        elif called(node, BY_NAME) and isinstance(node.args[1], ast.Constant):
            owner, name = node.args[0], node.args[1].value
        if is_private(name) and name not in own and not is_own(owner, modules):
            yield name


@pytest.mark.parametrize("path", FILES, ids=names)
def test_no_file_asks_for_the_class_of_an_estimator_of_another_room(path):
    others = {
        name for name, room in ROOMS_OF_ESTIMATORS.items() if room != room_of(path)
    }
    assert others.isdisjoint(classes_asked_for(parse(path)))


@pytest.mark.parametrize("path", FILES, ids=names)
def test_no_file_uses_private_attributes_of_other_objects(path):
    if names(path) != "_contract/sklearn_compat.py":  # those of scikit-learn
        assert list(private_attributes_of_others(parse(path))) == []


def test_estimators_and_their_base_classes_are_found():
    expected = {
        "HOG": "_features",
        "LinearClassifier": "_linear",
        "NetworkClassifier": "_networks",
        "ImageNeighbors": "_neighbors",
        "VerificationThreshold": "_verification",
        "CoarseToFineSearchCV": "model_selection",
        "Estimator": "_contract",
    }
    assert expected.items() <= ROOMS_OF_ESTIMATORS.items()


@pytest.mark.parametrize(
    "code",
    [
        "isinstance(step, HOG)",
        "isinstance(step, Pipeline | hog.HOG)",
        "issubclass(type(step), (HOG, Pipeline))",
        "match step:\n    case HOG(): pass",
    ],
)
def test_questions_for_a_class_are_found(code):
    assert "HOG" in classes_asked_for(ast.parse(code))


@pytest.mark.parametrize(
    "code",
    [
        "model._rows",
        "self.estimator_._rows",
        "model.fit(X, y)._rows",
        "hasattr(model, '_rows')",
    ],
)
def test_private_attributes_are_found(code):
    assert "_rows" in private_attributes_of_others(ast.parse(code))


@pytest.mark.parametrize(
    "code",
    [
        "self._rows",
        "super()._rows()",
        "class A:\n    def _rows(self): return self.copy()._rows",
        "from skvision import rows\nrows._rows(1)",
        "pair._replace(a=1)",
    ],
)
def test_own_private_attributes_may_be_used(code):
    assert list(private_attributes_of_others(ast.parse(code))) == []


# Loading


@cache
def loaded_by(statement):
    code = f"import sys; {statement}; print(*sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    return {name.split(".")[0] for name in result.stdout.split()}


def test_import_loads_nothing_until_a_name_is_used():
    """An interrupt meanwhile is the command line's to tell, and --help is quick."""
    assert loaded_by("import skvision, skvision.cli").isdisjoint(
        {"numpy", "sklearn", "pandas", "PIL", "scipy", "joblib"}
    )


def test_names_load_neither_numba_nor_matplotlib():
    loaded = loaded_by("from skvision import *")
    assert "sklearn" in loaded
    assert loaded.isdisjoint(
        {"numba", "llvmlite", "matplotlib", "rich", "skops", "jinja2"}
    )


def test_import_adds_few_modules_to_those_of_scikit_learn():
    """A stand-in for import time, which a test must not depend on."""
    with_sklearn = loaded_by("import sklearn.pipeline, scipy.optimize, PIL.Image")
    extra = loaded_by("from skvision import *") - with_sklearn
    allowed = {"skvision", "pandas", "dateutil", "six", "pytz", "tzdata"}
    assert {name for name in extra if not name.startswith("_")} - allowed <= set(
        sys.stdlib_module_names
    )


# Names that are loaded when they are used


def test_type_checkers_see_the_names_that_are_loaded():
    listed = set()
    for node in ast.walk(parse(PACKAGE / "__init__.py")):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            listed.update(imported(node))
    files = skvision._FILES
    classes = {(f"skvision.{file}", name) for name, file in files.items()}
    modules = {("skvision", name) for name in skvision.__all__ if name not in files}
    assert listed == classes | modules
    assert {name for _, name in listed} == set(skvision.__all__)
