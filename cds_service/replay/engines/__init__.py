"""Engines: how the patients of an export are found, brought together and decided. Each gives the same decisions."""
