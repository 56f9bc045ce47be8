"""``bias-audit datasets``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import rich_click as click

from bias_audit.cli import completion
from bias_audit.cli.options import Place, json_option
from bias_audit.cli.output import fold, say, say_json

WIDTH = 96


@click.group()
def datasets() -> None:
    """List, describe and fetch published data sets.

    None of them is part of this program: you bring your own copy, or fetch it from its authors.
    """


@datasets.command(name="list")
@json_option
def list_(**flags: bool) -> int:
    """List the data sets that can be read, with their licences."""
    from bias_audit.datasets import DATASETS

    if flags["json"]:
        keys = ("id", "title", "holds", "licence", "home", "measures")
        rows = [{key: getattr(info, key) for key in keys} for info in DATASETS.values()]
        say_json(rows)
        return 0
    for info in DATASETS.values():
        say(f"{info.id:20} {info.title:26} {info.licence}")
    return 0


@datasets.command()
@click.argument("name", shell_complete=completion.datasets)
@click.option(
    "--data",
    type=Place(),
    help="Your copy, a file or a folder: check it and count what is in it.",
)
@json_option
def describe(name: str, data: Path | None, **flags: bool) -> int:
    """Describe one data set: licence, citation, warnings, measures; and your copy of it.

    \b
    Example:
      bias-audit datasets describe crows-pairs --data crows_pairs_anonymized.csv
    """
    from bias_audit.datasets import get, open_dataset

    info = get(name)
    facts = open_dataset(name, data).summary() if data is not None else None
    warning = "" if info.quotable else "; such a report is not to be passed on"
    if flags["json"]:
        say_json(_as_json(info, facts))
        return 0
    lines = [
        f"{info.id}: {info.title}",
        "",
        f"Holds      {info.holds}",
        f"Expects    {info.give}",
        f"Layout     {info.layout}",
        f"Licence    {info.licence}",
        f"Home       {info.home}",
        f"Cite       {info.citation}",
        f"Caution    {info.caution or 'none from its authors'}",
        f"Reports    quote none of its sentences, unless asked with --examples{warning}",
        f"Measures   {', '.join(info.measures) or 'none yet; its records can be read in Python'}",
    ]
    lines += ["", *_count_lines(facts)] if facts is not None else []
    for line in lines:
        for part in fold(line, indent=11, width=WIDTH):
            say(part)
    return 0


@datasets.command()
@click.argument("name", shell_complete=completion.datasets)
@click.option(
    "--to",
    type=Place(),
    help="Folder to put it in.  [default: bias-audit-data/NAME]",
)
@click.option("--replace", is_flag=True, help="Overwrite files that differ.")
@click.option("--offline", is_flag=True, help="Refuse the network.")
def fetch(name: str, to: Path | None, *, replace: bool, offline: bool) -> int:
    """Fetch a data set from its authors' page, and check its digest where one is known."""
    from bias_audit.datasets import get
    from bias_audit.datasets.download import fetch as download

    info = get(name)
    say(f"{info.title}, {info.licence}", f"Cite: {info.citation}", err=True)
    folder = to or Path("bias-audit-data") / info.id
    files = download(
        info,
        folder,
        offline=offline,
        replace=replace,
        announce=lambda url: say(f"fetching {url}", err=True),
    )
    for file in files:
        state = "as known" if file.checked else "no digest known, write this one down"
        there = "" if file.new else ", was there already"
        say(f"{file.path}  {file.bytes:,} bytes{there}")
        say(f"  sha256 {file.sha256} ({state})")
    return 0


def _count_lines(facts: Any) -> list[str]:
    """What is in a user's copy, as lines."""
    lines = [
        f"Your copy  {len(facts.files)} file{'s'[: len(facts.files) != 1]}, {facts.rows:,} records"
    ]
    for file in facts.files:
        known = "the published file" if file.known else "not a file with a known digest"
        lines.append(f"  {file.name}  sha256 {file.sha256[:16]}...  {known}")
    lines += [f"  {count:>9,}  {name or '(no kind)'}" for name, count in facts.categories.items()]
    if facts.clusters:
        lines.append(f"Clusters   {facts.clusters:,}: records of one are not independent")
    lines += [f"Left out   {count:,} rows: {why}" for why, count in facts.left_out.items()]
    lines += [f"Files      {note}" for note in facts.notes]
    if facts.duplicates:
        lines.append(f"Repeated   {facts.duplicates:,} records repeat an earlier one")
    return lines


def _as_json(info: Any, facts: Any) -> dict[str, Any]:
    keys = (
        "id", "title", "holds", "give", "layout", "licence", "citation", "home", "caution",
        "quotable",
    )  # fmt: skip
    content: dict[str, Any] = {key: getattr(info, key) for key in keys}
    content["measures"] = list(info.measures)
    content["files"] = [{"url": file.url, "sha256": file.sha256 or None} for file in info.files]
    if facts is not None:
        content["copy"] = {
            "sha256": facts.sha256,
            "rows": facts.rows,
            "categories": dict(facts.categories),
            "clusters": facts.clusters,
            "duplicates": facts.duplicates,
            "left_out": dict(facts.left_out),
            "notes": list(facts.notes),
            "files": [
                {key: getattr(f, key) for key in ("name", "sha256", "bytes", "known")}
                for f in facts.files
            ],
        }
    return content
