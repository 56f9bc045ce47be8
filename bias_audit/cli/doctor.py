"""``bias-audit doctor``."""

from __future__ import annotations

import rich_click as click

from bias_audit.cli.output import say

HELP = """Check this installation: packages, data files, bundled model, device, a tiny score.

\b
Example:
  bias-audit doctor
"""


@click.command(help=HELP)
def doctor() -> int:
    """Check this installation."""
    from bias_audit.backends import open_backend
    from bias_audit.errors import BiasAuditError
    from bias_audit.pipeline.model_checks import check_languages
    from bias_audit.probes.catalogue import ProbeCatalogue
    from bias_audit.utils.versions import __version__, package_versions

    say(f"bias-audit {__version__}")
    say("packages   " + ", ".join(f"{name} {v}" for name, v in package_versions().items()))
    good = True
    try:
        catalogue = ProbeCatalogue()
        ids = catalogue.probe_ids()
        for name in ids:
            catalogue.probe(name)
        say(f"catalogue  {len(ids)} probes and controls read without a mistake")
        backend = open_backend("reference")
        info = backend.info
        say(f"model      {info.name}: {info.parameters:,} parameters, {info.fingerprint[:12]}")
        say(f"device     {info.device}, {info.dtype}")
        (sanity,) = check_languages(backend, {"en": catalogue.sanity()})
        good = sanity.passed
        say(
            f"sanity     {sanity.cloze_hits} of {sanity.cloze_asked} trivial gaps answered,"
            f" pseudo-perplexity {sanity.pseudo_perplexity or float('nan'):.0f}"
            f" (limit {sanity.perplexity_limit:.0f}): {'passed' if good else 'FAILED'}"
        )
    except BiasAuditError as error:
        say(f"problem    {error}")
        return error.exit_code
    say("all well" if good else "something is wrong: see above")
    return 0 if good else 3
