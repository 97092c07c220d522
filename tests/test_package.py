"""The package as a whole: what an import costs, its public names, and what is shipped."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

import refra

ROOT = Path(__file__).parents[1]
FOLDERS = {"refra": ROOT / "package/refra", **{f"refra.{name}": ROOT / name for name in ("model", "data", "inference")}}
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
HEAVY = ("pgmpy", "matplotlib", "torch", "pyagrum", "networkx", "scipy", "jax", "numpyro")


def run(code: str) -> str:
    found = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False, timeout=120)
    assert found.returncode == 0, found.stderr
    assert found.stderr == ""
    return found.stdout.strip()


def test_import_is_silent_and_light() -> None:
    assert run(f"import refra, sys; print([name for name in {(*HEAVY, 'pandas', 'numpy')} if name in sys.modules])") == "[]"


def test_an_answer_needs_none_of_the_heavy_libraries() -> None:
    code = "import refra, sys; refra.assess({'current_drug': 'adalimumab', 'crp': 22}, draws=0); refra.query('ada', draws=0); "
    assert run(f"{code} print([name for name in {HEAVY} if name in sys.modules])") == "[]"


def test_public_names_resolve_once_asked_for() -> None:
    assert set(refra.__all__) >= {"Patient", "assess", "query", "network", "__version__"}
    assert len(set(refra.__all__)) == len(refra.__all__)
    for name in refra.__all__:
        assert getattr(refra, name) is getattr(refra, name)
        assert name in dir(refra)
    namespace: dict[str, Any] = {}
    exec("from refra import *", namespace)
    assert set(refra.__all__) <= set(namespace)


@pytest.mark.parametrize("name", [name for name in refra.__all__ if not name.startswith("__")])
def test_public_names_are_documented(name: str) -> None:
    value = getattr(refra, name)
    assert inspect.getdoc(value)
    # A docstring of its own, not one that comes from a parent class.
    assert value.__doc__
    if inspect.isclass(value):
        for member, content in vars(value).items():
            if not member.startswith("_") and (inspect.isfunction(content) or isinstance(content, (property, classmethod))):
                assert inspect.getdoc(content), f"{name}.{member}"


def test_an_unknown_name_says_what_there_is() -> None:
    with pytest.raises(AttributeError, match=r"no attribute 'asses'; it has .*assess.*query"):
        _ = refra.asses
    assert not hasattr(refra, "nothing_of_the_kind")


def test_the_version_is_that_of_the_project() -> None:
    assert refra.__version__ == SETTINGS["project"]["version"]
    assert re.fullmatch(r"\d+\.\d+\.\d+", refra.__version__)


def on_disk() -> set[str]:
    """Every folder of the four that holds modules or data, as a package name."""
    found = set()
    for package, folder in FOLDERS.items():
        for path in (folder, *folder.rglob("*")):
            if not path.is_dir() or path.name == "__pycache__":
                continue
            if any(child.suffix in (".py", ".csv", ".yaml") for child in path.iterdir() if child.is_file()):
                found.add(".".join([package, *path.relative_to(folder).parts]))
    return found


def test_the_list_of_packages_is_what_is_on_disk() -> None:
    listed = SETTINGS["tool"]["setuptools"]["packages"]
    assert len(listed) == len(set(listed))
    assert set(listed) == on_disk()


def test_all_data_are_shipped() -> None:
    patterns = SETTINGS["tool"]["setuptools"]["package-data"]
    assert set(patterns) <= set(SETTINGS["tool"]["setuptools"]["packages"])
    for package, folder in FOLDERS.items():
        for path in folder.rglob("*"):
            if not path.is_file() or path.suffix in (".py", ".pyc"):
                continue
            owner = ".".join([package, *path.relative_to(folder).parts[:-1]])
            assert any(path.match(pattern) for pattern in patterns.get(owner, [])), path


def sources() -> list[Path]:
    return [path for folder in FOLDERS.values() for path in folder.rglob("*.py")]


def test_modules_stay_inside_the_package() -> None:
    assert len(sources()) > 30
    for path in sources():
        text = path.read_text(encoding="utf-8")
        assert "../shared" not in text, path
        assert not re.search(r"^\s*(from|import)\s+(model|data|inference)\b", text, flags=re.MULTILINE), path
        assert not re.search(r"/(home|tmp|work)/", text), path


def test_modules_are_short_enough_to_read() -> None:
    for path in sources():
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 400, path


def test_no_import_name_but_refra_is_claimed() -> None:
    directories = SETTINGS["tool"]["setuptools"]["package-dir"]
    assert {name.split(".")[0] for name in directories} == {"refra"}
    assert {name: ROOT / path for name, path in directories.items()} == FOLDERS
    assert (ROOT / "package/refra/py.typed").is_file()
