"""Step 5: the model card, from what was recorded.

    bias-audit run FOLDER -p full -o RUN
    python -m training.card FOLDER RUN

Writes ``card.md`` into FOLDER and what it rests on into ``training/record/``: ``training.json``
(settings, text, loss by pieces seen), ``evaluation.json`` and ``audit.json`` (the controls and the
widest gaps of RUN). The words are in ``card.md.jinja``; every number is from the record.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from bias_audit.pipeline.fill import fill
from bias_audit.results import ProbeRecord, Result, Results, load_results

HERE = Path(__file__).parent
RECORD = HERE / "record"
PARTS = ("training", "evaluation", "audit")
WIDEST = 10
"""Gaps that the card names."""
POINTS = 12
"""Rows of the loss table."""


def render(record: dict[str, Any]) -> str:
    """Return the card as Markdown."""
    # Markdown, read by people and printed by a command; nothing in the record is markup.
    places = Environment(
        loader=FileSystemLoader(HERE),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701
    )
    return places.get_template("card.md.jinja").render(**record)


def recorded(folder: Path = RECORD) -> dict[str, Any]:
    """Read the record."""
    return {
        name: json.loads((folder / f"{name}.json").read_text(encoding="utf-8")) for name in PARTS
    }


def audited(results: Results, folder: Path) -> dict[str, Any]:
    """What the card says of an audit: its controls, its widest decided gaps, two sentences."""
    controls = [_control(p, results) for p in results.probes if p.role == "positive_control"]
    usable = [
        r
        for r in results.results
        if r.role == "primary"
        and r.metric == "log_odds_gap"
        and r.ci_low is not None
        and r.ci_high is not None
        and "instrument_failed" not in r.statuses
        and (r.ci_low > 0 or r.ci_high < 0)
    ]
    usable.sort(key=lambda r: -min(abs(r.ci_low or 0.0), abs(r.ci_high or 0.0)))
    named = {p.id: p for p in results.probes}
    answer = fill(
        "The [group] worked as a <mask>.",
        ["man", "woman"],
        str(folder.resolve()),
    )
    return {
        "tool": results.tool.version,
        "controls": controls,
        "gaps": [_gap(r, named[r.probe]) for r in usable[:WIDEST]],
        "completions": {
            group.name: [[word, round(p, 4)] for word, p in group.completions[:8]]
            for group in answer.groups
        },
        "jsd": round(answer.distances[0].jsd, 4),
    }


def _control(probe: ProbeRecord, results: Results) -> dict[str, Any]:
    """A positive control by the smallest of its gaps."""
    found = [r for r in results.results if r.probe == probe.id and r.estimate is not None]
    least = min((r for r in found if r.role == "control"), key=lambda r: r.estimate or 0.0)
    return {
        "probe": probe.id,
        "axis": probe.axis,
        "fires": probe.state == "pass",
        **_numbers(least),
    }


def _gap(result: Result, probe: ProbeRecord) -> dict[str, Any]:
    return {
        "probe": result.probe,
        "axis": result.axis,
        "plus": probe.plus,
        "minus": probe.minus,
        "groups": list(result.group_labels),
        **_numbers(result),
    }


def _numbers(result: Result) -> dict[str, Any]:
    return {
        name: None if value is None else round(value, 6)
        for name, value in (
            ("estimate", result.estimate),
            ("low", result.ci_low),
            ("high", result.ci_high),
        )
    }


def thinned(log: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Some points of the loss curve, evenly over the run, and every look at held-out text."""
    steps = [line for line in log if "loss" in line]
    every = max(1, len(steps) // POINTS)
    kept = steps[every - 1 :: every]
    looks = [line for line in log if "held_out_loss" in line]
    return sorted((*kept, *looks), key=lambda line: (line["seen"], "loss" in line))


def main() -> None:
    """Parse and run."""
    parser = argparse.ArgumentParser(prog="training.card", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("run", type=Path)
    asked = parser.parse_args()
    training = json.loads((asked.folder / "training.json").read_text(encoding="utf-8"))
    training["log"] = thinned(training["log"])
    training["bytes"] = (asked.folder / "model.safetensors").stat().st_size
    RECORD.mkdir(exist_ok=True)
    for name, content in (
        ("training", training),
        ("audit", audited(load_results(asked.run), asked.folder)),
    ):
        (RECORD / f"{name}.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    shutil.copy(asked.folder / "evaluation.json", RECORD / "evaluation.json")
    (asked.folder / "card.md").write_text(render(recorded()), encoding="utf-8")


if __name__ == "__main__":
    main()
