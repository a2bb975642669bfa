"""Export to ONNX: with this module imported, `jax2onnx` converts models that pool with jaxpool.

    import jax2onnx
    import jaxpool.onnx

    jax2onnx.to_onnx(model, [("batch", 28, 28, 1)], return_mode="file", output_path="model.onnx")

The import registers a conversion for every operator of this library; there is nothing to call. The ONNX model needs
neither JAX nor this library. Batch sizes may be symbolic.

| here | ONNX |
|---|---|
| maxima and minima | `MaxPool`, for minima between two `Neg` |
| their indices | the second result of `MaxPool`, converted from the whole tensor to the plane |
| averages | one `AveragePool` where its divisor is the function's, else followed by `Mul` and `Div` |
| sums | `AveragePool` times the elements of a window |
| a window that is the whole plane | `ReduceMax`, `ReduceMin`, `ReduceSum` |
| adaptive, fractional, norms, unpooling, `pool`, gradients | elementary operators |

`Transpose` makes any layout ONNX's, and `Reshape` any number of batch axes one. Strides, dilation, padding and ceil
mode become the attributes `strides`, `dilations` and `pads`. Padding as wide as the window, which runtimes refuse,
becomes `Pad`, and negative padding `Slice`. More than three spatial axes are pooled three at a time. For `MaxPool`,
booleans and integers of up to 32 bits are cast to floats that hold them exactly. Maxima of 64-bit integers, and sums of
integers or float64, for which runtimes have no pooling, become elementary operators.

ONNX does not say what `MaxPool` makes of NaN: runtimes drop it or not, depending on where it stands in the window. A
window of nothing but -inf may give the lowest finite number; where a mask makes such windows, it is made -inf again.
Where this matters, name an algorithm: with `implementation="separable"` a pool is written out in elementary operators,
which propagate NaN. Every name but "reduce_window" does so.

What does not become ONNX raises NotImplementedError with the function and the reason: complex inputs; random pools with
a key, for which pass `samples`; gradients by some named algorithms.

Raises on import:
  ImportError: jax2onnx is not installed.
"""

from __future__ import annotations

try:
    import jax2onnx as _  # pyright: ignore[reportMissingImports] # noqa: F401
except ImportError as error:
    raise ImportError(
        "jaxpool.onnx needs jax2onnx, which cannot be imported here. Install it with `pip install jax2onnx`."
    ) from error

from jaxpool.onnx._plugins import register

register()
