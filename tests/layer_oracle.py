"""The layers with parameters in NumPy and float64, one row of a batch after another.

Each takes an image or a sequence `x`, (*spatial, features), its mask of positions, (*spatial,), and a tree of
parameters as Flax names them.
"""

import itertools
import math

import numpy as np


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax(x, axis=0):
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def dense(x, p):
    return x @ p["kernel"] + p.get("bias", 0)


def normal(x, p, epsilon, axis=-1):
    """Each row to mean 0 and variance 1, then scale and bias."""
    mean, var = x.mean(axis, keepdims=True), x.var(axis, keepdims=True)
    return (x - mean) / np.sqrt(var + epsilon) * p["scale"] + p["bias"]


def windows(x, mask, window, strides=None, padding=0, dilation=1):
    """For every window the place of its result, and the places of its elements, those in padding left out."""
    rank = len(window)
    strides = np.broadcast_to(1 if strides is None else strides, rank)
    pads = np.broadcast_to(padding, rank)
    sizes = [(x.shape[a] + 2 * pads[a] - (window[a] - 1) * dilation - 1) // strides[a] + 1 for a in range(rank)]
    for out in itertools.product(*map(range, sizes)):
        taps = []
        for tap in itertools.product(*map(range, window)):
            place = tuple(o * s - p + t * dilation for o, s, p, t in zip(out, strides, pads, tap, strict=True))
            inside = all(0 <= i < n for i, n in zip(place, x.shape, strict=False))
            if inside and mask[place]:
                taps.append((tap, place))
        yield out, taps
    return


def of_windows(x, mask, compute, window, **arguments):
    """The results of a function of the elements of a window, and of their places in it."""
    found = {out: compute(taps) for out, taps in windows(x, mask, window, **arguments)}
    shape = tuple(np.max(list(found), axis=0) + 1)
    result = np.zeros((*shape, x.shape[-1]))
    for out, value in found.items():
        result[out] = value
    return result


def gem(x, mask, p, eps=1e-6):
    v = np.maximum(x[mask], eps)
    return (v ** p["p"]).mean(0) ** (1 / p["p"])


def gem_of_windows(x, mask, p, eps=1e-6, count_include_pad=True, **window):
    def compute(taps):
        v = np.array([np.maximum(x[place], eps) for _, place in taps]).reshape(-1, x.shape[-1])
        count = len(v)
        return ((v ** p["p"]).sum(0) / count) ** (1 / p["p"]) if count else 0

    del count_include_pad
    return of_windows(x, mask, compute, **window)


def auto_pool(x, mask, p):
    v = x[mask]
    return (softmax(p["alpha"] * v) * v).sum(0)


def attention_pool(x, mask, p):
    v = x[mask]
    hidden = np.tanh(dense(v, p["hidden"]))
    if "gate" in p:
        hidden = hidden * sigmoid(dense(v, p["gate"]))
    return (softmax(dense(hidden, p["score"])) * v).sum(0)


def _statistics(v, weights):
    mean = (weights * v).sum(0)
    return mean, np.sqrt(np.maximum((weights * (v - mean) ** 2).sum(0), 1e-12))


def attentive_stats(x, mask, p, statistics, context=True):
    """`statistics` are the mean and variance of the batch normalisation."""
    v = x[mask]
    mean, std = _statistics(v, np.full_like(v, 1 / len(v)))
    h = np.concatenate([v, np.broadcast_to(mean, v.shape), np.broadcast_to(std, v.shape)], -1) if context else v
    hidden = np.maximum(dense(h, p["hidden"]), 0)
    hidden = (hidden - statistics["mean"]) / np.sqrt(statistics["var"] + 1e-5)
    hidden = np.tanh(hidden * p["norm"]["scale"] + p["norm"]["bias"])
    return np.concatenate(_statistics(v, softmax(dense(hidden, p["score"]))))


def nearest(place, bins):
    """The two bins beside a place, or one, with their shares."""
    low = min(max(math.floor(place), 0), bins - 1)
    high, share = min(low + 1, bins - 1), min(max(place - low, 0), 1)
    return [(low, 1 - share), (high, share)]


def ppm(x, mask, p, statistics, levels=(1, 2, 3, 6), align_corners=True):
    """`statistics` are those of the batch normalisation of each level."""
    plane, result = mask.shape, [np.where(mask[..., None], x, 0)]
    for number, level in enumerate(levels):
        bins, stats = np.broadcast_to(level, len(plane)), statistics[f"norm_{number}"]
        values = {}
        for own in itertools.product(*map(range, bins)):
            box = tuple(slice(i * n // b, -(-(i + 1) * n // b)) for i, n, b in zip(own, plane, bins, strict=True))
            inside = x[box][mask[box]]
            if len(inside):
                y = (dense(inside.mean(0), p[f"conv_{number}"]) - stats["mean"]) / np.sqrt(stats["var"] + 1e-5)
                values[own] = np.maximum(y * p[f"norm_{number}"]["scale"] + p[f"norm_{number}"]["bias"], 0)
        found = np.zeros((*plane, len(stats["mean"])))
        for place in np.argwhere(mask):
            sides = []
            for i, n, b in zip(place, plane, bins, strict=True):
                at = i * (b - 1) / max(n - 1, 1) if align_corners else min(max((i + 0.5) * b / n - 0.5, 0), b - 1)
                sides.append(nearest(at, b))
            shares = total = 0
            for corner in itertools.product(*sides):
                weight = math.prod(share for _, share in corner)
                value = values.get(tuple(at for at, _ in corner))
                if value is not None:
                    shares, total = shares + weight, total + weight * value
            found[tuple(place)] = total / shares if shares else 0
        result.append(found)
    return np.concatenate(result, -1)


def head_weights(query, key):
    """The weights of one query, (tokens, heads)."""
    return softmax(np.einsum("hd,nhd->nh", query, key) / math.sqrt(query.shape[-1]))


def heads(query, key, value):
    """Attention of one query; arrays of (heads, features) and (tokens, heads, features)."""
    return np.einsum("nh,nhd->hd", head_weights(query, key), value)


def _projected(x, p, name):
    return np.einsum("...d,dhe->...he", x, p[name]["kernel"]) + p[name]["bias"]


def map_weights(x, mask, p):
    return head_weights(
        _projected(p["probe"][0, 0], p["attention"], "query"), _projected(x[mask], p["attention"], "key")
    )


def attention_pool_2d_weights(x, mask, p):
    v = x[mask]
    tokens = np.concatenate([v.mean(0, keepdims=True), v])
    tokens = tokens + p["positional_embedding"][np.concatenate([[True], mask.ravel()])]
    p = p["attention"]
    return head_weights(_projected(tokens[0], p, "query"), _projected(tokens, p, "key"))[1:]


def sim_pool_weights(x, mask, p, num_heads=1):
    v = x[mask]
    query, key = v.mean(0) @ p["query"]["kernel"], normal(v, p["norm"], 1e-6) @ p["key"]["kernel"]
    return head_weights(query.reshape(num_heads, -1), key.reshape(len(v), num_heads, -1))


def attention_pool_weights(x, mask, p):
    hidden = np.tanh(dense(x[mask], p["hidden"]))
    hidden = hidden * sigmoid(dense(x[mask], p["gate"])) if "gate" in p else hidden
    return softmax(dense(hidden, p["score"]))


def auto_pool_weights(x, mask, p):
    return softmax(p["alpha"] * x[mask])


def attention(query, tokens, p):
    def projected(x, name):
        return np.einsum("...d,dhe->...he", x, p[name]["kernel"]) + p[name]["bias"]

    found = heads(projected(query, "query"), projected(tokens, "key"), projected(tokens, "value"))
    return np.einsum("hd,hde->e", found, p["out"]["kernel"]) + p["out"]["bias"]


def gelu(x):
    return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def map_head(x, mask, p):
    y = attention(p["probe"][0, 0], x[mask], p["attention"])
    return y + dense(gelu(dense(normal(y, p["norm"], 1e-6), p["mlp_hidden"])), p["mlp_out"])


def attention_pool_2d(x, mask, p):
    v = x[mask]
    tokens = np.concatenate([v.mean(0, keepdims=True), v])
    tokens = tokens + p["positional_embedding"][np.concatenate([[True], mask.ravel()])]
    return attention(tokens[0], tokens, p["attention"])


def sim_pool(x, mask, p, num_heads=1, gamma=None):
    v = x[mask]
    value = normal(v, p["norm"], 1e-6)
    query, key = v.mean(0) @ p["query"]["kernel"], value @ p["key"]["kernel"]
    if gamma is not None:
        value = (value - value.min(0) + 1e-6) ** gamma
    found = heads(query.reshape(num_heads, -1), *(a.reshape(len(v), num_heads, -1) for a in (key, value))).ravel()
    return found if gamma is None else found ** (1 / gamma)


def _mixture(share, v, divisor):
    return share * v.max(0) + (1 - share) * v.sum(0) / divisor


def mixed_pool(x, mask, p, **window):
    def compute(taps):
        v = np.array([x[place] for _, place in taps])
        return _mixture(p["alpha"], v, len(v)) if taps else 0

    return of_windows(x, mask, compute, **window)


def gated_pool(x, mask, p, **window):
    def compute(taps):
        if not taps:
            return 0
        v = np.array([x[place] for _, place in taps])
        return _mixture(sigmoid(sum(p["omega"][tap] * x[place] for tap, place in taps)), v, len(v))

    return of_windows(x, mask, compute, **window)


def lip_pool(x, mask, p, window, **arguments):
    kernel = p["conv"]["kernel"]
    inside = np.where(mask[..., None], x, 0)
    whole = np.ones_like(mask)
    reach = kernel.shape[0] // 2
    conv = of_windows(
        inside,
        whole,
        lambda taps: sum(inside[place] @ kernel[tap] for tap, place in taps),
        kernel.shape[:-2],
        padding=reach,
    )
    counted = conv[mask]
    scaled = (conv - counted.mean(0)) / np.sqrt(counted.var(0) + 1e-5) * p["norm"]["scale"] + p["norm"]["bias"]
    logits = 12 * sigmoid(scaled)

    def compute(taps):
        if not taps:
            return 0
        v, own = (np.array([array[place] for _, place in taps]) for array in (x, logits))
        return (softmax(own) * v).sum(0)

    return of_windows(x, mask, compute, window, **arguments)


def unit(x, axis=-1):
    return x / np.maximum(np.linalg.norm(x, axis=axis, keepdims=True), 1e-12)


def net_vlad(x, mask, p, normalize=True):
    v = unit(x[mask]) if normalize else x[mask]
    shares = softmax(dense(v, p["assignment"]), -1)
    residuals = v[:, None] - p["centroids"]
    return unit(unit((shares[..., None] * residuals).sum(0)).ravel())


def covariance_pool(x, mask, steps):
    v = x[mask]
    v = v - v.mean(0)
    covariance = v.T @ v / len(v)
    trace = np.trace(covariance)
    eye = np.eye(len(covariance))
    y, z = covariance / trace, eye
    for _ in range(steps):
        t = (3 * eye - z @ y) / 2
        y, z = y @ t, t @ z
    return (math.sqrt(trace) * y)[np.triu_indices(len(y))]
