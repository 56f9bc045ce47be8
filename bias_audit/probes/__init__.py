"""Turn YAML files into probes, and probes into the sentences that a model is asked."""
