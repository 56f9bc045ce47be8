"""Joins the stages: plan, score, assemble, judge, and the run that does all of them."""
