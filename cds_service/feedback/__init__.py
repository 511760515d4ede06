"""What was shown and what became of it: the database, what is written to it, and the report that is read from it."""
