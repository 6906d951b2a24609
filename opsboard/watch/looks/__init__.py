"""The checks, by what they look at: the machine, the work, the shop."""
