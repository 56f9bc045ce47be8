"""``bias-audit plan``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from bias_audit.cli._options import Place

if TYPE_CHECKING:
    from bias_audit._subjects import LeftOut
    from bias_audit.results import Comparison

HELP = """How many sentences and words would decide a gate, by simulation.

RUN is a run folder, a results.json, or audit-runs/latest: its components of variance are used.
RESULT is a result, a probe or a glob of them; without it, the result with the widest interval.
Without RUN, assumed components are used, and named. Needs no model; the exit code is 0.

\b
Examples:
  bias-audit plan
  bias-audit plan audit-runs/latest
  bias-audit plan audit 'occupation-*' --margin 0.3 --templates 12,24,48
  bias-audit plan audit --baseline main --json
"""
LEAST_TEMPLATES, MOST_UNITS = 6, 400


class Numbers(click.ParamType):  # type: ignore[type-arg,unused-ignore]
    """Whole numbers, comma-separated."""

    name = "N,N"

    def __init__(self, least: int) -> None:
        self.least = least

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        """Read the value of a flag.

        Raises:
            UsageError: it holds anything else.
        """
        from bias_audit.errors import UsageError

        try:
            found = tuple(int(part) for part in str(value).split(","))
        except ValueError:
            found = ()
        if not found or not all(self.least <= number <= MOST_UNITS for number in found):
            flag = param.opts[0] if param is not None else "the option"
            raise UsageError(
                f"expected {flag} as numbers from {self.least} to {MOST_UNITS}, got '{value}'",
                hint=f"{flag} 8,12,16",
            )
        return found


@click.command(help=HELP)
@click.argument("run", type=Place(), required=False)
@click.argument("result", nargs=-1)
@click.option(
    "--margin",
    type=click.FloatRange(min=0, min_open=True, max=100),
    help="Largest accepted gap and rise, nats.  [default: of the run's gates, else the margin]",
)
@click.option(
    "--templates", type=Numbers(LEAST_TEMPLATES), help="Sentences.  [default: 8,12,16,24]"
)
@click.option(
    "--words", type=Numbers(1), help="Words in each group, or pairs.  [default: 4,8,16,32]"
)
@click.option(
    "--targets", type=Numbers(2), help="Words in both poles.  [default: those of the run]"
)
@click.option("--baseline", help="Also plan for the rise over this baseline or run.")
@click.option("--baselines", type=Place(), help="Folder of the baselines.")
@click.option("--json", is_flag=True, help="Print JSON.")
def plan(
    run: Path | None,
    result: tuple[str, ...],
    margin: float | None,
    templates: tuple[int, ...] | None,
    words: tuple[int, ...] | None,
    targets: tuple[int, ...] | None,
    baseline: str | None,
    baselines: Path | None,
    json: bool,
) -> int:
    """Plan the size of an audit."""
    from bias_audit import sizing
    from bias_audit._subjects import assumed, subjects
    from bias_audit.errors import UsageError
    from bias_audit.render import sizes
    from bias_audit.results import load_results, locate

    lost: list[LeftOut] = []
    if run is None:
        if baseline is not None:
            raise UsageError("--baseline needs a RUN to pair with", hint="bias-audit plan RUN")
        found = [assumed(margin, targets[0] if targets else None)]
    else:
        comparison = None if baseline is None else _compared(run, baseline, baselines)
        stored = load_results(locate(run))
        found, lost = subjects(stored, result, limit=margin, comparison=comparison)
    plans = [
        sizing.plan(
            subject,
            templates=templates or sizing.TEMPLATES,
            words=words or (),
            targets=targets or (),
        )
        for subject in found
    ]
    click.echo((sizes.as_json if json else sizes.text)(plans, lost), nl=False)
    return 0


def _compared(run: Path, baseline: str, folder: Path | None) -> Comparison:
    """The run beside a baseline by its name, or beside another run."""
    from bias_audit.comparing import BASELINE, compare

    named = baseline.startswith(BASELINE) or not Path(baseline).exists()
    name = baseline if baseline.startswith(BASELINE) or not named else f"{BASELINE}{baseline}"
    return compare(name, run, folder=folder).record
