"""What is watched: logs, metrics, traces."""
