"""Stage 1 of 3: the functions a user calls, one file per family."""
