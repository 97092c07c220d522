"""Sensitivity analyses of one patient's answer, named as health-economists name them."""
