"""What ``bias-audit probes check`` does: mistakes in files, and what a model's vocabulary loses."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, Any

from bias_audit import config
from bias_audit.cli.output import say
from bias_audit.errors import FileError, Problem, UnknownNameError, UsageError
from bias_audit.gates.baselines import RECORD, BaselineFile
from bias_audit.gates.waivers import read_waivers
from bias_audit.probes.catalogue import ProbeCatalogue
from bias_audit.probes.expand import expand
from bias_audit.probes.lint import lint_probe, lint_spelling
from bias_audit.probes.probe import Probe, Word
from bias_audit.probes.schema.lexicon import Lexicon, Sanity, TemplateSet
from bias_audit.probes.schema.probe import ProbeSpec
from bias_audit.probes.search_path import SUFFIXES
from bias_audit.probes.suites import Suites
from bias_audit.records import (
    LEAST_WORD_MASS,
    CompletionRequest,
    FillScore,
    Prompt,
    SimilarityRequest,
)
from bias_audit.utils import clock
from bias_audit.utils.file_model import FileModel
from bias_audit.utils.problems import ProblemCollector
from bias_audit.utils.readings import READINGS
from bias_audit.utils.yaml import file_kind, parse_yaml, read_source, read_yaml

if TYPE_CHECKING:
    from bias_audit.backends import Backend

KINDS: dict[str, type[FileModel]] = {
    "probe": ProbeSpec,
    "templates": TemplateSet,
    "lexicon": Lexicon,
    "sanity": Sanity,
    "suites": Suites,
}

LEAST_COVERAGE = 0.8
"""Share of each pole's words that has to be scored; see ``Settings.min_coverage``."""
MOST_UNEVEN = 0.5
"""Difference of mean pieces between two poles, or two groups, that is worth a remark."""

MOST_LOPSIDED = 0.5
"""Difference of the poles' mean log-probability (nats) that is worth a remark: 1.65 times; of
their mean cosines, in standard deviations of a sentence frame."""

EXTRA = "beside:"
"""Stands before groups that are compared with nobody, so that nothing is judged by them."""

Sides = dict[str, list[Prompt]]


def check_files(
    paths: Iterable[Path], folders: Sequence[Path], model: str | None, options: dict[str, Any]
) -> int:
    """Check files and folders of files; with a model, count what its vocabulary loses.

    Raises:
        FileError: all mistakes of all files.
        UsageError: there is no file.
    """
    files = list(_files(paths))
    problems: list[Problem] = []
    kinds: dict[Path, str] = {}
    for path in files:
        with _collecting(problems):
            kinds[path] = _kind(path)
    homes = {path.parent for path, kind in kinds.items() if kind in ("probe", "suites")}
    catalogue = ProbeCatalogue([*folders, *sorted(homes)], template_dirs=_templates(kinds))
    with _collecting(problems):
        catalogue.probe_ids()
    probes: list[Probe] = []
    for path, kind in kinds.items():
        with _collecting(problems):
            if kind == "config":
                config.read(path, config.name_check(path, catalogue))
            elif kind == "waivers":
                read_waivers(path, clock.today())
            elif kind == "baseline":
                read_yaml(path, BaselineFile)
            elif kind == "suites":
                _check_suites(path, catalogue)
            elif kind == "probe":
                probe = catalogue.read_probe_file(path)
                probes.append(probe)
                catalogue.check_controls(probe)
            else:
                catalogue.check_file(path, KINDS[kind])
    if problems:
        raise FileError(problems)
    for probe in probes:
        _print_probe(probe, catalogue)
    if model is not None and probes:
        _print_model_notes(probes, model, options)
    say(f"{len(files)} file{'s' if len(files) != 1 else ''} without a mistake")
    return 0


@contextmanager
def _collecting(problems: list[Problem]) -> Iterator[None]:
    """Take the mistakes of one file and go on with the next."""
    try:
        yield
    except FileError as error:
        problems += error.problems


def _files(paths: Iterable[Path]) -> Iterable[Path]:
    files: dict[Path, Path] = {}
    for path in paths:
        inside = [path]
        if path.is_dir():
            inside = sorted(
                p for p in path.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file()
            )
            if not inside:
                raise UsageError(f"no YAML file in {path}", hint="probe files end in .yaml")
        elif not path.exists():
            raise UsageError(f"no such file: {path}")
        for one in inside:
            files.setdefault(one.resolve(), one)
    return files.values()


def _templates(kinds: dict[Path, str]) -> list[Path]:
    """Folders of the template sets and lexicons among the files, which may extend each other."""
    homes = {path.parent for path, kind in kinds.items() if kind == "templates"}
    lexicons = {path.parent for path, kind in kinds.items() if kind == "lexicon"}
    homes |= {folder.parent for folder in lexicons if folder.name == "lexicons"}
    return sorted({home.resolve(): home for home in homes}.values())


def _check_suites(path: Path, catalogue: ProbeCatalogue) -> None:
    """Check that every selector of every suite means something."""
    catalogue.check_file(path, Suites)
    text = read_source(path)
    problems = ProblemCollector(path, text)
    for name, suite in parse_yaml(text, Suites, str(path)).suites.items():
        for key in ("probes", "exclude"):
            for index, selector in enumerate(getattr(suite, key)):
                try:
                    catalogue.members(selector)
                except FileError:
                    raise
                except (UnknownNameError, UsageError) as error:
                    problems.add(("suites", name, key, index), error.message, error.hint)
    problems.raise_any()


def _kind(path: Path) -> str:
    """What a file says it is; what belongs to the configuration is known by its name."""
    named = {config.NAME: "config", config.WAIVERS: "waivers", RECORD: "baseline"}
    if path.name in named:
        return named[path.name]
    return file_kind(read_source(path), str(path), KINDS)


def _print_probe(probe: Probe, catalogue: ProbeCatalogue) -> None:
    expansion = expand(probe)
    extra = sum(len(group.words) for group in probe.extra_groups)
    say(
        f"{probe.spec.id}: {len(probe.frames)} sentences, "
        f"{sum(len(g.words) for g in probe.groups)} group words"
        f"{f' and {extra} beside' if extra else ''}, "
        f"{len(probe.targets)} targets, {len(expansion.all_prompts):,} prompts"
    )
    for skip in expansion.skips:
        say(f"  left out: {skip.kind} '{skip.what}' {skip.detail}")
    for note in (*lint_probe(probe, expansion), *lint_spelling(probe, catalogue)):
        say(f"  {note}")


def _print_model_notes(probes: Sequence[Probe], model: str, options: dict[str, Any]) -> None:
    """Print, for every probe, pieces per word, what is lost, uneven lengths and low word mass."""
    from bias_audit.backends import open_backend

    backend = open_backend(model, **options)
    for probe in probes:
        say(f"{probe.spec.id} with {backend.info.name}:")
        for line in lines(probe, backend):
            say(f"  {line}")


def lines(probe: Probe, backend: Backend) -> Iterator[str]:
    """What a model makes of the words or labels of a probe, a line for each remark."""
    from bias_audit.backends import score_all
    from bias_audit.pipeline.model_checks import check_instruments
    from bias_audit.pipeline.tasks import misfit

    if why := misfit(probe.spec, backend.info):
        yield f"it cannot be asked: {why}"
        return
    if probe.spec.labels is not None:
        (check,) = check_instruments(backend, [probe])
        right = f"{check.cloze_hits} of {check.cloze_asked}"
        yield check.detail or f"{right} plain sentences are labelled rightly"
        return

    if READINGS[backend.info.reading].is_cosine:
        yield from _cosine_lines(probe, backend)
        return
    masked, opened = _masked_words(probe)
    for sides, lost_matters in ((masked, True), (_context_words(probe), False)):
        every = [prompt for prompts in sides.values() for prompt in prompts]
        answers = iter(score_all(backend, [prompt.request for prompt in every]))
        scores = {
            side: [(prompt, answer) for prompt, answer in zip(prompts, answers, strict=False)]
            for side, prompts in sides.items()
        }
        yield from _describe(scores, lost_matters)
    gap = pole_imbalance(probe, backend)
    if gap is not None and abs(gap) > MOST_LOPSIDED:
        first, second = ("+", "-") if gap > 0 else ("-", "+")
        yield (
            f"unlike in frequency: words of pole {first} are {math.exp(abs(gap)):.1f} times"
            f" as likely as those of pole {second}, which may look like a gap"
        )
    completions = [CompletionRequest(left=prompt.left, right=prompt.right) for prompt in opened]
    for prompt, answer in zip(opened, score_all(backend, completions), strict=True):
        if answer.word_mass < LEAST_WORD_MASS:
            yield f"low word mass, {answer.word_mass:.0%} on whole words: {prompt.text}"


def _cosine_lines(probe: Probe, backend: Backend) -> Iterator[str]:
    """What an encoder makes of a probe, asked with the first word of each group."""
    from bias_audit.backends import score_all
    from bias_audit.metrics.score_cube import Scores

    first = {group.id: group.words[0].id for group in probe.groups if group.words}
    prompts = [
        prompt
        for prompt in expand(probe, backend.info.reading).prompts
        if prompt.queries and prompt.term == first.get(prompt.group)
    ]
    asked = [SimilarityRequest(text=prompt.left, queries=prompt.queries) for prompt in prompts]
    answers = score_all(backend, asked)
    texts = len({prompt.left for prompt in prompts})
    queries = len({query for prompt in prompts for query in prompt.queries})
    yield f"{texts} sentences and {queries} queries of the first word of each group"
    lost = {(p.target, a.detail): p for p, a in zip(prompts, answers, strict=True) if a.skip}
    for (target, detail), prompt in lost.items():
        yield f"'{target}' is lost in '{prompt.left}': {detail}"
    frame = Scores.build(probe, prompts, answers, reading=backend.info.reading).frame
    frame = frame[frame["skip"] == ""]
    if not len(frame):
        return
    spread = frame.groupby("template")["cosine"].std(ddof=0)
    yield f"cosines spread by {spread.min():.3f} to {spread.max():.3f} within a sentence frame"
    poles = frame.groupby("pole")["log_prob"].mean()
    if {"+", "-"} <= set(poles.index) and not probe.spec.targets.own:
        gap = poles["+"] - poles["-"]
        if abs(gap) > MOST_LOPSIDED:
            near, far = ("+", "-") if gap > 0 else ("-", "+")
            yield (
                f"unlike in nearness: words of pole {near} lie {abs(gap):.1f} standard deviations"
                f" nearer to all sentences than those of pole {far}, which may look like a gap"
            )


def pole_imbalance(probe: Probe, backend: Backend) -> float | None:
    """Return how much likelier the words of S+ are than those of S- (mean log-probability, nats).

    They are scored in all sentences, with the first word of the first group: what a word is worth
    before anything is said about other groups. None where targets are not masked or have no poles.
    """
    from bias_audit.backends import score_all

    if probe.spec.mask == "group" or probe.spec.targets.own:
        return None
    prompts = [p for p in expand(probe).prompts if p.filler is not None and p.pole in ("+", "-")]
    prompts = [prompt for prompt in prompts if prompt.term == prompts[0].term]
    known: dict[str, list[float]] = {"+": [], "-": []}
    for prompt, answer in zip(
        prompts, score_all(backend, [prompt.request for prompt in prompts]), strict=True
    ):
        if isinstance(answer, FillScore) and answer.log_prob is not None:
            known[prompt.pole].append(answer.log_prob)
    return mean(known["+"]) - mean(known["-"]) if known["+"] and known["-"] else None


def _describe(scores: dict[str, list[tuple[Prompt, Any]]], lost_matters: bool) -> Iterator[str]:
    means: dict[str, float] = {}
    for side, pairs in scores.items():
        known = [a for _, a in pairs if isinstance(a, FillScore) and not a.skip]
        counts = Counter(answer.pieces for answer in known)
        sizes = [f"{n} of {size} piece{'s'[: size > 1]}" for size, n in sorted(counts.items())]
        yield f"{side}: {', '.join(sizes) or 'no word is scored'}"
        if known:
            means[side] = mean(answer.pieces for answer in known)
        if lost_matters:
            yield from _lost_words(side, pairs, len(known))
    if means and max(means.values()) - min(means.values()) > MOST_UNEVEN:
        lengths = ", ".join(f"{side} {value:.1f}" for side, value in means.items())
        yield f"uneven length, mean pieces: {lengths}; longer words are rarer"


def _lost_words(side: str, pairs: list[tuple[Prompt, Any]], known: int) -> Iterator[str]:
    for prompt, answer in pairs:
        if answer.skip:
            yield f"{side}: '{prompt.filler}' is lost: {answer.detail}"
    if known < LEAST_COVERAGE * len(pairs) and not side.startswith(EXTRA):
        least = f"{LEAST_COVERAGE:.0%}"
        yield f"{side}: {known} of {len(pairs)} words are scored; below {least} nothing is judged"


def _masked_words(probe: Probe) -> tuple[Sides, list[Prompt]]:
    """A prompt for each form of each masked word, by pole or group; an open one a sentence."""
    poles = {target.word.id: target.pole for target in probe.targets}
    seen: set[tuple[str, str]] = set()
    sides: Sides = {}
    opened: dict[str, Prompt] = {}
    apart = {group.id for group in probe.extra_groups}
    for prompt in expand(probe).all_prompts:
        if prompt.filler is None:
            opened.setdefault(prompt.template, prompt)
            continue
        group = probe.spec.mask == "group"
        side = f"group {prompt.group}" if group else f"pole {poles[prompt.target]}"
        side = f"{EXTRA} {prompt.group}" if prompt.group in apart else side
        if (side, prompt.filler.lower()) not in seen:
            seen.add((side, prompt.filler.lower()))
            sides.setdefault(side, []).append(prompt)
    return sides, list(opened.values())


def _context_words(probe: Probe) -> Sides:
    """The words that stand in the sentences, as if they were scored: only their pieces count."""
    if probe.spec.mask == "target":
        words = [(f"group {group.id}", word) for group in probe.groups for word in group.words]
    else:
        words = [(f"pole {target.pole}", target.word) for target in probe.targets]
    sides: Sides = {}
    for side, word in words:
        sides.setdefault(side, []).append(_bare_prompt(probe, word))
    return sides


def _bare_prompt(probe: Probe, word: Word) -> Prompt:
    form = next(word.forms[name] for name in ("sg", "pl", *word.forms) if name in word.forms)
    return Prompt(
        probe=probe.spec.id,
        template="",
        variant="",
        group="",
        term=word.id,
        label=word.label,
        target="",
        pole="0",
        left="There is ",
        filler=form,
        right=" here.",
    )
