"""The results contract: the records of ``results.json``, read and written, and the run folder.

Everything a report shows is in these records, so a stored audit renders without the model, torch
or pandas. Numbers are finite, or ``null`` with a ``reason``. Texts of codes are in
:mod:`bias_audit.results.codes`, scores in :mod:`bias_audit.results.evidence`.
"""

from bias_audit.results.decisions import (
    Change,
    Comparison,
    Evidence,
    Finding,
    Gate,
    MissingChange,
    RiseBound,
    ShareChange,
    WaiverRecord,
    finding_id,
    missing_change,
)
from bias_audit.results.evidence import EVIDENCE_FILE, PAIR_SCORES_FILE
from bias_audit.results.io import (
    Results,
    dump_json,
    is_run,
    load_results,
    locate,
    normalise,
    results_text,
    round_floats,
)
from bias_audit.results.run_folder import (
    StoredRun,
    default_folder,
    read_manifest,
    require_free,
    write_run,
)
from bias_audit.results.run_record import (
    Determinism,
    ErrorRecord,
    MetricRecord,
    Model,
    Run,
    SanityCheck,
    Tool,
)
from bias_audit.results.schema import (
    Card,
    Check,
    Claim,
    Companion,
    Completion,
    Coverage,
    Floor,
    GroupProfile,
    Outcome,
    ProbeRecord,
    Record,
    Result,
    Role,
    Sentence,
    Size,
    SkipRecord,
    State,
    TargetEffect,
    TargetProfile,
    TemplateEffect,
    WordShare,
)

__all__ = [
    "EVIDENCE_FILE", "PAIR_SCORES_FILE", "Card", "Change", "Check", "Claim",
    "Companion", "Comparison", "Completion", "Coverage", "Determinism", "ErrorRecord",
    "Evidence", "Finding", "Floor", "Gate", "GroupProfile", "MetricRecord", "MissingChange",
    "Model", "Outcome", "ProbeRecord", "Record", "Result", "Results", "RiseBound", "Role", "Run",
    "SanityCheck", "Sentence", "ShareChange", "Size", "SkipRecord", "State", "StoredRun",
    "TargetEffect", "TargetProfile", "TemplateEffect", "Tool", "WaiverRecord", "WordShare",
    "default_folder", "dump_json", "finding_id", "is_run", "load_results", "locate",
    "missing_change", "normalise", "read_manifest", "require_free", "results_text", "round_floats",
    "write_run",
]  # fmt: skip
