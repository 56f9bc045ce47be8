"""What ``bias-audit run`` does, step by step."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal

from bias_audit import archive, render
from bias_audit._mistakes import in_catalogue, read_whole
from bias_audit._run_config import EngineConfig
from bias_audit.assess import Settings
from bias_audit.auditing import Audit, audit, choose_folder
from bias_audit.catalogue import Catalogue
from bias_audit.cli import _kept, _policy
from bias_audit.cli._benchmark import check_selection, dry_run, named_data
from bias_audit.cli._dry_run import show_plan
from bias_audit.cli._progress import progress
from bias_audit.cli._streams import readers_may_leave
from bias_audit.config import Config, check_names, find, read_policy, with_own
from bias_audit.errors import UnknownNameError, UsageError
from bias_audit.gates.baselines import baseline_folder
from bias_audit.gates.policy import Policy
from bias_audit.pipeline.judge import check_baselines
from bias_audit.planning import make_plan
from bias_audit.render import terminal
from bias_audit.requested.listing import chosen
from bias_audit.scoring.engine import Engine
from bias_audit.store import require_writable

ENDINGS = render.FILES


@dataclass(frozen=True, kw_only=True)
class Request:
    """What the command line asked for; None where the configuration or a default decides."""

    model: str | None
    config: Path | None
    probe: tuple[str, ...]
    exclude: tuple[str, ...]
    catalogue: Catalogue
    limit: int | None
    max_time: str | None
    seed: int | None
    revision: str | None
    device: str | None
    dtype: str | None
    batch_size: int | Literal["auto"] | None
    offline: bool
    allow_pickle: bool
    output: Path | None
    format: str
    progress: str
    quiet: bool
    verbose: bool
    dry_run: bool
    baselines: Path | None
    exit_zero: bool
    strict: bool
    command: str
    data: tuple[str, ...] = ()
    measure: tuple[str, ...] = ()
    check: tuple[str, ...] = ()
    examples: int = 0
    fresh: bool = False
    no_cache: bool = False
    engine: str | None = None
    engine_address: str | None = None
    engine_workers: int | None = None


def execute(request: Request) -> int:
    """Run an audit and return the exit code."""
    path = request.config or find(Path.cwd())
    config = Config(version=1)
    if path:
        config = read_whole(path, in_catalogue(path, request.catalogue))
    data = named_data(request.data)
    check_selection(request.probe, tuple(data))
    if data:
        return _benchmarks(request, config, data)
    policy = read_policy(config, path, today=_policy.today(), strict=request.strict)
    baselines = _baselines(policy, path, request.baselines)
    catalogue, names = _selection(request, config, path)
    asked = chosen(*_requests(request, config))
    further = _formats(request.format)
    if not request.probe and not request.exclude:
        _check_gates(config, catalogue.select(names))
    if request.output is not None:
        require_writable(request.output)
    elif not request.dry_run:
        require_writable(Path.cwd())
    if request.dry_run:
        selected = catalogue.select(names, request.exclude)
        plan = make_plan(catalogue, selected, limit=request.limit, requests=asked)
        return show_plan(plan, config.analysis.multiplicity.primary)
    done = _audited(request, config, policy, catalogue, names, baselines)
    folder = done.save(choose_folder(request.output, done))
    for name in further:
        archive.write_atomic(folder / ENDINGS[name], render.render(done.results, name))
    with readers_may_leave():
        _tell(request, done, folder)
    return _policy.finish(done.results, exit_zero=request.exit_zero, strict=request.strict)


def _audited(
    request: Request,
    config: Config,
    policy: Policy,
    catalogue: Catalogue,
    names: tuple[str, ...],
    baselines: Path | None,
) -> Audit:
    """Score, assess and judge."""
    measures, checks = _requests(request, config)
    options = _options(request, config)
    with progress("none" if request.quiet else request.progress) as listener:
        return audit(
            request.model or config.model.name,
            probes=names,
            exclude=request.exclude,
            measures=measures,
            checks=checks,
            catalogue=catalogue,
            settings=_settings(request, config),
            limit=request.limit,
            max_seconds=seconds(request.max_time) if request.max_time else None,
            progress=listener,
            command=request.command,
            policy=policy,
            baselines=baselines,
            cache=_kept.choice(fresh=request.fresh, no_cache=request.no_cache),
            **options,
        )


def _requests(request: Request, config: Config) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Measures and checks on request: flags win over the configuration."""
    return request.measure or config.run.measures, request.check or config.run.checks


def _benchmarks(request: Request, config: Config, data: dict[str, Path]) -> int:
    """Measure published data sets: no probe, no gate, no verdict."""
    from bias_audit.benchmark_audit import audit_datasets

    if request.check:
        raise UsageError(
            f"data sets have measures, no checks: leave out --check {request.check[0]}",
            hint="checks on request are about probes, which run on their own",
        )
    further = _formats(request.format)
    if request.dry_run:
        return dry_run(data, request.measure)
    require_writable(request.output or Path.cwd())
    with progress("none" if request.quiet else request.progress) as listener:
        done = audit_datasets(
            request.model or config.model.name,
            data,
            measures=request.measure,
            settings=_settings(request, config),
            examples=request.examples,
            limit=request.limit,
            progress=listener,
            command=request.command,
            cache=_kept.choice(fresh=request.fresh, no_cache=request.no_cache),
            **_options(request, config),
        )
    folder = done.save(choose_folder(request.output, done))
    for name in further:
        archive.write_atomic(folder / ENDINGS[name], render.render(done.results, name))
    with readers_may_leave():
        _tell(request, done, folder)
    return _policy.finish(done.results, exit_zero=request.exit_zero, strict=request.strict)


def _baselines(policy: Policy, config: Path | None, override: Path | None) -> Path | None:
    """Where the baselines are that gates compare with, each of them read once before the run."""
    if not policy.baselines:
        return None
    found = baseline_folder(config, override)
    check_baselines(policy, found)
    return found


def _selection(
    request: Request, config: Config, path: Path | None
) -> tuple[Catalogue, tuple[str, ...]]:
    """The catalogue and the probes to run: flags win over the configuration."""
    catalogue = request.catalogue
    if path is not None:
        catalogue = with_own(catalogue, config, path)
        check_names(config, path, catalogue)
    narrowed = {use.use: use.groups for use in config.probes if use.use and use.groups}
    if narrowed:
        catalogue = catalogue.with_groups(narrowed)
    named = [use.use or Path(use.file or "").stem for use in config.probes]
    return catalogue, request.probe or tuple(named)


def _check_gates(config: Config, selected: Sequence[str]) -> None:
    """A gate on a probe that the configuration never runs would stay unclear for ever.

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


def _formats(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    for name in names:
        if name not in ENDINGS:
            raise UnknownNameError("format for a file", name, ENDINGS)
    return names


def _options(request: Request, config: Config) -> dict[str, Any]:
    model = config.model
    named = request.model is None or request.model == model.name
    return {
        "revision": request.revision or (model.revision if named else None),
        "device": request.device or model.device,
        "dtype": request.dtype or model.dtype,
        "batch_size": request.batch_size or config.run.batch_size,
        "offline": request.offline,
        "allow_pickle": request.allow_pickle,
        "engine": _engine(request, config),
    }


def _engine(request: Request, config: Config) -> Engine:
    """Who scores: flags win; address and workers of the configuration belong to its engine."""
    usual = config.run.engine
    name = request.engine or usual.name
    if name != usual.name:
        usual = EngineConfig()
    return Engine(
        name=name,
        address=request.engine_address or usual.address,
        workers=request.engine_workers or usual.workers,
    )


def _settings(request: Request, config: Config) -> Settings:
    analysis = config.analysis
    return Settings(
        seed=request.seed if request.seed is not None else config.run.seed,
        confidence=analysis.confidence,
        resamples=analysis.resamples,
        min_templates=analysis.minimum.templates,
        min_coverage=analysis.minimum.coverage,
        primary_family=analysis.multiplicity.primary,
        secondary_family=analysis.multiplicity.secondary,
        target_family=analysis.multiplicity.targets,
    )


def seconds(text: str) -> float:
    """Read a time such as ``90s``, ``20m``, ``2h`` or ``90``.

    Raises:
        UsageError: anything else.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smh]?)", text.strip())
    if not found or float(found[1]) <= 0:
        raise UsageError(f"expected a time such as 90s, 20m or 2h, got '{text}'")
    return float(found[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[found[2]]


def _tell(request: Request, done: Audit, folder: Path) -> None:
    from rich.console import Console

    if request.quiet:
        print(terminal.first_line(done.results))
    else:
        terminal.show(done.results, Console(soft_wrap=False), folder=str(folder))
    if request.verbose:
        print(render.render(done.results, "csv"))
    late = done.drawings.notices if done.drawings else ()
    _kept.tell(done.cache, quiet=request.quiet, later=late)
    for notice in done.results.model.notices:
        print(f"Note: {notice}", file=sys.stderr)
