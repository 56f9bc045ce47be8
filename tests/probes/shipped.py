"""The shipped catalogue, read and expanded once for all tests of it."""

from __future__ import annotations

from functools import cache

from bias_audit.pipeline.plan import Plan, make_plan
from bias_audit.probes.catalogue import ProbeCatalogue
from bias_audit.probes.expand import Expansion
from bias_audit.probes.probe import Probe

CATALOGUE = ProbeCatalogue()
IDS = CATALOGUE.probe_ids()


@cache
def probe(name: str) -> Probe:
    return CATALOGUE.probe(name)


@cache
def plan() -> Plan:
    """Everything that is scored for all probes, their placebo groups included."""
    return make_plan(CATALOGUE, IDS)


def expansion(name: str) -> Expansion:
    return plan().expansions[name]
