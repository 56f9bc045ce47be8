"""Statistics on plain arrays: contrasts, permutation tests, multiplicity, intervals, seeds.

Nothing here knows about probes, prompts or models; import the module you need. Everywhere,

- what is empty, not finite, or outside of the shape or range that is named raises ``ValueError``,
  and so does a group of columns that is empty, repeats one or leaves the matrix;
- ``rng`` is the source of the draws and ``resamples`` their number where not everything is tried;
- ``level`` is the coverage of an interval, in (0, 1).
"""
