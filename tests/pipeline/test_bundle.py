"""A run in one file: the same bytes twice, intact, or named for what was done to it."""

from __future__ import annotations

import csv
import datetime
import gzip
import hashlib
import io
import json
import stat
import subprocess
import sys
import warnings
import zipfile
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from bias_audit.backends import BUNDLED
from bias_audit.backends.fake import FakeBackend
from bias_audit.backends.hf.model_files import ModelOptions, locate_model
from bias_audit.errors import UsageError
from bias_audit.gates.policy import Policy
from bias_audit.pipeline import bundle
from bias_audit.pipeline.audit import Audit
from bias_audit.pipeline.bundle import Verification, pack_run, program_digest, verify_bundle
from bias_audit.pipeline.run import audit
from bias_audit.reports import render
from bias_audit.results import EVIDENCE_FILE, Results
from bias_audit.results.bundle import MANIFEST, pack
from tests.analysis.world import controlled, run
from tests.datasets import files as data_files
from tests.gates.cases import TODAY, gate, waiver
from tests.gates.runs import rough, soften

NOON = datetime.datetime.combine(TODAY, datetime.time(12), datetime.UTC)
GAP = "trial:log_odds_gap:a-vs-b"
Content = dict[str, Any]


@pytest.fixture(scope="module")
def done() -> Audit:
    """A run with gates that fail, pass and are waived."""
    gates = (gate(id="tight", max=0.05), gate(id="wide", max=2.5), gate(id="known", max=0.1))
    policy = Policy(gates=gates, waivers=(waiver("known:*"),), today=TODAY)
    return run(controlled(), rough, policy=policy, now=lambda: NOON, command="bias-audit run x")


@pytest.fixture(scope="module")
def folder(done: Audit, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return done.save(tmp_path_factory.mktemp("runs") / "one", formats=["junit", "cyclonedx"])


@pytest.fixture(scope="module")
def whole(folder: Path) -> bytes:
    return pack_run(folder).content


def members(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def archive(files: dict[str, bytes] | list[tuple[Any, bytes]], **options: Any) -> bytes:
    """A zip as somebody else writes it."""
    stream = io.BytesIO()
    pairs = files.items() if isinstance(files, dict) else files
    with warnings.catch_warnings(), zipfile.ZipFile(stream, "w", **options) as made:
        warnings.simplefilter("ignore")  # of two files with one name
        for name, content in pairs:
            made.writestr(name, content)
    return stream.getvalue()


def verify(content: bytes, tmp_path: Path, sha256: str = "") -> Verification:
    path = tmp_path / "a.zip"
    path.write_bytes(content)
    return verify_bundle(path, sha256)


def refusal(content: bytes, tmp_path: Path) -> str:
    with pytest.raises(UsageError) as caught:
        verify(content, tmp_path)
    return caught.value.message


REPORTS = {"html": "report.html", "md": "summary.md", "junit": "junit.xml",
           "cyclonedx": "bom.cdx.json"}  # fmt: skip


def forge(
    whole: bytes, change: Callable[[Content], None], *, reports: bool = True, **files: bytes
) -> bytes:
    """Edit the results as somebody would who knows it all: reports and digests are made anew.

    Without ``reports`` they are left out, as nobody has to pack any.
    """
    held = members(whole)
    content = json.loads(held["results.json"])
    change(content)
    text = json.dumps(content, ensure_ascii=False, indent=1) + "\n"
    results = Results.model_validate(content)
    held = held | {"results.json": text.encode()} | files
    for name, file in REPORTS.items():
        if reports:
            held[file] = render(results, name, held[EVIDENCE_FILE]).encode()
        else:
            del held[file]
    manifest = json.loads(held["run.json"])
    manifest["model"] = results.model.model_dump(mode="json")
    held["run.json"] = json.dumps(manifest).encode()
    held.pop(MANIFEST)
    return pack(held, results, program_digest())


def result(content: Content, name: str = GAP) -> Content:
    found: Content = next(r for r in content["results"] if r["id"] == name)
    return found


def test_the_same_run_gives_the_same_bytes_and_is_intact(
    folder: Path, whole: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert pack_run(folder).content == whole
    assert pack_run(folder / "results.json").sha256 == hashlib.sha256(whole).hexdigest()
    seen = verify(whole, tmp_path, hashlib.sha256(whole).hexdigest())
    assert seen.faults == ()
    said = " | ".join(seen.seen)
    assert "7 files with the sizes and digests" in said
    assert "computed again from evidence.csv.gz: 3 comparisons, 2 controls," in said
    assert "judged again: 3 of 3 gates" in said
    assert "rendered again: bom.cdx.json, junit.xml, report.html, summary.md" in said
    assert any("the limits are those of the configuration" in line for line in seen.unseen)
    assert "that scores and digests are those of the model" in seen.unseen[-1]
    assert (
        "that scores and digests are those of the model"
        in (verify(flip(whole), tmp_path).unseen[-1])
    )


def test_the_list_names_model_probes_and_files(whole: bytes, done: Audit) -> None:
    held = members(whole)
    listed = json.loads(held[MANIFEST])
    assert listed["files"] == {
        name: {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for name, content in held.items()
        if name != MANIFEST
    }
    assert listed["probes"]["trial"]["sha256"] == done.results.probes[0].digest
    assert len(done.results.probes[0].digest) == 64
    assert listed["model"]["fingerprint"] == done.results.model.fingerprint


def test_a_forger_who_changes_nothing_is_not_caught(whole: bytes, tmp_path: Path) -> None:
    for reports in (True, False):
        assert verify(forge(whole, lambda _: None, reports=reports), tmp_path).faults == ()


def test_torch_transformers_and_pandas_are_not_loaded(whole: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(whole)
    code = (
        "import sys; from bias_audit.cli.app import run; code = run(['verify', 'a.zip']);"
        "print(code, [m for m in ('torch', 'transformers', 'pandas') if m in sys.modules])"
    )
    made = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert made.stdout.splitlines()[-1] == "0 []"


# Bytes.


@pytest.mark.parametrize(
    "name",
    ["results.json", "run.json", "evidence.csv.gz", "report.html", "summary.md", "bundle.json"],
)
def test_a_flipped_byte_is_named(name: str, whole: bytes, tmp_path: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(whole)) as made:
        start = made.getinfo(name).header_offset + 30 + len(name)
        middle = start + made.getinfo(name).file_size // 2
    changed = bytearray(whole)
    changed[middle] ^= 1
    faults = verify(bytes(changed), tmp_path).faults
    assert faults == (f"{name}: its bytes were changed: its checksum is another one",)


def test_every_byte_counts_that_is_in_no_file(whole: bytes, tmp_path: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(whole)) as made:
        starts = [info.header_offset for info in made.infolist()]
        directory = made.start_dir
    for place in (
        *(start + 10 for start in starts),
        directory + 12,
        directory + 38,
        len(whole) - 1,
    ):
        changed = bytearray(whole)
        changed[place] ^= 1
        try:
            assert verify(bytes(changed), tmp_path).faults
        except UsageError as error:
            assert "is no bundle of bias-audit" in error.message  # noqa: PT017
    faults = verify(b"#!/bin/sh\n" + whole, tmp_path).faults
    assert faults == ("the archive: it has bytes that belong to none of its files",)


def test_files_that_were_renamed_added_cut_or_edited(whole: bytes, tmp_path: Path) -> None:
    held = members(whole)

    def faults(files: dict[str, bytes]) -> tuple[str, ...]:
        return verify(archive(files), tmp_path).faults

    renamed = {("results.csv" if n == "summary.md" else n): c for n, c in held.items()}
    why = "it was renamed: the list calls it summary.md"
    assert faults(renamed) == (f"results.csv: {why}",)
    assert faults(held | {"more.txt": b"x"}) == (
        "more.txt: it was added: the list does not name it",
    )
    cut = {name: content for name, content in held.items() if name != "evidence.csv.gz"}
    assert faults(cut) == ("evidence.csv.gz: it is missing",)
    (edited,) = faults(held | {"summary.md": held["summary.md"] + b"!"})
    assert edited.startswith("summary.md: its bytes were changed: SHA-256 ")
    swapped = held | {"summary.md": held["report.html"], "report.html": held["summary.md"]}
    assert len(faults(swapped)) == 2
    assert faults(held) == ("the archive: it has bytes that belong to none of its files",)


def test_another_digest_than_the_one_that_was_noted(whole: bytes, tmp_path: Path) -> None:
    (fault,) = verify(whole, tmp_path, "0" * 64).faults
    assert fault.startswith("the whole file: its SHA-256 is ")


# Numbers, with every digest made anew.


def soften_the_gap(content: Content) -> None:
    soften(result(content), 0.1)


def set_field(name: str, value: Any) -> Callable[[Content], None]:
    return lambda content: result(content).update({name: value})


def set_deep(keys: str, value: Any) -> Callable[[Content], None]:
    """Set a value below the gap's result: ``by_target.0.value``."""

    def change(content: Content) -> None:
        place: Any = result(content)
        *path, last = (int(key) if key.isdigit() else key for key in keys.split("."))
        for key in path:
            place = place[key]
        place[last] = value

    return change


def set_gate(name: str, **values: Any) -> Callable[[Content], None]:
    def change(content: Content) -> None:
        next(g for g in content["gates"] if g["gate"] == name).update(values)

    return change


def restate(content: Content) -> None:
    content["findings"][0]["headline"] = content["findings"][0]["headline"].replace(
        "times as likely", "0 times as likely"
    )


FORGERIES: dict[str, tuple[Callable[[Content], None], str]] = {
    "softened": (soften_the_gap, f"{GAP}: estimate is 0.1 in results.json, by the scores 0."),
    "narrowed": (set_field("mde80", 0.001), f"{GAP}: mde80 is 0.001 in"),
    "a p": (set_field("p_adjusted", 0.9), f"{GAP}: p_adjusted is 0.9 in"),
    "an outcome": (set_field("outcome", "open"), f"{GAP}: outcome is 'open' in"),
    "a bound": (set_field("at_most", 1.25), f"{GAP}: at_most is 1.25 in"),
    "words": (set_field("statement", "nothing to see"), f"{GAP}: statement is 'nothing to see' in"),
    "a sentence": (set_deep("by_template.0.value", 0.0), f"{GAP}: by_template "),
    "a word": (set_deep("by_target.0.value", 0.0), f"{GAP}: by_target "),
    "a word's p": (set_deep("by_target.0.p_adjusted", 0.99), "p_adjusted is 0.99 in"),
    "a quote": (set_deep("sentences.0.log_prob_a", -9.0), "the score of '"),
    "a quoted text": (set_deep("sentences.0.text_a", "The a met."), "a quoted sentence is 'The a"),
    "a variance": (set_deep("variance.templates", 0.0), f"{GAP}: variance of templates is 0 in"),
    "a count": (set_field("n_targets", 999), f"{GAP}: n_targets is 999 in"),
    "a passed gate": (
        set_gate("tight", state="pass", reason_code="inside_limit"),
        f"gate tight:{GAP}: its state is 'pass', by the results 'fail'",
    ),
    "a limit": (set_gate("tight", limit=9.0), f"gate tight:{GAP}: its state is 'fail', by"),
    "a gate's number": (set_gate("wide", estimate=0.0), f"gate wide:{GAP}: estimate is 0.0, by"),
    "a late waiver": (
        lambda c: c["waivers"][0].update(expires="2020-01-01"),
        f"gate known:{GAP}: its waiver ended before the run",
    ),
    "a small waiver": (
        lambda c: c["waivers"][0].update(up_to=0.01),
        f"gate known:{GAP}: it is waived, and no waiver in force covers it",
    ),
    "the exit code": (lambda c: c.update(exit_code=0), "results.json: its exit code is 0, by"),
    "the tally": (lambda c: c["outcomes"].update(association=0), "its counts of outcomes are not"),
    "a hidden finding": (lambda c: c.update(findings=[]), "findings and outcomes disagree"),
    "a headline": (restate, f"what it says is not what {GAP} has"),
    "a level": (
        lambda c: c["probes"][0]["targets"][0].update(log_prob=[-1.0, -1.0]),
        "trial: log_prob of ",
    ),
    "the floor": (lambda c: c["floor"].update(largest=2.0), "floor: largest is 2 in"),
    "a word that was never asked": (
        lambda c: c["probes"][0]["targets"][0].update(id="nobody"),
        "trial: pole of word nobody is ",
    ),
    "a word less": (lambda c: c["probes"][0]["targets"].pop(), "trial: number of words is "),
    "a group less": (
        lambda c: c["probes"][0]["targets"][0].update(log_prob=[]),
        "trial: groups in log_prob of ",
    ),
    "no words at all": (set_field("by_target", []), f"{GAP}: words and poles of by_target is 0 in"),
    "fewer sentences": (set_field("n_prompts", 2), f"{GAP}: n_prompts is 2 in"),
    "no odds": (set_field("effect_size", None), f"{GAP}: effect_size is missing in"),
    "a p that is none": (set_deep("by_target.0.p_value", 7.0), "by_target"),
    "a gate about nothing": (
        set_gate("wide", result=None),
        f"gate wide:{GAP}: its estimate is not the one of a result",
    ),
    "a probe less": (lambda c: c["probes"].pop(0), f"{GAP}: probe is 'trial' in results.json"),
    "a probe's digest": (
        lambda c: c["probes"][0].update(digest="0" * 64),
        "run.json: its digest of the probe 'trial' is not the one of results.json",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FORGERIES)
def test_an_edit_with_new_digests_is_named(name: str, whole: bytes, tmp_path: Path) -> None:
    change, said = FORGERIES[name]
    faults = verify(forge(whole, change, reports=name == "softened"), tmp_path).faults
    assert any(said in fault for fault in faults), faults


def test_an_edited_score_is_named(whole: bytes, tmp_path: Path) -> None:
    held = members(whole)
    rows = list(csv.reader(io.StringIO(gzip.decompress(held[EVIDENCE_FILE]).decode())))
    probe, score = rows[0].index("probe"), rows[0].index("log_prob")
    row = next(i for i, r in enumerate(rows) if r[probe] == "trial")
    rows[row][score] = str(float(rows[row][score]) - 1)
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    edited = {EVIDENCE_FILE: gzip.compress(text.getvalue().encode(), mtime=0)}
    faults = verify(forge(whole, lambda _: None, **edited), tmp_path).faults
    assert any(fault.startswith(f"{GAP}: estimate is ") for fault in faults)


@pytest.mark.parametrize("file", ["report.html", "summary.md", "junit.xml", "bom.cdx.json"])
def test_a_report_that_says_something_else_is_named(
    file: str, whole: bytes, tmp_path: Path, done: Audit
) -> None:
    held = members(whole)
    held[file] = held[file].replace(b"trial", b"other")
    del held[MANIFEST]
    faults = verify(pack(held, done.results, program_digest()), tmp_path).faults
    assert faults == (f"{file}: it is not what results.json gives",)


def test_reports_of_another_build_are_not_judged_and_that_is_said(
    whole: bytes, tmp_path: Path, done: Audit
) -> None:
    held = members(whole)
    del held[MANIFEST]
    held["summary.md"] = b"An older layout.\n"
    made = verify(pack(held, done.results, "0" * 64), tmp_path)
    assert made.faults == ()
    said = "bom.cdx.json, junit.xml, report.html, summary.md: written by another build of version"
    assert any(line.startswith(said) for line in made.unseen)


def test_another_model_in_the_list_is_named(whole: bytes, tmp_path: Path, done: Audit) -> None:
    held = members(whole)
    del held[MANIFEST]
    other = done.results.model.model_copy(update={"fingerprint": "0" * 64})
    forged = pack(held, done.results.model_copy(update={"model": other}))
    faults = verify(forged, tmp_path).faults
    assert faults == ("bundle.json: what it says of the model is not what results.json says",)


# Every field.

FREE = (
    "schema_version", "tool.name", "tool.version", "model.*", "run.*", "sanity.*", "determinism.*",
    "limits_digest", "probes.#.version", "probes.#.language", "probes.#.title", "probes.#.question",
    "probes.#.reason", "probes.#.plus", "probes.#.minus", "probes.#.scope", "probes.#.prompts",
    "probes.#.coverage.*requested*", "probes.#.card.*", "probes.#.groups.#.priors.#",
    "probes.#.groups.#.pieces.#", "probes.#.groups.#.placebo", "probes.#.targets.#.pieces",
    "probes.#.sensitive", "results.#.p_sign_flip", "results.#.p_label_exchange",
    "results.#.neutral", "results.#.clusters.targets", "results.#.margin",
    "results.#.margin_reason", "results.#.checks.#.*", "results.#.reason",
    "results.#.by_template.#.text", "results.#.companions.#.*", "results.#.sentences.#.harmful",
    "results.#.sentences.#.typical", "gates.#.why", "gates.#.file", "gates.#.line",
    "gates.#.column", "waivers.#.*", "notices.#",
)  # fmt: skip
"""Fields that nothing in a bundle gives again: who ran what when, draws and checks, and the texts
of probes, gates and waivers that stand in files of one's own."""


def leaves(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    pairs: Any = ()
    if isinstance(value, dict | list):
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
    elif value is not None:
        yield path
    for key, item in pairs:
        yield from leaves(item, (*path, key))


def put(content: Any, path: tuple[str | int, ...], change: Callable[[Any], Any]) -> None:
    for key in path[:-1]:
        content = content[key]
    content[path[-1]] = change(content[path[-1]])


def other(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    return (
        value + 1
        if isinstance(value, int)
        else f"{value}x"
        if isinstance(value, str)
        else 1.1 * value + 0.07
    )


def test_every_field_that_follows_from_others_is_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One field of every kind; reports are left out, since a forger renders them again."""
    monkeypatch.setattr(bundle, "_texts", lambda *_args, **_options: iter(()))
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    content, manifest = (json.loads(files[name]) for name in ("results.json", "run.json"))
    kinds: dict[str, tuple[str | int, ...]] = {}
    for path in leaves(content):
        kinds.setdefault(".".join("#" if isinstance(key, int) else key for key in path), path)
    followers = [kind for kind in kinds if not any(fnmatchcase(kind, free) for free in FREE)]
    assert len(followers) > 150
    lost = []
    for kind in followers:
        edited = json.loads(files["results.json"])
        put(edited, kinds[kind], other)
        copies = {name: edited[name] for name in ("tool", "model", "run")}
        forged = {"results.json": edited, "run.json": manifest | copies}
        held = files | {name: json.dumps(text).encode() for name, text in forged.items()}
        if next(bundle._faults(held, [], []), None) is None:
            lost.append(kind)
    assert lost == []


def test_digests_of_the_bundled_model_are_those_of_its_files(folder: Path) -> None:
    """Of any other model nobody can tell from a bundle."""
    own = locate_model(ModelOptions(name=BUNDLED)).digests()
    stored = {path.name: path.read_bytes() for path in folder.iterdir()}

    def said(**change: Any) -> str:
        content = json.loads(stored["results.json"])
        content["model"] |= {"name": BUNDLED, "kind": "masked", **own, "files": dict(own["files"])}
        content["model"] |= change
        return " | ".join(bundle._bundled_model(Results.model_validate(content)))

    assert said() == ""
    files = dict(own["files"]) | {"model.safetensors": "0" * 64}
    assert "digests of the files of 'reference'" in said(files=files)
    assert "its fingerprint of 'reference'" in said(fingerprint="0" * 64)
    assert said(name="another", files=files, fingerprint="") == ""


def test_a_report_with_another_head_is_no_dead_end(done: Audit, tmp_path: Path) -> None:
    folder = done.save(tmp_path / "one", formats=["dossier"])
    head = done.results.run.model_copy(update={"owner": "somebody"})
    other = render(done.results.model_copy(update={"run": head}), "dossier")
    (folder / "dossier.md").write_text(other, encoding="utf-8")
    with pytest.raises(UsageError, match=r"dossier\.md: it is not what") as caught:
        pack_run(folder)
    assert "--owner, --purpose or --title that the run does not have" in (caught.value.hint or "")
    own = render(Audit.load(folder).results, "dossier")
    (folder / "dossier.md").write_text(own, encoding="utf-8")
    assert "dossier.md" in pack_run(folder).names


def with_file(name: str, content: bytes) -> Callable[[bytes], bytes]:
    """Put a file into a bundle whose list is made anew."""

    def change(whole: bytes) -> bytes:
        held = members(whole) | {name: content}
        held.pop(MANIFEST)
        return pack(held, Results.model_validate_json(held["results.json"]), program_digest())

    return change


def flip(whole: bytes) -> bytes:
    place = len(whole) // 2
    return whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :]


def rename(whole: bytes) -> bytes:
    held = members(whole)
    return archive({("results.csv" if n == "summary.md" else n): c for n, c in held.items()})


def cut(whole: bytes) -> bytes:
    held = members(whole)
    return archive({n: c for n, c in held.items() if n != "evidence.csv.gz"})


def edited(change: Callable[[Content], None]) -> Callable[[bytes], bytes]:
    return lambda whole: forge(whole, change)


def relabel(content: Content) -> None:
    content["probes"][0]["groups"][0]["label"] = "somebody else"


TEN: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "a flipped byte": (flip, "its checksum is another one"),
    "a renamed file": (rename, "it was renamed: the list calls it summary.md"),
    "a file that was added": (with_file("more.txt", b"x"), "no run writes a file of this name"),
    "a file that was cut": (cut, "evidence.csv.gz: it is missing"),
    "a report that was written over": (
        with_file("summary.md", b"Fine."), "summary.md: it is not what results.json gives",
    ),
    "a smaller gap": (edited(soften_the_gap), f"{GAP}: estimate is 0.1 in results.json"),
    "a gate that passes": (edited(FORGERIES["a passed gate"][0]), "its state is 'pass', by"),
    "a limit that was raised": (edited(set_gate("tight", limit=9.0)), "its state is 'fail', by"),
    "a finding that is gone": (edited(lambda c: c.update(findings=[])), "outcomes disagree"),
    "a group with another name": (edited(relabel), f"{GAP}: the name of a is 'group a', by"),
}  # fmt: skip


@pytest.mark.parametrize("kind", TEN)
def test_ten_kinds_of_tampering_are_named(kind: str, whole: bytes, tmp_path: Path) -> None:
    change, said = TEN[kind]
    faults = verify(change(whole), tmp_path).faults
    assert any(said in fault for fault in faults), faults


def test_texts_of_a_probe_that_the_program_has_are_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundle, "_texts", lambda *_args, **_options: iter(()))
    made = audit(FakeBackend(), probes="occupation-pronoun", limit=3, now=lambda: NOON)
    home = made.save(tmp_path / "run")
    files = {path.name: path.read_bytes() for path in home.iterdir()}
    assert [*bundle._faults(files, [], [])] == []
    for path in (
        ("probes", 0, "title"), ("probes", 0, "card", "limits"), ("probes", 0, "plus"),
        ("results", 0, "margin"), ("results", 0, "margin_reason"),
        ("results", 0, "by_template", 0, "text"), ("probes", 0, "targets", 0, "text"),
    ):  # fmt: skip
        forged = json.loads(files["results.json"])
        put(forged, path, other)
        held = files | {"results.json": json.dumps(forged).encode()}
        faults = [*bundle._faults(held, [], [])]
        assert any("by its files" in one or "in its files" in one for one in faults), path


# What is no bundle, and what could do harm.


def test_what_is_no_bundle(whole: bytes, tmp_path: Path) -> None:
    held = members(whole)
    with pytest.raises(UsageError, match="no bundle at"):
        verify_bundle(tmp_path / "none.zip")
    assert "its archive is damaged" in refusal(b"no zip at all", tmp_path)
    assert "its archive is damaged" in refusal(whole[:-30], tmp_path)
    assert "it holds no bundle.json" in refusal(archive({"a.txt": b""}), tmp_path)
    for text, said in (
        (b"{}", "its bundle.json is none of ours"),
        (b"[" * 100_000, "its bundle.json is not readable"),
        (b'{"format": "bias-audit bundle", "version": 9}', "it has version 9, not 1"),
        (b'{"format": "bias-audit bundle", "version": 1, "files": {"a": 1}}', "lists no files"),
    ):
        assert said in refusal(archive(held | {MANIFEST: text}), tmp_path)


@pytest.mark.parametrize(
    "name", ["../evil.txt", "/etc/passwd", "a/b.txt", "C:\\x", ".hidden", "a\nb", "x" * 200]
)
def test_names_that_are_paths_are_refused(name: str, whole: bytes, tmp_path: Path) -> None:
    said = refusal(archive(members(whole) | {name: b"x"}), tmp_path)
    assert "bundles have no folders" in said
    assert "\n" not in said
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.zip"], "nothing is unpacked"


def test_links_copies_and_packed_files_are_refused(whole: bytes, tmp_path: Path) -> None:
    held = members(whole)
    link = zipfile.ZipInfo("link.txt")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    assert "is a link" in refusal(archive([*held.items(), (link, b"/etc/passwd")]), tmp_path)
    twice = archive([*held.items(), ("summary.md", b"other")])
    assert "it holds 'summary.md' twice" in refusal(twice, tmp_path)
    packed = archive(held | {"zeros.txt": bytes(1 << 24)}, compression=zipfile.ZIP_DEFLATED)
    assert "is compressed" in refusal(packed, tmp_path)
    many = archive(held | {f"f{i}": b"" for i in range(200)})
    assert "it holds 208 files, 100 are the most" in refusal(many, tmp_path)


def test_a_size_that_is_stated_and_not_there_is_refused(whole: bytes, tmp_path: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(whole)) as made:
        directory = made.start_dir
    changed = bytearray(whole)
    changed[directory + 20 : directory + 28] = (1 << 31).to_bytes(4, "little") * 2
    assert "another size" in refusal(bytes(changed), tmp_path)


def test_scores_that_unpack_to_too_much_are_not_unpacked(
    whole: bytes, tmp_path: Path, done: Audit
) -> None:
    held = members(whole)
    del held[MANIFEST]
    held[EVIDENCE_FILE] = gzip.compress(bytes(40 << 20), mtime=0)
    (fault,) = verify(pack(held, done.results), tmp_path).faults
    assert fault == "evidence.csv.gz: it unpacks to more than 16,777,216 bytes"


def test_results_that_are_no_results_do_not_verify(
    whole: bytes, tmp_path: Path, done: Audit
) -> None:
    held = members(whole)
    del held[MANIFEST]
    for text, said in ((b"nothing", "results.json: line 1"), (b"{}", "no schema_version")):
        (fault,) = verify(pack(held | {"results.json": text}, done.results), tmp_path).faults
        assert said in fault


# Runs of other kinds.


def test_a_run_that_was_cut_short_is_packed_and_verified(tmp_path: Path) -> None:
    cut = audit(FakeBackend(), probes="occupation-pronoun", limit=3, now=lambda: NOON)
    assert cut.results.run.partial
    packed = pack_run(cut.save(tmp_path / "run")).content
    assert verify(packed, tmp_path).faults == ()


def test_shares_of_a_published_data_set_are_computed_again(tmp_path: Path) -> None:
    copy = data_files.write(tmp_path, "crows-pairs")
    home = audit(FakeBackend(), data={"crows-pairs": copy}).save(tmp_path / "run")
    packed = pack_run(home).content
    made = verify(packed, tmp_path)
    assert made.faults == ()
    assert any("numbers of pairs" in line for line in made.seen)
    held = members(packed)
    content = json.loads(held["results.json"])
    share = next(r for r in content["results"] if r["metric"] == "crows_pairs")
    share["estimate"] = 75.0
    del held[MANIFEST]
    results = Results.model_validate(content)
    held["results.json"] = json.dumps(content).encode()
    faults = verify(pack(held, results), tmp_path).faults
    assert any(fault.startswith(f"{share['id']}: estimate is 75.0") for fault in faults)


def test_a_folder_without_scores_or_with_an_edit_is_not_packed(
    folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "bare").mkdir()
    (tmp_path / "bare" / "results.json").write_bytes((folder / "results.json").read_bytes())
    with pytest.raises(UsageError, match=r"has no evidence\.csv\.gz"):
        pack_run(tmp_path / "bare")
    for name in ("evidence.csv.gz", "run.json", "summary.md"):
        (tmp_path / "bare" / name).write_bytes((folder / name).read_bytes())
    (tmp_path / "bare" / "mine.txt").write_text("notes", encoding="utf-8")
    packed = pack_run(tmp_path / "bare")
    assert packed.others == ("mine.txt",)
    assert "mine.txt" not in members(packed.content)
    (tmp_path / "bare" / "summary.md").write_text("All is well.\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"summary\.md: it is not what results\.json gives"):
        pack_run(tmp_path / "bare")
