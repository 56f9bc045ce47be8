"""Passes side by side, changes alone."""

from __future__ import annotations

import threading
import time

import pytest

from bias_audit.backends.mlm.fast.head_only import ReaderWriterLock


def test_a_change_waits_for_passes_and_passes_for_it():
    gate, told = ReaderWriterLock(), []
    inside, leave = threading.Event(), threading.Event()

    def long_pass():
        with gate.read():
            inside.set()
            assert leave.wait(30)
            told.append("pass ends")

    def change():
        told.append("changed")
        return lambda: told.append("undone")

    def changing():
        with gate.write(change):
            pass

    def late_pass():
        with gate.read():
            told.append("late pass")

    threads = [threading.Thread(target=long_pass)]
    threads[0].start()
    assert inside.wait(30)
    for action in (changing, late_pass):
        threads.append(threading.Thread(target=action))
        threads[-1].start()
        while action is changing and not gate._waiting:
            time.sleep(0.001)
    assert told == []
    leave.set()
    for thread in threads:
        thread.join(30)
    assert told[:2] == ["pass ends", "changed"]
    assert sorted(told[2:]) == ["late pass", "undone"]


def test_the_first_changes_and_the_last_undoes():
    gate, told = ReaderWriterLock(), []

    def change(name):
        told.append(name)
        return lambda: told.append(f"not {name}")

    one, other = gate.write(lambda: change("one")), gate.write(lambda: change("other"))
    one.__enter__()
    other.__enter__()
    one.__exit__(None, None, None)
    with gate.read():
        assert told == ["one"]
    other.__exit__(None, None, None)
    assert told == ["one", "not one"]


def test_a_change_that_fails_holds_nothing():
    gate = ReaderWriterLock()

    def refuse():
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"), gate.write(refuse):
        raise AssertionError("never inside")
    with gate.read():
        pass
    told = []
    with gate.write(lambda: lambda: told.append("undone")):
        pass
    assert told == ["undone"]
