# pyright: reportUnnecessaryTypeIgnoreComment=true
"""What users write, as type checkers see it: `make lint` reads this file with pyright and with mypy.

Each line in `wrong_calls` must be an error to both of them: an ignore without an error is an error itself. The right
ones must be none, and the tests run them.
"""

from collections.abc import Callable
from typing import assert_type

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import Array

import jaxpool
import jaxpool.linen as jl
import jaxpool.nnx as jn
import jaxpool.torch as jt

Pair = tuple[Array, Array]


class LinenNetwork(nn.Module):
    """A network of linen that holds a pool as a field, makes others on the way, and takes any module as a head."""

    head: nn.Module
    pool: jl.MaxPool = jl.MaxPool((2, 2), strides=2)

    @nn.compact
    def __call__(self, images: Array, mask: Array) -> Array:
        features: Array = nn.Conv(4, (3, 3))(images)
        features = self.pool(features, where=mask)
        features = jl.AvgPool((3, 3), 2, "SAME", False, name="smooth")(features)
        result: Array = self.head(features)
        return result


class NnxNetwork(nnx.Module):
    """The same in nnx."""

    def __init__(self, head: nnx.Module, rngs: nnx.Rngs) -> None:
        self.conv = nnx.Conv(3, 4, (3, 3), rngs=rngs)
        self.pool = jn.MaxPool((2, 2), strides=2)
        self.smooth = jn.AvgPool((3, 3), 2, "SAME", False)
        self.head = head

    def __call__(self, images: Array, mask: Array) -> Array:
        features = self.pool(self.conv(images), where=mask)
        assert callable(self.head)
        result: Array = self.head(self.smooth(features))
        return result


class LinenNorm(jl.LpPool):
    """A pool of linen with one more field."""

    scale: float = 1.0


def functions(x: Array, mask: Array, key: Array) -> None:
    assert_type(jaxpool.max_pool(x, (2, 2)), Array)
    assert_type(jaxpool.max_pool(x, [2, 2], [1, 2], [(0, 1), (1, 1)], window_dilation=(1, 2), where=mask), Array)
    assert_type(jaxpool.min_pool(x, (2, 2), 2, padding="SAME", channel_axis=None), Array)
    assert_type(jaxpool.avg_pool(x, (2, 2), 2, "VALID", False, divisor_override=3), Array)
    assert_type(jaxpool.sum_pool(x, (2, 2), padding=1, padding_mode="REFLECT"), Array)
    assert_type(jaxpool.max_pool(x, (2, 2), padding=1, padding_value=0.5), Array)
    assert_type(jaxpool.avg_pool(x.astype(jnp.int8), (2, 2), rounding_mode="half_even"), Array)
    values, indices = jaxpool.max_pool_with_argmax(x, (2, 2), 2, ceil_mode=True)
    assert_type(jaxpool.max_unpool(values, indices, (2, 2), 2, output_shape=x.shape[1:3]), Array)
    assert_type(jaxpool.min_pool_with_argmin(x, (2, 2)), Pair)
    assert_type(jaxpool.avg_unpool(values, (2, 2), 2), Array)
    assert_type(jaxpool.lp_pool(x, (2, 2), p=jnp.float32(3)), Array)
    assert_type(jaxpool.power_mean_pool(x, (2, 2), p=3), Array)
    for pool in (jaxpool.global_avg_pool, jaxpool.global_max_pool, jaxpool.global_min_pool, jaxpool.global_sum_pool):
        assert_type(pool(x, num_spatial_dims=2, keepdims=True, where=mask), Array)
    assert_type(jaxpool.softmax_pool(x, (2, 2), 2, logits=x[..., :1], beta=2), Array)
    assert_type(jaxpool.lse_pool(x, (2, 2), 2, beta=jnp.float32(3), where=mask), Array)
    assert_type(jaxpool.global_lse_pool(x, beta=5), Array)
    assert_type(jaxpool.mixed_pool(x, (2, 2), 2, "VALID", False, alpha=0.25), Array)
    assert_type(jaxpool.gated_pool(x, jnp.ones((2, 2, 1)), (2, 2), 2), Array)
    assert_type(jaxpool.concat_pool(x, (2, 2), order="max_avg"), Array)
    assert_type(jaxpool.global_mixed_pool(x, where=mask), Array)
    assert_type(jaxpool.global_concat_pool(x, keepdims=True), Array)
    assert_type(jaxpool.gaussian_pool(x, (5, 5), 2, "SAME", sigma=0.3, normalize=True), Array)
    assert_type(jaxpool.ada_pool(x, (2, 2), 2, alpha=0.25, where=mask), Array)
    assert_type(jaxpool.detail_preserving_pool(x, (2, 2), lam=0.5), Array)
    assert_type(jaxpool.global_stats_pool(x, ddof=1), Array)
    assert_type(jaxpool.global_softmax_pool(x, beta=jnp.float32(2), where=mask), Array)
    assert_type(jaxpool.weighted_avg_pool(x, jnp.abs(x), (2, 2), 2), Array)
    assert_type(jaxpool.global_weighted_avg_pool(x, jnp.abs(x), keepdims=True), Array)
    assert_type(jaxpool.blur_pool(x, (3, 3), 2, 1, padding_mode="REFLECT"), Array)
    assert_type(jaxpool.corner_pool(x, "top", where=mask), Array)

    def of_shard(x: Array) -> Array:
        assert_type(jaxpool.halo_exchange(x, "rows", axis=1, before=1, padding_mode="EDGE"), Array)
        return jaxpool.max_pool(x, (2, 2), 2, spatial_axis_names=("rows", None))

    _ = of_shard

    assert_type(jaxpool.haar_unpool(jaxpool.haar_pool(x), output_shape=x.shape[1:3]), Array)
    assert_type(jaxpool.spectral_pool(x, (3, None)), Array)
    assert_type(jaxpool.windows(x, (2, 2), 2, "SAME"), Array)
    boxes = jnp.zeros((x.shape[0], 3, 4))
    assert_type(jaxpool.roi_align(x, boxes, (7, 7), sampling_ratio=2, mode="max"), Array)
    assert_type(jaxpool.roi_pool(x, boxes[0], [7, 7], box_indices=jnp.zeros(3, int)), Array)
    assert_type(jaxpool.ps_roi_align(x, boxes, (1, 1), spatial_scale=1 / 16), Array)
    assert_type(jaxpool.ps_roi_pool(x, boxes, (1, 1)), Array)
    assert_type(jaxpool.avg_pool(x, (3, 3), 2, "CAUSAL", False, padding_mode="replicate"), Array)
    assert_type(jaxpool.global_first_pool(x, where=mask), Array)
    assert_type(jaxpool.global_last_pool(x, keepdims=True, where=mask), Array)
    lengths, sets = jnp.array([1, 3]), jnp.array([0, 2])
    assert_type(jaxpool.mask_from_lengths(lengths, 8), Array)
    assert_type(jaxpool.pooled_mask(mask, (2, 2), 2, rule="all", channel_axis=-1), Array)
    assert_type(jaxpool.pooled_lengths(lengths, 8, (2,), 2, "SAME"), Array)
    assert_type(jaxpool.segment_sum_pool(x, sets, 3, indices_are_sorted=True), Array)
    assert_type(jaxpool.segment_avg_pool(x, sets, 3, where=mask), Array)
    assert_type(jaxpool.segment_max_pool(x, sets, 3, fill_value=-jnp.inf), Array)
    assert_type(jaxpool.segment_min_pool(x, sets, num_segments=3), Array)
    assert_type(jaxpool.segment_var_pool(x, sets, 3, ddof=1), Array)
    assert_type(jaxpool.segment_std_pool(x, sets, 3), Array)
    assert_type(jaxpool.segment_softmax_pool(x, sets, 3, logits=x[..., :1], beta=2), Array)
    assert_type(jaxpool.var_pool(x, (3, 3), ddof=1), Array)
    assert_type(jaxpool.std_pool(x, (3, 3), where=mask), Array)
    assert_type(jaxpool.global_covariance_pool(x, num_iterations=3), Array)
    assert_type(jaxpool.global_var_pool(x), Array)
    assert_type(jaxpool.global_std_pool(x, ddof=1), Array)
    assert_type(jaxpool.median_pool(x, (3, 3), 1, 1, padding_mode="REFLECT"), Array)
    assert_type(jaxpool.quantile_pool(x, (3, 3), q=0.9, method="lower", where=mask), Array)
    assert_type(jaxpool.rank_pool(x, (3, 3), rank=-2), Array)
    assert_type(jaxpool.topk_pool(x, (3, 3), k=0.5), Array)
    assert_type(jaxpool.global_median_pool(x, method="lower"), Array)
    assert_type(jaxpool.global_quantile_pool(x, q=0.9, where=mask), Array)
    assert_type(jaxpool.global_topk_pool(x, kmax=3, kmin=1, alpha=0.7), Array)
    assert_type(jaxpool.kmax_pool(x, k=3), Pair)
    assert_type(jaxpool.local_maxima(x, (3, 3), plateau="first"), Array)
    assert_type(jaxpool.stochastic_pool(x, key, (2, 2), 2), Array)
    assert_type(jaxpool.stochastic_pool(x, None, (2, 2), 2, deterministic=True), Array)
    assert_type(jaxpool.global_lp_pool(x, p=1.5), Array)
    assert_type(jaxpool.global_power_mean_pool(x, p=2), Array)
    assert_type(jaxpool.adaptive_avg_pool(x, (3, None)), Array)
    assert_type(jaxpool.adaptive_max_pool(x, [3, 3]), Array)
    assert_type(jaxpool.adaptive_max_pool_with_argmax(x, (3, 3)), Pair)
    assert_type(jaxpool.adaptive_min_pool(x, (3, None), where=mask), Array)
    assert_type(jaxpool.adaptive_sum_pool(x, (3, 3)), Array)
    assert_type(jaxpool.adaptive_lp_pool(x, (3, 3), p=jnp.full((1, 1, 1, 3), 2.0)), Array)
    assert_type(jaxpool.adaptive_power_mean_pool(x, (3, 3), p=2), Array)
    jaxpool.adaptive_pool(x, -jnp.inf, jnp.logaddexp, (3, 3), where=mask)
    assert_type(jaxpool.pyramid_pool(x, (1, [2, 3]), kind="avg", order="features_first"), Array)
    assert_type(jaxpool.rmac_pool(x, num_levels=2, where=mask), Array)
    assert_type(jaxpool.global_max_pool_with_argmax(x, where=mask), Pair)
    assert_type(jaxpool.global_min_pool_with_argmin(x, keepdims=True), Pair)
    assert_type(jaxpool.fractional_avg_pool(x, key, (3, 3), rule="tensorflow", overlapping=True), Array)
    assert_type(jaxpool.fractional_max_pool(x, key, (3, 3), window_shape=(2, 2)), Array)
    assert_type(jaxpool.fractional_max_pool_with_argmax(x, key, (3, 3), rule="tensorflow"), Pair)
    assert_type(jaxpool.output_shape(x.shape, (2, 2), 2), tuple[int, ...])
    assert jaxpool.output_shape(x.shape, pool=jaxpool.adaptive_avg_pool, output_size=(2, 2))[1] == 2
    assert_type(jaxpool.chosen_implementation(x.shape, (2, 2), dtype=x.dtype), dict[str, str])
    jaxpool.pool(x, -jnp.inf, jnp.logaddexp, (2, 2))
    volume = np.zeros((4, 4, 1), np.float32)
    jaxpool.pool_tiles(jaxpool.avg_pool, volume, (2, 2), 2, "SAME", memory=1 << 20, count_include_pad=False)
    shape = x.shape
    assert_type(jaxpool.indices_from_tf(jaxpool.indices_to_tf(indices, shape), shape), Array)
    assert_type(jaxpool.indices_from_onnx(jaxpool.indices_to_onnx(indices, shape), shape), Array)


def linen_modules(x: Array, mask: Array, key: Array) -> None:
    assert_type(jl.MaxPool((2, 2), name="pool")(x), Array)
    assert_type(jl.MaxPool([2, 2], [1, 2], [(0, 1), (1, 1)], residual="input")(x, mask), Array)
    assert_type(jl.MaxPool((2, 2)).channel_axis, int | None)
    assert_type(jl.MinPool((2, 2), 2, padding="SAME")(x, where=mask), Array)
    assert_type(jl.AvgPool((2, 2), 2, "VALID", False, divisor_override=3)(x), Array)
    assert_type(jl.SumPool((2, 2), padding=1, padding_mode="REFLECT")(x), Array)
    values, indices = jl.MaxPoolWithArgmax((2, 2), 2)(x)
    assert_type(jl.MaxUnpool((2, 2), 2)(values, indices, output_shape=x.shape[1:3]), Array)
    assert_type(jl.MinPoolWithArgmin((2, 2))(x), Pair)
    assert_type(jl.AvgUnpool((2, 2), 2)(values), Array)
    assert_type(LinenNorm((2, 2), p=3, scale=2.0)(x, p=jnp.float32(3)), Array)
    assert_type(jl.PowerMeanPool((2, 2))(x), Array)
    heads: list[Callable[..., nn.Module]] = [jl.GlobalAvgPool, jl.GlobalMaxPool, jl.GlobalMinPool, jl.GlobalSumPool]
    for head in heads:
        network = LinenNetwork(head(keepdims=True))
        network.init_with_output(jax.random.key(0), x, mask)
    assert_type(jl.SoftmaxPool((2, 2), 2, beta=2)(x, x[..., :1], where=mask), Array)
    assert_type(jl.LsePool((2, 2), 2, beta=3)(x, where=mask, beta=jnp.float32(2)), Array)
    assert_type(jl.GlobalLsePool()(x), Array)
    assert_type(jl.GlobalMixedPool(alpha=0.25)(x, mask), Array)
    assert_type(jl.ConcatPool((2, 2), order="max_avg")(x), Array)
    assert_type(jl.GlobalConcatPool()(x), Array)
    assert_type(jl.GaussianPool((5, 5), 2, padding="SAME")(x, sigma=0.3), Array)
    assert_type(jl.AdaPool((2, 2), 2)(x, alpha=0.25), Array)
    assert_type(jl.DetailPreservingPool((2, 2))(x, alpha=0.5, lam=0.5), Array)
    assert_type(jl.GlobalStatsPool(ddof=1)(x), Array)
    assert_type(jl.GlobalSoftmaxPool()(x, beta=jnp.float32(2)), Array)
    assert_type(jl.WeightedAvgPool((2, 2), 2)(x, jnp.abs(x)), Array)
    assert_type(jl.GlobalWeightedAvgPool(keepdims=True)(x, jnp.abs(x)), Array)
    boxes = jnp.zeros((x.shape[0], 3, 4))
    assert_type(jl.RoiAlign((7, 7), spatial_scale=1 / 16, sampling_ratio=2, aligned=True)(x, boxes), Array)
    assert_type(jl.RoiPool([7, 7])(x, boxes[0], box_indices=jnp.zeros(3, int)), Array)
    assert_type(jl.PsRoiAlign((1, 1), sampling_ratio=None)(x, boxes), Array)
    assert_type(jl.PsRoiPool((1, 1), channel_axis=-1)(x, boxes), Array)
    assert_type(jl.BlurPool((3, 3), 2, 1, padding_mode="REFLECT")(x), Array)
    assert_type(jl.CornerPool("top")(x, where=mask), Array)
    assert_type(jl.HaarUnpool()(jl.HaarPool()(x), output_shape=x.shape[1:3]), Array)
    assert_type(jl.SpectralPool((3, None))(x), Array)
    assert_type(jl.Windows((2, 2), 2, "SAME")(x), Array)
    assert_type(jl.GlobalFirstPool()(x, mask), Array)
    assert_type(jl.GlobalLastPool(keepdims=True)(x, where=mask), Array)
    sets = jnp.array([0, 2])
    assert_type(jl.SegmentSumPool(3, indices_are_sorted=True)(x, sets), Array)
    assert_type(jl.SegmentAvgPool(3)(x, sets, where=mask), Array)
    assert_type(jl.SegmentMaxPool(3, fill_value=-jnp.inf)(x, sets), Array)
    assert_type(jl.SegmentMinPool(num_segments=3)(x, sets), Array)
    assert_type(jl.SegmentVarPool(3, ddof=1)(x, sets), Array)
    assert_type(jl.SegmentStdPool(3)(x, sets), Array)
    assert_type(jl.SegmentSoftmaxPool(3, beta=2)(x, sets, logits=x[..., :1]), Array)
    assert_type(jl.VarPool((3, 3), ddof=1)(x), Array)
    assert_type(jl.StdPool((3, 3))(x, where=mask), Array)
    assert_type(jl.GlobalVarPool()(x), Array)
    assert_type(jl.GlobalStdPool(ddof=1)(x), Array)
    assert_type(jl.MedianPool((3, 3), 1, 1, padding_mode="REFLECT")(x), Array)
    assert_type(jl.QuantilePool((3, 3), q=0.9)(x, where=mask), Array)
    assert_type(jl.RankPool((3, 3), rank=-2)(x), Array)
    assert_type(jl.TopkPool((3, 3), k=2)(x), Array)
    assert_type(jl.GlobalMedianPool()(x), Array)
    assert_type(jl.GlobalQuantilePool(q=0.9)(x), Array)
    assert_type(jl.GlobalTopkPool(kmax=3, kmin=1)(x), Array)
    assert_type(jl.KmaxPool(k=3)(x), Pair)
    assert_type(jl.LocalMaxima((3, 3), plateau="first")(x), Array)
    assert_type(jl.StochasticPool((2, 2), 2)(x, key), Array)
    assert_type(jl.GlobalLpPool(p=1.5)(x), Array)
    assert_type(jl.GlobalPowerMeanPool()(x, p=jnp.float32(3)), Array)
    assert_type(jl.AdaptiveAvgPool((3, None))(x), Array)
    assert_type(jl.AdaptiveMaxPool([3, 3])(x), Array)
    assert_type(jl.AdaptiveMaxPoolWithArgmax((3, 3))(x), Pair)
    assert_type(jl.AdaptiveMinPool((3, None))(x, where=mask), Array)
    assert_type(jl.AdaptiveSumPool((3, 3))(x), Array)
    assert_type(jl.AdaptiveLpPool((3, 3), p=3)(x, p=jnp.float32(3)), Array)
    assert_type(jl.AdaptivePowerMeanPool((3, 3))(x), Array)
    assert_type(jl.PyramidPool((1, 2, 4), kind="avg")(x), Array)
    assert_type(jl.RmacPool(num_levels=2)(x, where=mask), Array)
    assert_type(jl.GlobalMaxPoolWithArgmax()(x, where=mask), Pair)
    assert_type(jl.GlobalMinPoolWithArgmin(keepdims=True)(x), Pair)
    assert_type(jl.FractionalAvgPool((3, 3), window_shape=(2, 2))(x, key), Array)
    assert_type(jl.FractionalMaxPool((3, 3), window_shape=(2, 2))(x, key), Array)
    assert_type(jl.FractionalMaxPoolWithArgmax((3, 3), rule="tensorflow")(x, key), Pair)
    assert_type(jl.GlobalCovariancePool(num_iterations=3)(x), Array)
    tokens = x.reshape(2, 64, 3)
    for pool, inputs in (
        (jl.GeM(), x),
        (jl.GeM((2, 2), 2, p_init=2.5, per_channel=True), x),
        (jl.AutoPool(), tokens),
        (jl.AttentionPool(8, gated=True), tokens),
        (jl.AttentiveStatsPool(8, use_running_average=False), tokens),
        (jl.PPM((1, 2), 8, align_corners=False, use_running_average=False), x),
        (jl.MAPHead(num_heads=3, mlp_features=4, dtype=jnp.float32), tokens),
        (jl.AttentionPool2d((8, 8), 3, out_features=5), x),
        (jl.SimPool(gamma=1.25), x),
        (jl.MixedPool((2, 2), 2), x),
        (jl.GatedPool((2, 2), 2, omega_init=nn.initializers.normal(0.1), name="gated"), x),
        (jl.LIPPool((3, 3), 2, 1), x),
        (jl.NetVLAD(4, alpha=10.0), x),
    ):
        assert pool.init_with_output(key, inputs) is not None
    assert nn.Sequential([jl.MaxPool((2, 2)), jl.GlobalAvgPool()]).apply({}, x) is not None


def nnx_modules(x: Array, mask: Array, key: Array) -> None:
    assert_type(jn.MaxPool((2, 2))(x), Array)
    assert_type(jn.MaxPool([2, 2], [1, 2], [(0, 1), (1, 1)], residual="input")(x, mask), Array)
    assert_type(jn.MaxPool((2, 2)).channel_axis, int | None)
    assert_type(jn.MinPool((2, 2), 2, padding="SAME")(x, where=mask), Array)
    assert_type(jn.AvgPool((2, 2), 2, "VALID", False, divisor_override=3)(x), Array)
    assert_type(jn.SumPool((2, 2), padding=1, padding_mode="REFLECT")(x), Array)
    values, indices = jn.MaxPoolWithArgmax((2, 2), 2)(x)
    assert_type(jn.MaxUnpool((2, 2), 2)(values, indices, output_shape=x.shape[1:3]), Array)
    assert_type(jn.MinPoolWithArgmin((2, 2))(x), Pair)
    assert_type(jn.AvgUnpool((2, 2), 2)(values), Array)
    assert_type(jn.LpPool((2, 2), p=3)(x, p=jnp.float32(3)), Array)
    assert_type(jn.PowerMeanPool((2, 2))(x), Array)
    heads: list[Callable[..., nnx.Module]] = [jn.GlobalAvgPool, jn.GlobalMaxPool, jn.GlobalMinPool, jn.GlobalSumPool]
    for head in heads:
        NnxNetwork(head(keepdims=True), nnx.Rngs(0))(x, mask)
    assert_type(jn.SoftmaxPool((2, 2), 2, beta=2)(x, x[..., :1], where=mask), Array)
    assert_type(jn.LsePool((2, 2), 2, beta=3)(x, where=mask, beta=jnp.float32(2)), Array)
    assert_type(jn.GlobalLsePool()(x), Array)
    assert_type(jn.GlobalMixedPool(alpha=0.25)(x, mask), Array)
    assert_type(jn.ConcatPool((2, 2), order="max_avg")(x), Array)
    assert_type(jn.GlobalConcatPool()(x), Array)
    assert_type(jn.GaussianPool((5, 5), 2, padding="SAME")(x, sigma=0.3), Array)
    assert_type(jn.AdaPool((2, 2), 2)(x, alpha=0.25), Array)
    assert_type(jn.DetailPreservingPool((2, 2))(x, alpha=0.5, lam=0.5), Array)
    assert_type(jn.GlobalStatsPool(ddof=1)(x), Array)
    assert_type(jn.GlobalSoftmaxPool()(x, beta=jnp.float32(2)), Array)
    assert_type(jn.WeightedAvgPool((2, 2), 2)(x, jnp.abs(x)), Array)
    assert_type(jn.GlobalWeightedAvgPool(keepdims=True)(x, jnp.abs(x)), Array)
    boxes = jnp.zeros((x.shape[0], 3, 4))
    assert_type(jn.RoiAlign((7, 7), spatial_scale=1 / 16, sampling_ratio=2, aligned=True)(x, boxes), Array)
    assert_type(jn.RoiPool([7, 7])(x, boxes[0], box_indices=jnp.zeros(3, int)), Array)
    assert_type(jn.PsRoiAlign((1, 1), sampling_ratio=None)(x, boxes), Array)
    assert_type(jn.PsRoiPool((1, 1), channel_axis=-1)(x, boxes), Array)
    assert_type(jn.BlurPool((3, 3), 2, 1, padding_mode="REFLECT")(x), Array)
    assert_type(jn.CornerPool("top")(x, where=mask), Array)
    assert_type(jn.HaarUnpool()(jn.HaarPool()(x), output_shape=x.shape[1:3]), Array)
    assert_type(jn.SpectralPool((3, None))(x), Array)
    assert_type(jn.Windows((2, 2), 2, "SAME")(x), Array)
    assert_type(jn.GlobalFirstPool()(x, mask), Array)
    assert_type(jn.GlobalLastPool(keepdims=True)(x, where=mask), Array)
    sets = jnp.array([0, 2])
    assert_type(jn.SegmentSumPool(3, indices_are_sorted=True)(x, sets), Array)
    assert_type(jn.SegmentAvgPool(3)(x, sets, where=mask), Array)
    assert_type(jn.SegmentMaxPool(3, fill_value=-jnp.inf)(x, sets), Array)
    assert_type(jn.SegmentMinPool(num_segments=3)(x, sets), Array)
    assert_type(jn.SegmentVarPool(3, ddof=1)(x, sets), Array)
    assert_type(jn.SegmentStdPool(3)(x, sets), Array)
    assert_type(jn.SegmentSoftmaxPool(3, beta=2)(x, sets, logits=x[..., :1]), Array)
    assert_type(jn.VarPool((3, 3), ddof=1)(x), Array)
    assert_type(jn.StdPool((3, 3))(x, where=mask), Array)
    assert_type(jn.GlobalVarPool()(x), Array)
    assert_type(jn.GlobalStdPool(ddof=1)(x), Array)
    assert_type(jn.MedianPool((3, 3), 1, 1, padding_mode="REFLECT")(x), Array)
    assert_type(jn.QuantilePool((3, 3), q=0.9)(x, where=mask), Array)
    assert_type(jn.RankPool((3, 3), rank=-2)(x), Array)
    assert_type(jn.TopkPool((3, 3), k=2)(x), Array)
    assert_type(jn.GlobalMedianPool()(x), Array)
    assert_type(jn.GlobalQuantilePool(q=0.9)(x), Array)
    assert_type(jn.GlobalTopkPool(kmax=3, kmin=1)(x), Array)
    assert_type(jn.KmaxPool(k=3)(x), Pair)
    assert_type(jn.LocalMaxima((3, 3), plateau="first")(x), Array)
    assert_type(jn.StochasticPool((2, 2), 2)(x, key), Array)
    assert_type(jn.StochasticPool((2, 2), 2)(x, nnx.Rngs(0).pool), Array)
    assert_type(jn.GlobalLpPool(p=1.5)(x), Array)
    assert_type(jn.GlobalPowerMeanPool()(x, p=jnp.float32(3)), Array)
    assert_type(jn.AdaptiveAvgPool((3, None))(x), Array)
    assert_type(jn.AdaptiveMaxPool([3, 3])(x), Array)
    assert_type(jn.AdaptiveMaxPoolWithArgmax((3, 3))(x), Pair)
    assert_type(jn.AdaptiveMinPool((3, None))(x, where=mask), Array)
    assert_type(jn.AdaptiveSumPool((3, 3))(x), Array)
    assert_type(jn.AdaptiveLpPool((3, 3), p=3)(x, p=jnp.float32(3)), Array)
    assert_type(jn.AdaptivePowerMeanPool((3, 3))(x), Array)
    assert_type(jn.PyramidPool((1, 2, 4), kind="avg")(x), Array)
    assert_type(jn.RmacPool(num_levels=2)(x, where=mask), Array)
    assert_type(jn.GlobalMaxPoolWithArgmax()(x, where=mask), Pair)
    assert_type(jn.GlobalMinPoolWithArgmin(keepdims=True)(x), Pair)
    assert_type(jn.FractionalAvgPool((3, 3), window_shape=(2, 2))(x, key), Array)
    assert_type(jn.FractionalMaxPool((3, 3), window_shape=(2, 2))(x, key), Array)
    assert_type(jn.FractionalMaxPoolWithArgmax((3, 3), rule="tensorflow")(x, key), Pair)
    assert_type(jn.GlobalCovariancePool(num_iterations=3)(x), Array)
    rngs, tokens = nnx.Rngs(0), x.reshape(2, 64, 3)
    assert_type(jn.GeM(3, rngs=rngs)(x, where=mask), Array)
    assert_type(jn.GeM(3, (2, 2), 2, p_init=2.5, per_channel=True, rngs=rngs)(x), Array)
    assert_type(jn.AutoPool(3, rngs=rngs)(tokens), Array)
    assert_type(jn.AttentionPool(3, 8, gated=True, rngs=rngs)(tokens), Array)
    assert_type(jn.AttentiveStatsPool(3, 8, rngs=rngs)(tokens, use_running_average=True), Array)
    assert_type(jn.PPM(3, (1, (2, 3)), rngs=rngs)(x), Array)
    assert_type(jn.AttentionPool(3, 8, rngs=rngs)(tokens, return_weights=True), Pair)
    assert_type(jn.SimPool(3, rngs=rngs)(x, mask, return_weights=False), Array)
    assert_type(jn.MAPHead(3, num_heads=3, mlp_features=4, dtype=jnp.float32, rngs=rngs)(tokens), Array)
    assert_type(jn.AttentionPool2d(3, (8, 8), 3, out_features=5, rngs=rngs)(x, mask), Array)
    assert_type(jn.SimPool(3, gamma=1.25, rngs=rngs)(x), Array)
    assert_type(jn.MixedPool(3, (2, 2), 2, rngs=rngs)(x), Array)
    assert_type(jn.GatedPool(3, (2, 2), 2, omega_init=nnx.initializers.normal(0.1), rngs=rngs)(x), Array)
    assert_type(jn.LIPPool(3, (3, 3), 2, 1, rngs=rngs)(x), Array)
    assert_type(jn.NetVLAD(3, 4, alpha=10.0, rngs=rngs)(x), Array)
    network = nnx.Sequential(jn.MaxPool((2, 2)), jn.GlobalAvgPool())
    assert network(x) is not None


def torch_facade(x: Array, mask: Array, key: Array) -> None:
    images = jnp.moveaxis(jnp.where(mask, x, 0), -1, 1)
    sequences, volumes = images[0], jnp.stack([images] * 3, axis=2)
    assert_type(jt.avg_pool1d(sequences, 2), Array)
    assert_type(jt.avg_pool2d(images, (2, 2), stride=2, count_include_pad=False), Array)
    assert_type(jt.avg_pool3d(volumes, (1, 2, 2)), Array)
    assert_type(jt.lp_pool1d(sequences, 2, 3), Array)
    assert_type(jt.lp_pool2d(images, 2, 3, stride=1), Array)
    assert_type(jt.lp_pool3d(volumes, 2, (1, 2, 2)), Array)
    assert_type(jt.max_pool1d(sequences, 2), Array)
    assert_type(jt.max_pool2d(images, 2, stride=2, padding=1, ceil_mode=True, return_indices=True), Pair)
    assert_type(jt.max_pool3d(volumes, (1, 2, 2)), Array)
    assert_type(jt.nn.AvgPool2d(2, stride=2)(images), Array)
    assert_type(jt.nn.AdaptiveAvgPool2d((None, 1))(images), Array)
    assert_type(jt.nn.LPPool2d(2, 3)(images), Array)
    jt.nn.MaxPool2d(2, 2, return_indices=True)(images)
    assert_type(jt.max_pool1d_with_indices(sequences, 2), Pair)
    values, indices = jt.max_pool2d_with_indices(images, 2)
    assert_type(jt.max_pool3d_with_indices(volumes, (1, 2, 2)), Pair)
    assert_type(jt.max_unpool2d(values, indices, 2), Array)
    assert_type(jt.max_unpool1d(*jt.max_pool1d_with_indices(sequences, 2), 2), Array)
    assert_type(jt.max_unpool3d(*jt.max_pool3d_with_indices(volumes, (1, 2, 2)), (1, 2, 2)), Array)
    assert_type(jt.adaptive_avg_pool1d(sequences, 2), Array)
    assert_type(jt.adaptive_avg_pool2d(images, (2, None)), Array)
    assert_type(jt.adaptive_avg_pool3d(volumes, 1), Array)
    jt.adaptive_max_pool1d(sequences, 2)
    jt.adaptive_max_pool2d(images, (2, 3))
    jt.adaptive_max_pool3d(volumes, 1, return_indices=True)
    assert_type(jt.adaptive_max_pool1d_with_indices(sequences, 2), Pair)
    assert_type(jt.adaptive_max_pool2d_with_indices(images, 2), Pair)
    assert_type(jt.adaptive_max_pool3d_with_indices(volumes, 1), Pair)
    jt.fractional_max_pool2d(images, 2, output_size=(2, 2), key=key)
    jt.fractional_max_pool3d(volumes, (1, 2, 2), output_size=(1, 2, 2), key=key)
    assert_type(jt.fractional_max_pool2d_with_indices(images, 2, output_ratio=0.5, key=key), Pair)
    assert_type(jt.fractional_max_pool3d_with_indices(volumes, (1, 2, 2), output_size=(1, 2, 2), key=key), Pair)


def wrong_calls(x: Array, mask: Array) -> tuple[Callable[[], object], ...]:
    return (
        lambda: jaxpool.max_pool(x),  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
        lambda: jaxpool.max_pool(x, (2, 2), stride=2),  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
        lambda: jaxpool.max_pool(x, (2, 2), "SAME"),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        lambda: jaxpool.max_pool(x, (2, 2), 2, "VALID", 2),  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
        lambda: jaxpool.avg_pool(x, (2.5, 2)),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        lambda: jaxpool.adaptive_avg_pool(x, 7),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        lambda: jaxpool.global_avg_pool(x, 2),  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
        lambda: jaxpool.global_avg_pool(x, mask=mask),  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
        lambda: jl.MaxPool(),  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
        lambda: jl.MaxPool((2, 2), stride=2),  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
        lambda: jl.MaxPool((2, 2), "SAME"),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        lambda: jl.MaxPool((2, 2), 2, "SAME", 2),  # type: ignore[call-arg, arg-type]  # pyright: ignore[reportCallIssue]
        lambda: jl.MaxPool((2, 2), where=mask),  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
        lambda: jl.MaxPool((2, 2))(x, mask=mask),  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
        lambda: jl.MaxUnpool((2, 2))(x),  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
        lambda: jl.GlobalAvgPool(x),  # type: ignore[call-arg, arg-type]  # pyright: ignore[reportCallIssue]
        lambda: jl.AdaptiveAvgPool(7),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        lambda: jl.AdaptiveAvgPool(x, (7, 7)),  # type: ignore[call-arg, arg-type]  # pyright: ignore[reportCallIssue]
        lambda: LinenNorm((2, 2), power=3),  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
        lambda: jn.MaxPool(),  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
        lambda: jn.MaxPool((2, 2), name="pool"),  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
        lambda: jn.MaxPool((2, 2), stride=2),  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
        lambda: jn.MaxPool((2, 2), "SAME"),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        lambda: jn.MaxPool((2, 2), 2, "SAME", 2),  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
        lambda: jn.MaxPool((2, 2), where=mask),  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
        lambda: jn.MaxPool((2, 2))(x, mask=mask),  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
        lambda: jn.MaxUnpool((2, 2))(x),  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
        lambda: jn.GlobalAvgPool(x),  # type: ignore[call-arg, arg-type]  # pyright: ignore[reportCallIssue]
        lambda: jn.AdaptiveAvgPool(7),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        lambda: jn.AdaptiveAvgPool(x, (7, 7)),  # type: ignore[call-arg, arg-type]  # pyright: ignore[reportCallIssue]
        lambda: jt.max_pool2d(x, 2, strides=2),  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
        lambda: jt.avg_pool2d(x),  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
        lambda: jt.avg_pool2d(x, "2"),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    )
