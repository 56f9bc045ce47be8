"""A configuration applied: the request of a run, and a stored run judged."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from bias_audit.analysis.compare_runs import comparable_results
from bias_audit.analysis.recompute import require_numbers
from bias_audit.backends import BUILT_IN, built_in_notice
from bias_audit.backends.cache.open import Cache
from bias_audit.backends.ray.options import Engine
from bias_audit.config import (
    VARIABLES,
    ConfigFile,
    ResolvedSettings,
    check_gates,
    read_policy,
    require,
    with_own,
)
from bias_audit.config.schema import Config, RunSettings
from bias_audit.datasets import DATASETS
from bias_audit.datasets import get as get_dataset
from bias_audit.errors import ModelLoadError, UsageError
from bias_audit.gates.baselines import baseline_folder
from bias_audit.gates.policy import Policy
from bias_audit.metrics.scored_probe import Settings
from bias_audit.pipeline.audit import Audit
from bias_audit.pipeline.judge import check_baselines, judge_run
from bias_audit.probes.catalogue import ProbeCatalogue
from bias_audit.probes.suites import DEFAULT, LABELS
from bias_audit.results.io import Results
from bias_audit.results.run_folder import StoredRun
from bias_audit.results.run_record import Model
from bias_audit.results.schema import Result
from bias_audit.utils import clock
from bias_audit.utils.readings import READINGS


@dataclass(frozen=True, kw_only=True)
class RunRequest:
    """A run that was checked as far as is possible without a model."""

    settings: RunSettings
    engine: Engine
    catalogue: ProbeCatalogue
    probes: tuple[str, ...]
    """Selectors of probes; empty with data: only the data sets are measured."""
    data: Mapping[str, Path]
    """Copies of data sets, by id."""
    measures: tuple[str, ...]
    policy: Policy
    baselines: Path | None
    """Folder of the baselines, where a gate names one."""

    @classmethod
    def from_settings(cls, resolved: ResolvedSettings) -> RunRequest:
        """Check what belongs together in the settings of a run.

        Raises:
            UsageError: names, files or gates that do not fit together.
            FileError: the waiver file has mistakes.
        """
        settings, call = resolved.settings, resolved.settings.call
        if call.fresh and call.no_cache:
            raise UsageError("--fresh keeps scores, --no-cache does not: leave one out")
        data = {get_dataset(name).id: path for name, path in call.data.items()}
        probes = _select_probes(settings, data)
        catalogue = resolved.catalogue or ProbeCatalogue()
        groups = {use.use: use.groups for use in settings.probes if use.use and use.groups}
        catalogue = catalogue.with_groups(groups) if groups else catalogue
        measures = settings.run.measures
        if call.strict:
            _require_plain_model(resolved)
        policy = read_policy(resolved.file, today=clock.today(), strict=call.strict)
        policy = replace(policy, probes=_wanted_probes(settings, catalogue))
        if data and not probes:
            if ("run", "checks") in resolved.origins:
                raise UsageError(
                    "data sets have measures, no checks: leave out --check"
                    f" {settings.run.checks[0]}",
                    hint="name probes too, or leave it out",
                )
            measures = measures if ("run", "measures") in resolved.origins else ()
        elif not call.probes and not call.exclude:
            _check_gates(settings, catalogue.select(probes))
        baselines = None
        if policy.baselines:
            baselines = baseline_folder(resolved.file.path, call.baselines)
            check_baselines(policy, baselines)
        return cls(
            settings=settings,
            engine=Engine(**settings.run.engine.model_dump()),
            catalogue=catalogue,
            probes=probes,
            data=data,
            measures=measures,
            policy=policy,
            baselines=baselines,
        )

    @property
    def analysis(self) -> Settings:
        """Choices of the analysis."""
        analysis = self.settings.analysis
        return Settings(
            seed=self.settings.run.seed,
            confidence=analysis.confidence,
            resamples=analysis.resamples,
            min_templates=analysis.minimum.templates,
            min_coverage=analysis.minimum.coverage,
            secondary_family=analysis.multiplicity.secondary,
            target_family=analysis.multiplicity.targets,
        )

    @property
    def selection(self) -> dict[str, Any]:
        """Return what is measured, for :func:`~bias_audit.pipeline.tasks.plan_tasks`."""
        call = self.settings.call
        return {
            "catalogue": self.catalogue,
            "probes": self.probes,
            "exclude": call.exclude,
            "data": self.data,
            "measures": self.measures,
            "checks": self.settings.run.checks,
            "limit": call.limit,
            "examples": call.examples,
            "max_seconds": call.max_seconds,
        }

    def arguments(self) -> dict[str, Any]:
        """Return the run as arguments of :func:`bias_audit.audit`."""
        model, call = self.settings.model, self.settings.call
        arguments = self.selection | {
            "model": model.name,
            "settings": self.analysis,
            "policy": self.policy,
            "baselines": self.baselines,
            "cache": False if call.no_cache else Cache(fresh=call.fresh),
            "revision": model.revision,
            "device": model.device,
            "dtype": model.dtype,
            "batch_size": self.settings.run.batch_size,
            "offline": call.offline,
            "allow_pickle": call.allow_pickle,
            "engine": self.engine,
            "title": call.title,
            "owner": call.owner,
            "purpose": call.purpose,
        }
        optional = {"labels": call.labels, "reading": model.reading, "pooling": model.pooling}
        return arguments | {name: value for name, value in optional.items() if value}


def gate(
    run: str | Path,
    *,
    config: str | Path | None = None,
    strict: bool = False,
    baselines: Path | None = None,
    against: str | None = None,
    model: str | None = None,
) -> Audit:
    """Judge a stored run by a configuration as ``bias-audit gate`` does; the run stays as it is.

    Args:
        run: a run folder, a ``results.json``, or ``audit-runs/latest``.
        config: the file; that of the working folder or its parents when None.
        strict: unclear gates, unpinned hub models and numbers without evidence count as incomplete.
        baselines: folder of the baselines; beside the configuration when None.
        against: a baseline's name or a run to compare with, whatever the gates name.
        model: the model that the run is of; the one that the configuration names when None.

    Raises:
        UsageError: there is no run or no configuration, it has no gates (that would pass anything),
            the run is of another model, or its numbers contradict each other or its evidence.
        FileError: the configuration has mistakes, or a gate names a probe that does not exist.

    The numbers that gates judge are computed again where the evidence of the run is there.
    """
    stored = StoredRun.open(run)
    file = require(
        None if config is None else Path(config),
        lambda content, path: _check_gate_names(content, path, stored.results),
    )
    if not file.config.gates:
        raise UsageError(
            f"{file.path} has no gates, so there is nothing to judge by",
            hint="add some under 'gates:'; bias-audit report RUN shows a run without judging it",
        )
    _require_model(file, stored.results.model, model)
    note = _compare_files(file, stored.results.model, model)
    judged = _judged_results(file.config, stored.results)
    require_numbers(stored, judged)
    there = {probe.id for probe in stored.results.probes}
    lost = stored.evidence is None and any(result.estimate is not None for result in judged)
    suite = LABELS if READINGS[stored.results.model.reading].of == "label" else DEFAULT
    policy = replace(
        read_policy(file, today=clock.today(), strict=strict),
        probes=_wanted_probes(file.config, _catalogue(file), there, suite),
        verified=not lost,
    )
    folder = baseline_folder(file.path, baselines)
    results = judge_run(stored, policy, folder=folder, against=against)
    results = results.model_copy(update={"notices": (*results.notices, *note)})
    return replace(Audit.load(run), results=results)


def describe_override(resolved: ResolvedSettings) -> str:
    """Say that a variable names another model than the file; nothing where none does."""
    model = resolved.file.config.model
    if "model" not in resolved.file.config.model_fields_set:
        return ""
    for key in model.model_fields_set:
        source, value = resolved.origins.get(("model", key), ""), getattr(model, key)
        if key in ("name", "revision") and source.startswith(VARIABLES):
            used = getattr(resolved.settings.model, key)
            if used != value:
                return (
                    f"the model's {key} '{used}' is that of the variable {source};"
                    f" {resolved.file.path} says '{value}'"
                )
    return ""


def _require_plain_model(resolved: ResolvedSettings) -> None:
    """Refuse what a strict run may not leave open: which model is meant.

    Raises:
        UsageError: a variable names another model than the file, or a name means two.
    """
    if note := describe_override(resolved):
        raise UsageError(
            f"{note}; --strict takes the file's or the command's", hint="unset it, or edit the file"
        )
    if note := built_in_notice(resolved.settings.model.name):
        raise UsageError(f"{note}; --strict takes no name that means two")


def _catalogue(file: ConfigFile) -> ProbeCatalogue:
    """Return the shipped catalogue with the probes of a configuration."""
    catalogue = ProbeCatalogue()
    return with_own(catalogue, file.config, file.path) if file.path is not None else catalogue


def _require_model(file: ConfigFile, audited: Model, model: str | None) -> None:
    """Refuse a run of another model than the one that is to be judged.

    Raises:
        UsageError: it is.
    """
    config = file.config.model
    named = config.model_fields_set if "model" in file.config.model_fields_set else set()
    wanted = model or (config.name if "name" in named else None)
    if wanted is not None and not _same_name(wanted, audited.name, file.path, by_file=not model):
        who = "--model is" if model else f"{file.path} names the model"
        raise UsageError(
            f"{who} '{wanted}', and this run is of '{audited.name}': one says nothing of the other",
            hint=f"audit '{wanted}' first, or say that this one is meant: --model {audited.name}",
        )
    pinned = config.revision if "revision" in named and not model else None
    if pinned and re.fullmatch("[0-9a-f]{40}", pinned) and audited.revision != pinned:
        raise UsageError(
            f"{file.path} pins the revision {pinned[:12]}, and this run is of"
            f" {(audited.revision or 'an unknown revision')[:20]}",
            hint="audit the pinned revision first, or pin the one that was audited",
        )


def _compare_files(file: ConfigFile, audited: Model, model: str | None) -> tuple[str, ...]:
    """Compare the files of a local model with those that were audited; say where it is not here.

    Raises:
        UsageError: they are others, or cannot be read.
    """
    from bias_audit.backends.hf.model_files import digest_local

    if audited.name in BUILT_IN or audited.revision is not None or not audited.files:
        return ()
    config = file.config.model
    of_file = "model" in file.config.model_fields_set and "name" in config.model_fields_set
    home = file.path.parent if of_file and not model and file.path is not None else Path()
    named = model or (config.name if of_file else audited.name)
    place = home / os.path.expanduser(named)
    if not place.exists():
        return (
            f"The model '{audited.name}' is not here, so its files could not be compared with those"
            " that were audited.",
        )
    try:
        files = digest_local(place)
    except (OSError, ModelLoadError) as error:
        raise UsageError(
            f"the files of '{named}' cannot be compared with those that were audited: {error}",
            hint="judge the run where the model is whole, or where it is not at all",
        ) from None
    changed = [name for name, digest in files.items() if audited.files.get(name) != digest]
    if changed:
        raise UsageError(
            f"the run is of other files than those in '{named}': {', '.join(changed[:3])}"
            f" {'is' if len(changed) == 1 else 'are'} not what was audited",
            hint="run the audit again",
        )
    return ()


def _same_name(wanted: str, audited: str, file: Path | None, *, by_file: bool) -> bool:
    """Whether two names mean one model: paths may be seen from here or from a configuration."""
    if wanted == audited or os.path.normpath(wanted) == os.path.normpath(audited):
        return True
    home = file.parent if by_file and file is not None else Path()
    place = home / wanted
    return place.is_dir() and place.resolve() == Path(audited).resolve()


def _judged_results(config: Config, results: Results) -> list[Result]:
    """The gaps that some gate may judge."""
    return [
        result
        for result in comparable_results(results).values()
        if any(
            fnmatchcase(result.probe, gate.probe) and (result.role == "primary" or gate.over)
            for gate in config.gates
        )
    ]


def _select_probes(settings: RunSettings, data: Mapping[str, Path]) -> tuple[str, ...]:
    """The probes of a run: those named, else those of the file; none where data sets are all.

    Raises:
        UsageError: a data set is named without its file, or has a file and is not named.
    """
    wanted = settings.call.probes
    for name in wanted:
        if name in DATASETS and name not in data:
            raise UsageError(
                f"'{name}' is a published data set: name your own copy of it",
                hint=f"--data {name}=FILE, where FILE is {DATASETS[name].give}",
            )
    named = [name for name in wanted if name in data]
    unused = [name for name in data if named and name not in named]
    if unused:
        raise UsageError(f"--data names '{unused[0]}', which --probe does not")
    if data or wanted:
        return tuple(name for name in wanted if name not in data)
    return _names(settings)


def _names(config: Config) -> tuple[str, ...]:
    """Return the selectors of probes of a configuration."""
    return tuple(use.use or Path(use.file or "").stem for use in config.probes)


def _wanted_probes(
    config: Config, catalogue: ProbeCatalogue, there: Collection[str] = (), suite: str = ""
) -> tuple[str, ...]:
    """Return the probes that a configuration with gates asks for.

    Args:
        config: the configuration.
        catalogue: where its names are looked up.
        there: names that need not be looked up.
        suite: what it asks for when it names none: those of this suite that gates name by a
            pattern. Nothing when empty.
    """
    if not config.gates:
        return ()
    if names := _names(config):
        rest = [name for name in names if name not in there]
        return tuple(catalogue.select(rest)) if rest else ()
    patterns = [gate.probe for gate in config.gates if set(gate.probe) & set("*?[")]
    usual = catalogue.select([suite]) if patterns and suite else ()
    return tuple(name for name in usual if any(fnmatchcase(name, one) for one in patterns))


def _check_gates(config: Config, selected: Sequence[str]) -> None:
    """Refuse a gate on a probe that the configuration never runs: it would stay unclear.

    Raises:
        UsageError: there is one.
    """
    for gate in config.gates:
        if not any(fnmatchcase(name, gate.probe) for name in selected):
            raise UsageError(
                f"the gate '{gate.id}' judges '{gate.probe}',"
                " which this configuration does not run",
                hint=f"add it under 'probes:'; selected: {', '.join(selected)}",
            )


def _check_gate_names(config: Config, path: Path, results: Results) -> None:
    """Look up the probes of gates that have nothing in the run; other names are known from it."""
    scored = [probe.id for probe in results.probes if probe.role == "probe"]
    if all(any(fnmatchcase(name, gate.probe) for name in scored) for gate in config.gates):
        return
    catalogue = with_own(ProbeCatalogue(), config, path)
    check_gates(config, path, [*scored, *catalogue.probe_ids()])
