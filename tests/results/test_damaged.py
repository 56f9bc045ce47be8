"""Stored runs in which a value is wrong are refused as a mistake of the file."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from bias_audit.errors import UsageError
from bias_audit.reports import render
from bias_audit.results import load_results

STORED = Path(__file__).parents[1] / "golden" / "audit" / "results.json"
WRONG = [None, -1, "lots", [], {}, [5], 10**30, "x" * 5_000]


def paths(value, path=()):
    yield path
    if isinstance(value, dict):
        for key, item in value.items():
            yield from paths(item, (*path, key))
    elif isinstance(value, list):
        for number, item in enumerate(value[:1]):
            yield from paths(item, (*path, number))


def put(value, path, wrong):
    """The value with another part at a path."""
    if not path:
        return wrong
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = put(value[path[0]], path[1:], wrong)
    return copy


def test_any_value_may_be_wrong(tmp_path):
    """A sample of all places and wrong values: read and shown, or refused."""
    good = json.loads(STORED.read_text("utf-8"))
    rng = random.Random(20)  # noqa: S311
    file = tmp_path / "results.json"
    refused = 0
    for path in rng.sample(sorted(paths(good), key=str), 120):
        file.write_text(json.dumps(put(good, path, rng.choice(WRONG))), "utf-8")
        try:
            results = load_results(file)
        except UsageError:
            refused += 1
        else:
            render(results, "csv")
            render(results, "terminal")
    assert refused > 40


@pytest.mark.parametrize(
    ("path", "wrong", "message"),
    [
        (("findings", 0, "result"), "nothing", "is about no result"),
        (("findings", 0, "sentences", 0, "log_prob_a"), 710.0, "has a probability above 1"),
        (("results", 0, "variance"), {"templates": -1.0}, "has a variance below 0"),
        (("results",), 5, "is damaged at results"),
        (("model", "reading"), "odd", "is damaged at model.reading: expected one of mask"),
        (("schema_version",), 2, "has no schema_version"),
    ],
)
def test_what_contradicts_itself_is_refused(path, wrong, message, tmp_path):
    good = json.loads(STORED.read_text("utf-8"))
    file = tmp_path / "results.json"
    file.write_text(json.dumps(put(good, path, wrong)), "utf-8")
    with pytest.raises(UsageError, match=message):
        load_results(file)


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a": ' + "9" * 5_000 + "}", "5", "", "\xff"])
def test_other_json_is_refused(text, tmp_path):
    (tmp_path / "results.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(UsageError, match=r"results\.json"):
        load_results(tmp_path)


def test_a_result_that_is_there_twice(tmp_path):
    """The second would vouch for the first when the numbers are computed again."""
    content = json.loads(STORED.read_text("utf-8"))
    content["results"].insert(0, content["results"][0])
    file = tmp_path / "results.json"
    file.write_text(json.dumps(content), "utf-8")
    with pytest.raises(UsageError, match=r"the result '.+' is there twice"):
        load_results(file)


def test_a_control_that_does_not_work_and_a_result_that_does_not_say_so(tmp_path):
    """Without its status a silent control would let a gate pass."""
    content = json.loads(STORED.read_text("utf-8"))
    controls = {probe["id"]: probe["controls"] for probe in content["probes"]}
    known = {result["id"]: result for result in content["results"]}
    result, control = next(
        (result, known[name])
        for result in content["results"]
        if result["role"] == "primary" and not result["statuses"]
        for name in controls[result["probe"]]
        if known[name]["groups"] == result["groups"]
    )
    control["works"] = False
    file = tmp_path / "results.json"
    file.write_text(json.dumps(content), "utf-8")
    with pytest.raises(UsageError, match="has no status that says that its control"):
        load_results(file)
    result["statuses"] = ["silent_control"]
    file.write_text(json.dumps(content), "utf-8")
    assert load_results(file).results
