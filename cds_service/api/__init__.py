"""HTTP: routes, limits on requests, and error responses."""
