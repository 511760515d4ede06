"""The HTTP end: routes, limits, and the one table from error to status."""
