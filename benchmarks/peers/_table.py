"""What was measured, as one table."""

from __future__ import annotations

from typing import Any

OURS = "this package"
HALF = "this package, bfloat16"
TITLES = {
    "crows": "CrowS-Pairs, sum over shared pieces",
    "pll": "pseudo-log-likelihood, sum",
    "pll_l2r": "the same, within words from left to right",
    "aul": "AUL",
    "aula": "AULA",
    "fill": "fill-mask, top 5",
}
ALIKE = {"crows": 1e-3, "pll": 1e-4, "pll_l2r": 1e-4, "aul": 1e-5, "aula": 1e-5, "fill": 1e-6}
"""How far the float32 scores of two tools may be apart."""
GOALS = {
    ("crows", "fastest other"): 2.3,
    ("crows", "original script"): 4.0,
    ("crows", HALF): 7.0,
    ("aul", "fastest other"): 2.0,
    ("fill", "pipeline, one by one"): 4.0,
    ("fill", "pipeline, batches of 32"): 1.8,
}


def apart(one: list[Any], other: list[Any]) -> float:
    """Largest difference between two tools' scores."""
    flat = [
        [x for score in scores for x in (score if isinstance(score, list) else [score])]
        for scores in (one, other)
    ]
    return max((abs(a - b) for a, b in zip(*flat, strict=True)), default=0.0)


def decisions(one: list[Any], other: list[Any]) -> int:
    """Pairs that two tools decide differently."""
    if not one or not isinstance(one[0], list):
        return 0
    return sum((a[0] > a[1]) != (b[0] > b[1]) for a, b in zip(one, other, strict=True))


def table(report: dict[str, Any]) -> str:
    """Costs and agreement, task by task."""
    lines = [
        f"{report['inputs']['pairs']} pairs ({report['inputs']['source']}), "
        f"{report['inputs']['prompts']} prompts; one thread; {report['machine']}",
        "CPU s: seconds of the scoring process, loading left out; slower: than this package in "
        "float32;",
        "apart: largest difference of a score from ours; other: pairs decided differently",
    ]
    head = f"  {'':<26}{'CPU s':>9}{'slower':>9}{'peak MB':>9}{'apart':>10}{'other':>7}"
    for task, title in TITLES.items():
        found = report["tasks"].get(task)
        if not found:
            continue
        lines += ["", title, head, *_rows(task, found)]
    lines += ["", *_goals(report["tasks"])]
    if report.get("floor"):
        lines += ["", *_floor(report["floor"])]
    if report.get("growth"):
        lines += ["", *_growth(report["growth"])]
    return "\n".join([*lines, "", *(f"note: {note}" for note in report["notes"])]).rstrip()


def _rows(task: str, found: dict[str, Any]) -> list[str]:
    ours = found.get(OURS)
    lines = []
    for tool, run in sorted(found.items(), key=lambda entry: entry[1]["cpu_s"]):
        ratio = f"{run['cpu_s'] / ours['cpu_s']:>8.2f}x" if ours else f"{'':>9}"
        gap, others = run.get("apart"), run.get("decided_otherwise")
        beyond = gap is not None and gap > ALIKE[task] and tool != HALF
        mark = " !" if beyond else ""
        shown = f"{'':>10}{'':>7}" if gap is None else f"{gap:>10.1e}{others:>7}"
        lines.append(f"  {tool:<26}{run['cpu_s']:>9.2f}{ratio}{run['peak_mb']:>9.0f}{shown}{mark}")
    return lines


def _goals(tasks: dict[str, Any]) -> list[str]:
    lines = ["goals"]
    for (task, rival), goal in GOALS.items():
        found = tasks.get(task, {})
        others = {tool: run for tool, run in found.items() if tool not in (OURS, HALF)}
        if task == "crows":
            others.pop("original script", None) if rival != "original script" else None
        if rival in (HALF, "fastest other"):
            mine = found.get(HALF if rival == HALF else OURS)
            theirs = min((run["cpu_s"] for run in others.values()), default=None)
        else:
            mine, theirs = found.get(OURS), found.get(rival, {}).get("cpu_s")
        if mine is None or theirs is None:
            continue
        ratio = theirs / mine["cpu_s"]
        name = f"{HALF} against the fastest other" if rival == HALF else f"against {rival}"
        state = "met" if ratio >= goal else "missed"
        lines.append(f"  {TITLES[task]}, {name}: {ratio:.2f}x, goal {goal:.1f}x, {state}")
    return lines


def _floor(floor: dict[str, Any]) -> list[str]:
    lines = [f"bare forward passes at {floor['gflops']:.0f} GFLOP/s"]
    for task, seconds in floor["seconds"].items():
        spent = floor["spent"].get(task)
        if spent is not None:
            lines.append(
                f"  {task}: floor {seconds:.1f} s, ours {spent:.1f} s: {spent / seconds:.2f}x"
            )
    return lines


def _growth(growth: dict[str, list[dict[str, float]]]) -> list[str]:
    lines = ["growth (AUL): sentences, CPU s, CPU ms a sentence, peak MB"]
    for tool, runs in growth.items():
        lines.append(f"  {tool}")
        for run in runs:
            each = 1e3 * run["cpu_s"] / run["sentences"]
            cost = f"{run['cpu_s']:>10.2f}{each:>9.2f}{run['peak_mb']:>8.0f}"
            lines.append(f"    {run['sentences']:>7,.0f}{cost}")
    return lines
