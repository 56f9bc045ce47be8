"""``trace``: two stored runs, or two models that are audited now, set side by side."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any

from bias_audit.analysis.trace import trace
from bias_audit.errors import UsageError
from bias_audit.pipeline.audit import evidence_bytes
from bias_audit.pipeline.run import audit
from bias_audit.pipeline.score import ProgressListener
from bias_audit.probes.catalogue import ProbeCatalogue
from bias_audit.results.io import is_run
from bias_audit.results.run_folder import StoredRun
from bias_audit.results.trace import Trace


def trace_models(
    base: str,
    deployed: str,
    *,
    probes: Sequence[str] = (),
    catalogue: ProbeCatalogue | None = None,
    progress: ProgressListener | None = None,
    **options: Any,
) -> Trace:
    """Set what two models say of the same groups side by side.

    Args:
        base: a run folder, a ``results.json``, or a model, which is audited now.
        deployed: the same of the model that was made from it.
        probes: ids, globs, suites: what models are audited by, and what is looked at in runs.
        catalogue: where probes come from; the shipped ones when None.
        progress: as of :func:`bias_audit.audit`.
        options: of the models.

    Raises:
        UsageError: a model without probes, or the two have nothing in common.
        BiasAuditError: as :func:`bias_audit.audit`.
    """
    catalogue = catalogue or ProbeCatalogue()
    names = catalogue.select(probes) if probes else []
    runs = []
    for name in (base, deployed):
        if is_run(name):
            runs.append(_only(StoredRun.open(name), names))
        elif not names:
            raise UsageError(
                f"'{name}' is no run, so it would be audited as a model, and no probes are named",
                hint="bias-audit trace BASE DEPLOYED -p axis:religion; or name two run folders",
            )
        else:
            one = audit(name, probes=names, catalogue=catalogue, progress=progress, **options)
            evidence = None if one.measured is None else evidence_bytes(one.measured)
            runs.append(StoredRun(results=one.results, evidence=evidence))
    return trace(*runs, names=(base, deployed))


def _only(run: StoredRun, names: Sequence[str]) -> StoredRun:
    """The run with the named probes only; all of them where none is named."""
    if not names:
        return run
    probes = tuple(p for p in run.results.probes if any(fnmatchcase(p.id, n) for n in names))
    if not probes:
        known = ", ".join(probe.id for probe in run.results.probes if probe.role == "probe")
        raise UsageError(f"none of the named probes is in the run, which has {known}")
    return StoredRun(
        results=run.results.model_copy(update={"probes": probes}), evidence=run.evidence
    )
