"""Articles by pronunciation, and where sentences begin."""

# ruff: noqa: E501 - tables of cases read better in one line each

from __future__ import annotations

import inflect

from bias_audit.probes.english import capitalise, starts_sentence, takes_an

AN = ["actor", "engineer", "electrician", "honest", "heir", "heiress", "hour", "hourly", "honor", "honorary", "honourable", "honesty", "umbrella", "uncle", "umpire", "usher", "unimportant", "uninspired", "uninteresting", "unintended", "unknown", "upholsterer", "urgent", "ulcer", "ultimate", "Ulster", "Uzbek", "MBA", "X-ray", "FBI", "HR", "SUV", "LGBT", "NGO", "MP", "RSVP", "f-word", "8-bit", "11-year-old", "18-year-old", "80-year-old", "eight-year-old", "hourglass", "heirloom", "island", "eye", "owl", "aunt", "Ethiopian", "Egyptian", "Iranian", "Iraqi", "Indian", "Afghan", "atheist", "Englishman", "Eskimo", "Irish", "oboist", "ouster", "onlooker", "onerous", "unassuming", "unidentified"]  # fmt: skip
A = ["nurse", "plumber", "doctor", "university", "unicorn", "uniform", "union", "unique", "united", "universal", "unit", "unilateral", "user", "useful", "usual", "usurper", "utensil", "utility", "utopia", "utilitarian", "Ukrainian", "Ugandan", "Uruguayan", "urologist", "European", "eucalyptus", "eulogy", "euphoric", "eunuch", "ewe", "one", "once", "one-off", "one-armed", "once-famous", "ouija", "hotel", "house", "historian", "hero", "hospital", "husband", "humble", "human", "UFO-spotter", "ewer", "US", "UN", "UK", "BBC", "CEO", "PhD", "DJ", "T-shirt", "U-turn", "B-side", "USB", "yoga", "yellow", "year", "unanimous", "ubiquitous", "100-year-old", "19-year-old", "1-year-old", "7-year-old", "wonder", "Wednesday", "uranium", "urine", "usable", "Unitarian", "unionist", "unified", "ukulele", "uterus", "usurer", "Uber", "uvula"]  # fmt: skip


def test_articles():
    assert [word for word in AN if not takes_an(word)] == []
    assert [word for word in A if takes_an(word)] == []


OPEN_TO_DEBATE = {
    # inflect goes by spelling where speech differs; each was looked up by hand
    "UFO-spotter", "Uzbek", "f-word", "ouster", "onerous", "Ulster", "hourglass", "heirloom",
    "uninspired", "uninteresting", "unintended", "unimportant", "unidentified", "humble", "historian",
    "unanimous", "ouija", "Uber", "uvula", "PhD", "USB", "usurer", "LGBT", "RSVP", "ewer",
    "usher", "Ugandan", "8-bit", "11-year-old", "18-year-old", "80-year-old", "SUV", "NGO", "HR", "hourly", "heiress", "honesty", "100-year-old", "1-year-old", "ukulele",
    "Unitarian", "ubiquitous", "uterus", "one-armed", "once-famous", "ulcer",
}  # fmt: skip


def test_the_second_opinion_agrees_on_the_list():
    """The ``inflect`` package knows the same rules from elsewhere."""
    engine = inflect.engine()
    differing = {word for word in [*AN, *A] if engine.an(word).startswith("an ") != takes_an(word)}
    assert differing <= OPEN_TO_DEBATE, differing - OPEN_TO_DEBATE


STARTS = ["", '"', "(", "\u201c", "He left. ", "Why? ", 'He said "no." ', "Stop! \u201c", "He left.) ", "Wait... "]  # fmt: skip
GOES_ON = ["He said: ", "The ", "Yes, ", "a; ", 'wrote "', "version 3.5 ", "He met Dr. ", "Mrs. ", "St. ", "apes vs. ", "some, e.g. ", "that is, i.e. ", "(cf. ", "Prof. ", "well - "]  # fmt: skip


def test_where_sentences_begin():
    assert [before for before in STARTS if not starts_sentence(before)] == []
    assert [before for before in GOES_ON if starts_sentence(before)] == []


def test_capitals():
    assert capitalise("iPhone user") == "IPhone user"
    assert capitalise("élan") == "Élan"
    assert capitalise("") == ""
    assert capitalise("5 apes") == "5 apes"
