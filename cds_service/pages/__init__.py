"""Web pages: HTML rendered on the server, with one stylesheet, a few small scripts, and nothing from other hosts."""
