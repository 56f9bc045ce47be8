"""Load models and tokenizers in the format of transformers, from a folder or the hub."""
