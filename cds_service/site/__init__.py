"""The site file: what a hospital decides about this service. Which cards speak, its own codes, and its intervals."""
