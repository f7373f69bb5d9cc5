"""Recordings: converted and checked when they come, spoken from a text where there is a voice."""
