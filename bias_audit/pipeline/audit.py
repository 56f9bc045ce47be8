"""A finished audit: its findings, its tables, its reports, its folder."""

from __future__ import annotations

import textwrap
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bias_audit import reports as render
from bias_audit.errors import UnknownNameError, UsageError
from bias_audit.pipeline import tables
from bias_audit.reports.text import count
from bias_audit.reports.wording import tally
from bias_audit.results import (
    EVIDENCE_FILE,
    PAIR_SCORES_FILE,
    Gate,
    Results,
    default_folder,
    load_results,
    locate,
    read_manifest,
    write_run,
)
from bias_audit.utils.files import write_atomic

if TYPE_CHECKING:
    import pandas as pd

    from bias_audit.backends.cache import CacheStats
    from bias_audit.pipeline.score import ScoredPlan
    from bias_audit.reports.view.page import Page
    from bias_audit.results.evidence import Source

_STRONGEST, _WIDTH = 5, 96
"""Associations that an audit names when it is shown, and their length."""


@dataclass(frozen=True, kw_only=True)
class Audit:
    """A finished audit. Every report is a pure function of ``results``."""

    results: Results
    manifest: Mapping[str, Any] = field(default_factory=dict)
    measured: ScoredPlan | None = None
    """Cell scores of a fresh audit; None when it was loaded."""
    folder: Path | None = None
    """Where it is stored, if it is."""
    further: Mapping[str, bytes] = field(default_factory=dict)
    """Further files of a fresh audit, by name."""
    cache: CacheStats | None = None
    """How many scores of a fresh audit were kept from earlier runs."""

    @classmethod
    def load(cls, run: str | Path) -> Audit:
        """Read a stored audit: a run folder, a ``results.json``, or ``audit-runs/latest``.

        Raises:
            UsageError: nothing readable is there.
        """
        path = locate(run)
        results = load_results(path)
        return cls(results=results, manifest=read_manifest(path.parent), folder=path.parent)

    @property
    def findings(self) -> tables.Findings:
        """Findings, strongest first, each with typical sentence pairs; shown as a short table."""
        return tables.Findings(self.results.findings)

    @property
    def gates(self) -> dict[str, Gate]:
        """Gates by id."""
        return {gate.id: gate for gate in self.results.gates}

    @cached_property
    def view(self) -> Page:
        """Words and numbers that reports for people show; built once."""
        from bias_audit.reports.view.build import build

        return build(self.results)

    @property
    def exit_code(self) -> int:
        """What the command line would have returned."""
        return self.results.exit_code

    @tables.explain_columns("comparisons")
    def comparisons(self, *, full: bool = False) -> pd.DataFrame:
        """Return a row for each comparison of groups, associations first, the largest gap first.

        In full with every further plain field of its result (``claim`` is what ``ci_low`` to
        ``ci_high`` speak for), the numbers of independent units (``n_template_clusters`` ...) and
        all of the interval about words of this kind (``kind_se`` ...), whose estimate is
        ``estimate`` and whose p is ``p_value``; named as in results.csv.
        """
        tables.require_probes(self.results, "comparisons")
        return tables.comparisons(self.results, full=full)

    @tables.explain_columns("words")
    def words(self, *, full: bool = False) -> pd.DataFrame:
        """Return a row for each scored word of each comparison, the largest difference first.

        In full with ``target`` (its id), ``p_value``, and facts about the word.
        """
        tables.require_probes(self.results, "words")
        return tables.words(self.results, full=full)

    @tables.explain_columns("completions")
    def completions(self, *, full: bool = False) -> pd.DataFrame:
        """Return a row for each word by which the completions of groups differ.

        In full with the likeliest words of every group too.
        """
        tables.require_probes(self.results, "completions")
        return tables.completions(self.results, full=full)

    @tables.explain_columns("evidence")
    def evidence(self, *, full: bool = False) -> pd.DataFrame:
        """Return a row for each scored word of each sentence, controls and placebos included.

        In full with every column of ``evidence.csv.gz``: ``template_cluster``, ``term_cluster`` and
        ``target_cluster`` say which rows count as one unit, ``pair`` which words are matched.

        Raises:
            UsageError: the evidence file is not there.
        """
        tables.require_probes(self.results, "evidence")
        return tables.evidence(self._evidence(), full=full)

    @tables.explain_columns("benchmarks")
    def benchmarks(self, *, full: bool = False) -> pd.DataFrame:
        """Return a row for each number of a published data set.

        In full with every further plain field of its result.

        Raises:
            UsageError: no data set was measured.
        """
        return tables.benchmarks(self.results, full=full)

    @tables.explain_columns("pair_scores")
    def pair_scores(self) -> pd.DataFrame:
        """Return both scores of each pair of a published data set, a row for each measure.

        Raises:
            UsageError: no data set was measured, or its file is not there.
        """
        source = self.further.get(PAIR_SCORES_FILE)
        if source is not None:
            return tables.pair_scores(source)
        path = None if self.folder is None else self.folder / PAIR_SCORES_FILE
        if path is None or not path.is_file():
            raise tables.no_data_sets("pair_scores")
        return tables.pair_scores(path)

    def to_frame(self, table: str = "results") -> pd.DataFrame:
        """Return records of ``results.json``: results, probes, findings, gates, skips, errors.

        Raises:
            UnknownNameError: no such table.
        """
        import pandas as pd

        known = ("results", "probes", "findings", "gates", "skips", "errors")
        if table not in known:
            raise UnknownNameError("table", table, known)
        records = getattr(self.results, table)
        return pd.DataFrame([record.model_dump() for record in records])

    def report(self, path: str | Path, format: str | None = None) -> Path:
        """Render into a file; the format follows the name's ending (html, pdf, md, json, csv).

        Raises:
            UnknownNameError: no such format.
            UsageError: the file cannot be written, or no browser can print the PDF.
        """
        target = Path(path)
        name = format or target.suffix.lstrip(".") or "html"
        if name == "pdf":
            from bias_audit.reports.formats import pdf

            write_atomic(target, pdf.render(self.results))
        else:
            write_atomic(target, render.render(self.results, name, self._scores()))
        return target

    def _scores(self) -> Source | None:
        """Return where the scores of single sentences are; None where nowhere."""
        if self.measured is not None:
            return evidence_bytes(self.measured)
        path = None if self.folder is None else self.folder / EVIDENCE_FILE
        return path if path is not None and path.is_file() else None

    def figures(self, folder: str | Path) -> Path:
        """Write every chart of the report as SVG, PNG and PDF, with what each shows in captions.md.

        Raises:
            UsageError: the files cannot be written.
        """
        from bias_audit.reports.formats import figures

        target = Path(folder)
        for name, content in figures.files(self.results):
            write_atomic(target / name, content)
        return target

    def save(self, folder: str | Path, formats: Sequence[str] = ()) -> Path:
        """Write the run folder: results, manifest, evidence, report and summary.

        An audit that was loaded takes its evidence along.

        Args:
            folder: where; it is replaced as a whole.
            formats: further formats to write, such as csv or junit.

        Raises:
            UsageError: the folder cannot be written.
        """
        target = Path(folder)
        files: dict[str, str | bytes] = {}
        for name in (EVIDENCE_FILE, PAIR_SCORES_FILE):
            if self.folder is not None and (self.folder / name).is_file():
                files[name] = (self.folder / name).read_bytes()
        if self.measured is not None:
            files[EVIDENCE_FILE] = evidence_bytes(self.measured)
        held = files.get(EVIDENCE_FILE)
        evidence = held if isinstance(held, bytes) else None
        files |= render.for_people(self.view, evidence)
        names = render.file_names()
        files |= self.further
        files |= {names[name]: render.render(self.results, name, evidence) for name in formats}
        write_run(target, self.results, self.manifest, files, names.values())
        return target

    def _evidence(self) -> pd.DataFrame:
        import pandas as pd

        from bias_audit.results.evidence import read_evidence

        if self.measured is not None:
            tables = [table.frame for _, table in sorted(self.measured.tables.items())]
            return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()
        if self.folder is None:
            raise UsageError("this audit has no evidence: it was neither measured nor loaded")
        path = self.folder / EVIDENCE_FILE
        if not path.is_file():
            raise UsageError(f"no evidence at {path}: expected the file that a run writes")
        try:
            return read_evidence(path)
        except (OSError, ValueError, EOFError, zlib.error) as error:
            raise UsageError(f"{path} is not readable evidence: {error}") from error

    def _repr_html_(self) -> str:
        return render.render(self.results, "notebook")

    def __repr__(self) -> str:
        """Return what was found, in at most ten lines."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        results = self.results
        probes = sum(probe.role == "probe" for probe in results.probes)
        strongest = [one for one in tables.primary(results) if one.outcome == "association"]
        sentences = count(sum(probe.prompts for probe in results.probes), "sentence")
        yield f"Audit of {results.model.name!r}: {count(probes, 'probe')}, {sentences}"
        yield tally(results)
        for one in strongest[:_STRONGEST]:
            yield "  " + textwrap.shorten(one.statement, _WIDTH, placeholder="…")
        if len(strongest) > _STRONGEST:
            yield f"  … and {count(len(strongest) - _STRONGEST, 'association')} more"
        yield f"See {', '.join(tables.names(results))}, .report(path)"

    def __str__(self) -> str:
        return render.render(self.results, "terminal")


def run_files() -> frozenset[str]:
    """Return the names of all files that a run may write into its folder."""
    return frozenset((*own_files(), *render.file_names().values()))


def own_files() -> frozenset[str]:
    """Return the names of those that no report could be made without, or made again."""
    return frozenset(("results.json", "run.json", EVIDENCE_FILE, PAIR_SCORES_FILE))


def evidence_bytes(measured: ScoredPlan) -> bytes:
    """The evidence of all runs of an audit, as the file is written."""
    from bias_audit.metrics.score_cube import evidence_csv

    return evidence_csv([measured.tables[name] for name in sorted(measured.tables)])


def choose_folder(output: str | Path | None, audit_: Audit) -> Path:
    """The folder of a run: the one asked for, or a new one under ``audit-runs/``."""
    if output is not None:
        return Path(output)
    run = audit_.results.run
    date = (run.created or "undated")[:10]
    digest = audit_.results.model.fingerprint[:3] + run.catalogue_digest[:3]
    return default_folder(Path.cwd(), date, digest)
