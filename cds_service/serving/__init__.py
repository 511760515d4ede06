"""Everything that touches the web server."""
