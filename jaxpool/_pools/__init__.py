"""Stage 1 of 4: the functions a user calls, one file per family."""
