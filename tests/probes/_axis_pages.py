"""The pages in ``docs/axes/``: groups, probes, cards and controls of one axis."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from bias_audit.probes.catalogue import ProbeCatalogue
from bias_audit.probes.probe import Group, Probe
from bias_audit.probes.schema.probe import Groups
from bias_audit.probes.scope import scope, target_scope

MADE = "<!-- Made by 'python -m tests.probes.pages'; change the data files, not this page. -->"
STANDS = {"concept": "the groups", "terms": "exactly these group words"}
AIMS = {"construct": "what the targets stand for", "fixed": "exactly these targets"}


def pages(catalogue: ProbeCatalogue) -> dict[str, str]:
    """Text of every page by its file name."""
    probes = [catalogue.probe(name) for name in catalogue.probe_ids()]
    axes = sorted({probe.spec.axis for probe in probes})
    made = {f"{axis}.md": _page(catalogue, axis, _of(probes, axis)) for axis in axes}
    return made | {"README.md": _index(probes, axes)}


def _of(probes: Iterable[Probe], axis: str) -> list[Probe]:
    return [probe for probe in probes if probe.spec.axis == axis]


def title(axis: str) -> str:
    """An axis as a heading."""
    return axis.replace("-x-", " × ").replace("-", " ").capitalize()


def _index(probes: list[Probe], axes: list[str]) -> str:
    lines = [
        "# Axes",
        "",
        MADE,
        "",
        "One page for each axis: which words stand for the groups, what is asked about them, the",
        "measurement card of every probe, and its controls.",
        "[The catalogue](../catalogue/README.md) shows the sentences.",
        "",
        "| axis | probes | controls | groups |",
        "| --- | --- | --- | --- |",
    ]
    for axis in axes:
        mine = _of(probes, axis)
        asked = [p for p in mine if p.spec.role == "probe"]
        groups = dict.fromkeys(g.label for p in asked for g in p.groups)
        lines.append(
            f"| [{title(axis)}]({axis}.md) | {len(asked)} | {len(mine) - len(asked)} |"
            f" {', '.join(groups)} |"
        )
    return "\n".join(lines) + "\n"


def _page(catalogue: ProbeCatalogue, axis: str, probes: list[Probe]) -> str:
    asked = [probe for probe in probes if probe.spec.role == "probe"]
    controls = [probe for probe in probes if probe.spec.role != "probe"]
    lines = [f"# {title(axis)}", "", MADE, ""]
    if any(probe.spec.sensitive for probe in asked):
        lines += [
            "*Content warning: some probes join these groups with words that hurt.*",
            "",
        ]
    lines += [
        f"All English probes of this axis: `bias-audit run -p axis:{axis}`. Sentences as they are"
        f" scored: [the catalogue](../catalogue/{axis}.md).",
        "",
        "## Groups",
        "",
        *_groups(catalogue, probes),
    ]
    if asked:
        lines += ["## Probes", ""]
        for probe in asked:
            lines += [*_probe(probe), ""]
    if controls:
        lines += ["## Controls", "", *_controls(controls)]
    return "\n".join(lines).rstrip() + "\n"


def _groups(catalogue: ProbeCatalogue, probes: list[Probe]) -> Iterator[str]:
    """The words of every group that a probe of the axis uses, by lexicon."""
    sources: dict[str, dict[str, Group]] = {}
    for probe in probes:
        spec = probe.spec.groups
        name = spec.lexicon if isinstance(spec, Groups) else ""
        for group in (*probe.groups, *probe.extra_groups):
            kept = sources.setdefault(name, {}).get(group.id)
            if kept is None or len(kept.words) < len(group.words):
                sources[name][group.id] = group
    for name, groups in sources.items():
        if name:
            lexicon = catalogue.lexicon(name)
            yield f"**{lexicon.title}** ([{name}](../catalogue/words.md#{name}))."
            yield ""
            yield lexicon.provenance
        else:
            yield "**Written in the probes themselves.**"
        yield ""
        yield "| group | role | words |"
        yield "| --- | --- | --- |"
        for group in groups.values():
            yield f"| {group.label} | {group.role} | {', '.join(_labels(group))} |"
        yield ""


def _labels(group: Group) -> list[str]:
    """Identity words once each, those that communities dispute marked so."""
    found: dict[str, str] = {}
    for word in group.words:
        status = word.entry.status
        mark = f" ({status})" if status in ("disputed", "outdated") else ""
        found.setdefault(word.label, f"{word.label}{mark}")
    return list(found.values())


def _probe(probe: Probe) -> Iterator[str]:
    spec = probe.spec
    folder = "" if Path(probe.file).parent.name == "probes" else "controls/"
    yield f"### {spec.title}"
    yield ""
    file = f"[`{spec.id}`](../../probes/{folder}{spec.id}.yaml)"
    yield f"{file}, version {spec.version}, {spec.language}. {spec.question}"
    yield ""
    yield f"- **Groups**: {', '.join(group.label for group in probe.groups)}."
    if probe.extra_groups:
        yield f"- **Scored beside them**: {', '.join(group.label for group in probe.extra_groups)}."
    if spec.targets.own:
        own = ", ".join(t.word.label for t in probe.targets)
        yield f"- **Targets**: each group's own word: {own}."
    else:
        yield f"- **Poles**: + {probe.plus_name}; − {probe.minus_name}."
    count = len(probe.frames)
    yield f"- **Sentences**: {count}, such as “{_shown(probe)}”."
    yield (
        f"- **Speaks for** {STANDS[scope(probe)]} and {AIMS[target_scope(probe)]};"
        f" margin {spec.margin:.3f} nats."
    )
    controls = [*spec.controls.positive, *spec.controls.negative]
    controls += [f"placebo groups `{spec.controls.placebo}`"] if spec.controls.placebo else []
    said = ", ".join(c if c.startswith("placebo") else f"`{c}`" for c in controls)
    yield f"- **Controls**: {said or 'none'}."
    if spec.card is not None:
        for key, text in spec.card.model_dump().items():
            yield f"- **{key.capitalize()}**: {text}"


def _shown(probe: Probe) -> str:
    return probe.frames[0].template.text.replace("<", "&lt;").replace("[", "\\[")


def _controls(controls: list[Probe]) -> Iterator[str]:
    yield "| control | must | groups | sentences, for example |"
    yield "| --- | --- | --- | --- |"
    for probe in controls:
        spec = probe.spec
        must = "show a gap" if spec.role == "positive_control" else "show nothing"
        groups = ", ".join(group.label for group in probe.groups)
        yield (
            f"| [`{spec.id}`](../../probes/controls/{spec.id}.yaml): {spec.title} | {must} |"
            f" {groups} | {len(probe.frames)}: {_shown(probe)} |"
        )
