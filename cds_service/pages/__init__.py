"""Web pages: HTML rendered on the server, with one stylesheet, two small scripts, and nothing from other hosts."""
