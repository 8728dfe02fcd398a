"""The project's files as the packaging tests see them."""

import ast
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
PACKAGES = {
    "mrsynth": PROJECT / "MRSynthesis" / "mrsynth",
    "mrsynth_training": PROJECT / "MRSynthesisTraining" / "mrsynth_training",
}


def package_files() -> list[Path]:
    """Every Python file of both packages."""
    return sorted(path for folder in PACKAGES.values() for path in folder.rglob("*.py"))


def python_files() -> list[Path]:
    """Every Python file of the project."""
    folders = ("MRSynthesis", "MRSynthesisTraining", "Resources", "Testing")
    return sorted(path for folder in folders for path in (PROJECT / folder).rglob("*.py"))


def module_name(path: Path) -> str:
    """The dotted name of a package's file."""
    name, folder = next(each for each in PACKAGES.items() if each[1] in path.parents)
    parts = path.relative_to(folder).with_suffix("").parts
    return ".".join((name, *(part for part in parts if part != "__init__")))


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def imported_names(tree: ast.AST) -> Iterator[str]:
    """Modules that are imported anywhere in the tree, in functions too, but not those for type checking alone."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names))
        else:
            yield from imported_names(node)


def imports_at_load(path: Path) -> set[str]:
    """Modules that importing the file imports at once: those outside functions."""
    tree = parsed(path)
    top = [node for node in tree.body if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return set(imported_names(ast.Module(body=top, type_ignores=[])))
