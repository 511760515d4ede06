"""The migrations of the schema. A released migration is never changed; a new one follows it."""
