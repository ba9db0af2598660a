"""Runs a plan: a fresh process per method, suite and pass, watched, and replaced when it dies."""
