"""Programs compiled ahead of time for accelerators that are not there: kernels, bytes, the compiler's estimate."""
