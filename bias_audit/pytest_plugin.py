"""Gates as tests: ``pytest --bias-audit bias-audit.yaml [--bias-audit-run RUN]``.

Each gate of the configuration is one test. It passes only if the gate passes: an unclear gate is
skipped with its reason, a waived one is an expected failure, and what ends ``bias-audit gate`` with
1 or 3 fails. Without the option nothing is collected and nothing is imported.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from bias_audit.pipeline.audit import Audit
    from bias_audit.results import Gate, Results


COMPLETE = "[complete]"
"""Name of the test that every probe could be scored."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("bias-audit")
    group.addoption("--bias-audit", metavar="FILE", help="test the gates of this configuration")
    group.addoption("--bias-audit-run", metavar="RUN", help="judge this stored run; score nothing")
    group.addoption(
        "--bias-audit-strict",
        action="store_true",
        help="unclear gates, unpinned models and numbers without evidence fail",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Start to take part, if the option was given.

    Raises:
        pytest.UsageError: the configuration has mistakes or no gates, or the run is not there.
    """
    if config.getoption("bias_audit") is not None:
        config.pluginmanager.register(_Gates(config), _NAME)
    elif config.getoption("bias_audit_run") is not None:
        raise pytest.UsageError("--bias-audit-run needs --bias-audit FILE: a run has no gates")


@pytest.fixture(scope="session")
def bias_audit(request: pytest.FixtureRequest) -> Audit:
    """The audit behind the gates, for tests of your own; they are skipped without --bias-audit."""
    gates = request.config.pluginmanager.get_plugin(_NAME)
    if gates is None:
        pytest.skip("needs --bias-audit FILE")
    return _audit_or_fail(gates)


@pytest.fixture(scope="session")
def bias_audit_results(bias_audit: Audit) -> Results:
    """The records of the audit, as in ``results.json``."""
    return bias_audit.results


_NAME = "bias-audit-gates"


class _Gates:
    """Collects the gates, and audits once when the first of them is asked for."""

    def __init__(self, config: pytest.Config) -> None:
        from bias_audit.config import read
        from bias_audit.errors import BiasAuditError

        here = config.invocation_params.dir
        self.command = " ".join(["pytest", *config.invocation_params.args])
        run = config.getoption("bias_audit_run")
        if run == "":
            raise pytest.UsageError("--bias-audit-run got an empty text: name a run")
        self.path = Path(here, config.getoption("bias_audit")).resolve()
        self.run = None if run is None else Path(here, run)
        self.strict = bool(config.getoption("bias_audit_strict"))
        self.outcome: Audit | BiasAuditError | None = None
        try:
            file = read(self.path)
        except BiasAuditError as error:
            raise pytest.UsageError(f"--bias-audit: {error}") from None
        self.gates = tuple(gate.id for gate in file.config.gates)
        self.places = file.gate_places
        if not self.gates:
            raise pytest.UsageError(f"--bias-audit: {self.path} has no gates, so nothing is tested")

    def pytest_collect_file(self, file_path: Path, parent: pytest.Collector) -> Any:
        """Collect the configuration where pytest meets it, so that its tests can be selected."""
        if file_path.resolve() != self.path:
            return None
        return _File.from_parent(parent, path=file_path, gates=self)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(
        self, session: pytest.Session, items: list[pytest.Item]
    ) -> None:
        """Add the gates where pytest did not meet the configuration, before -k and -m choose."""
        if not any(isinstance(item, _Item) for item in items):
            items += _File.from_parent(session, path=self.path, gates=self).collect()

    def audit(self) -> Audit:
        """The audit, judged; made at most once.

        Raises:
            BiasAuditError: it could not be made; the same error every time.
        """
        from bias_audit.errors import BiasAuditError
        from bias_audit.pipeline.from_config import gate
        from bias_audit.pipeline.run import audit

        if self.outcome is None:
            try:
                if self.run is not None:
                    self.outcome = gate(self.run, config=self.path, strict=self.strict)
                else:
                    command, strict = self.command, self.strict
                    self.outcome = audit(config=self.path, command=command, strict=strict)
            except BiasAuditError as error:
                self.outcome = error
        if isinstance(self.outcome, BiasAuditError):
            raise self.outcome
        return self.outcome


class _File(pytest.File):
    """The configuration as a file of tests."""

    def __init__(self, *, gates: _Gates, **given: Any) -> None:
        super().__init__(**given)
        self.gates = gates

    def collect(self) -> Generator[pytest.Item, None, None]:
        """Yield a test for every gate, and one for the audit as a whole."""
        for name in self.gates.gates:
            yield _Gate.from_parent(self, name=name, gates=self.gates)
        yield _Complete.from_parent(self, name=COMPLETE, gates=self.gates)


class _Item(pytest.Item):
    """A test about the audit."""

    def __init__(self, *, gates: _Gates, **given: Any) -> None:
        super().__init__(**given)
        self.gates = gates

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """File, line from 0, and name."""
        line = self.gates.places.get(self.name, (0, 0))[0]
        return self.gates.path, line - 1 if line else None, f"bias audit: {self.name}"

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """What went wrong in words; a traceback only for our own bugs."""
        from bias_audit.errors import BiasAuditError

        if isinstance(excinfo.value, (_FailedError, BiasAuditError)):
            return _visible(str(excinfo.value))
        return super().repr_failure(excinfo, style)


class _Gate(_Item):
    """One gate of the configuration, with everything that it judges."""

    def runtest(self) -> None:
        """Pass, fail, skip or fail as expected, by the gate's states."""
        from bias_audit.gates.judge import exit_code

        results = self.gates.audit().results
        mine = [gate for gate in results.gates if gate.gate == self.name]
        alone = results.model_copy(update={"gates": tuple(mine), "errors": (), "notices": ()})
        if exit_code(alone, strict=self.gates.strict) or not mine:
            raise _FailedError(_lines(self.name, mine, ("pass", "waived")))
        if any(gate.state == "unclear" for gate in mine):
            pytest.skip(_first(self.name, mine, "unclear"))
        if any(gate.state == "waived" for gate in mine):
            pytest.xfail(_first(self.name, mine, "waived"))


class _Complete(_Item):
    """Was every probe measured? A crash is not a pass, also where no gate asks for the probe."""

    def runtest(self) -> None:
        """Fail with the errors of the audit, and in strict judging without evidence."""
        from bias_audit.gates.judge import UNVERIFIED

        results = self.gates.audit().results
        if self.gates.strict and UNVERIFIED in results.notices:
            raise _FailedError(UNVERIFIED)
        errors = results.errors
        if errors:
            lines = "\n".join(f"  {error.probe}: {error.message}" for error in errors)
            raise _FailedError(f"{len(errors)} of the probes were not measured\n{lines}")


class _FailedError(Exception):
    """A gate that is not met."""


def _audit_or_fail(gates: _Gates) -> Audit:
    from bias_audit.errors import BiasAuditError

    try:
        return gates.audit()
    except BiasAuditError as error:
        pytest.fail(_visible(str(error)), pytrace=False)


def _lines(name: str, gates: Sequence[Gate], quiet: Iterable[str]) -> str:
    """The comparisons of a gate that are not met, a few lines for each."""
    unmet = [gate for gate in gates if gate.state not in quiet]
    lines = [f"gate '{name}': {len(unmet)} of {len(gates)} comparisons are not met"]
    for gate in unmet:
        lines.append(f"  {gate.state}  {gate.result or gate.id}")
        lines += [
            f"      {text}" for text in (_measured_text(gate), gate.condition, gate.reason) if text
        ]
        lines += [f"      why this limit: {gate.why}"] if gate.why else []
    return "\n".join(lines)


def _measured_text(gate: Gate) -> str:
    from bias_audit.reports.wording import times_or_number, turned_interval
    from bias_audit.utils.text import size_in

    if gate.kind == "regression" and gate.rise is not None:
        verb = "grown" if gate.rise > 0 else "shrunk"
        rise, most = (size_in(value or 0.0, gate.unit) for value in (gate.rise, gate.limit))
        if gate.unit == "nats":
            rise = f"a factor of {rise.removesuffix(' times')}"
        return f"the gap has {verb} by {rise}, at most {most} accepted"
    if gate.estimate is None:
        return ""
    sign = 1 if gate.estimate >= 0 else -1
    interval = turned_interval(gate.ci90_low, gate.ci90_high, gate.unit, sign=sign)
    value = times_or_number(gate.estimate, gate.unit)
    return f"measured {value} (90 % interval {interval or 'none'})"


def _first(name: str, gates: Sequence[Gate], state: str) -> str:
    """How many comparisons of a gate are in a state, and why the first of them is."""
    matches = [gate for gate in gates if gate.state == state]
    number = f"{len(matches)} of {len(gates)} comparisons"
    return _visible(f"gate '{name}': {number} {state}: {matches[0].reason}")


def _visible(text: str) -> str:
    """A text of several lines as the log of a build server may show it."""
    from bias_audit.errors import visible

    return "\n".join(map(visible, text.split("\n")))
