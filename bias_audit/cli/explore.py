"""``bias-audit explore``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import rich_click as click

from bias_audit.cli.options import Place, model_options, probe_path, to_backend_options
from bias_audit.cli.output import say

HELP = """Open a local page: try sentences, collect them into a probe, browse stored audits.

It runs on this machine only and sends nothing anywhere. It needs: pip install 'bias-audit[explore]'

\b
Examples:
  bias-audit explore
  bias-audit explore distilroberta-base
  bias-audit explore audit-runs/latest
"""


@click.command(help=HELP)
@click.argument("subject", metavar="[MODEL|RUN]", default="reference")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port; the first free one from 8501.")
@click.option(
    "--anyone-may-connect",
    is_flag=True,
    help="Allow a --host that others can reach: there is no password, and nothing is encrypted.",
)
@click.option("-o", "--output", type=Place(), help="Folder that files are saved into.")
@probe_path
@model_options
def explore(
    subject: str,
    host: str,
    port: int | None,
    output: Path | None,
    probe_path: tuple[str, ...],
    anyone_may_connect: bool,
    **options: Any,
) -> int:
    """Open a local page."""
    from bias_audit.backends import built_in_notice
    from bias_audit.explore.server import require_address, serve
    from bias_audit.explore.subject import read_subject

    if notice := built_in_notice(subject):
        say(f"Note: {notice}", err=True)
    require_address(host, port, anyone=anyone_may_connect)
    about = read_subject(
        subject,
        to_backend_options(options),
        folder=output,
        is_public=anyone_may_connect,
        probe_paths=probe_path,
        here=Path.cwd(),
    )
    serve(about, host=host, port=port, announce=_announce)
    return 0


def _announce(address: str) -> None:
    say(f"the page is at {address}", "Ctrl+C ends it", err=True)
