"""What split and join are made of, and the contract of a transform."""
