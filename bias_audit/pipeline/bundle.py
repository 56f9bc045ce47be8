"""A run packed into one file, and such a file verified without the model, torch or pandas.

Digests show that no byte was changed after packing. Somebody who edits a number can make them
anew, so everything that the scores and the records give is computed again too.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import cast

import bias_audit
from bias_audit import __version__, reports
from bias_audit.analysis.agreement import disagreements
from bias_audit.analysis.compare_runs import METRICS
from bias_audit.analysis.definitions import Definitions
from bias_audit.analysis.mismatch import CLOSE_P, differ
from bias_audit.analysis.recompute import SPLIT, Recomputation
from bias_audit.backends import BUNDLED
from bias_audit.datasets.info import PAIR_MEASURES
from bias_audit.datasets.pair_scores import PairRow, read_rows
from bias_audit.datasets.results import pair_results
from bias_audit.errors import BiasAuditError, UsageError
from bias_audit.gates.checks import judge_again
from bias_audit.gates.judge import count_outcomes, count_states, exit_code
from bias_audit.pipeline.audit import run_files
from bias_audit.pipeline.plan import PLACEBO, digest_probes, join_digests
from bias_audit.reports.text import count
from bias_audit.results import EVIDENCE_FILE, PAIR_SCORES_FILE, Result, Results, StoredRun, locate
from bias_audit.results.bundle import MANIFEST, Bundle, bomb, contradictions, open_bundle, pack
from bias_audit.results.io import check_results
from bias_audit.utils.json_text import decode_text, parse_json
from bias_audit.utils.readings import Reading
from bias_audit.utils.resources import data_dir
from bias_audit.utils.versions import package_versions

RESULTS, RUN = "results.json", "run.json"
SCORES = (EVIDENCE_FILE, PAIR_SCORES_FILE)
_PACKED = re.compile(r"\beN[A-Za-z0-9+/]{40,}={0,2}")
"""Scores inside a page: another build of zlib gives other bytes for the same content."""
_UNFIT = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What records raise that were edited into nonsense."""
_OTHER_TEXT = f"it is not what {RESULTS} gives"
"""Of a report."""
_BEYOND = (
    "that scores and digests are those of the model, and who ran it, when and on what: no file can "
    "show that. Compare the model's digests with your own, and note the SHA-256 of this bundle"
)
_PAIR_NUMBERS = ("estimate", "ci_low", "ci_high", "se", "p_value", "p_adjusted", "n_templates")


@dataclass(frozen=True, kw_only=True, slots=True)
class Verification:
    """What became of a bundle."""

    faults: tuple[str, ...]
    """What does not verify, in words; empty for an intact bundle."""
    seen: tuple[str, ...]
    """What was checked, and how much of it."""
    unseen: tuple[str, ...]
    """What the file cannot show."""
    sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PackedRun:
    """A run as one file."""

    content: bytes
    sha256: str
    names: tuple[str, ...]
    """Files of the run folder that are in it."""
    others: tuple[str, ...]
    """Files of the folder that no run has written: they are left out."""


def pack_run(run: str | Path) -> PackedRun:
    """Return a stored run as one file; the same run gives the same bytes.

    Raises:
        UsageError: there is no run, its scores are missing, or it does not verify itself.
    """
    folder = locate(run).parent
    stored = StoredRun.open(run)
    if stored.evidence is None and stored.pair_scores is None:
        raise UsageError(
            f"{folder} has no {EVIDENCE_FILE}, so nobody could compute its numbers again",
            hint="give the whole folder that 'bias-audit run' wrote",
        )
    there = sorted(path.name for path in folder.iterdir() if path.is_file())
    names = [name for name in there if name in run_files()]
    files = {name: (folder / name).read_bytes() for name in names}
    for fault in _faults(files, [], []):
        raise UsageError(
            f"{folder} does not verify, so neither would its bundle: {fault}",
            hint=_way_out(fault, folder),
        )
    others = tuple(n for n in there if n not in names and not n.startswith("."))
    current = stored.results.tool.version == __version__
    content = pack(files, stored.results, program_digest() if current else "")
    digest = hashlib.sha256(content).hexdigest()
    return PackedRun(content=content, sha256=digest, names=tuple(names), others=others)


def _way_out(fault: str, folder: Path) -> str:
    """Say what to do about a fault: a report may be another one, and the run as it was."""
    file, _, what = fault.partition(": ")
    if what != _OTHER_TEXT:
        return "a file was changed after the run; run the audit again"
    name = {file: name for name, file in reports.file_names().items()}[file]
    return (
        "was it made by 'gate', or by 'report' with an --owner, --purpose or --title that the run "
        "does not have? They, and -c, belong to 'run'; 'bias-audit report "
        f"{folder} -o {name}={folder / file}' writes it with what the run has"
    )


def verify_bundle(path: Path, sha256: str = "") -> Verification:
    """Check a bundle's digests, compute its numbers again, and render its reports again.

    Args:
        path: the file.
        sha256: digest of the whole file as it was noted elsewhere; not compared when empty.

    Raises:
        UsageError: it is no bundle, or could do harm.
    """
    bundle = open_bundle(path)
    seen = [f"{count(len(bundle.files), 'file')} with the sizes and digests of {MANIFEST}"]
    unseen: list[str] = []
    faults = list(bundle.faults)
    if sha256 and sha256.lower() != bundle.sha256:
        faults.append(f"the whole file: its SHA-256 is {bundle.sha256}, not the one that was given")
    if not bundle.faults:
        faults += _faults(bundle.files, seen, unseen, bundle)
    else:
        seen, unseen = [], ["the numbers: they are computed again once every byte has its digest"]
    return Verification(
        faults=tuple(dict.fromkeys(faults)),
        seen=tuple(seen),
        unseen=(*unseen, _BEYOND),
        sha256=bundle.sha256,
    )


def _faults(
    files: Mapping[str, bytes], seen: list[str], unseen: list[str], bundle: Bundle | None = None
) -> Iterator[str]:
    """Yield what the files of a run contradict each other in, and the list of their bundle."""
    for name in sorted(set(files) - run_files()):
        yield f"{name}: no run writes a file of this name"
    if RESULTS not in files:
        yield f"{RESULTS}: it is missing"
        return
    for name in SCORES:
        if name in files and (why := bomb(name, files[name])):
            yield why
            return
    try:
        results = check_results(parse_json(decode_text(files[RESULTS])), RESULTS)
    except ValueError as error:
        yield f"{RESULTS}: {error}"
        return
    except UsageError as error:
        yield error.message
        return
    if bundle is not None:
        yield from contradictions(bundle, results)
    yield from _manifest_of_run(files.get(RUN), results)
    try:
        yield from _numbers(files, results, seen, unseen)
        same = bundle is None or bundle.manifest.get("program") == program_digest()
        same &= results.tool.version == __version__
        yield from _decisions(results, seen, unseen, same_program=same)
        yield from _texts(files, results, seen, unseen, same_program=same)
    except BiasAuditError as error:
        yield error.message
    except _UNFIT as error:
        yield f"{RESULTS}: its records do not fit together: {type(error).__name__}: {error}"


def _manifest_of_run(content: bytes | None, results: Results) -> Iterator[str]:
    """Compare ``run.json`` with the results."""
    if content is None:
        yield f"{RUN}: it is missing"
        return
    try:
        manifest = parse_json(decode_text(content))
    except ValueError as error:
        yield f"{RUN}: {error}"
        return
    manifest = manifest if isinstance(manifest, dict) else {}
    for name in ("tool", "model", "run"):
        own = json.loads(getattr(results, name).model_dump_json())
        if manifest.get(name) != own:
            yield f"{RUN}: its '{name}' is not the one of {RESULTS}"
    probes = manifest.get("probes")
    digests = {p.id: p.digest for p in results.probes}
    for name, probe in probes.items() if isinstance(probes, dict) else ():
        said = probe.get("digest") if isinstance(probe, dict) else None
        if name in digests and digests[name] != said:
            yield f"{RUN}: its digest of the probe '{name}' is not the one of {RESULTS}"
    if manifest.get("datasets"):
        return
    if set(digests) != set(probes if isinstance(probes, dict) else ()):
        yield f"{RUN}: its probes are not those of {RESULTS}"
    else:
        own = join_digests([digest_probes(digests)], cast("Reading", results.model.reading))
        if results.run.catalogue_digest != own:
            yield f"{RESULTS}: its digest of all probes is not that of their digests"


# Numbers.


def _numbers(
    files: Mapping[str, bytes], results: Results, seen: list[str], unseen: list[str]
) -> Iterator[str]:
    """Everything that the scores give, computed again."""
    made: set[str] = set()
    if EVIDENCE_FILE in files:
        again = Recomputation(StoredRun(results=results, evidence=files[EVIDENCE_FILE]))
        yield from map(str, again.mismatches())
        made |= {result.id for result in again.gaps}
        parts = ", ".join(f"{number:,} {what}" for what, number in sorted(again.tally.items()))
        seen.append(f"computed again from {EVIDENCE_FILE}: {parts or 'nothing'}")
    elif any(result.metric in METRICS for result in results.results):
        yield f"{EVIDENCE_FILE}: it is missing, and {RESULTS} has gaps"
    if PAIR_SCORES_FILE in files:
        shares = _shares(read_rows(files[PAIR_SCORES_FILE]), results)
        stored = {result.id: result for result in results.results}
        for own in shares:
            made.add(own.id)
            yield from _share(stored.get(own.id), own)
        seen.append(f"computed again from {PAIR_SCORES_FILE}: {len(shares):,} numbers of pairs")
    left = [r for r in results.results if r.id not in made and r.estimate is not None]
    if rest := sorted({"halves of lists" if SPLIT in r.id else r.metric for r in left}):
        unseen.append(f"measures whose answers are in no file: {', '.join(rest)}")
    unseen.append("p-values of permutations, measures beside a gap, robustness checks and statuses")


def _shares(rows: Iterable[PairRow], results: Results) -> list[Result]:
    """The numbers of pairs of published data sets, from their scores."""
    groups: dict[tuple[str, str], list[PairRow]] = defaultdict(list)
    for row in rows:
        if row.measure in PAIR_MEASURES:
            groups[row.dataset, row.measure].append(row)
    levels = {(r.probe, r.metric): r.confidence for r in results.results}
    made = (pair_results(some, levels.get(key, 0.95)) for key, some in groups.items())
    return [own for some in made for own in some]


def _share(stored: Result | None, own: Result) -> Iterator[str]:
    if stored is None:
        yield f"{own.id}: it is missing in {RESULTS}"
        return
    for name in _PAIR_NUMBERS:
        one, other = getattr(stored, name), getattr(own, name)
        if differ(one, other, CLOSE_P):
            yield f"{own.id}: {name} is {one} in {RESULTS}, by the scores {other}"


# Decisions.


def _decisions(
    results: Results, seen: list[str], unseen: list[str], *, same_program: bool
) -> Iterator[str]:
    """Gates, waivers, findings and counts, from the results that were computed again."""
    yield from disagreements(results, same_program=same_program)
    if same_program:
        definitions = Definitions(results)
        yield from definitions.disagreements()
        known, every = len(definitions.known), len(results.probes)
        copies = sum(probe.id.endswith(PLACEBO) for probe in results.probes)
        beside = f", beside {count(copies, 'placebo copy', 'placebo copies')} of them"
        of_program = f"{known} of {count(every - copies, 'probe')}{beside if copies else ''}"
        seen.append(f"held against the files of this program: {of_program}")
        if copies:
            unseen.append("names and words of the groups that mean nothing, in placebo copies")
        if known < every - copies:
            unseen.append("names, sentences and cards of probes that this program does not have")
        yield from _bundled_model(results)
    yield from _gate_numbers(results)
    yield from _waivers(results)
    counts = {
        "outcomes": count_outcomes(results.results),
        "states": count_states(results.gates, results),
    }
    for name, own in counts.items():
        if getattr(results, name) and dict(getattr(results, name)) != own:
            yield f"{RESULTS}: its counts of {name} are not those of its records"
    codes = {exit_code(results), exit_code(results, strict=True)}
    if results.exit_code not in codes:
        yield f"{RESULTS}: its exit code is {results.exit_code}, by its gates {min(codes)}"
    judged = list(judge_again(results))
    seen.append(f"judged again: {len(judged)} of {count(len(results.gates), 'gate')}")
    if len(judged) < len(results.gates):
        unseen.append("gates without a result, or on a baseline that is not in the file")
    if results.gates:
        unseen.append("whether the limits are those of the configuration: it is not in the file")
    if results.comparison is not None:
        unseen.append("the baseline: changes are taken as they are recorded")


def _bundled_model(results: Results) -> Iterator[str]:
    """Compare the digests of the bundled model with those of its files here."""
    from bias_audit.backends.hf.model_files import ModelOptions, locate_model

    stored = results.model
    if stored.name != BUNDLED or stored.kind == "fake":
        return
    own = locate_model(ModelOptions(name=BUNDLED)).digests()
    if dict(stored.files) != dict(own["files"]):
        yield f"{RESULTS}: its digests of the files of '{BUNDLED}' are not those of this program's"
    for name in ("fingerprint", "tokenizer_digest"):
        if getattr(stored, name) != own[name]:
            yield f"{RESULTS}: its {name} of '{BUNDLED}' is not that of this program's model"


def _gate_numbers(results: Results) -> Iterator[str]:
    """A gate that has nothing to judge has no number."""
    known = {result.id for result in results.results}
    for gate in results.gates:
        if gate.result not in known and gate.estimate is not None:
            yield f"gate {gate.id}: its estimate is not the one of {gate.result or 'a result'}"


def _waivers(results: Results) -> Iterator[str]:
    """A waived gate has a waiver that held on the day, and a size that it covers."""
    day = (results.run.created or "")[:10]
    for gate in results.gates:
        if gate.state != "waived":
            continue
        mine = [w for w in results.waivers if gate.id in w.gates and w.finding == gate.waiver]
        if not any(w.status == "active" and abs(gate.estimate or 0.0) <= w.up_to for w in mine):
            yield f"gate {gate.id}: it is waived, and no waiver in force covers it"
        elif day and all(w.expires < day for w in mine):
            yield f"gate {gate.id}: its waiver ended before the run"


# Reports.


@cache
def program_digest() -> str:
    """Return the SHA-256 over what makes reports: the package, its templates, Jinja."""
    total = hashlib.sha256(package_versions().get("jinja2", "").encode())
    package = Path(bias_audit.__file__).parent
    for root, pattern in ((package, "*.py"), (data_dir("reports"), "*")):
        for path in sorted(root.rglob(pattern)):
            if path.is_file() and "__pycache__" not in path.parts:
                total.update(f"{path.relative_to(root).as_posix()}\0".encode())
                total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def _texts(
    files: Mapping[str, bytes],
    results: Results,
    seen: list[str],
    unseen: list[str],
    *,
    same_program: bool,
) -> Iterator[str]:
    """Render every report of the run again."""
    names = {file: name for name, file in reports.file_names().items()}
    mine = sorted(set(names) & set(files) - {RESULTS})
    if not same_program:
        which = f"version {results.tool.version}, this is {__version__}"
        if results.tool.version == __version__:
            which = f"another build of {which}"
        unseen.append(f"{', '.join(mine)}: written by {which}")
        return
    evidence = files.get(EVIDENCE_FILE)
    for file in mine:
        own = reports.render(results, names[file], evidence).encode("utf-8", "backslashreplace")
        if own != files[file] and _page_text(own) != _page_text(files[file]):
            yield f"{file}: {_OTHER_TEXT}"
    seen.append(f"rendered again: {', '.join(mine) or 'nothing'}")


def _page_text(page: bytes) -> str:
    """A page with its packed scores in the open."""

    def unpack(packed: re.Match[str]) -> str:
        try:
            raw = zlib.decompressobj().decompress(base64.b64decode(packed[0]), 1 << 26)
        except (ValueError, zlib.error):
            return packed[0]
        return hashlib.sha256(raw).hexdigest()

    return _PACKED.sub(unpack, page.decode("utf-8", "replace"))
