"""Every public kernel against its definition; also run without compilation."""

import ast
import importlib
import inspect
import pkgutil

import numba
import numpy as np
import pytest

from skvision import _kernels
from skvision._kernels import reference

MODULES = {
    name: importlib.import_module(f"skvision._kernels.{name}")
    for _, name, _ in pkgutil.iter_modules(_kernels.__path__)
    if name != "reference"
}


def public_functions(module):
    """Return the functions that a module defines, compiled or not."""
    return {
        name: value
        for name, value in vars(module).items()
        if callable(value)
        and not name.startswith("_")
        and not inspect.isclass(value)
        and getattr(value, "__module__", None) == module.__name__
    }


KERNELS = {
    f"{module_name}.{name}": kernel
    for module_name, module in MODULES.items()
    for name, kernel in public_functions(module).items()
}


def inputs_of(full_name):
    """Return the function of that name in the table of inputs, or None."""
    module_name, name = full_name.split(".")
    try:
        table = importlib.import_module(f"kernels.inputs.{module_name}")
    except ModuleNotFoundError:
        return None
    return getattr(table, name, None)


def callable_from_python(kernel):
    """Return a kernel that compiled code calls if Python cannot call it itself."""
    if numba.config.DISABLE_JIT or hasattr(kernel, "py_func"):
        return kernel
    return numba.njit(lambda *arguments: kernel(*arguments))


def parameters_of(function):
    parameters = inspect.signature(getattr(function, "py_func", function)).parameters
    return [name for name in parameters if name != "typingctx"]


def outputs(case, function, names):
    """Call a function with a case; return what is compared."""
    with np.errstate(divide="ignore", invalid="ignore"):
        returned = function(*case.arguments)
    arguments = dict(zip(names, case.arguments, strict=False))
    if case.outputs is not None:
        return case.outputs(returned, arguments)
    kept = {name: a for name, a in arguments.items() if name not in case.scratch}
    return {"returned": returned, **kept}


def assert_equal(got, expected, case, path=""):
    if isinstance(expected, dict):
        assert got.keys() == expected.keys()
        for key, value in expected.items():
            assert_equal(got[key], value, case, f"{path} {key}")
    elif isinstance(expected, tuple):
        assert len(got) == len(expected)
        for i, value in enumerate(expected):
            assert_equal(got[i], value, case, f"{path} {i}")
    elif expected is None:
        assert got is None
    elif case.rtol or case.atol:
        np.testing.assert_allclose(
            got, expected, rtol=case.rtol, atol=case.atol, err_msg=path
        )
    else:
        np.testing.assert_array_equal(got, expected, err_msg=path)


@pytest.mark.parametrize("full_name", KERNELS)
def test_kernel_is_what_its_reference_says(full_name):
    kernel = KERNELS[full_name]
    definition = getattr(reference, full_name.split(".")[1], None)
    assert definition is not None, f"{full_name} has no definition in reference.py"
    cases = inputs_of(full_name)
    assert cases is not None, f"{full_name} has no inputs in tests/kernels/inputs"
    names = parameters_of(kernel)
    assert names == parameters_of(definition)
    compiled = callable_from_python(kernel)
    n_cases = 0
    for mine, its in zip(
        cases(np.random.default_rng(0)), cases(np.random.default_rng(0)), strict=True
    ):
        path = f"case {n_cases} of {full_name}:"
        expected = outputs(its, definition, names)
        assert_equal(outputs(mine, compiled, names), expected, mine, path)
        n_cases += 1
    assert n_cases > 0


def test_kernels_are_found():
    assert {"byte_sums.l1", "distances.distance", "hog.hog", "updates.adam"} <= {
        *KERNELS
    }
    names = [name.split(".")[1] for name in KERNELS]
    assert len(names) == len(set(names)), "two kernels have one name"


def test_every_definition_and_every_input_has_its_kernel():
    assert {*public_functions(reference)} <= {name.split(".")[1] for name in KERNELS}
    for module_name, module in MODULES.items():
        if public_functions(module):
            table = importlib.import_module(f"kernels.inputs.{module_name}")
            unknown = {*public_functions(table)} - {*public_functions(module)}
            assert not unknown


def test_reference_imports_numpy_and_constants_only():
    tree = ast.parse(inspect.getsource(reference))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            assert [alias.name for alias in node.names] == ["numpy"]
        elif isinstance(node, ast.ImportFrom):
            assert all(alias.name.isupper() for alias in node.names)
