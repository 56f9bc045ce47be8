"""Log an audit to MLflow or Weights & Biases, after it is made; each is an extra to install.

>>> from bias_audit.tracking import to_mlflow               # doctest: +SKIP
>>> to_mlflow("audit-runs/latest")                          # into the active run

Numbers that are not there are left out, never logged as 0. Where the data goes is what you set up
in these tools; without a call nothing is sent.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bias_audit.errors import UsageError
from bias_audit.pipeline.audit import Audit

if TYPE_CHECKING:
    from bias_audit.results import Results

PREFIX = "bias-audit"
"""First part of every name that is logged, and name of the folder of files."""


def numbers(results: Results) -> dict[str, float]:
    """Counts of outcomes and states, exit code, gaps with their intervals, and rises, by name.

    Names are made of ids: ``occupation-gender/log_odds_gap/women-vs-men/estimate``.
    """
    logged: dict[str, float] = {f"states/{state}": n for state, n in results.states.items()}
    logged |= {f"outcomes/{outcome}": n for outcome, n in results.outcomes.items()}
    logged["exit_code"] = results.exit_code
    for result in results.results:
        if result.role == "primary":
            values = {name: getattr(result, name) for name in ("estimate", "ci_low", "ci_high")}
            logged |= _under(result.id, values)
    for gate in results.gates:
        logged |= _under(gate.id, {"rise": gate.rise})
    return logged


def facts(results: Results) -> dict[str, str]:
    """What was audited, and the state of every gate."""
    model = results.model
    return {
        "model": model.name,
        "revision": model.revision or "",
        "fingerprint": model.fingerprint,
        "version": results.tool.version,
        "seed": str(results.run.seed),
        "partial": str(results.run.partial).lower(),
        **{f"gate/{gate.id.replace(':', '/')}": gate.state for gate in results.gates},
    }


def to_mlflow(audit: Audit | str | Path) -> None:
    """Log metrics, tags and the run folder to the active MLflow run, or to a new one.

    Raises:
        UsageError: MLflow is not installed, or there is no such run.
    """
    mlflow = _package("mlflow", "mlflow")
    done = _load(audit)
    mlflow.log_metrics({f"{PREFIX}/{name}": n for name, n in numbers(done.results).items()})
    mlflow.set_tags({f"{PREFIX}/{name}": text for name, text in facts(done.results).items()})
    with _folder(done) as folder:
        mlflow.log_artifacts(str(folder), artifact_path=PREFIX)


def to_wandb(audit: Audit | str | Path, run: Any = None) -> None:
    """Log a summary and the run folder as an artifact to a Weights & Biases run.

    Args:
        audit: the audit, or where it is stored.
        run: what ``wandb.init`` returned; the active run when None.

    Raises:
        UsageError: wandb is not installed, no run is active, or there is no such audit.
    """
    wandb = _package("wandb", "wandb")
    run = run if run is not None else wandb.run
    if run is None:
        raise UsageError("no run of Weights & Biases is active", hint="call wandb.init() first")
    done = _load(audit)
    run.summary.update({f"{PREFIX}/{name}": n for name, n in numbers(done.results).items()})
    artifact = wandb.Artifact(PREFIX, type=PREFIX, metadata=facts(done.results))
    with _folder(done) as folder:
        artifact.add_dir(str(folder))
        run.log_artifact(artifact)


def _under(name: str, values: dict[str, float | None]) -> dict[str, float]:
    stem = name.replace(":", "/")
    return {f"{stem}/{key}": value for key, value in values.items() if value is not None}


def _package(name: str, extra: str) -> Any:
    from importlib import import_module

    try:
        return import_module(name)
    except ImportError as error:
        hint = f"pip install 'bias-audit[{extra}]'"
        raise UsageError(f"the package '{name}' is not installed", hint=hint) from error


def _load(audit: Audit | str | Path) -> Audit:
    return audit if isinstance(audit, Audit) else Audit.load(audit)


@contextmanager
def _folder(audit: Audit) -> Iterator[Path]:
    """The run folder of an audit; a fresh audit is saved for as long as it takes."""
    if audit.folder is not None:
        yield audit.folder
        return
    with tempfile.TemporaryDirectory(prefix="bias-audit-") as folder:
        yield audit.save(folder)
