"""Write the stored runs and their renderings again: ``python -m tests.golden``."""

from __future__ import annotations

import datetime
import tempfile
from pathlib import Path

from bias_audit.backends.fake import FakeBackend
from bias_audit.pipeline.run import audit
from bias_audit.reports import comparison
from bias_audit.results import Results, load_results, normalise, results_text
from tests.datasets import files
from tests.golden import COMPARISON, FOLDER, renderings
from tests.reports import others

NOON = datetime.datetime(2026, 1, 1, 12, tzinfo=datetime.UTC)


def _dataset() -> Results:
    """CrowS-Pairs by the fake model; its clock stands still."""
    with tempfile.TemporaryDirectory() as folder:
        copy = files.write(Path(folder), "crows-pairs")
        run = audit(FakeBackend(), data={"crows-pairs": copy}, now=lambda: NOON).results
    fixed = run.run.model_copy(update={"duration_s": 1.0})
    return run.model_copy(update={"run": fixed})


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")


def main() -> None:
    """Write every file."""
    for name, results in (("audit", load_results(FOLDER / "audit")), ("dataset", _dataset())):
        _write(FOLDER / name / "results.json", results_text(normalise(results)))
    _write(COMPARISON, comparison.render(others.several(), "json"))
    for name, text in renderings():
        _write(FOLDER / name, text)


if __name__ == "__main__":
    main()
