"""The package as users meet it: public names, light imports, contents of the wheel."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from ruamel.yaml import YAML

import bias_audit

ROOT = Path(__file__).parents[1]


def test_public_names_are_a_list() -> None:
    assert bias_audit.__all__ == [
        "Audit",
        "BiasAuditError",
        "Cache",
        "Engine",
        "FakeBackend",
        "FileError",
        "FillResult",
        "ModelLoadError",
        "NothingToAuditError",
        "ProbeCatalogue",
        "RunComparison",
        "ScoringError",
        "Settings",
        "UnknownNameError",
        "UsageError",
        "__version__",
        "audit",
        "compare",
        "fill",
        "gate",
        "open_backend",
    ]
    for name in bias_audit.__all__:
        assert getattr(bias_audit, name) is not None
    assert callable(bias_audit.audit)
    assert callable(bias_audit.fill)
    with pytest.raises(AttributeError, match="nothing"):
        _ = bias_audit.nothing


def loaded_after(code: str) -> set[str]:
    program = f"{code}\nimport sys, json; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


HEAVY = {"torch", "transformers", "matplotlib", "pandas", "scipy", "jinja2"}


def test_help_and_lists_start_without_heavy_packages() -> None:
    lines = ["--help", "run --help", "fill --help", "probes list", "probes --help"]
    code = (
        "import contextlib, io, sys\n"
        "from bias_audit.cli.app import run\n"
        f"for line in {lines!r}:\n"
        "    with contextlib.redirect_stdout(io.StringIO()):\n"
        "        assert run(line.split()) == 0, line\n"
        f"    assert not {HEAVY!r} & {{*sys.modules}}, line"
    )
    assert "bias_audit.cli.app" in loaded_after(code)


def test_a_stored_audit_renders_without_torch_and_pandas() -> None:
    code = (
        "from bias_audit.results import load_results\n"
        "from bias_audit.reports import render\n"
        "assert render(load_results('reports/sample'), 'html')"
    )
    assert not {"torch", "transformers", "pandas"} & loaded_after(code)


def tracked(*folders: str) -> set[str]:
    done = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", *folders],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    return {name for name in done.stdout.split("\0") if name and (ROOT / name).is_file()}


@pytest.mark.slow
def test_the_wheel_holds_what_is_tracked_and_nothing_else(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "-o", str(tmp_path)]
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        found = {name for name in archive.namelist() if ".dist-info/" not in name}
        info = {name.split("/", 1)[1] for name in archive.namelist() if ".dist-info/" in name}
    package = tracked("bias_audit")
    data = {
        f"bias_audit/_data/{name}" for name in tracked("templates", "probes", "reports", "schemas")
    }
    assert found == package | data
    assert {"licenses/LICENSE", "licenses/NOTICE"} <= info
    assert wheel.stat().st_size < 30_000_000


def test_data_folders_hold_no_code() -> None:
    names = tracked("templates", "probes", "reports")
    assert names
    assert not [name for name in names if name.endswith((".py", ".pkl", ".so"))]


def test_the_readme_and_the_package_agree() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "<!-- first command -->" in readme
    assert "<!-- second command -->" in readme
    assert len(readme.splitlines()) < 150
    assert "masked language model" not in readme.replace("masked and causal language models", "")
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert "torch==2.13.0" in pins
    assert not [pin for pin in pins if "+cpu" in pin or "://" in pin or "@" in pin]


def test_the_version_stands_in_one_place() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    assert project["project"]["dynamic"] == ["version"]
    place = project["tool"]["hatch"]["version"]["path"]
    assert f'__version__ = "{bias_audit.__version__}"\n' in (ROOT / place).read_text("utf-8")
    changes = (ROOT / "CHANGELOG.md").read_text("utf-8")
    newest = next(line for line in changes.splitlines() if line.startswith("## "))
    assert newest.split()[1] == bias_audit.__version__


def test_the_citation_names_the_present_version_and_ships() -> None:
    citation = YAML(typ="safe").load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert citation["version"] == bias_audit.__version__
    assert {"cff-version", "message", "title", "authors"} <= set(citation)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    ships = project["tool"]["hatch"]["build"]["targets"]["sdist"]["only-include"]
    assert {"CITATION.cff", "SECURITY.md", "CHANGELOG.md"} <= set(ships)
