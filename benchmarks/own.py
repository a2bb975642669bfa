"""One's own case: a pool out of the arguments of the command line. jaxpool itself checks that it can be."""

from __future__ import annotations

import dataclasses
from typing import Any

import jaxpool
from benchmarks.random_pools import describe
from benchmarks.workloads import EAGER, Pairs, Workload
from jaxpool._geometry import pooling_window


def workloads(
    shape: tuple[int, ...],
    dtype: str,
    pool: str = "max",
    window: tuple[int, ...] | None = None,
    strides: tuple[int, ...] | None = None,
    padding: str | Pairs | None = None,
    dilation: int | None = None,
    channels_first: bool = False,
    count_include_pad: bool | None = None,
) -> tuple[Workload, Workload]:
    """The case as it is compiled, and the same one called eagerly. Their name says all about them.

    Args:
      shape: of the input, batch axis first.
      dtype: its dtype.
      pool: as in `Workload`.
      window: sizes of the window, of the output for "adaptive_avg"; one number stands for all spatial axes.
      strides: 1 by default; one number stands for all spatial axes.
      padding: a name, or pairs; one pair stands for all spatial axes.
      dilation: of the window; 1 by default.
      channels_first: whether axis 1 has the channels, not the last one.
      count_include_pad: whether averages count padding, as they do by default.

    Raises:
      ValueError: no such pool is possible; the message says why.
    """
    if len(shape) < 3:
        raise ValueError(f"--shape must have a batch, a spatial axis and channels; got {_text(shape)}.")
    channel_axis = 1 if channels_first else -1
    rank = len(shape) - 2
    plane = shape[2:] if channels_first else shape[1:-1]
    given = {
        "--window": window,
        "--strides": strides,
        "--padding": padding,
        "--dilation": dilation,
        "--count-include-pad": count_include_pad,
    }
    allowed = {
        "max": ("--window", "--strides", "--padding", "--dilation"),
        "avg": tuple(given),
        "global_avg": (),
        "adaptive_avg": ("--window",),
    }[pool]
    for name, value in given.items():
        if value is not None and name not in allowed:
            raise ValueError(f"--pool {pool} takes no {name}. Leave it out.")
    if window is None and "--window" in allowed:
        raise ValueError(f"--pool {pool} needs --window, one number for all spatial axes or {rank}.")
    sizes = plane if window is None else _per_axis("--window", window, rank)
    steps = _per_axis("--strides", strides or (1,), rank)
    pads = padding if isinstance(padding, str) else _per_axis("--padding", padding or ((0, 0),), rank)
    arguments: dict[str, Any] = {"channel_axis": channel_axis}
    if pool in ("max", "avg"):
        arguments |= {"window_shape": sizes, "strides": steps, "padding": pads, "window_dilation": dilation or 1}
    if pool == "avg":
        arguments["count_include_pad"] = count_include_pad is not False
    if pool == "global_avg":
        arguments["num_spatial_dims"] = rank
    if pool == "adaptive_avg":
        arguments["output_size"] = sizes
    try:
        jaxpool.output_shape(shape, pool=getattr(jaxpool, f"{pool}_pool"), dtype=dtype, **arguments)
    except (TypeError, ValueError) as error:
        raise ValueError(str(error)) from error
    case = Workload(
        name="",
        source="one's own",
        pool=pool,
        shape=shape,
        window=sizes,
        strides=steps,
        padding=_pairs(pads, shape, arguments),
        dilation=dilation or 1,
        channel_axis=channel_axis,
        count_include_pad=count_include_pad is not False,
        dtypes=(dtype,),
        tags=("own",),
    )
    case = dataclasses.replace(case, name=describe(case))
    return case, dataclasses.replace(case, name=f"{case.name}, eager", tags=("own", EAGER))


def _pairs(padding: str | Pairs, shape: tuple[int, ...], arguments: dict[str, Any]) -> Pairs:
    """The padding in numbers."""
    if not isinstance(padding, str):
        return padding
    asked = {name: value for name, value in arguments.items() if name != "count_include_pad"}
    return tuple((part.low, part.high) for part in pooling_window(shape, **asked, padding_is_empty=False).parts)


def _per_axis(name: str, values: tuple[Any, ...], rank: int) -> tuple[Any, ...]:
    if len(values) not in (1, rank):
        wanted = "1 entry" if rank == 1 else f"1 entry or {rank}, one per spatial axis of --shape"
        raise ValueError(f"{name} must have {wanted}; got {len(values)}.")
    return values * rank if len(values) == 1 else values


def _text(sizes: tuple[int, ...]) -> str:
    return ",".join(map(str, sizes))
