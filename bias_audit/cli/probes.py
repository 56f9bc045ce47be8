"""``bias-audit probes``."""

from __future__ import annotations

import os
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import rich_click as click

from bias_audit.cli import completion
from bias_audit.cli.options import Place, json_option, model_options, probe_path, to_backend_options
from bias_audit.cli.output import say, say_json
from bias_audit.config import open_catalogue
from bias_audit.utils.readings import READINGS, USUAL


@click.group()
def probes() -> None:
    """List, describe, preview and check probes.

    A probe is a YAML file: which sentences, which groups, which words, and what it cannot show.
    """


@probes.command(name="list")
@json_option
@probe_path
def list_(probe_path: tuple[str, ...], **flags: bool) -> int:
    """List all probes and controls."""
    catalogue = open_catalogue(probe_path)
    specs = [catalogue.probe_spec(name) for name in catalogue.probe_ids()]
    suites = {name: catalogue.select([name]) for name in catalogue.suites()}
    if flags["json"]:
        rows = [
            {key: getattr(spec, key) for key in ("id", "version", "axis", "role")}
            | {"suites": [name for name, members in suites.items() if spec.id in members]}
            | {"title": spec.title, "replaces_shipped": spec.id in catalogue.replacements()}
            for spec in specs
        ]
        say_json(rows)
        return 0
    own = catalogue.replacements()
    for spec in specs:
        kind = "core" if spec.id in suites["core"] else spec.role.replace("_", " ")
        say(f"{spec.id:28} {spec.axis:14} {kind:18} {spec.title}{_own(own, spec.id)}")
    return 0


def _own(replaced: Mapping[str, Path], name: str) -> str:
    return f"  (of {replaced[name]}, in place of the shipped one)" if name in replaced else ""


@probes.command()
@click.argument("id")
@click.option(
    "--kind",
    type=click.Choice(["probe", "templates", "lexicon"]),
    default="probe",
    help="What to write.  [default: probe]",
)
@click.option("--like", help="Copy this probe instead.")
@click.option(
    "--reading",
    type=click.Choice([*READINGS]),
    default=USUAL,
    help="label: a probe for text classifiers.",
)
@click.option("-o", "--output", type=Place(), help="Folder of the new file.")
@probe_path
def new(
    id: str,
    kind: str,
    like: str | None,
    reading: str,
    output: Path | None,
    probe_path: tuple[str, ...],
) -> int:
    """Write a new probe, template set or lexicon to start from: it works, and says what to change.

    \b
    Examples:
      bias-audit probes new who-drinks-what
      bias-audit probes new occupation-teachers --like occupation-gender
      bias-audit probes new who-is-spam --reading label
    """
    from bias_audit.errors import UsageError
    from bias_audit.probes.scaffold import place, write_new

    if like is not None and kind != "probe":
        raise UsageError("--like copies a probe", hint="leave --kind out, or use 'extends' inside")
    labels = READINGS[reading].of == "label"
    if labels and (like is not None or kind != "probe"):
        raise UsageError("--reading label begins a probe of its own", hint="leave the others out")
    folder = output or place(kind, Path.cwd())
    catalogue = open_catalogue(probe_path)
    written = write_new(kind, id, folder, catalogue, like=like, labels=labels)
    for path in written:
        say(f"wrote {os.path.relpath(path)}")
    file, home = os.path.relpath(written[0]), os.path.relpath(folder)
    say("Next:", f"  edit {file}; each line says what it does")
    say(f"  bias-audit probes check {file}")
    if kind == "probe":
        say(f"  bias-audit probes preview {id} --probe-path {home}")
        say(f"  bias-audit run -p {id} --probe-path {home} -o audit")
    return 0


@probes.command()
@click.argument("name", shell_complete=completion.probes)
@probe_path
def describe(name: str, probe_path: tuple[str, ...]) -> int:
    """Describe one probe: words, controls, measures, what it cannot show, and its card."""
    from bias_audit.cli.probe_description import describe as describe_probe

    for line in describe_probe(open_catalogue(probe_path).probe(name)):
        say(line)
    return 0


@probes.command()
@click.argument("name", required=False)
@probe_path
def words(name: str | None, probe_path: tuple[str, ...]) -> int:
    """List the lexicons with their sets, or the words of one lexicon."""
    from bias_audit.cli.probe_description import lexicon_lines, lexicon_row

    catalogue = open_catalogue(probe_path)
    if name is not None:
        lines = list(lexicon_lines(catalogue.lexicon(name)))
    else:
        lines = [lexicon_row(catalogue.lexicon(one)) for one in catalogue.names("lexicon")]
    for line in lines:
        say(line)
    return 0


@probes.command()
@click.argument("name", required=False)
@probe_path
def sentences(name: str | None, probe_path: tuple[str, ...]) -> int:
    """List the template sets, or the sentences of one."""
    catalogue = open_catalogue(probe_path)
    if name is not None:
        for index, template in enumerate(catalogue.template_set(name).templates):
            say(f"{template.name(index):20} {template.text}")
        return 0
    for one in catalogue.names("templates"):
        templates = catalogue.template_set(one)
        say(f"{one:28} {len(templates.templates):3}  {templates.title}")
    return 0


@probes.command()
@click.argument("name", shell_complete=completion.probes)
@click.option(
    "-n",
    "--count",
    type=click.IntRange(min=1),
    default=10,
    show_default=True,
    help="How many sentences.",
)
@click.option("--all", is_flag=True, help="Every sentence.")
@click.option(
    "--reading",
    type=click.Choice([*READINGS]),
    help="similarity: sentences with the stand-in, and the queries.  [default: the probe's first]",
)
@probe_path
def preview(
    name: str, count: int, reading: str | None, probe_path: tuple[str, ...], **flags: bool
) -> int:
    """Print sentences as they will be scored; the scored word, or its queries, are in braces."""
    from bias_audit.errors import UsageError
    from bias_audit.probes.expand import expand

    probe = open_catalogue(probe_path).probe(name)
    chosen = next((one for one in probe.spec.readings if one == reading), probe.spec.readings[0])
    if reading not in (None, chosen):
        raise UsageError(
            f"'{name}' is not read as {reading}",
            hint=f"its readings: {', '.join(probe.spec.readings)}",
        )
    expansion = expand(probe, chosen)
    prompts = expansion.all_prompts
    numbers: Sequence[int] = range(len(prompts))
    if not flags["all"]:  # a fixed sample: steps of equal size would meet the same word each time
        numbers = sorted(random.Random(0).sample(numbers, min(count, len(prompts))))  # noqa: S311
    for prompt in (prompts[i] for i in numbers):
        filler = "<mask>" if prompt.filler is None else f"{{{prompt.filler}}}"
        space = " " if prompt.label_names or prompt.queries else ""
        if prompt.queries:
            filler = " ".join(f"{{{query}}}" for query in prompt.queries)
        say(f"{prompt.pole or ' '} {prompt.left}{space}{filler}{prompt.right}")
    say(f"{len(prompts):,} prompts in all", err=True)
    for skip in expansion.skips:
        say(f"left out: {skip.kind} '{skip.what}' {skip.detail}", err=True)
    return 0


@probes.command()
@click.argument("paths", nargs=-1, required=True, type=Place())
@click.option("--model", help="Also show what this model's vocabulary loses.")
@probe_path
@model_options
def check(
    paths: tuple[Path, ...], model: str | None, probe_path: tuple[str, ...], **options: Any
) -> int:
    """Check probe, template and lexicon files; mistakes of a stage at once, as file:line:column.

    \b
    Examples:
      bias-audit probes check my-probes/
      bias-audit probes check my-probes/tea.yaml --model reference
    """
    from bias_audit.cli.probe_check import check_files

    open_catalogue(probe_path)  # refuses what does not exist
    return check_files(paths, [*map(Path, probe_path)], model, to_backend_options(options))
