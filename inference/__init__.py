"""Findings in, answers out: patient records, the exact engine, queries, assessment, explanation, command line."""
