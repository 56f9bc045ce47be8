"""What an audit made of its scores, kept: the same scores, judged the same way, give it again."""

from __future__ import annotations

from bias_audit.backends.cache.store import ScoreStore
from bias_audit.results import Results
from bias_audit.storing import program
from bias_audit.storing.made import ABOUT, ASSESSMENTS, Made
from bias_audit.storing.structure import UnknownTypeError, digest


class Assessments:
    """Results by the digest of everything that they are computed from.

    Args:
        store: where they are kept.
        fresh: whether nothing is read, only written.
    """

    def __init__(self, store: ScoreStore, *, fresh: bool = False) -> None:
        self._store = store
        self._fresh = fresh
        self.found = False
        """Whether one was read."""

    def key(self, *inputs: object) -> bytes | None:
        """The key of results.

        Args:
            inputs: all that they depend on, but for the program itself, its libraries and the
                machine, which are in every key.

        Returns:
            None where one of them cannot be told: then nothing is kept.
        """
        computed = program.computing(program.STATISTICS)
        if computed is None:
            return None
        try:
            return digest("assessment", computed, *inputs)
        except UnknownTypeError:
            return None

    def get(self, key: bytes) -> Results | None:
        """The results that are kept; None where there are none that can be read."""
        record = None if self._fresh else self._store.get([key]).get(key)
        if not isinstance(record, Made):
            return None
        try:
            results = Results.model_validate_json(record.read())
        except ValueError:
            return None
        self.found = True
        return results

    def put(self, key: bytes, results: Results) -> None:
        """Keep results, unless reading would not give the very same."""
        try:
            text = results.model_dump_json()
            again = Results.model_validate_json(text)
            made = Made.of(text)
        except ValueError:
            return
        if again == results and again.model_dump_json() == text:
            number = self._store.model(ASSESSMENTS, ABOUT[ASSESSMENTS])
            self._store.put(number, {key: made})
