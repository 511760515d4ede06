"""Kidney function: eGFR, clearance, acute injury, chronic disease."""
