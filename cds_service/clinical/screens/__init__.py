"""Screens: conditions, allergies and other medications."""
