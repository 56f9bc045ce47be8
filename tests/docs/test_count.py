"""What has to be written by hand stays little enough to be read."""

from __future__ import annotations

from tests.docs.count import by_hand, counts

MOST = 37_000
"""Before you raise it: say a thing once, and let the program write the rest."""


def test_the_pages_by_hand_can_be_read() -> None:
    assert 10_000 < sum(counts().values()) <= MOST


def test_what_a_program_writes_is_left_out() -> None:
    assert by_hand("# Title\n\nTwo words | 3\n") == 4
    assert by_hand("Made\n<!-- Made by 'python -m tests.docs.pages' -->\n") == 0
    assert by_hand("one\n<!-- gates -->\n| a | b |\n<!-- end of gates -->\ntwo\n") == 2
    typed = by_hand("$ bias-audit show")
    assert by_hand("```console\n$ bias-audit show\n1 gap\n...\n```\n") == typed


def test_every_page_by_hand_is_counted() -> None:
    assert {"README.md", "docs/method.md", "docs/tutorial.md"} <= set(counts())
    assert "docs/reference/commands.md" not in counts()
