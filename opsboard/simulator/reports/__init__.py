"""Documents as Amazon serves them, rendered from the truth as it is known at an instant."""
