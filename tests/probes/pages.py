"""Write what is made from the data files: ``python -m tests.probes.pages``.

Pages in ``docs/axes/`` and ``docs/catalogue/``, the schemas in ``schemas/``, and the line by which
editors find the schema in every data file. ``test_pages.py`` holds them current.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from bias_audit.probes.expand import render, variants
from bias_audit.probes.json_schema import FILES, MODELINE, schema_of
from bias_audit.probes.probe import Group, Probe, Word, needs, words_of
from bias_audit.probes.schema.lexicon import Lexicon
from bias_audit.probes.schema.probe import Groups
from bias_audit.probes.scope import has_words_of_this_kind, scope
from tests.probes.shipped import CATALOGUE, IDS, probe

ROOT = Path(__file__).parents[2]
KIND = re.compile(r"^kind: *(\w+)", re.MULTILINE)
MADE = "<!-- Made by 'python -m tests.probes.pages'; change the data files, not this page. -->"
SCOPES = {
    "concept": "the groups",
    "terms": "exactly these group words",
}
TARGETS = {True: "these targets and others of their kind", False: "exactly these targets"}
SIGNS = {"+": "+", "-": "−", "0": "0"}


def page(title: str, *parts: str | Iterable[str]) -> str:
    """A page of paragraphs; a part that is not text is a list of lines."""
    texts = [part if isinstance(part, str) else "\n".join(part) for part in parts]
    return "\n\n".join([f"# {title}", MADE, *(text.rstrip() for text in texts if text)]) + "\n"


def table(*rows: Iterable[object]) -> Iterator[str]:
    """A table; the first row is its head."""
    head, *body = ([str(cell) for cell in row] for row in rows)
    for cells in (head, ["---"] * len(head), *body):
        yield f"| {' | '.join(cells)} |"


def heading(axis: str) -> str:
    return axis.replace("-x-", " × ").replace("-", " ").capitalize()


def by_axis() -> dict[str, list[Probe]]:
    axes: dict[str, list[Probe]] = {}
    for name in IDS:
        axes.setdefault(probe(name).spec.axis, []).append(probe(name))
    return dict(sorted(axes.items()))


def of_role(probes: Iterable[Probe], is_probe: bool = True) -> list[Probe]:
    return [one for one in probes if (one.spec.role == "probe") == is_probe]


def labels(groups: Iterable[Group]) -> str:
    return ", ".join(group.label for group in groups)


def with_status(text: str, word: Word) -> str:
    """A word, marked where communities dispute it."""
    status = word.entry.status
    return f"{text} ({status})" if status in ("disputed", "outdated") else text


def file_link(one: Probe) -> str:
    folder = "" if Path(one.file).parent.name == "probes" else "controls/"
    return f"[`{one.spec.id}`](../../probes/{folder}{one.spec.id}.yaml)"


def example(one: Probe) -> str:
    return one.frames[0].template.text.replace("<", "&lt;").replace("[", "\\[")


# docs/axes: groups, probes, cards and controls of one axis


def axes_index() -> str:
    rows = [("axis", "probes", "controls", "groups")]
    for axis, probes in by_axis().items():
        judged = of_role(probes)
        groups = ", ".join(dict.fromkeys(g.label for one in judged for g in one.groups))
        link = f"[{heading(axis)}]({axis}.md)"
        rows.append((link, len(judged), len(probes) - len(judged), groups))
    intro = (
        "One page for each axis: which words stand for the groups, what is asked about them, the\n"
        "measurement card of every probe, and its controls.\n"
        "[The catalogue](../catalogue/README.md) shows the sentences."
    )
    return page("Axes", intro, table(*rows))


def axis_page(axis: str, probes: list[Probe]) -> str:
    judged, controls = of_role(probes), of_role(probes, False)
    warning = "*Content warning: some probes join these groups with words that hurt.*"
    intro = (
        f"All English probes of this axis: `bias-audit run -p axis:{axis}`. Sentences as they are"
        f" scored: [the catalogue](../catalogue/{axis}.md)."
    )
    parts: list[str | Iterable[str]] = [
        warning if any(one.spec.sensitive for one in judged) else "",
        intro,
        "## Groups",
        *word_tables(probes),
    ]
    if judged:
        parts.append("## Probes")
    for one in judged:
        question = f"{file_link(one)}, version {one.spec.version}, {one.spec.language}."
        parts += [f"### {one.spec.title}", f"{question} {one.spec.question}", facts(one)]
    if controls:
        rows = [("control", "must", "groups", "sentences, for example")]
        for one in controls:
            must = "show a gap" if one.spec.role == "positive_control" else "show nothing"
            name = f"{file_link(one)}: {one.spec.title}"
            rows.append((name, must, labels(one.groups), f"{len(one.frames)}: {example(one)}"))
        parts += ["## Controls", table(*rows)]
    return page(heading(axis), *parts)


def word_tables(probes: list[Probe]) -> Iterator[str | Iterable[str]]:
    """The words of every group that a probe of the axis uses, by lexicon."""
    sources: dict[str, dict[str, Group]] = {}
    for one in probes:
        name = one.spec.groups.lexicon if isinstance(one.spec.groups, Groups) else ""
        groups = sources.setdefault(name, {})
        for group in (*one.groups, *one.extra_groups):
            if group.id not in groups or len(groups[group.id].words) < len(group.words):
                groups[group.id] = group
    for name, groups in sources.items():
        if name:
            lexicon = CATALOGUE.lexicon(name)
            yield f"**{lexicon.title}** ([{name}](../catalogue/words.md#{name}))."
            yield lexicon.provenance
        else:
            yield "**Written in the probes themselves.**"
        rows = [("group", "role", "words")]
        for group in groups.values():
            words: dict[str, str] = {}
            for word in group.words:
                words.setdefault(word.label, with_status(word.label, word))
            rows.append((group.label, group.role, ", ".join(words.values())))
        yield table(*rows)


def facts(one: Probe) -> Iterator[str]:
    spec = one.spec
    yield f"- **Groups**: {labels(one.groups)}."
    if one.extra_groups:
        yield f"- **Scored beside them**: {labels(one.extra_groups)}."
    if spec.targets.own:
        own = ", ".join(target.word.label for target in one.targets)
        yield f"- **Targets**: each group's own word: {own}."
    else:
        yield f"- **Poles**: + {one.plus_name}; − {one.minus_name}."
    yield f"- **Sentences**: {len(one.frames)}, such as “{example(one)}”."
    claims = SCOPES[scope(one)] + " and " + TARGETS[has_words_of_this_kind(one)]
    margins = f"{spec.margins.nats:.3f} nats, {spec.margins.sd:g} sd"
    yield f"- **Speaks for** {claims}; margins {margins}."
    controls = [f"`{name}`" for name in (*spec.controls.positive, *spec.controls.negative)]
    controls += [f"placebo groups `{spec.controls.placebo}`"] if spec.controls.placebo else []
    yield f"- **Controls**: {', '.join(controls) or 'none'}."
    for key, text in spec.card.model_dump().items() if spec.card else ():
        yield f"- **{key.capitalize()}**: {text}"


# docs/catalogue: sentences, words, and sentences as they are scored


def catalogue_index() -> str:
    judged = of_role(map(probe, IDS))
    axes, sets, lexicons = by_axis(), CATALOGUE.names("templates"), CATALOGUE.names("lexicon")
    count = sum(len(CATALOGUE.template_set(name).templates) for name in sets)
    intro = (
        f"{len(judged)} probes and {len(IDS) - len(judged)} controls on {len(axes)} axes,"
        f" {count} sentences in {len(sets)} sets, {len(lexicons)} lexicons."
    )
    chapters = (
        "- [Sentences](sentences.md): every template, as its author wrote it.",
        "- [Words](words.md): every word of every lexicon, with forms and remarks.",
        "- Sentences as they are scored, every template, group word and target of a probe at least"
        f" once: {', '.join(f'[{heading(axis)}]({axis}.md)' for axis in axes)}.",
    )
    rows = [("probe", "axis", "language", "groups", "sentences", "targets")]
    for one in judged:
        spec = one.spec
        names = (f"`{spec.id}`: {spec.title}", f"[{spec.axis}](../axes/{spec.axis}.md)")
        rows.append((*names, spec.language, len(one.groups), len(one.frames), len(one.targets)))
    return page("The catalogue", intro, chapters, table(*rows))


def sentences_page() -> str:
    parts: list[str | Iterable[str]] = []
    for name in CATALOGUE.names("templates"):
        one = CATALOGUE.template_set(name)
        number = "plural" if one.number == "pl" else "singular"
        parts += [f"## {one.id}", f"{one.title}. {one.language}, {number}."]
        parts.append(f"1. `{template.text}`" for template in one.templates)
    return page("Sentences", *parts)


def words_page() -> str:
    parts: list[str | Iterable[str]] = []
    for lexicon in map(CATALOGUE.lexicon, CATALOGUE.names("lexicon")):
        intro = f"{lexicon.title} ({lexicon.language}). {lexicon.provenance}"
        parts += [f"## {lexicon.id}", intro]
        hurts = "These words hurt; they are in the file and not repeated here."
        parts.append(hurts if lexicon.sensitive else word_lists(lexicon))
    return page("Words", *parts)


def word_lists(lexicon: Lexicon) -> Iterator[str]:
    for name, wordset in lexicon.sets.items():
        words = words_of(wordset, lexicon.heads)
        texts = [with_status(" / ".join(dict.fromkeys(w.forms.values())), w) for w in words]
        yield f"- **{name}** ({wordset.role}): {'; '.join(texts)}."


def scored_page(axis: str, probes: list[Probe]) -> str:
    intro = (
        "The scored word is bold, or the label of the whole sentence. Every template, group word"
        " and target of a probe comes at least once;"
        " `bias-audit probes preview NAME --all` prints all combinations."
    )
    parts: list[str | Iterable[str]] = [intro]
    for one in probes:
        hurts = "The scored words hurt and are left out here." if is_hurtful(one) else ""
        parts += [f"## {one.spec.id}", f"{one.spec.title}.", hurts]
        parts.append(f"- {line}" for line in scored_sentences(one))
    return page(f"{heading(axis)}: sentences as they are scored", *parts)


def is_hurtful(one: Probe) -> bool:
    return one.spec.id.startswith("hurtful")


def scored_sentences(one: Probe) -> Iterator[str]:
    """Templates, terms and targets in step, each list begun again when it ends."""
    groups = (*one.groups, *one.extra_groups)
    terms = [word for group in groups for word in group.words if fits(one, word, "group")]
    targets = [target for target in one.targets if fits(one, target.word, "target")]
    steps = max(len(one.frames), len(terms), len(targets)) if terms and targets else 0
    for step in range(steps):
        frame = one.frames[step % len(one.frames)]
        fillings = variants(frame)
        term, target = terms[step % len(terms)], targets[step % len(targets)]
        by_target = one.spec.mask == "target"
        context = {"group": term} if by_target else {"target": target.word}
        masked = None if one.spec.labels else target.word if by_target else term
        text = render(frame, context, fillings[step % len(fillings)], masked)
        filler = "…" if is_hurtful(one) else text.filler
        sign = SIGNS.get(target.pole.partition(":")[0], " ")
        if one.spec.labels is not None:
            yield f"{text.left}{text.right} **{target.word.label}**"
        else:
            yield f"{sign} {text.left}**{filler}**{text.right}".strip()


def fits(one: Probe, word: Word, kind: str) -> bool:
    """Say whether a word has every form that the sentences ask of its kind."""
    masked = one.spec.mask
    groups = [w for group in one.groups for w in group.words]
    context = groups if masked == "target" else [target.word for target in one.targets]
    forms = {form for f in one.frames for k, form in needs(f, masked, context) if k == kind}
    return forms <= set(word.forms)


# Schemas and the line for editors


def data_files() -> list[Path]:
    """Every data file of the catalogue."""
    folders = (ROOT / "probes", ROOT / "templates")
    return sorted(path for folder in folders for path in folder.rglob("*.yaml"))


def with_modeline(path: Path) -> str:
    """The text of a data file with its line for editors, right before the first key."""
    text = path.read_text(encoding="utf-8")
    kind = KIND.search(text)
    assert kind, f"{path} does not say its kind"
    bare = re.sub(rf"^{re.escape(MODELINE)}.*\n", "", text, flags=re.MULTILINE)
    schema = os.path.relpath(ROOT / "schemas" / f"{kind[1]}.json", path.parent)
    return KIND.sub(f"{MODELINE}{schema}\n\\g<0>", bare, count=1)


def wanted() -> dict[Path, str]:
    """Every file that is made from others, with its text."""
    axes, catalogue = ROOT / "docs" / "axes", ROOT / "docs" / "catalogue"
    texts = {
        ROOT / "schemas" / f"{kind}.json": json.dumps(schema_of(model), indent=1) + "\n"
        for kind, model in FILES.items()
    }
    for axis, probes in by_axis().items():
        texts[axes / f"{axis}.md"] = axis_page(axis, probes)
        texts[catalogue / f"{axis}.md"] = scored_page(axis, probes)
    texts[axes / "README.md"] = axes_index()
    texts[catalogue / "README.md"] = catalogue_index()
    texts[catalogue / "sentences.md"] = sentences_page()
    texts[catalogue / "words.md"] = words_page()
    return texts | {path: with_modeline(path) for path in data_files()}


def outdated(texts: dict[Path, str]) -> tuple[dict[Path, str], set[Path]]:
    """Files that are missing or differ, with their text; and pages that nothing asks for."""
    pages = {p for name in ("axes", "catalogue") for p in (ROOT / "docs" / name).glob("*.md")}
    changes = {p: t for p, t in texts.items() if not p.exists() or p.read_text("utf-8") != t}
    return changes, pages - set(texts)


def main() -> int:
    changes, stale = outdated(wanted())
    for path, text in changes.items():
        path.write_text(text, encoding="utf-8")
        print(f"wrote {path.relative_to(ROOT)}")
    for path in stale:
        path.unlink()
        print(f"removed {path.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
