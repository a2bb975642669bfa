"""The words of other libraries, and what to write here instead: arguments, values and names of functions."""
