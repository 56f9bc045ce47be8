"""Gates: what a configuration accepts, and what a run or a probe's own margin says to it.

``schema`` declares a gate, ``policy`` is everything that a run is judged by, ``judge`` judges,
``verdict`` holds one number against one limit, ``power`` says how much more would decide,
``baselines`` and ``waivers`` are files that commands write.
"""
