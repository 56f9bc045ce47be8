"""Join the stages of an audit: plan, score, assemble, judge."""
