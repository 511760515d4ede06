"""Reading: from a chart and a moment to facts. Pure: no I/O, no clock, no framework."""
