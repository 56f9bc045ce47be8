"""What ``bias-audit init`` writes: a configuration, a waiver file and a CI job, all or none."""

from __future__ import annotations

from pathlib import Path

from bias_audit import __version__
from bias_audit.config import NAME, WAIVERS
from bias_audit.errors import UsageError
from bias_audit.utils.files import write_atomic

JOBS = {
    "github": ("github.yml", ".github/workflows/bias-audit.yml"),
    "gitlab": ("gitlab.yml", ".gitlab/bias-audit.gitlab-ci.yml"),
    "jenkins": ("jenkins.groovy", "Jenkinsfile.bias-audit"),
}
"""CI systems: the shipped job, and where a repository keeps it."""
_VERSION = "@VERSION@"


def starters(ci: str | None = None) -> dict[str, str]:
    """The files by their place in the repository."""
    shipped = {NAME: NAME, WAIVERS: WAIVERS}
    if ci is not None:
        name, place = JOBS[ci]
        shipped[place] = name
    folder = Path(__file__).parent / "starters"
    return {
        place: (folder / name).read_text(encoding="utf-8").replace(_VERSION, __version__)
        for place, name in shipped.items()
    }


def start(folder: Path, ci: str | None = None) -> list[Path]:
    """Write the files into a folder; when one cannot be written, none is left.

    Raises:
        UsageError: a file is there already, a job would stand where its CI system does not look,
            or a file cannot be written.
    """
    if ci is not None:
        _require_root(folder)
    wanted = {folder / place: text for place, text in starters(ci).items()}
    taken = [str(path.relative_to(folder)) for path in wanted if path.exists() or path.is_symlink()]
    if taken:
        raise UsageError(
            f"{', '.join(taken)}: here already, and nothing is overwritten",
            hint="move it away, or run 'bias-audit init' in another folder",
        )
    written: list[Path] = []
    try:
        for path, text in wanted.items():
            write_atomic(path, text)
            written.append(path)
    except BaseException:
        for path in written:
            path.unlink(missing_ok=True)
        raise
    return written


def _require_root(folder: Path) -> None:
    """CI systems read their jobs at the root of a repository only; below it they see nothing."""
    above = next((p for p in folder.resolve().parents if (p / ".git").exists()), None)
    if above is not None and not (folder / ".git").exists():
        raise UsageError(
            "--ci writes a job that is found at the root of the repository only",
            hint=f"run it in {above}, or leave --ci out",
        )
