"""Every command line that a text shows, compared with the program."""

from __future__ import annotations

import re
import shlex

import rich_click as click

from bias_audit.cli.app import app

SHOWN = re.compile(r"(?<![\w/.-])bias-audit ((?:[a-z]+)(?: [^\n`|;&>)#]*)?)")
"""``bias-audit`` and what follows it on the line, up to a quote, a pipe or a comment."""


def wrong(text: str) -> list[str]:
    """Commands and options in ``text`` that do not exist, ready to be shown."""
    found: list[str] = []
    for line in re.sub(r"\\\n\s*", "", text).splitlines():
        for shown in SHOWN.findall(line):
            found += _wrong(shown)
    return found


def _wrong(shown: str) -> list[str]:
    words = _words(shown)
    if words[0] not in app.list_commands(click.Context(app)):
        return []  # prose: "bias-audit is"
    command: click.Command = app
    while isinstance(command, click.Group) and words:
        name = words.pop(0).rstrip(".,:'\"")
        inner = command.get_command(click.Context(command), name)
        if inner is None:
            return [f"no command {name}: {shown}"]
        command = inner
    options = {o for p in command.params for o in (*p.opts, *p.secondary_opts)} | {"--help", "-h"}
    used = {re.split("[=,.']", word)[0] for word in words if re.match(r"--?[a-zA-Z]", word)}
    return [f"no option {name}: {shown}" for name in sorted(used - options)]


def _words(shown: str) -> list[str]:
    try:
        return shlex.split(shown)
    except ValueError:
        return shown.split()
