"""What holds for all tests."""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # test processes run side by side

from bias_audit.backends.cache import VARIABLE

os.environ[VARIABLE] = "off"  # here and in every process that a test starts
