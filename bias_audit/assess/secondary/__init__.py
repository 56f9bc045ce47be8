"""Secondary measures of a probe: they describe, and no verdict hangs on them.

None but the divergence, the skew and the labour correlation has a p-value, so that measures can
be added without moving the corrected p-values of others.
"""

from __future__ import annotations

from bias_audit.assess._input import Comparison, Scored, Settings, WordLists
from bias_audit.assess.secondary._beside_share import beside_shares
from bias_audit.assess.secondary._divergence import divergence
from bias_audit.assess.secondary._interaction import interaction
from bias_audit.assess.secondary._labour import labour, skew
from bias_audit.assess.secondary._lists import hurtful, valence
from bias_audit.assess.secondary._plane import planes
from bias_audit.assess.secondary._poles import four_fifths, masses
from bias_audit.assess.secondary._ranks import rank_tests
from bias_audit.assess.secondary._record import marked
from bias_audit.assess.secondary._sizes import sizes
from bias_audit.assess.secondary._spread import spread
from bias_audit.results import Companion, Result

__all__ = ["beside", "marked", "measures", "planes", "spread"]


def beside(scored: Scored, comparison: Comparison, settings: Settings) -> tuple[Companion, ...]:
    """Further numbers of a primary comparison, in a fixed order."""
    found = rank_tests(scored, comparison, settings, sizes(scored, comparison, settings))
    return (*masses(scored, comparison, settings), *found)


def measures(scored: Scored, settings: Settings, lists: WordLists) -> list[Result]:
    """Every secondary measure that a probe allows, in a fixed order.

    Args:
        scored: the probe.
        settings: choices of the analysis.
        lists: words that completions are looked up in.
    """
    found = (
        divergence(scored, settings, lists.hurtful),
        skew(scored, settings),
        labour(scored, settings),
        *beside_shares(scored, settings),
        four_fifths(scored, settings),
        hurtful(scored, settings, lists),
        valence(scored, settings, lists),
        interaction(scored, settings),
    )
    return [result for result in found if result is not None]
