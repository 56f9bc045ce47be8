"""The pages in ``docs/catalogue/``: sentences, words, and sentences as they are scored."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bias_audit.probes.catalogue import ProbeCatalogue
from bias_audit.probes.expand import render, variants
from bias_audit.probes.probe import Probe, Word, needs, words_of
from bias_audit.probes.schema.lexicon import Lexicon, TemplateSet, WordSet
from tests.probes._axis_pages import MADE, title


def pages(catalogue: ProbeCatalogue) -> dict[str, str]:
    """Text of every page by its file name."""
    probes = [catalogue.probe(name) for name in catalogue.probe_ids()]
    sets = [catalogue.template_set(name) for name in catalogue.names("templates")]
    lexicons = [catalogue.lexicon(name) for name in catalogue.names("lexicon")]
    axes = sorted({probe.spec.axis for probe in probes})
    made = {
        f"{axis}.md": _rendered(axis, [p for p in probes if p.spec.axis == axis]) for axis in axes
    }
    made["sentences.md"] = _sentences(sets)
    made["words.md"] = _words(lexicons)
    made["README.md"] = _index(probes, sets, lexicons, axes)
    return made


def _text(lines: Iterable[str]) -> str:
    return "\n".join(lines).rstrip() + "\n"


def _index(
    probes: list[Probe], sets: list[TemplateSet], lexicons: list[Lexicon], axes: list[str]
) -> str:
    asked = [probe for probe in probes if probe.spec.role == "probe"]
    sentences = sum(len(one.templates) for one in sets)
    lines = [
        "# The catalogue",
        "",
        MADE,
        "",
        f"{len(asked)} probes and {len(probes) - len(asked)} controls on {len(axes)} axes,"
        f" {sentences} sentences in {len(sets)} sets, {len(lexicons)} lexicons.",
        "",
        "- [Sentences](sentences.md): every template, as its author wrote it.",
        "- [Words](words.md): every word of every lexicon, with forms and remarks.",
        "- Sentences as they are scored, every template, group word and target of a probe at least"
        " once: " + ", ".join(f"[{title(axis)}]({axis}.md)" for axis in axes) + ".",
        "",
        "| probe | axis | language | groups | sentences | targets |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for probe in asked:
        spec = probe.spec
        lines.append(
            f"| `{spec.id}`: {spec.title} | [{spec.axis}](../axes/{spec.axis}.md) |"
            f" {spec.language} | {len(probe.groups)} | {len(probe.frames)} | {len(probe.targets)} |"
        )
    return _text(lines)


def _sentences(sets: list[TemplateSet]) -> str:
    lines = ["# Sentences", "", MADE, ""]
    for one in sets:
        lines += [f"## {one.id}", "", f"{one.title}. {one.language}, {_number(one)}.", ""]
        lines += [f"1. {_code(template.text)}" for template in one.templates]
        lines.append("")
    return _text(lines)


def _number(one: TemplateSet) -> str:
    return "plural" if one.number == "pl" else "singular"


def _code(text: str) -> str:
    return f"`{text}`"


def _words(lexicons: list[Lexicon]) -> str:
    lines = ["# Words", "", MADE, ""]
    for lexicon in lexicons:
        lines += [
            f"## {lexicon.id}",
            "",
            f"{lexicon.title} ({lexicon.language}). {lexicon.provenance}",
            "",
        ]
        if lexicon.sensitive:
            lines += ["These words hurt; they are in the file and not repeated here.", ""]
            continue
        for name, wordset in lexicon.sets.items():
            lines += [f"- **{name}** ({wordset.role}): {'; '.join(_word_list(lexicon, wordset))}."]
        lines.append("")
    return _text(lines)


def _word_list(lexicon: Lexicon, wordset: WordSet) -> Iterator[str]:
    for word in words_of(wordset, lexicon.heads):
        said = " / ".join(dict.fromkeys(word.forms.values()))
        status = word.entry.status
        yield f"{said} ({status})" if status in ("disputed", "outdated") else said


def _rendered(axis: str, probes: list[Probe]) -> str:
    lines = [
        f"# {title(axis)}: sentences as they are scored",
        "",
        MADE,
        "",
        "The scored word is bold. Every template, group word and target of a probe comes at least"
        " once; `bias-audit probes preview NAME --all` prints all combinations.",
        "",
    ]
    for probe in probes:
        lines += [f"## {probe.spec.id}", "", f"{probe.spec.title}.", ""]
        if _hurts(probe):
            lines += ["The scored words hurt and are left out here.", ""]
        lines += [f"- {line}" for line in _examples(probe)]
        lines.append("")
    return _text(lines)


def _hurts(probe: Probe) -> bool:
    return probe.spec.id.startswith("hurtful")


def _examples(probe: Probe) -> Iterator[str]:
    """Templates, terms and targets in step, each list begun again when it ends."""
    groups = (*probe.groups, *probe.extra_groups)
    terms = [word for group in groups for word in group.words if _fits(probe, word, "group")]
    targets = [t.word for t in probe.targets if _fits(probe, t.word, "target")]
    poles = {t.word.id: t.pole for t in probe.targets}
    frames = probe.frames
    if not terms or not targets:
        return
    for step in range(max(len(frames), len(terms), len(targets))):
        frame = frames[step % len(frames)]
        fillings = variants(frame)
        term, target = terms[step % len(terms)], targets[step % len(targets)]
        by_target = probe.spec.mask == "target"
        beside = {"group": term} if by_target else {"target": target}
        masked = target if by_target else term
        made = render(frame, beside, fillings[step % len(fillings)], masked)
        filler = "…" if _hurts(probe) else made.filler
        pole = poles[target.id].partition(":")[0]
        sign = {"+": "+", "-": "−", "0": "0"}.get(pole, " ")
        yield f"{sign} {made.left}**{filler}**{made.right}".strip()


def _fits(probe: Probe, word: Word, kind: str) -> bool:
    """Say whether a word has every form that the sentences ask of its kind."""
    masked = probe.spec.mask
    groups = [w for group in probe.groups for w in group.words]
    beside = groups if masked == "target" else [t.word for t in probe.targets]
    asked = {form for f in probe.frames for k, form in needs(f, masked, beside) if k == kind}
    return asked <= set(word.forms)
