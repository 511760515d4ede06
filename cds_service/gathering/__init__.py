"""Gathering: from a request to a chart. The only place that may talk to another server."""
