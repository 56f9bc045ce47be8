"""What is computed from scores: a metric is a plain function beside a record that describes it."""
