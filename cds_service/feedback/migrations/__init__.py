"""The schema, step by step. A step that was released is never changed; a new one follows it."""
