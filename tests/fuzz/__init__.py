"""Random calls of every public function beside an oracle in NumPy: `python -m tests.fuzz --cases 1000 --seed 0`.

A *case* is one call (a function with its arguments and the dtype and shape of its inputs) under one transformation, on
one array of values; the automatic algorithm and, where the function takes a name, a named one are both compared with
the oracle. Calls that must be refused, and questions that take no array, are one case each.

The oracle does its own window arithmetic: every pool is a table of cells, the positions in the plane that each window
reads, and nothing of it comes from the library.
"""
