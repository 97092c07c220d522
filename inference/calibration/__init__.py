"""The joint calibration: published tables as questions to the network, and what the network answers to them."""
