"""R15: gaps that are due to how likely the targets are anyway."""

from __future__ import annotations

import numpy as np
import pytest

from tests.analysis.world import controlled, noise, only, plant, record, run, sentences, terms


def test_a_flatter_group_gains_on_the_rarer_pole_until_targets_are_equally_likely():
    """The first group's answers are spread by nine tenths of the other's; the poles are 3 nats
    apart, so a gap of 0.3 nats is nothing but that.
    """

    def anyway(prompt):
        return -0.4 * int(prompt.target[4:]) - (3.0 if prompt.pole == "-" else 0.0)

    def flatter(prompt):
        part = 0.1 if prompt.group == "a" else 0.0
        return (1 - part) * anyway(prompt) + 0.01 * noise(prompt.template, prompt.target)

    poles = {"plus": terms("gain", 8), "minus": terms("loss", 8)}
    done = run(controlled(frames=sentences(9), **poles), flatter)
    result = only(done)
    assert result.estimate == pytest.approx(-0.3, abs=0.01)
    (found,) = [c for c in result.checks if c.id == "R15"]
    assert (found.state, found.consequence) == ("not_held", "target_frequency")
    assert "target_frequency" in result.statuses
    # the second opinion: least squares with the pole and the frequency as regressors
    targets = {t.id: t for t in record(done).targets}
    like = [np.mean(targets[t.id].log_prob) for t in result.by_target]
    x = np.array([[1.0, t.pole == "+", f] for t, f in zip(result.by_target, like, strict=True)])
    gaps = np.array([t.value for t in result.by_target])
    adjusted = np.linalg.lstsq(x, gaps, rcond=None)[0][1]
    assert found.value == pytest.approx(abs(adjusted - result.estimate), rel=1e-3)
    assert found.note.startswith(f"{adjusted:+.3f} nats at equal frequency")
    apart = np.mean([f for f, t in zip(like, result.by_target, strict=True) if t.pole == "+"])
    apart -= np.mean([f for f, t in zip(like, result.by_target, strict=True) if t.pole == "-"])
    assert f"the poles differ by {apart:+.2f} nats" in found.note


def test_a_gap_that_frequency_does_not_make_stays():
    poles = {"plus": terms("gain", 8), "minus": terms("loss", 8)}
    result = only(run(controlled(frames=sentences(9), **poles), plant(1.0)))
    (found,) = [c for c in result.checks if c.id == "R15"]
    assert (found.state, found.value) == ("held", pytest.approx(0.0, abs=1e-3))
    poles = {"plus": terms("gain", 3), "minus": terms("loss", 3)}
    few = only(run(controlled(frames=sentences(9), **poles), plant(1.0)))
    (found,) = [c for c in few.checks if c.id == "R15"]
    assert found.state == "not_possible"
    assert "too few targets; the poles differ by" in found.note
