"""The joint fit of all parameters to the published tables: questions, targets, their prediction and the posterior."""
