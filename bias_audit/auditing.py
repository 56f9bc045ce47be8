"""Joins the stages: a model and probes in, an audit out."""

from __future__ import annotations

import datetime
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bias_audit import archive, render
from bias_audit.archive import Gate, Results
from bias_audit.assembling import assemble, manifest
from bias_audit.assess import Settings
from bias_audit.catalogue import Catalogue
from bias_audit.config import GateConfig
from bias_audit.errors import UnknownNameError, UsageError
from bias_audit.evidence import PAIR_SCORES
from bias_audit.judging import judged
from bias_audit.measuring import Measured, ProgressListener, measure
from bias_audit.pairing import StoredRun
from bias_audit.planning import make_plan
from bias_audit.policy import Policy
from bias_audit.requested.listing import chosen
from bias_audit.requested.running import require
from bias_audit.sanity import check_all
from bias_audit.scoring import Backend, engine_told
from bias_audit.store import (
    default_folder,
    read_manifest,
    require_writable,
    write_run,
)
from bias_audit.storing import CacheChoice, CacheUse, opened

if TYPE_CHECKING:
    import pandas as pd

EVIDENCE = "evidence.csv.gz"


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditFinding:
    """One finding, with a way down to its sentences."""

    record: archive.Finding
    """Everything that ``results.json`` holds about it."""

    @property
    def id(self) -> str:
        """Short stable id, such as ``F-7c31a9``."""
        return self.record.id

    @property
    def headline(self) -> str:
        """The finding in one sentence."""
        return self.record.headline

    @property
    def severity(self) -> str:
        """How large: ``high``, ``moderate`` or ``low``."""
        return self.record.severity

    @property
    def evidence(self) -> str:
        """How sure: ``strong``, ``moderate`` or ``weak``."""
        return self.record.evidence

    def sentences(self, limit: int = 5) -> list[archive.Sentence]:
        """Typical sentence pairs behind the finding."""
        return list(self.record.sentences[:limit])


@dataclass(frozen=True, kw_only=True)
class Audit:
    """A finished audit. Every report is a pure function of ``results``."""

    results: Results
    manifest: Mapping[str, Any] = field(default_factory=dict)
    measured: Measured | None = None
    """Cell scores of a fresh audit; None when it was loaded."""
    folder: Path | None = None
    """Where it is stored, if it is."""
    further: Mapping[str, bytes] = field(default_factory=dict)
    """Further files of a fresh audit, by name."""
    cache: CacheUse | None = None
    """How many scores of a fresh audit were kept from earlier runs."""

    @classmethod
    def load(cls, run: str | Path) -> Audit:
        """Read a stored audit: a run folder, a ``results.json``, or ``audit-runs/latest``.

        Raises:
            UsageError: nothing readable is there.
        """
        path = archive.locate(run)
        results = archive.load_results(path)
        return cls(results=results, manifest=read_manifest(path.parent), folder=path.parent)

    @property
    def findings(self) -> list[AuditFinding]:
        """Findings, strongest first."""
        return [AuditFinding(record=found) for found in self.results.findings]

    @property
    def gates(self) -> dict[str, Gate]:
        """Gates by id."""
        return {gate.id: gate for gate in self.results.gates}

    @property
    def exit_code(self) -> int:
        """What the command line would have returned."""
        return self.results.exit_code

    def to_frame(self, table: str = "results") -> pd.DataFrame:
        """Return a table for pandas: results, probes, findings, gates, skips or evidence.

        Raises:
            UnknownNameError: no such table.
            UsageError: the evidence file is not there.
        """
        import pandas as pd

        if table == "evidence":
            return self._evidence()
        known = ("results", "probes", "findings", "gates", "skips", "errors")
        if table not in known:
            raise UnknownNameError("table", table, (*known, "evidence"))
        records = getattr(self.results, table)
        return pd.DataFrame([record.model_dump() for record in records])

    def report(self, path: str | Path, format: str | None = None) -> Path:
        """Render into a file; the format follows the name's ending (html, md, json, csv).

        Raises:
            UnknownNameError: no such format.
            UsageError: the file cannot be written.
        """
        target = Path(path)
        text = render.render(self.results, format or target.suffix.lstrip(".") or "html")
        archive.write_atomic(target, text)
        return target

    def figures(self, folder: str | Path) -> Path:
        """Write every chart of the report as SVG, PNG and PDF, with what each shows in captions.md.

        Raises:
            UsageError: the files cannot be written.
        """
        from bias_audit.render import figures

        target = Path(folder)
        for name, content in figures.files(self.results):
            archive.write_atomic(target / name, content)
        return target

    def save(self, folder: str | Path) -> Path:
        """Write the run folder: results, manifest, evidence, report and summary.

        An audit that was loaded takes its evidence along, if it has any.

        Raises:
            UsageError: the folder cannot be written.
        """
        target = Path(folder)
        files: dict[str, str | bytes] = {
            "report.html": render.render(self.results, "html"),
            "summary.md": render.render(self.results, "md"),
        }
        if self.measured is not None:
            files[EVIDENCE] = _evidence_bytes(self.measured)
        elif self.folder is not None and (self.folder / EVIDENCE).is_file():
            files[EVIDENCE] = (self.folder / EVIDENCE).read_bytes()
        files |= self.further
        if self.folder is not None and (self.folder / PAIR_SCORES).is_file():
            files[PAIR_SCORES] = (self.folder / PAIR_SCORES).read_bytes()
        write_run(target, self.results, self.manifest, files)
        return target

    def _evidence(self) -> pd.DataFrame:
        import pandas as pd

        from bias_audit.tables import read_evidence

        if self.measured is not None:
            tables = [self.measured.tables[name].frame for name in sorted(self.measured.tables)]
            return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()
        if self.folder is None:
            raise UsageError("this audit has no evidence: it was neither measured nor loaded")
        path = self.folder / EVIDENCE
        if not path.is_file():
            raise UsageError(f"no evidence at {path}: expected the file that a run writes")
        try:
            return read_evidence(path)
        except (OSError, ValueError, EOFError, zlib.error) as error:
            raise UsageError(f"{path} is not readable evidence: {error}") from error

    def _repr_html_(self) -> str:
        return render.render(self.results, "notebook")

    def __str__(self) -> str:
        return render.render(self.results, "terminal")


def audit(
    model: str | Backend = "reference",
    *,
    probes: Sequence[str] = (),
    exclude: Sequence[str] = (),
    measures: Sequence[str] = (),
    checks: Sequence[str] = (),
    catalogue: Catalogue | None = None,
    settings: Settings | None = None,
    limit: int | None = None,
    max_seconds: float | None = None,
    progress: ProgressListener | None = None,
    command: str = "",
    gates: Sequence[GateConfig] = (),
    strict: bool = False,
    policy: Policy | None = None,
    baselines: Path | None = None,
    cache: CacheChoice = True,
    now: Callable[[], datetime.datetime] | None = None,
    **options: Any,
) -> Audit:
    """Audit a masked language model.

    Args:
        model: ``reference``, a local folder, a hub id, or a backend.
        probes: ids or globs; the core probes when empty.
        exclude: ids or globs to leave out.
        measures: measures on request, ids or globs; most cost further prompts.
        checks: checks on request, likewise.
        catalogue: where probes come from; the shipped ones when None.
        settings: choices of the analysis.
        limit: keep only so many sentences of each probe (the audit is then partial, if any has
            more).
        max_seconds: stop scoring after this time (the audit is then partial).
        progress: called with (what, rows done, rows in all) while scoring.
        command: the command line, for the report.
        gates: limits to enforce; without any, the probes' own margins inform and nothing fails.
        strict: unclear enforced gates count as incomplete in the exit code.
        policy: what a configuration demands, waivers included; in place of gates and strict.
        baselines: folder of the baselines that gates compare with.
        cache: whether and where scores are kept between runs: a folder, or a Cache; the default
            place when True. A backend of your own needs a folder.
        now: clock for the time stamp, UTC.
        options: of :func:`bias_audit.scoring.open_backend`: revision, device, dtype, batch_size,
            offline, allow_pickle, engine.

    Raises:
        BiasAuditError: the model cannot be loaded, a name or a file is wrong, or nothing is left.
    """
    settings = settings or Settings()
    catalogue = catalogue or Catalogue()
    asked = chosen(measures, checks)
    plan = make_plan(catalogue, catalogue.select(probes, exclude), limit=limit, requests=asked)
    with opened(model, cache, **options) as kept:
        require(kept.plain, plan.orders)
        started = (now or _utc_now)()
        clock = time.monotonic()
        spoken = {tag: catalogue.sanity(tag) for tag in plan.languages}
        sanity = check_all(kept.checked, spoken)
        measured = measure(
            plan, kept.backend, progress=progress, max_seconds=max_seconds, settings=settings
        )
        if kept.woken:
            sanity = check_all(kept.model, spoken)
        told, info = engine_told(kept.plain), kept.plain.info
    duration = time.monotonic() - clock
    results = assemble(plan, info, measured, settings, sanity)
    policy = policy or Policy(gates=tuple(gates), strict=strict)
    run = results.run.model_copy(
        update={
            "created": started.isoformat(timespec="seconds"),
            "duration_s": round(duration, 2),
            "command": command,
            "config_digest": policy.digest,
        }
    )
    results = archive.settled(results.model_copy(update={"run": run}))
    evidence = _evidence_bytes(measured) if policy.baselines else None
    results = judged(StoredRun(results=results, evidence=evidence), policy, folder=baselines)
    return Audit(
        results=results,
        measured=measured,
        manifest=manifest(plan, info, results, settings, options) | kept.use.told() | told,
        cache=kept.use,
    )


def _evidence_bytes(measured: Measured) -> bytes:
    from bias_audit.tables import evidence_csv

    return evidence_csv([measured.tables[name] for name in sorted(measured.tables)])


def _utc_now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


def choose_folder(output: str | Path | None, audit_: Audit) -> Path:
    """The folder of a run: the one asked for, or a new one under ``audit-runs/``."""
    if output is not None:
        return Path(output)
    run = audit_.results.run
    date = (run.created or "undated")[:10]
    digest = audit_.results.model.fingerprint[:3] + run.catalogue_digest[:3]
    return default_folder(Path.cwd(), date, digest)


__all__ = ["Audit", "AuditFinding", "audit", "choose_folder", "require_writable"]
