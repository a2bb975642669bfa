"""Pools of arrays that are larger than memory: what is read and written tile by tile, around the pools themselves."""
