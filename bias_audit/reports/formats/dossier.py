"""A chapter for technical documentation: what the run shows, beside what four frameworks ask for.

It says where each part of the run belongs and what has to come from elsewhere. It is no assessment:
no sentence says that anything asked for is met. What the frameworks say is put in our own words.
"""

from __future__ import annotations

from typing import NamedTuple

from bias_audit.reports import ci
from bias_audit.reports import wording as words
from bias_audit.reports.formats import Format, markdown
from bias_audit.reports.formats.markdown import escape
from bias_audit.reports.formats.model_card import model_name
from bias_audit.reports.text import clean, count
from bias_audit.reports.view import page
from bias_audit.reports.view.build import build
from bias_audit.reports.view.index import Index
from bias_audit.results import Results

ELSEWHERE = "To be completed elsewhere"
_ROOM = 40_000
_WEIGHTS = (".safetensors", ".bin", ".gguf", ".pt", ".pth")
_FILES = 8
"""Files of weights that are named."""
_REACH = (
    "This chapter maps a run of bias-audit to places of four documents. It does not say that "
    "anything they ask for is met: that is for the people who sign, with what only they have."
)


class Place(NamedTuple):
    """One thing that a framework asks for."""

    asks: str
    """In our own words."""
    shows: str
    """What the run has for it, and where; empty for nothing."""
    elsewhere: str


class Framework(NamedTuple):
    """One document, with what it asks for."""

    title: str
    source: str
    places: tuple[Place, ...]


def render(results: Results) -> str:
    """Return the chapter."""
    view = build(results)
    index = Index(view.audit)
    parts = (
        _head(index),
        _standing(view, index),
        "## What was measured\n\n",
        _comparisons(view),
        markdown.dataset_parts(view),
        _limits_and_waivers(view),
        _instrument(index),
        *map(_framework, _frameworks(view, index)),
        _signatures(index),
    )
    return "".join(parts).rstrip() + "\n"


def _head(index: Index) -> str:
    audit, model = index.audit, index.audit.model
    revision = f" at revision {escape(model.revision)}" if model.revision else ""
    facts = (
        ("Model", f"{escape(model_name(model.name))}{revision}"),
        *_weights(index),
        (
            "Fingerprint of bias-audit, of all weights (it is the SHA-256 of no single file)",
            escape(model.fingerprint or "not recorded"),
        ),
        (
            "Probes, SHA-256 over their digests",
            escape(audit.run.catalogue_digest or "not recorded"),
        ),
        *_configurations(index),
        ("Made", escape(f"{audit.run.created or 'date not recorded'}, {_program(audit)}")),
        ("Purpose", escape(audit.run.purpose or f"{ELSEWHERE}: intended purpose of the system")),
        ("Owner", escape(audit.run.owner or f"{ELSEWHERE}: who answers for it")),
    )
    rows = "".join(f"| {name} | {text} |\n" for name, text in facts)
    title = audit.run.title or "Associations with groups of people: test record"
    return f"# {escape(title)}\n\n{_REACH}\n\n| | |\n| --- | --- |\n{rows}\n"


def _weights(index: Index) -> list[tuple[str, str]]:
    """The digest of each file of weights: what 'sha256sum' prints."""
    files = sorted(index.audit.model.files.items())
    mine = [(name, digest) for name, digest in files if name.endswith(_WEIGHTS)]
    rows = [(f"{escape(name)}, SHA-256", escape(digest)) for name, digest in mine[:_FILES]]
    more = len(mine) - _FILES
    return rows + ([(f"{more} more files of weights", "in results.json")] if more > 0 else [])


def _configurations(index: Index) -> list[tuple[str, str]]:
    """What the run was made by and what it is judged by, which may be two."""
    own, limits = index.audit.run.config_digest, index.audit.limits_digest
    what = "digest of its settings as read (not of the file's bytes)"
    rows = [(f"Configuration of the run, {what}", escape(own or "none was given"))]
    files = ", ".join(dict.fromkeys(gate.file for gate in index.audit.gates if gate.file))
    if files and limits:
        same = "the same" if limits == own else limits
        rows.append((f"Limits, from {escape(files)}, {what}", escape(same)))
    return rows


def _program(audit: Results) -> str:
    return f"{audit.tool.name} {audit.tool.version}"


def _standing(view: page.Page, index: Index) -> str:
    """What limits the whole record, first: a cut, crashes, a model that looks untrained."""
    remarks = [f"> {escape(text)}\n\n" for text in view.first_screen.remarks]
    if index.audit.run.partial:
        remarks.insert(0, f"> **{escape('The run was cut short: nothing in it is decided.')}**\n\n")
    lead = view.first_screen.lead
    return f"**{escape(lead)}**\n\n{''.join(remarks)}{markdown.failures(view)}"


def _comparisons(view: page.Page) -> str:
    """Every comparison with its outcome, not measurable ones with their reason."""
    rows = [
        markdown.table_row(
            (
                one.probe,
                words.PILLS[one.outcome],
                one.statement or one.reason,
                one.value or "none",
                one.bounds or "none",
                " ".join(filter(None, (one.control or "none", *one.marks))),
            ),
            480,
        )
        for one in view.first_screen.comparisons
    ]
    if not rows:
        return "No comparison of groups was made.\n\n"
    head = (
        "Probe",
        "Outcome",
        "In words",
        words.capital(view.first_screen.head),
        "At least – at most",
        "Control",
    )
    legend, floor = view.first_screen.legend, view.first_screen.floor
    below = "".join(f"{escape(words.sentence(text))}\n\n" for text in (legend, floor) if text)
    return markdown.within(markdown.table_head(head), rows, _ROOM) + below


def _limits_and_waivers(view: page.Page) -> str:
    """Limits that were set, and exceptions to them."""
    if not view.first_screen.gates:
        return f"No limit was set. {ELSEWHERE}: which gaps are acceptable, and why.\n\n"
    gates = markdown.gates(view.first_screen)
    waivers = [
        f"- {escape(one.finding)} ({escape(words.WAIVER_STATUS[one.status])}): "
        f"{escape(one.owner)} until {escape(one.expires)}. {escape(words.sentence(one.reason))} "
        f"{escape(words.sentence(one.detail))}\n"
        for one in view.audit.waivers
    ]
    accepted = markdown.within("### Exceptions\n\n", waivers, 6_000) if waivers else ""
    return f"## Limits that were set\n\n{gates}{accepted}"


def _instrument(index: Index) -> str:
    """Controls and losses: what the numbers rest on."""
    controls = [
        f"- {escape(probe.id)}: {'works' if probe.works else 'does not work'}"
        f"{'. ' + escape(words.sentence(probe.reason)) if probe.reason else ''}\n"
        for probe in index.audit.probes
        if probe.works is not None
    ]
    lost = sum(skip.count for skip in index.audit.skips)
    text = markdown.within("Controls:\n\n", controls, 6_000) if controls else "No controls ran.\n\n"
    scored = sum(probe.prompts for probe in index.audit.probes)
    return (
        f"## What the numbers rest on\n\n{count(scored, 'sentence')} scored, {lost:,} sentences or "
        f"words left out, each with its reason in `results.json`.\n\n{text}"
    )


def _framework(one: Framework) -> str:
    rows = [
        markdown.table_row((place.asks, place.shows or "nothing", place.elsewhere), 900)
        for place in one.places
    ]
    head = markdown.table_head(("What is asked for", "What this run shows", ELSEWHERE))
    return f"## {escape(one.title)}\n\n{escape(one.source)}\n\n{head}{''.join(rows)}\n"


class _Facts(NamedTuple):
    """What the run shows, in sentences that several rows use."""

    tested: str
    data: str
    limits: str
    gates: str
    axes: str


def _frameworks(view: page.Page, index: Index) -> tuple[Framework, ...]:
    axes = dict.fromkeys(p.axis for p in index.audit.probes if p.role == "probe")
    facts = _Facts(
        tested=view.first_screen.lead,
        data=_data(index),
        limits=_limits(index),
        gates=_states(index),
        axes=", ".join(axes) or "none",
    )
    return _ai_act(facts), _nist(facts), _management(facts), _technical_report(facts)


def _ai_act(facts: _Facts) -> Framework:
    """EU AI Act: what is said of tests and of results for groups."""
    return Framework(
        "EU AI Act, Annex IV, points 2(g) and 3",
        "Regulation (EU) 2024/1689. Annex IV lists what the technical documentation of a high-risk "
        "system holds; whether the system is one is for its provider to say.",
        (
            Place(
                "2(g): how it was validated and tested, with which data and what marks them",
                f"Sentences with words for groups, scored by the model itself. {facts.data}",
                "Data on which the system itself is validated; who is affected, and where.",
            ),
            Place(
                "2(g): the measures of accuracy and robustness",
                "",
                "Accuracy, robustness and cybersecurity are measured by other tests.",
            ),
            Place(
                "2(g): the measures of impacts that may discriminate",
                f"{facts.tested} Each has an interval, bounds and an outcome. {facts.gates}",
                "Whether an association of the model reaches people through the system.",
            ),
            Place(
                "2(g): logs and reports of the tests, dated and signed",
                "This chapter with its date and digests; results.json, evidence.csv.gz and "
                "run.json of the run; one file of them by 'bias-audit bundle', which 'bias-audit "
                "verify' checks.",
                "Names and signatures, below.",
            ),
            Place(
                "3: what the system can and cannot do for particular groups of persons",
                f"Associations of the model by group. {facts.limits}",
                "Accuracy by group of persons on whom the system is used.",
            ),
            Place(
                "3: unintended results that can be foreseen, and sources of risk, "
                "discrimination among them",
                "The harm that each probe has in view stands on its card, in the report.",
                "The risks of the intended purpose, and human oversight.",
            ),
        ),
    )


def _nist(facts: _Facts) -> Framework:
    """NIST: bias is evaluated."""
    return Framework(
        "NIST AI RMF 1.0, MEASURE 2.11",
        "NIST AI 100-1: bias that was identified when the context was mapped is evaluated, and the "
        "results are written down.",
        (
            Place(
                "What was identified in the MAP function",
                f"Axes and harms of the probes that were chosen: {facts.axes}.",
                "The mapping itself: context, people, harms that no probe looks for.",
            ),
            Place(
                "Evaluation",
                f"{facts.tested} {facts.gates}",
                "Measures of the system in use, and talks with those who are affected.",
            ),
            Place(
                "Documented results",
                "This chapter, the report and the stored run.",
                "Who decided what upon them, and when it is measured again.",
            ),
        ),
    )


def _management(facts: _Facts) -> Framework:
    """ISO/IEC 42001: records for a management system."""
    return Framework(
        "ISO/IEC 42001:2023",
        "A management system for AI. A tool gives records to it; the system is the organisation's.",
        (
            Place(
                "A.6.2.4: measures of verification and validation, with criteria for their use",
                f"The probes, their controls, and the limits of the configuration. {facts.gates}",
                "Why these limits, and what follows when one is crossed.",
            ),
            Place(
                "A.6.2.7: technical documentation for those who need it",
                "This chapter, the report, the model card and the ML-BOM of the run.",
                "Who receives which of them, and in what form.",
            ),
            Place(
                "Assessing the impact of the system on individuals and groups (A.5)",
                "Evidence about the model, as one input.",
                "The assessment itself.",
            ),
            Place(
                "9.1: monitoring and measurement",
                "The run can be repeated: seed, digests and settings are recorded.",
                "When it is repeated, and who looks at the result.",
            ),
        ),
    )


def _technical_report(facts: _Facts) -> Framework:
    """ISO/IEC TR 24027: measuring."""
    return Framework(
        "ISO/IEC TR 24027:2021",
        "A technical report about bias in AI systems: where it comes from, how it is measured, and "
        "what can be done. It sets no requirements.",
        (
            Place(
                "Measuring techniques",
                f"Differences between groups in the same sentences. {facts.tested}",
                "Measures of outcomes for people, such as error rates by group.",
            ),
            Place(
                "All phases of the life cycle",
                "The trained model, as it was when it was tested.",
                "Data collection, training, use, and what changes afterwards.",
            ),
            Place(
                "Treatment",
                "What 'bias-audit compare' shows of a model before and after.",
                "What was done, and what it costs.",
            ),
        ),
    )


def _data(index: Index) -> str:
    probes = [probe for probe in index.audit.probes if probe.state == "measured"]
    languages = sorted({probe.language for probe in probes})
    sentences = sum(probe.prompts for probe in probes)
    return (
        f"{count(len(probes), 'probe or control', 'probes and controls')}, "
        f"{count(sentences, 'sentence')}, {', '.join(languages) or 'no language'}; versions and "
        "digests in results.json."
    )


def _limits(index: Index) -> str:
    missing = sum(result.outcome == "not_measurable" for result in index.audit.results)
    text = f"{count(missing, 'comparison')} could not be measured. " if missing else ""
    asked = words.not_asked(index.audit)
    more = f" {asked}" if asked else ""
    return f"{text}Sentence frames are not usage, and other languages were not looked at.{more}"


def _states(index: Index) -> str:
    if not index.audit.gates:
        return "No limit was set."
    void = sum(one.status != "active" for one in index.audit.waivers)
    more = f" {count(void, 'exception')} did not hold." if void else ""
    return f"Limits that were set: {words.tally_gates(index.audit)}.{more}"


def _signatures(index: Index) -> str:
    lines = ("Tested by", "Reviewed by", "Accepted by")
    table = "".join(f"| {who} | | | |\n" for who in lines)
    digest = ci.about(index.audit)["fingerprint"]
    return (
        "## Signatures\n\nThose who sign have read the record of the model with the weights "
        f"{escape(clean(str(digest))[:12] or 'not recorded')}.\n\n"
        f"| | Name and role | Date | Signature |\n| --- | --- | --- | --- |\n{table}"
    )


FORMATS = (Format("dossier", render, "dossier.md"),)
