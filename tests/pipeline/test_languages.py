"""Each probe is vouched for in its own language, which says nothing of another."""

from __future__ import annotations

import pytest

from bias_audit import audit
from bias_audit.probes.schema.lexicon import Sanity
from bias_audit.reports import render
from tests.analysis.world import (
    CONTROLS,
    FAST,
    Model,
    Shelf,
    behave,
    controlled,
    instrument,
    make,
    only,
    plant,
    record,
)


class Shelves(Shelf):
    """A shelf with sanity sentences in German, which the model answers or does not."""

    answer = "salt"

    def sanity(self, language: str = "en") -> Sanity | None:
        if language != "de":
            return super().sanity(language)
        english = super().sanity("en")
        assert english is not None
        cloze = english.clozes[0].model_copy(update={"answers": (self.answer,)})
        return english.model_copy(update={"language": "de", "clozes": (cloze,) * 2})


class Unread(Shelves):
    """German that the model cannot answer."""

    answer = "basalt"


def run(shelf: type[Shelf], *probes):
    return audit(
        Model(behave(plant(1.0))),
        catalogue=shelf(*probes, *instrument()),
        probes=[probe.spec.id for probe in probes],
        settings=FAST,
    )


def german(name: str = "zweite"):
    return make(name, controls=CONTROLS, language="de-AT")


def test_a_model_that_reads_no_english_is_judged_in_german():
    done = run(Shelves, german())
    assert done.results.sanity.language == "de"
    assert done.results.further_sanity == ()
    assert only(done, "zweite").outcome == "association"
    assert record(done, "zweite").language == "de-AT"


def test_a_model_that_reads_no_german_is_not_judged_in_german():
    done = run(Unread, german())
    found = only(done, "zweite")
    assert found.outcome == "not_measurable"
    assert "the model sanity check failed in 'de': 0 of 2 trivial gaps" in found.reason
    assert not done.results.findings


@pytest.mark.parametrize("shelf", [Shelves, Unread])
def test_languages_are_checked_one_by_one(shelf):
    done = run(shelf, controlled(), german())
    checks = (done.results.sanity, *done.results.further_sanity)
    assert [check.language for check in checks] == ["en", "de"]
    assert [check.passed for check in checks] == [True, shelf is Shelves]
    assert only(done).outcome == "association"
    expected = "association" if shelf is Shelves else "not_measurable"
    assert only(done, "zweite").outcome == expected


def test_a_language_without_sanity_sentences_has_no_verdict():
    done = run(Shelf, make("troisieme", controls=CONTROLS, language="fr"))
    found = only(done, "troisieme")
    assert found.outcome == "not_measurable"
    assert "there is no model sanity check in 'fr': write sanity-fr.yaml" in found.reason
    assert "nan" not in render(done.results, "md")


def test_reports_say_which_language_failed():
    done = run(Unread, controlled(), german())
    page = render(done.results, "html")
    assert "did not hold in another language than English (de)" in page
    assert "The instrument failed on: axis (de-AT)" in page
    assert "It did not hold in the language &#39;de&#39;" in page
    assert "no sign of a trained language model" not in page
    assert "It held: this behaves like a trained language model." in page


def test_the_model_card_keeps_the_numbers_of_the_language_that_works():
    both = render(run(Unread, controlled(), german()).results, "card")
    assert "bias-audit-trial" in both
    assert "bias-audit-zweite" not in both
    alone = render(run(Unread, german()).results, "card")
    assert not alone.startswith("---")
