"""Thin pages of Settings: authorise, call one function, answer."""
