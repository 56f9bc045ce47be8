"""Score requests with a masked language model: questions, batches, forward passes."""
