"""The network: families of conditional distributions, parameters and their draws, the three stages, assembly."""
