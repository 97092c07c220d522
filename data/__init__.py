"""The records behind refra: evidence, parameters, variables, drugs and measurement error, and their loaders."""
