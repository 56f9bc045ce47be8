"""The view model: an audit turned into the words and numbers that every format shows.

:func:`build` is pure: no clock, no file, no markup. HTML, Markdown and the terminal print what it
returns, so that a sentence reads the same everywhere.
"""

from __future__ import annotations

from datetime import date

from bias_audit.reports.text import plain, tidy
from bias_audit.reports.view import page
from bias_audit.reports.view.axes import chapters
from bias_audit.reports.view.changes import changes
from bias_audit.reports.view.index import Index
from bias_audit.reports.view.measures import dataset_tables
from bias_audit.reports.view.quality import corrections, quality
from bias_audit.reports.view.verdict import findings, verdict
from bias_audit.reports.wording import WAIVER_STATUS, sentence, tally
from bias_audit.results import Results, WaiverRecord

CAN = (
    "This report shows which associations the named checkpoint's own word probabilities carry "
    "between words for social groups and other words, in the sentence frames of these probes, "
    "with an interval for each number."
)
CANNOT = (
    "It cannot show how a product built on the model behaves, what harm people meet, or that an "
    "association is absent where none was found."
)


def build(results: Results) -> page.Page:
    """Turn an audit into what a page shows; all strings are cleaned on the way."""
    audit = tidy(results)
    index = Index(audit)
    notes = findings(index)
    return page.Page(
        title=f"Association audit of {audit.model.name}",
        subtitle=_subtitle(audit),
        head=_head(audit),
        model_notices=audit.model.notices,
        can=CAN,
        cannot=CANNOT,
        verdict=verdict(index),
        notes=notes,
        chapters=chapters(index),
        quality=quality(index),
        failures=_failures(index),
        changes=changes(index),
        waivers=_waivers(audit),
        reproduce=_reproduce(audit),
        partial=audit.run.partial,
        counts=tally(audit.states, audit.exit_code),
        families=corrections(index),
        published=dataset_tables(index),
    )


def _subtitle(audit: Results) -> str:
    date = audit.run.created[:10] if audit.run.created else "date not recorded"
    return f"{date} · {audit.tool.name} {audit.tool.version}"


def _head(audit: Results) -> tuple[tuple[str, str], ...]:
    model = audit.model
    axes = list(dict.fromkeys(p.axis for p in audit.probes if p.role == "probe"))
    return (
        ("Model", model.name),
        ("Revision", model.revision or "none: files on this machine"),
        ("Digest of the weights (names and contents)", model.fingerprint or "not recorded"),
        ("Kind", " · ".join(part for part in (model.kind, model.architecture) if part)),
        ("Size", f"{model.parameters:,} parameters, {model.vocabulary_size:,} vocabulary pieces"),
        ("Computed with", f"{model.dtype} on {model.device}"),
        ("Axes", ", ".join(axes) or "none"),
        ("Probes", str(sum(p.role == "probe" for p in audit.probes))),
    )


def _reproduce(audit: Results) -> tuple[tuple[str, str], ...]:
    run = audit.run
    took = f"{plain(run.duration_s, 1)} s" if run.duration_s is not None else "not recorded"
    return (
        ("Command", run.command or "not recorded"),
        ("Seed", str(run.seed)),
        ("Started", run.created or "not recorded"),
        ("Took", took),
        ("Tool", f"{audit.tool.name} {audit.tool.version}"),
        ("Results schema", audit.schema_version),
        ("Model fingerprint", audit.model.fingerprint or "not recorded"),
        ("Model revision", audit.model.revision or "none: files on this machine"),
        ("Configuration digest", run.config_digest or "not recorded"),
        ("Catalogue digest", run.catalogue_digest or "not recorded"),
        ("Exit code", str(audit.exit_code)),
    )


def _failures(index: Index) -> page.Table | None:
    rows = [
        (
            page.Cell(text=index.title(error.probe) if error.probe else "whole run"),
            page.Cell(text="error", state="error"),
            page.Cell(text=f"{error.type}: {error.message}", long=True),
        )
        for error in index.audit.errors
    ]
    named = {error.probe for error in index.audit.errors}
    rows += [
        (
            page.Cell(text=probe.title or probe.id),
            page.Cell(text=probe.state, state=probe.state),
            page.Cell(text=probe.reason or "no reason was recorded", long=True),
        )
        for probe in index.audit.probes
        if probe.state in ("error", "skipped") and probe.id not in named
    ]
    if not rows:
        return None
    return page.Table(caption="What did not run", head=("Probe", "State", "Why"), rows=tuple(rows))


def _waivers(audit: Results) -> page.Table | None:
    if not audit.waivers:
        return None
    head = ("Waived", "Status", "Owner", "From", "Until", "Up to", "Reason", "What it does")
    rows = tuple(_waiver(waiver) for waiver in audit.waivers)
    return page.Table(caption="What was accepted, by whom and until when", head=head, rows=rows)


def _waiver(waiver: WaiverRecord) -> tuple[page.Cell, ...]:
    return (
        page.Cell(text=waiver.finding, long=True),
        page.Cell(text=WAIVER_STATUS[waiver.status]),
        page.Cell(text=waiver.owner or "not stated"),
        _day(waiver.created),
        _day(waiver.expires),
        page.Cell(text="any size" if waiver.up_to is None else plain(waiver.up_to),
                  value=waiver.up_to),
        page.Cell(text=sentence(waiver.reason) or "not stated", long=True),
        page.Cell(text=sentence(waiver.detail) or "not stated", long=True),
    )  # fmt: skip


def _day(text: str) -> page.Cell:
    """A date that sorts as one, or the text that is no date."""
    try:
        return page.Cell(text=text, value=float(date.fromisoformat(text).toordinal()))
    except ValueError:
        return page.Cell(text=text or "not stated", long=True)
