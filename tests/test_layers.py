"""The rules of who may import what, held over every import that stands in the code.

crm ← features ← training ← serving ← pipelines: a package may import what stands to its left.
"""

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LAYERS = ("crm", "features", "training", "serving", "pipelines")
ABOVE_ALL = ("benchmarks", "notebooks", "tests")  # may import every layer, and be imported by none
MAY_IMPORT_MLFLOW = {"training.tracking", "training.registry", "training.pyfunc_model"}
TALK_TO_MLFLOW = {"backtest", "demo", "models", "nightly", "promote", "rollback", "train"}
"""Commands. MLflow takes seconds to load, and so does what draws its pictures: no other command waits for them."""
MAY_READ_ENVIRONMENT = {"pipelines.cli", "pipelines.config"}
ENVIRONMENT = {"environ", "environb", "getenv", "getenvb", "putenv", "unsetenv"}


@dataclass(frozen=True)
class Source:
    """One file: its dotted module name, its text, and whether it is a package's __init__.py."""

    module: str
    text: str
    is_package: bool = False

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, filename=self.module)

    @cached_property
    def imports(self) -> tuple["Import", ...]:
        """Every import, wherever it stands, those by name (`import_module("x")`) among them."""
        return tuple(_imports(self))


@dataclass(frozen=True)
class Import:
    """One imported module. `names` are what is taken from it, with "from module import names"."""

    line: int
    module: str
    names: tuple[str, ...] = ()

    @property
    def package(self) -> str:
        return self.module.partition(".")[0]


@cache
def read(root: Path) -> dict[str, Source]:
    """Every file of the five packages by its module name."""
    sources = {}
    for path in sorted(file for layer in LAYERS for file in (root / layer).rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        is_package = parts[-1] == "__init__"
        module = ".".join(parts[:-1] if is_package else parts)
        sources[module] = Source(module, path.read_text(encoding="utf-8"), is_package)
    return sources


def _imports(source: Source) -> Iterator[Import]:
    for node in ast.walk(source.tree):
        match node:
            case ast.Import(names=names):
                yield from (Import(node.lineno, alias.name) for alias in names)
            case ast.ImportFrom(module=module, names=names, level=level):
                start = _package_at(source, level) if level else ""
                target = ".".join(part for part in (start, module) if part)
                yield Import(node.lineno, target, tuple(alias.name for alias in names))
            case ast.Call(args=[ast.Constant(value=str(module)), *_]) if _imports_by_name(node):
                yield Import(node.lineno, module)


def _imports_by_name(call: ast.Call) -> bool:
    return ast.unparse(call.func).rpartition(".")[2] in {"import_module", "__import__"}


def _package_at(source: Source, level: int) -> str:
    """The package that `level` leading dots mean in this file."""
    parts = source.module.split(".")
    return ".".join(parts[: len(parts) - level + source.is_package])


def against_the_layers(source: Source) -> Iterator[str]:
    """Imports of a package that stands to the right, or of tests, benchmarks, notebooks."""
    own = LAYERS.index(source.module.partition(".")[0])
    forbidden = (*LAYERS[own + 1 :], *ABOVE_ALL)
    for found in source.imports:
        if found.package in forbidden:
            yield f"{source.module}:{found.line} imports {found.module}, which stands above it"


def of_mlflow(source: Source) -> Iterator[str]:
    """Imports of MLflow outside the files that may."""
    if source.module not in MAY_IMPORT_MLFLOW:
        for found in source.imports:
            if found.package == "mlflow":
                yield f"{source.module}:{found.line} imports {found.module}"


def of_the_environment(source: Source) -> Iterator[str]:
    """Readings (and writings) of environment variables outside the files that may."""
    if source.module in MAY_READ_ENVIRONMENT:
        return
    tree = source.tree
    os_names = {
        alias.asname or "os"
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
        if alias.name.partition(".")[0] == "os"
    }
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id=name), attr=attribute) if name in os_names:
                taken = {attribute}
            case ast.ImportFrom(module="os", names=names):
                taken = {alias.name for alias in names}
            case _:
                continue
        if taken & ENVIRONMENT:
            yield f"{source.module}:{node.lineno} reads the environment"


def inside_functions(source: Source) -> Iterator[str]:
    """Imports deferred into a function: they hide circles, and what a file needs."""
    functions = (n for n in ast.walk(source.tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef))
    lines = {
        node.lineno
        for function in functions
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    for line in sorted(lines):
        yield f"{source.module}:{line} imports inside a function"


def circle(sources: Mapping[str, Source]) -> list[str]:
    """The modules of a circle of imports among these files, first and last the same; empty without one."""
    needs = {source.module: set(_modules_imported(source, sources)) - {source.module} for source in sources.values()}
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as error:
        return list(reversed(error.args[1]))
    return []


def _modules_imported(source: Source, sources: Mapping[str, Source]) -> Iterator[str]:
    """What a file imports of `sources`: `from a import b` is a.b where that is a file, else a."""
    for found in source.imports:
        for name in found.names or ("",):
            full = f"{found.module}.{name}"
            if full in sources:
                yield full
            elif found.module in sources:
                yield found.module


def reached_from(module: str, sources: Mapping[str, Source]) -> set[str]:
    """Every file that loading a module loads, itself among them."""
    reached, ahead = set[str](), [module]
    while ahead:
        one = ahead.pop()
        if one not in reached:
            reached.add(one)
            ahead += _modules_imported(sources[one], sources)
    return reached


RULES = (against_the_layers, of_mlflow, of_the_environment, inside_functions)


def _violations(rule, sources: Iterable[Source]) -> list[str]:
    return [violation for source in sources for violation in rule(source)]


@pytest.mark.parametrize("rule", RULES)
def test_the_code_keeps_the_rule(rule):
    assert _violations(rule, read(ROOT).values()) == []


def test_no_circle_of_imports():
    """Between packages the layers forbid it; this holds it between the files of each."""
    assert circle(read(ROOT)) == []


def test_a_command_that_does_not_talk_to_mlflow_does_not_load_it():
    sources = read(ROOT)
    commands = [module for module in sources if module.startswith("pipelines.commands.")]
    reach = {module for module in commands if reached_from(module, sources) & MAY_IMPORT_MLFLOW}
    assert reach == {f"pipelines.commands.{name}" for name in TALK_TO_MLFLOW}


def test_what_is_reached_is_followed_to_its_end():
    texts = {"crm.a": "import crm.b", "crm.b": "from crm import c", "crm.c": "import crm.a", "crm.d": "import crm.a"}
    assert reached_from("crm.a", _sources(texts)) == {"crm.a", "crm.b", "crm.c"}


def test_the_code_is_found():
    assert {module.partition(".")[0] for module in read(ROOT)} == set(LAYERS)
    assert "crm.tables" in read(ROOT)


@pytest.mark.parametrize(
    ("rule", "module", "text"),
    [
        (against_the_layers, "crm.sources.files", "import features.stream"),
        (against_the_layers, "crm.tables", "from pipelines import cli"),
        (against_the_layers, "features.stream", "def f():\n    from training.models import stall"),
        (against_the_layers, "training.models.stall", "import numpy, serving"),
        (against_the_layers, "serving.scoring", "if TYPE_CHECKING:\n    import pipelines.config as c"),
        (against_the_layers, "pipelines.cli", "from tests.conftest import real_data"),
        (against_the_layers, "crm.tables", "import importlib\nimportlib.import_module('features.stream')"),
        (against_the_layers, "crm.tables", "__import__('serving')"),
        (of_mlflow, "training.backtest", "import mlflow"),
        (of_mlflow, "serving.scoring", "from mlflow.tracking import MlflowClient"),
        (of_mlflow, "pipelines.train", "class A:\n    import mlflow.pyfunc as p"),
        (of_the_environment, "crm.tables", "import os\nos.environ['A']"),
        (of_the_environment, "crm.tables", "import os as o\no.getenv('A')"),
        (of_the_environment, "crm.tables", "import os.path\nx = dict(os.environ)"),
        (of_the_environment, "crm.tables", "from os import environ as e"),
        (inside_functions, "pipelines.cli", "def f():\n    import json"),
        (inside_functions, "pipelines.cli", "class A:\n    async def f(self):\n        from a import b"),
    ],
)
def test_a_violation_is_found(rule, module, text):
    assert len(_violations(rule, [Source(module, text)])) == 1


@pytest.mark.parametrize(
    ("rule", "module", "text"),
    [
        (against_the_layers, "serving.scoring", "import crm, numpy\nfrom training.models import stall"),
        (against_the_layers, "crm.tables", "import crmx, features_of_others\nfrom crm import errors"),
        (of_mlflow, "training.tracking", "import mlflow"),
        (of_mlflow, "training.backtest", "from training import tracking"),
        (of_the_environment, "pipelines.config", "import os\nos.environ['A']"),
        (of_the_environment, "crm.tables", "import os\nos.replace(a.environ, b)\nself.os.environ"),
        (inside_functions, "pipelines.cli", "try:\n    import pyspark\nexcept ImportError:\n    ..."),
    ],
)
def test_what_is_allowed_is_let_through(rule, module, text):
    assert _violations(rule, [Source(module, text)]) == []


def _sources(texts: Mapping[str, str]) -> dict[str, Source]:
    packages = {module.rpartition(".")[0] for module in texts}
    return {module: Source(module, text, is_package=module in packages) for module, text in texts.items()}


@pytest.mark.parametrize(
    "texts",
    [
        {"crm.a": "import crm.b", "crm.b": "from crm.c import x", "crm.c": "from crm import a"},
        {"crm.a": "def f():\n    import crm.b", "crm.b": "import crm.a"},
        {"crm": "from crm.a import x", "crm.a": "from crm import x"},
        {"crm.s": "", "crm.s.a": "from .b import x", "crm.s.b": "from . import a"},
        {"crm.s": "from .a import x", "crm.s.a": "from ..b import x", "crm.b": "from crm.s import x"},
    ],
)
def test_a_circle_is_found(texts):
    found = circle(_sources(texts))
    assert len(found) > 2
    assert found[0] == found[-1]


@pytest.mark.parametrize(
    "texts",
    [
        {"crm.a": "import crm.b, crm.c", "crm.b": "import crm.c", "crm.c": "import json"},
        {"crm": "from crm.a import x", "crm.a": "from crm import b", "crm.b": ""},
        {"crm.s": "from crm.s.a import x", "crm.s.a": "from crm.s.b import x", "crm.s.b": ""},
    ],
)
def test_no_circle_is_made_up(texts):
    assert circle(_sources(texts)) == []
