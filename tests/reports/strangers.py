"""The example audit with strangers' strings: markup, quotes, control characters, endless words."""

from __future__ import annotations

from bias_audit import results as a

from .example import example

HOSTILE = "<script>alert(1)</script>"
NASTY = (
    HOSTILE,
    "\"quoted\" & 'single' </td><img src=x onerror=alert(1)>",
    "right\u202eto-left\u2066",
    "".join(map(chr, range(0x20))) + "\x7f\x9b31m",
    "x" * 10_000,
    "[red]markup[/red] | `code` **bold** @everyone $x^2$",
)


def hostile() -> a.Results:
    """The example with strangers' strings wherever a string may come from outside."""
    base = example()
    probe = base.probes[0]
    groups = tuple(
        g.model_copy(
            update={
                "label": f"{g.label} {HOSTILE}",
                "completions": tuple(
                    c.model_copy(update={"token": NASTY[i % len(NASTY)]})
                    for i, c in enumerate(g.completions)
                ),
            }
        )
        for g in probe.groups
    )
    targets = tuple(
        t.model_copy(update={"text": NASTY[i % len(NASTY)]}) for i, t in enumerate(probe.targets)
    )
    result = base.results[0]
    effects = tuple(
        t.model_copy(update={"text": NASTY[i % len(NASTY)]}) for i, t in enumerate(result.by_target)
    )
    frames = tuple(
        t.model_copy(update={"text": NASTY[i % len(NASTY)]})
        for i, t in enumerate(result.by_template)
    )
    sentences = tuple(
        s.model_copy(update={"text_a": NASTY[i % len(NASTY)], "text_b": f"{NASTY[i % 3]} {i}",
                             "word": NASTY[-1 - i % len(NASTY)]})
        for i, s in enumerate(base.findings[1].sentences)
    )  # fmt: skip
    finding = base.findings[1].model_copy(
        update={"sentences": sentences, "headline": f"{HOSTILE} {NASTY[2]}",
                "detail": NASTY[3] + NASTY[5], "id": 'F-" onload="x'}
    )  # fmt: skip
    return base.model_copy(
        update={
            "model": base.model.model_copy(update={"name": NASTY[1], "revision": NASTY[3]}),
            "probes": (
                probe.model_copy(update={"groups": groups, "targets": targets, "title": NASTY[5],
                                         "axis": NASTY[0], "question": NASTY[4]}),
                *base.probes[1:],
            ),
            "results": (
                result.model_copy(update={"group_labels": (NASTY[0], NASTY[1]), "axis": NASTY[0],
                                          "by_target": effects, "by_template": frames}),
                *base.results[1:],
            ),
            "findings": (base.findings[0], finding),
            "errors": (a.ErrorRecord(probe=None, type="Error", message="\x1b[2J" + NASTY[4]),),
        }
    )  # fmt: skip
