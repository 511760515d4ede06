"""Records of shown cards and of clinicians' feedback: the database, and the report on it."""
