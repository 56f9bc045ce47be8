"""Joins the stages: a model and probes in, an audit out."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bias_audit import __version__, archive, render
from bias_audit import assess as assessing
from bias_audit.archive import ErrorRecord, Gate, ProbeRecord, Results, SkipRecord
from bias_audit.assess import Settings
from bias_audit.catalogue import Catalogue
from bias_audit.config import GateConfig
from bias_audit.errors import NothingToAuditError, UnknownNameError, UsageError
from bias_audit.findings import findings as make_findings
from bias_audit.gates import count_states, default_gates, enforced_gates, exit_code
from bias_audit.measuring import Measured, ProgressListener, measure
from bias_audit.planning import Plan, make_plan
from bias_audit.sanity import check as check_sanity
from bias_audit.scoring import Backend, open_backend
from bias_audit.store import default_folder, require_writable, versions, write_run

if TYPE_CHECKING:
    import pandas as pd


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

    @classmethod
    def load(cls, run: str | Path) -> Audit:
        """Read a stored audit: a run folder, a ``results.json``, or ``audit-runs/latest``.

        Raises:
            UsageError: nothing readable is there.
        """
        path = archive.locate(run)
        return cls(results=archive.load_results(path), folder=path.parent)

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

    def save(self, folder: str | Path) -> Path:
        """Write the run folder: results, manifest, evidence, report and summary.

        Raises:
            UsageError: the folder cannot be written.
        """
        from bias_audit.tables import evidence_csv

        target = Path(folder)
        files: dict[str, str | bytes] = {
            "report.html": render.render(self.results, "html"),
            "summary.md": render.render(self.results, "md"),
        }
        if self.measured is not None:
            tables = [self.measured.tables[name] for name in sorted(self.measured.tables)]
            files["evidence.csv.gz"] = evidence_csv(tables)
        write_run(target, self.results, self.manifest, files)
        return target

    def _evidence(self) -> pd.DataFrame:
        import pandas as pd

        if self.measured is not None:
            tables = [self.measured.tables[name].frame for name in sorted(self.measured.tables)]
            return pd.concat(tables, ignore_index=True)
        path = (self.folder or Path()) / "evidence.csv.gz"
        if not path.is_file():
            raise UsageError(f"no evidence at {path}: expected the file that a run writes")
        return pd.read_csv(path, keep_default_na=False, na_values={"log_prob": "", "rank": ""})

    def _repr_html_(self) -> str:
        return render.render(self.results, "notebook")

    def __str__(self) -> str:
        return render.render(self.results, "terminal")


def audit(
    model: str | Backend = "reference",
    *,
    probes: Sequence[str] = (),
    exclude: Sequence[str] = (),
    catalogue: Catalogue | None = None,
    settings: Settings | None = None,
    limit: int | None = None,
    max_seconds: float | None = None,
    progress: ProgressListener | None = None,
    command: str = "",
    gates: Sequence[GateConfig] = (),
    strict: bool = False,
    now: Callable[[], datetime.datetime] | None = None,
    **options: Any,
) -> Audit:
    """Audit a masked language model.

    Args:
        model: ``reference``, a local folder, a hub id, or a backend.
        probes: ids or globs; the core probes when empty.
        exclude: ids or globs to leave out.
        catalogue: where probes come from; the shipped ones when None.
        settings: choices of the analysis.
        limit: keep only so many sentences of each probe (the audit is then partial).
        max_seconds: stop scoring after this time (the audit is then partial).
        progress: called with (what, rows done, rows in all) while scoring.
        command: the command line, for the report.
        gates: limits to enforce; without any, the probes' own margins inform and nothing fails.
        strict: unclear enforced gates count as incomplete in the exit code.
        now: clock for the time stamp, UTC.
        options: of :func:`bias_audit.scoring.open_backend`: revision, device, dtype, batch_size,
            offline, allow_pickle.

    Raises:
        BiasAuditError: the model cannot be loaded, a name or a file is wrong, or nothing is left.
    """
    settings = settings or Settings()
    catalogue = catalogue or Catalogue()
    plan = make_plan(catalogue, catalogue.select(probes, exclude), limit=limit)
    backend = open_backend(model, **options) if isinstance(model, str) else model
    started = (now or _utc_now)()
    clock = time.monotonic()
    sanity = check_sanity(backend, catalogue.sanity())
    measured = measure(plan, backend, progress=progress, max_seconds=max_seconds)
    duration = time.monotonic() - clock
    results = _results(plan, backend, measured, settings, sanity, gates)
    run = results.run.model_copy(
        update={
            "created": started.isoformat(timespec="seconds"),
            "duration_s": round(duration, 2),
            "command": command,
        }
    )
    code = exit_code(
        results.gates,
        errors=len(results.errors),
        audited=len(measured.scored),
        strict=strict,
    )
    results = results.model_copy(update={"run": run, "exit_code": code})
    return Audit(
        results=results,
        measured=measured,
        manifest=_manifest(plan, backend, results, settings, options),
    )


def _results(
    plan: Plan,
    backend: Backend,
    measured: Measured,
    settings: Settings,
    sanity: archive.SanityCheck,
    gate_configs: Sequence[GateConfig],
) -> Results:
    partial = plan.partial or bool(measured.late)
    found = assessing.assess(
        plan.tasks,
        measured.scored,
        settings,
        failures=measured.failures | dict.fromkeys(measured.late, "the time was up"),
        sanity_reason=sanity.detail,
        partial=partial,
        harmful=plan.harmful,
    )
    broken = [_broken(plan, name, measured) for name in (*measured.failures, *measured.late)]
    probes = (*found.probes, *broken)
    by_id = {probe.id: probe for probe in probes}
    errors = tuple(
        ErrorRecord(probe=name, type=measured.error_types[name], message=message)
        for name, message in sorted(measured.failures.items())
    )
    enforced = enforced_gates(gate_configs, found.results, partial=partial)
    covered = {gate.result for gate in enforced}
    gates = enforced + [g for g in default_gates(found.results) if g.result not in covered]
    asked = {task.probe.spec.id for task in plan.tasks}
    if not measured.scored and not errors:
        raise NothingToAuditError("no sentence was scored before the time was up")
    info = backend.info
    return Results(
        tool=archive.Tool(name="bias-audit", version=__version__),
        model=archive.Model(
            name=info.name,
            revision=info.revision,
            fingerprint=info.fingerprint,
            kind=info.kind,
            architecture=info.architecture,
            vocabulary_size=info.vocabulary_size,
            parameters=info.parameters,
            dtype=info.dtype,
            device=info.device,
            notices=info.notices,
        ),
        run=archive.Run(
            seed=settings.seed,
            partial=partial,
            catalogue_digest=plan.digest,
        ),
        states=count_states(gates, len(asked & set(measured.failures)))
        | ({"skipped": len(asked & set(measured.late))} if measured.late else {}),
        sanity=sanity,
        probes=probes,
        results=found.results,
        findings=tuple(make_findings(info.name, found.results, by_id, measured.scored)),
        gates=tuple(gates),
        skips=_skips(measured),
        errors=errors,
    )


def _skips(measured: Measured) -> tuple[SkipRecord, ...]:
    """Everything that was lost in any run, controls included."""
    return tuple(
        SkipRecord(
            probe=name,
            kind=skip.kind,
            what=skip.what,
            pole=skip.pole,
            reason=skip.reason,
            detail=skip.detail,
            count=skip.count,
        )
        for name, scored in sorted(measured.scored.items())
        for skip in (*scored.skips, *scored.cube.skips)
    )


def _broken(plan: Plan, name: str, measured: Measured) -> ProbeRecord:
    """The record of a probe that was not scored."""
    spec = plan.probes[name].spec
    late = name in measured.late
    asked = name in {task.probe.spec.id for task in plan.tasks}
    return ProbeRecord(
        id=name,
        version=spec.version,
        axis=spec.axis,
        title=spec.title,
        question=spec.question,
        role="probe" if asked else spec.role,
        state="skipped" if late else "error",
        reason="the time was up" if late else measured.failures[name],
        sensitive=spec.sensitive,
    )


def _manifest(
    plan: Plan, backend: Backend, results: Results, settings: Settings, options: Mapping[str, Any]
) -> dict[str, Any]:
    info = backend.info
    return {
        "state": "partial" if results.run.partial else "complete",
        "tool": results.tool.model_dump(),
        "versions": versions(),
        "model": results.model.model_dump() | {"tokenizer_digest": info.tokenizer_digest},
        "options": {key: str(value) for key, value in sorted(options.items())},
        "analysis": {name: getattr(settings, name) for name in settings.__slots__},
        "run": results.run.model_dump(),
        "probes": {
            name: {
                "version": probe.spec.version,
                "digest": probe.digest,
                "file": Path(probe.file).name,
            }
            for name, probe in sorted(plan.probes.items())
        },
        "prompts": plan.prompts,
    }


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
