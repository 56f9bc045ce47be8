"""Published benchmarks: a user's copy of a data set, scored and written into an audit's records.

Measured for comparison with the literature, never judged.
"""

from __future__ import annotations

from bias_audit.benchmarking.comparing import compare_benchmarks
from bias_audit.benchmarking.running import Benchmark, benchmark

__all__ = ["Benchmark", "benchmark", "compare_benchmarks"]
