"""``--measure`` and ``--check``: names, costs and configuration, without a model."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bias_audit.cli import app

PROBE = """\
kind: probe
id: small
title: A small probe
axis: test
mask: group
templates:
  - "The [target] said that <mask:subject> had finished."
  - "In the end, the [target] knew that <mask:subject> was late."
groups: {she: [{forms: {subject: she}}], he: [{forms: {subject: he}}]}
targets: {plus: [nurse, teacher], minus: [engineer, pilot]}
"""

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def cli(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Command:
    (tmp_path / "small.yaml").write_text(PROBE, encoding="utf-8")
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str | Path) -> tuple[int, str, str]:
        capfd.readouterr()
        code = app.run([str(a) for a in arguments])
        out, err = capfd.readouterr()
        return code, out, err

    return call


def small(*more: str) -> list[str]:
    return ["run", "fake", "-p", "small", "--probe-path", "small.yaml", *more]


def test_a_dry_run_shows_what_the_requests_cost(cli: Command) -> None:
    code, out, _ = cli(*small("--measure", "lpbs", "--check", "surface", "--dry-run"))
    assert code == 0
    lines = [line.split() for line in out.splitlines()]
    assert ["small", "16", "prompts"] in lines
    assert ["small", "+", "priors", "16", "prompts", "on", "request"] in lines
    assert ["small", "+", "surfaces", "64", "prompts", "on", "request"] in lines
    assert ["in", "all", "96", "prompts"] in lines


def test_priors_reach_the_results_the_evidence_and_the_report(cli: Command, tmp_path: Path) -> None:
    assert cli(*small("--measure", "lpbs", "-o", "audit"))[0] == 0
    results = json.loads((tmp_path / "audit" / "results.json").read_text(encoding="utf-8"))
    made = {r["id"]: r for r in results["results"] if r["metric"] == "lpbs"}
    assert set(made) == {f"small:lpbs:she-vs-he{pole}" for pole in ("", ":plus", ":minus")}
    assert "log-probability bias score" in (tmp_path / "audit" / "report.html").read_text("utf-8")
    manifest = json.loads((tmp_path / "audit" / "run.json").read_text(encoding="utf-8"))
    assert manifest["requested"] == {
        "by_probe": {"small": ["lpbs"]},
        "further_prompts": {"small: priors": 16},
    }


def test_an_unknown_request_gets_the_nearest_spelling(cli: Command) -> None:
    code, out, err = cli(*small("--measure", "lbps", "--dry-run"))
    assert (code, out) == (2, "")
    assert "there is no measure on request named 'lbps'" in err
    assert "did you mean 'lpbs'?" in err
    assert cli(*small("--check", "lpbs", "--dry-run"))[0] == 2


def test_a_request_that_does_not_fit_says_why(cli: Command) -> None:
    code, _, err = cli(*small("--measure", "perplexity_gap", "--dry-run"))
    assert code == 2
    assert "fits none of the probes: it needs a probe whose sentences name the group" in err


def test_data_sets_have_no_checks(cli: Command) -> None:
    code, _, err = cli("run", "fake", "--data", "crows-pairs=x.csv", "--check", "surface")
    assert code == 2
    assert "leave out --check surface" in err


def test_the_configuration_can_ask_and_the_flag_wins(cli: Command, tmp_path: Path) -> None:
    config = tmp_path / "bias-audit.yaml"
    config.write_text(
        "version: 1\nrun: {measures: [cbs], checks: [surface]}\nprobes: [{file: small.yaml}]\n",
        encoding="utf-8",
    )
    _, out, _ = cli("run", "fake", "--dry-run")
    assert "small + priors" in out
    assert "small + surfaces" in out
    _, out, _ = cli("run", "fake", "--measure", "weat", "--dry-run")
    assert "small + word-vectors" in out
    assert "priors" not in out
    config.write_text("version: 1\nrun: {measures: [cbs, lpsb]}\n", encoding="utf-8")
    code, _, err = cli("run", "fake", "--dry-run")
    assert code == 2
    assert "bias-audit.yaml:2:" in err
    assert "there is no measure on request named 'lpsb'" in err


def test_what_was_asked_for_is_shown_by_name(cli: Command, tmp_path: Path) -> None:
    options = ("--measure", "lpbs", "--check", "surface", "-o", "audit")
    code, out, _ = cli(*small(*options))
    assert code == 0
    results = json.loads((tmp_path / "audit" / "results.json").read_text(encoding="utf-8"))
    assert results["run"]["requested"] == ["lpbs", "surface"]
    lines = [line for line in out.splitlines() if line.startswith("On request  ")]
    (both,) = [r for r in results["results"] if r["id"] == "small:lpbs:she-vs-he"]
    value = f"{both['estimate']:.2f} nats".replace("-", "−")
    text = " ".join(out.split())
    assert "On request log-probability bias score (LPBS), " in text
    assert value in text
    assert "spread over surface forms" in text
    assert "(R9)" in text
    assert len(lines) == 4
    assert "On request" not in cli(*small("-o", "plain"))[1]
