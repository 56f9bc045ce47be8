"""The example audit with measures beside its results: words of a divergence, groups in a plane."""

from __future__ import annotations

from bias_audit import results as a

from .example import example as plain


def _share(group: str, *words: tuple[str, float], bad: str = "") -> a.Companion:
    return a.Companion(
        metric="jsd_share",
        groups=(group,),
        value=sum(value for _, value in words) + 0.01,
        words=tuple(a.WordShare(token=w, value=v, harmful=w == bad) for w, v in words),
    )


def _axis(metric: str, group: str, value: float) -> a.Companion:
    return a.Companion(
        metric=metric, groups=(group,), value=value, ci_low=value - 0.2, ci_high=value + 0.2
    )


def example() -> a.Results:
    """The usual example, with companions."""
    base = plain()
    drivers = (
        a.Companion(metric="hellinger", value=0.2),
        _share("women", ("nurse", 0.02), ("maid", 0.012), ("witch", 0.004), bad="witch"),
        _share("men", ("soldier", 0.015), ("guard", 0.008)),
    )
    results = tuple(
        r.model_copy(update={"companions": drivers}) if r.metric == "jsd" else r
        for r in base.results
    )
    plane = a.Result(
        id="trait-gender:warmth_competence:women-~others", probe="trait-gender", axis="gender",
        metric="warmth_competence", role="secondary", groups=("women", "~others"), estimate=0.5,
        unit="nats", direction="distance from the middle", n_templates=24, n_terms=16,
        n_prompts=768,
        companions=(_axis("warmth", "women", 0.4), _axis("competence", "women", -0.3),
                    _axis("warmth", "men", -0.4), _axis("competence", "men", 0.3)),
    )  # fmt: skip
    return base.model_copy(update={"results": (*results, plane)})
