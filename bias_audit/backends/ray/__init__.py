"""Score with replicas of a model on the workers of a Ray cluster."""
