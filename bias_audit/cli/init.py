"""``bias-audit init``."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from bias_audit.cli.output import say
from bias_audit.utils.install_source import find_install_source

JOBS = {
    "github": ("github.yml", ".github/workflows/bias-audit.yml"),
    "gitlab": ("gitlab.yml", ".gitlab/bias-audit.gitlab-ci.yml"),
    "jenkins": ("jenkins.groovy", "Jenkinsfile.bias-audit"),
}
"""CI systems: the shipped job, and where a repository keeps it."""
_SOURCE = "bias-audit==@VERSION@"
_MONTHS = 90
"""Days that the waiver of the example holds."""

HELP = """Write a configuration, a waiver file and, with --ci, a CI job to start from.

They go into the working folder. Nothing is overwritten: if one of the files is there already, none
is written.

\b
Examples:
  bias-audit init
  bias-audit init --ci github
"""

NEXT = """\
Next:
  bias-audit run                 measure the model and judge it by the gates
  bias-audit baseline accept audit-runs/latest --name main --reason "First audit"
                                 then a gate may say 'against: baseline:main'
  edit {config}           the model, the probes and the limits; each line says what it does
"""
NEXT_JOB = {
    "github": "  commit {job}: it runs for every pull request",
    "gitlab": "  add to .gitlab-ci.yml:  include: [{{local: {job}}}]",
    "jenkins": "  make a pipeline job with the script path {job}, or copy its stage",
}


@click.command(help=HELP)
@click.option("--ci", type=click.Choice(list(JOBS)), help="Also a CI job.")
def init(ci: str | None) -> int:
    """Write files to start from."""
    here = Path.cwd()
    written = [str(path.relative_to(here)) for path in start(here, ci)]
    for name in written:
        say(f"wrote {name}")
    say(*NEXT.format(config=written[0]).splitlines())
    if ci is not None:
        source = find_install_source()
        say(*NEXT_JOB[ci].format(job=written[-1]).split("\n"))
        say(f"  the job installs {source.requirement} ({source.meaning})")
    return 0


def starters(ci: str | None = None) -> dict[str, str]:
    """The files by their place in the repository."""
    from bias_audit.config import NAME, WAIVERS

    source = find_install_source().requirement
    shipped = {NAME: NAME, WAIVERS: WAIVERS}
    if ci is not None:
        name, place = JOBS[ci]
        shipped[place] = name
    folder = Path(__file__).parents[1] / "starters"
    words = {_SOURCE: source, **_of_today()}
    texts = {place: (folder / name).read_text("utf-8") for place, name in shipped.items()}
    for word, value in words.items():
        texts = {place: text.replace(word, value) for place, text in texts.items()}
    return texts


def _of_today() -> dict[str, str]:
    """What the shipped files leave open: the core probes, and a day that a waiver may end on."""
    from datetime import timedelta

    from bias_audit.probes.catalogue import ProbeCatalogue
    from bias_audit.utils.clock import today

    probes = "".join(f"  - {name}\n" for name in ProbeCatalogue().select())
    return {"@PROBES@\n": probes, "@UNTIL@": (today() + timedelta(days=_MONTHS)).isoformat()}


def start(folder: Path, ci: str | None = None) -> list[Path]:
    """Write the files into a folder; when one cannot be written, none is left.

    Raises:
        UsageError: a file is there already, a job would stand where its CI system does not look,
            or a file cannot be written.
    """
    from bias_audit.errors import UsageError
    from bias_audit.utils.files import write_atomic

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
    from bias_audit.errors import UsageError

    above = next((p for p in folder.resolve().parents if (p / ".git").exists()), None)
    if above is not None and not (folder / ".git").exists():
        raise UsageError(
            "--ci writes a job that is found at the root of the repository only",
            hint=f"run it in {above}, or leave --ci out",
        )
