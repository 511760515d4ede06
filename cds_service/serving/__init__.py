"""The web server: everything that touches uvicorn (docs/decisions/0022)."""
