"""Statistics on plain arrays: contrasts, permutation tests, multiplicity, intervals, seeds.

Nothing here knows about probes, prompts or models; import the module you need.
"""
