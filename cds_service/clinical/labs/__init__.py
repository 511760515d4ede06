"""Laboratory results and body measures."""
