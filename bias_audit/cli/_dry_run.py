"""What ``bias-audit run --dry-run`` says of an audit that is not made."""

from __future__ import annotations

from bias_audit.metrics.design import family_sizes
from bias_audit.planning import Plan


def show_plan(plan: Plan, method: str) -> int:
    """Print what would be scored, and which comparisons would be adjusted together.

    Args:
        plan: of the audit.
        method: adjusts the primary comparisons of an axis.
    """
    for name, expansion in plan.expansions.items():
        print(f"{name:40} {len(expansion.all_prompts):>8,} prompts")
    for (probe, material), count in plan.metrics.prompts.items():
        print(f"{f'{probe} + {material}':40} {count:>8,} prompts on request")
    for skip in plan.metrics.unsupported:
        print(f"{f'{skip.probe} + {skip.what}':40} {'not asked':>8}: {skip.detail}")
    for axis, count in family_sizes(task.probe for task in plan.tasks).items():
        how = "max-t where possible, else holm" if method == "max-t" else method
        told = f"primary comparisons, one family ({how})"
        print(f"{f'axis {axis}':40} {count:>8,} {told}")
    every = plan.prompts + sum(plan.metrics.prompts.values())
    print(f"{'in all':40} {every:>8,} prompts; no model was loaded")
    return 0
