"""Waivers: exceptions with an owner, a reason and an end, in a file that commands edit.

An edit keeps the comments of the file, and its text is parsed again before it is written. Which
waiver covers which gate is a pure function of both and a day.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ValidationError, model_validator

from bias_audit.errors import UsageError, nearest
from bias_audit.gates.schema import Limit, is_in_times, to_number
from bias_audit.results.decisions import Gate, WaiverRecord, finding_id
from bias_audit.results.run_record import Model
from bias_audit.utils.file_model import FileModel, Text, reject_duplicates
from bias_audit.utils.files import write_atomic
from bias_audit.utils.problems import ProblemCollector
from bias_audit.utils.readings import USUAL
from bias_audit.utils.text import sizes_apart
from bias_audit.utils.validation import MistakesError, explain_errors
from bias_audit.utils.yaml import parse_yaml, positions, read_source

MOST_DAYS = 180
"""An exception that lasts longer should be written as a limit."""
ANY = "any"
"""In place of a model's name: whatever was audited."""
_CLOCKS = timedelta(days=1)
"""Days begin at different times around the world: a waiver of tomorrow may be one of today."""
_HEADER = """\
# Known failures that somebody took responsibility for, each with an end.
# Add one with 'bias-audit waive FINDING --until DATE --reason TEXT --owner WHO --up-to 1.5x'.
version: 1
waivers: []
"""


def _day(value: Any) -> date:
    if isinstance(value, date):
        return value
    try:
        if isinstance(value, str) and len(value) == len("2026-01-31"):
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise ValueError(f"expected a day such as 2026-01-31, got '{str(value)[:40]}'")


Day = Annotated[date, BeforeValidator(_day, json_schema_input_type=str)]


class Waiver(FileModel):
    """One exception."""

    finding: Text
    """A finding, a result, a gate (``<gate>:<result>``) or a glob of gates."""
    model: Text
    """Name of the model that it holds for, as reports have it; ``any`` for all."""
    reason: Text
    """Why it is accepted for now."""
    owner: Text
    """Who answers for it."""
    created: Day
    """Day on which it was made."""
    expires: Day
    """Last day on which it holds, at most 180 days after ``created``."""
    up_to: Limit
    """Largest gap that is waived, such as ``1.5x``; a larger one fails again."""

    @model_validator(mode="before")
    @classmethod
    def _complete(cls, value: Any) -> Any:
        needs = {
            "model": "a waiver names the model that it holds for | model: reference, or model: any",
            "up_to": "a waiver has a ceiling | up_to: 1.5x",
        }
        missing = [key for key in needs if isinstance(value, dict) and key not in value]
        if missing:
            raise MistakesError([((), needs[key]) for key in missing])
        return value

    @model_validator(mode="after")
    def _span(self) -> Waiver:
        days = (self.expires - self.created).days
        if days < 0:
            say = f"'expires' is {-days} day{'s'[: days != -1]} before 'created'"
            raise MistakesError([(("expires",), f"{say} | put a later day, or remove the waiver")])
        if days > MOST_DAYS:
            last = self.created + timedelta(days=MOST_DAYS)
            say = f"'expires' is {days} days after 'created', {MOST_DAYS} is the most"
            raise MistakesError([(("expires",), f"{say} | {last} at the latest")])
        return self


class WaiverFile(FileModel):
    """The whole file."""

    version: Literal[1]
    waivers: tuple[Waiver, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _none_left(cls, value: Any) -> Any:
        if isinstance(value, dict) and value.get("waivers", ()) is None:
            return {**value, "waivers": []}
        return value

    @model_validator(mode="after")
    def _unique(self) -> WaiverFile:
        names = ((("waivers", i, "finding"), w.finding) for i, w in enumerate(self.waivers))
        reject_duplicates(names, "finding", "keep one of the two waivers")
        return self


def new_waiver(
    finding: str,
    today: date,
    *,
    until: str,
    reason: str,
    owner: str,
    model: str,
    up_to: float | str,
) -> Waiver:
    """Return a waiver of today.

    Raises:
        UsageError: a value cannot be used; named as the option that gave it.
    """
    values = {"finding": finding, "reason": reason, "owner": owner, "model": model, "up_to": up_to}
    try:
        return Waiver.model_validate({**values, "created": today, "expires": until})
    except ValidationError as error:
        place = (*error.errors()[0]["loc"], "expires")[0]
        option = {"expires": "--until", "up_to": "--up-to", "finding": "FINDING"}
        first = explain_errors(error, Waiver, "", {}, {})[0]
        name = option.get(str(place), f"--{place}")
        raise UsageError(f"{name}: {first.message}", hint=first.hint) from None


@dataclass(frozen=True, kw_only=True, slots=True)
class WaiverEntry:
    """A waiver and its line in a file."""

    waiver: Waiver
    file: str = ""
    """The file, as reports name it."""
    line: int = 0


def read_waivers(path: Path, today: date, display: str = "") -> tuple[WaiverEntry, ...]:
    """Read a waiver file; nothing in it may have been created after ``today``.

    ``display`` is how reports name the file.

    Raises:
        FileError: everything that is wrong with it, at once.
    """
    text = read_source(path)
    waivers = _parse(text, path, today)
    marks = positions(text, str(path))
    return tuple(
        WaiverEntry(waiver=waiver, file=display or path.name, line=marks[("waivers", index)][0])
        for index, waiver in enumerate(waivers)
    )


def _parse(text: str, path: Path, today: date) -> tuple[Waiver, ...]:
    waivers = parse_yaml(text, WaiverFile, str(path)).waivers
    problems = ProblemCollector(path, text)
    for index, waiver in enumerate(waivers):
        if waiver.created > today + _CLOCKS:
            message = f"'created' is {waiver.created}, and today is {today}"
            problems.add(("waivers", index, "created"), message, "put the day on which it was made")
    problems.raise_any()
    return waivers


def write_waiver(path: Path, waiver: Waiver, today: date) -> bool:
    """Write a waiver into its file; True when it took the place of one for the same finding.

    Raises:
        FileError: the file has mistakes; it stays as it is.
        UsageError: it cannot be written, or the edit would change more than the one waiver.
    """
    text = read_source(path) if path.exists() else _HEADER
    before = _parse(text, path, today)
    twin = next((i for i, old in enumerate(before) if old.finding == waiver.finding), None)
    new = _edit(text, str(path), waiver, twin)
    index = len(before) if twin is None else twin
    wanted = (*before[:index], waiver, *before[index + 1 :])
    if parse_yaml(new, WaiverFile, str(path)).waivers != wanted:
        raise UsageError(
            f"{path} is written in a way that cannot be edited safely",
            hint="write each waiver as a block under 'waivers:', or move the file away",
        )
    write_atomic(path, new)
    return twin is not None


def _edit(text: str, file: str, waiver: Waiver, twin: int | None) -> str:
    """The text with one waiver added or replaced; comments, quotes and order stay."""
    from ruamel.yaml import YAML
    from ruamel.yaml.comments import CommentedMap, CommentedSeq

    yaml = YAML(typ="rt", pure=True)
    yaml.preserve_quotes = True
    yaml.width = 4096
    column = positions(text, file).get(("waivers", 0), (0, 5))[1]
    offset = max(column - 3, 0)
    yaml.indent(mapping=2, sequence=offset + 2, offset=offset)
    content = yaml.load(text)
    if not content.get("waivers"):
        content["waivers"] = CommentedSeq()
    entry = content["waivers"][twin] if twin is not None else CommentedMap()
    entry.update(waiver.model_dump())
    if twin is None:
        content["waivers"].append(entry)
    stream = io.StringIO()
    yaml.dump(content, stream)
    return stream.getvalue()


# Which waiver covers which gate, and whether it still holds.


def covers(finding: str, gate: Gate, reading: str = USUAL) -> bool:
    """Return whether a waiver's ``finding`` names a gate: finding, result, id, or glob of ids.

    Findings are those of a model that was read so.
    """
    names = {gate.id}
    if gate.result is not None:
        names |= {gate.result, finding_id(gate.result, reading)}
    return finding in names or fnmatchcase(gate.id, finding)


def names_all(finding: str) -> bool:
    """Return whether a waiver's ``finding`` names every gate, whatever it is called."""
    return not re.search(r"\w", finding)


def waivable_names(gates: Sequence[Gate], reading: str = USUAL) -> list[str]:
    """Return everything that a waiver could name: gates, results and findings, each once."""
    ids = [gate.id for gate in gates]
    results = [gate.result for gate in gates if gate.result is not None]
    findings = [finding_id(result, reading) for result in results]
    return list(dict.fromkeys([*ids, *results, *findings]))


def apply_waivers(
    gates: Sequence[Gate], waivers: Sequence[WaiverEntry], today: date, model: Model
) -> tuple[list[Gate], list[WaiverRecord]]:
    """Turn failures that a waiver covers into ``waived``; say what became of every waiver.

    A waiver touches nothing but failures of the model that it names. It is void as a whole when it
    has expired, or when one of the failures that it covers is larger than it allows: somebody has
    to look again.
    """
    remaining = list(gates)
    records = []
    for entry in waivers:
        record = _record_in_run(entry, gates, today, model)
        records.append(record)
        if record.status == "active":
            remaining = [_waive(gate, entry.waiver, model.reading) for gate in remaining]
    return remaining, records


def waiver_record(entry: WaiverEntry, today: date) -> WaiverRecord:
    """Return what a waiver says, and whether it has expired, whatever it covers."""
    waiver = entry.waiver
    late, left = (today - waiver.expires).days, (waiver.expires - today).days
    expired = f"expired {late} day{'s'[: late != 1]} ago: it turns nothing"
    return WaiverRecord(
        finding=waiver.finding,
        model=waiver.model,
        reason=waiver.reason,
        owner=waiver.owner,
        created=waiver.created.isoformat(),
        expires=waiver.expires.isoformat(),
        up_to=to_number(waiver.up_to),
        ceiling=waiver.up_to if isinstance(waiver.up_to, str) else f"{waiver.up_to:g}",
        status="expired" if late > 0 else "active",
        detail=expired if late > 0 else f"{left} day{'s'[: left != 1]} left",
        file=entry.file,
        line=entry.line,
    )


def _record_in_run(
    entry: WaiverEntry, gates: Sequence[Gate], today: date, model: Model
) -> WaiverRecord:
    """What became of a waiver in a run that was judged."""
    waiver = entry.waiver
    covered = [gate for gate in gates if covers(waiver.finding, gate, model.reading)]
    failed = [gate for gate in covered if gate.state == "fail"]
    sizes = [(math.inf if g.estimate is None else abs(g.estimate), g) for g in failed]
    ceiling, as_times = to_number(waiver.up_to), is_in_times(waiver.up_to)
    other = [g for g in failed if as_times and g.unit != "nats"]
    over = [gate for size, gate in sizes if size > ceiling]
    record = waiver_record(entry, today)
    record = record.model_copy(update={"gates": tuple(gate.id for gate in covered)})
    if record.status == "expired":
        return record
    if waiver.model not in (ANY, model.name):
        text = f"it is for the model '{waiver.model}', and this is '{model.name}'"
        return record.model_copy(update={"status": "other_model", "detail": text})
    if not covered:
        near = nearest(waiver.finding, waivable_names(gates, model.reading))
        text = "no gate has this name" + (f"; did you mean '{near}'?" if near else "")
        return record.model_copy(update={"status": "unmatched", "detail": text})
    if other:
        text = f"{other[0].id} is measured in {other[0].unit}, and 'up_to' is in times"
        return record.model_copy(update={"status": "exceeded", "detail": text})
    if over:
        worst = max(over, key=lambda gate: abs(gate.estimate or 0.0))
        measured, allowed = sizes_apart(worst.estimate or 0.0, ceiling, worst.unit)
        text = f"{worst.id} measures {measured}, more than the {allowed} allowed"
        return record.model_copy(update={"status": "exceeded", "detail": text})
    text = f"waives {len(failed)} of {len(covered)} gate{'s'[: len(covered) != 1]}"
    text += f", {record.detail}" if failed else ": none fails, it is not needed"
    return record.model_copy(update={"detail": text})


def _waive(gate: Gate, waiver: Waiver, reading: str) -> Gate:
    if gate.state != "fail" or not covers(waiver.finding, gate, reading):
        return gate
    text = f"waived until {waiver.expires} by {waiver.owner}: {waiver.reason}; {gate.reason}"
    return gate.model_copy(
        update={
            "state": "waived",
            "state_before_waiver": "fail",
            "reason": text,
            "reason_code": "waived",
            "waiver": waiver.finding,
        }
    )
