"""Layers with parameters beside PyTorch, with the weights of PyTorch carried over as PORTING.md says."""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import jaxpool.nnx

torch = pytest.importorskip("torch", reason="torch is not installed; these tests compare with it")

import torch.nn.functional as functional  # noqa: E402

torch.set_num_threads(1)
FEATURES, HEADS = 12, 3


def drawn(*modules):
    """Parameters at random, so that none is 0 or 1."""
    torch.manual_seed(0)
    with torch.no_grad():
        for module in modules:
            for parameter in module.parameters():
                parameter.copy_(torch.randn_like(parameter) / 2)


def array(tensor):
    return jnp.asarray(tensor.detach().numpy())


def inputs(*shape):
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def dense(weight, bias=None):
    """`torch.nn.Linear`, or a convolution of size 1, as a dense layer."""
    kernel = {"kernel": array(weight).reshape(weight.shape[:2]).T}
    return kernel if bias is None else kernel | {"bias": array(bias)}


def into_heads(weight, bias):
    return {"kernel": array(weight).T.reshape(-1, HEADS, len(weight) // HEADS), "bias": array(bias).reshape(HEADS, -1)}


def from_heads(weight, bias):
    return {"kernel": array(weight).T.reshape(HEADS, -1, len(weight)), "bias": array(bias)}


def norm(module):
    return {"scale": array(module.weight), "bias": array(module.bias)}


def load(layer, parameters, statistics=None):
    state = nnx.state(layer, nnx.Param)
    shapes = [jax.tree.map(jnp.shape, tree) for tree in (nnx.to_pure_dict(state), parameters)]
    assert shapes[0] == shapes[1]
    nnx.replace_by_pure_dict(state, parameters)
    nnx.update(layer, state)
    if statistics is not None:
        state = nnx.state(layer, nnx.BatchStat)
        nnx.replace_by_pure_dict(state, statistics)
        nnx.update(layer, state)
    return layer


def close(found, expected, tolerance=2e-5):
    np.testing.assert_allclose(found, expected.detach().numpy(), rtol=tolerance, atol=tolerance)


def test_attention_pool_2d_of_clip():
    height, width, outputs = 4, 5, 8
    linear = {name: torch.nn.Linear(FEATURES, FEATURES) for name in ("q", "k", "v")}
    linear["c"] = torch.nn.Linear(FEATURES, outputs)
    drawn(*linear.values())
    positions = torch.randn(height * width + 1, FEATURES)
    x = inputs(2, height, width, FEATURES)
    tokens = torch.tensor(x).flatten(1, 2).permute(1, 0, 2)
    tokens = torch.cat([tokens.mean(0, keepdim=True), tokens]) + positions[:, None]
    expected, _ = functional.multi_head_attention_forward(
        query=tokens[:1],
        key=tokens,
        value=tokens,
        embed_dim_to_check=FEATURES,
        num_heads=HEADS,
        q_proj_weight=linear["q"].weight,
        k_proj_weight=linear["k"].weight,
        v_proj_weight=linear["v"].weight,
        in_proj_weight=None,
        in_proj_bias=torch.cat([linear[name].bias for name in "qkv"]),
        bias_k=None,
        bias_v=None,
        add_zero_attn=False,
        dropout_p=0.0,
        out_proj_weight=linear["c"].weight,
        out_proj_bias=linear["c"].bias,
        use_separate_proj_weight=True,
        training=False,
        need_weights=False,
    )
    names = {"query": "q", "key": "k", "value": "v"}
    attention = {name: into_heads(linear[short].weight, linear[short].bias) for name, short in names.items()}
    attention["out"] = from_heads(linear["c"].weight, linear["c"].bias)
    layer = jaxpool.nnx.AttentionPool2d(FEATURES, (height, width), HEADS, outputs, rngs=nnx.Rngs(0))
    load(layer, {"positional_embedding": array(positions), "attention": attention})
    close(layer(x), expected[0])


@pytest.mark.parametrize("masked", [False, True])
def test_map_head_beside_multihead_attention(masked):
    attention = torch.nn.MultiheadAttention(FEATURES, HEADS, batch_first=True)
    layer_norm = torch.nn.LayerNorm(FEATURES, eps=1e-6)
    hidden, out = torch.nn.Linear(FEATURES, 20), torch.nn.Linear(20, FEATURES)
    drawn(attention, layer_norm, hidden, out)
    probe = torch.randn(1, 1, FEATURES)
    x = inputs(2, 7, FEATURES)
    where = np.arange(7)[None, :, None] < np.array([5, 7])[:, None, None]
    tokens = torch.tensor(x)
    left_out = torch.tensor(~where[..., 0]) if masked else None
    y, _ = attention(probe.expand(2, -1, -1), tokens, tokens, key_padding_mask=left_out)
    expected = (y + out(functional.gelu(hidden(layer_norm(y)))))[:, 0]
    weights, biases = attention.in_proj_weight.chunk(3), attention.in_proj_bias.chunk(3)
    own = dict(zip(("query", "key", "value"), map(into_heads, weights, biases), strict=True))
    own["out"] = from_heads(attention.out_proj.weight, attention.out_proj.bias)
    gelu = functools.partial(jax.nn.gelu, approximate=False)
    layer = jaxpool.nnx.MAPHead(FEATURES, HEADS, mlp_features=20, activation=gelu, rngs=nnx.Rngs(0))
    parameters = {
        "probe": array(probe),
        "attention": own,
        "norm": norm(layer_norm),
        "mlp_hidden": dense(hidden.weight, hidden.bias),
        "mlp_out": dense(out.weight, out.bias),
    }
    load(layer, parameters)
    close(layer(x, where=jnp.asarray(where) if masked else None), expected)


def test_map_head_beside_the_pool_of_latents():
    """The layer with one projection of the query, and one of keys and values together, as timm has it."""
    query, both = torch.nn.Linear(FEATURES, FEATURES), torch.nn.Linear(FEATURES, 2 * FEATURES)
    project, layer_norm = torch.nn.Linear(FEATURES, FEATURES), torch.nn.LayerNorm(FEATURES, eps=1e-6)
    hidden, out = torch.nn.Linear(FEATURES, 4 * FEATURES), torch.nn.Linear(4 * FEATURES, FEATURES)
    drawn(query, both, project, layer_norm, hidden, out)
    latent, x = torch.randn(1, 1, FEATURES), inputs(2, 7, FEATURES)

    def heads(tensor):
        return tensor.unflatten(-1, (HEADS, -1)).transpose(1, 2)

    key, value = both(torch.tensor(x)).chunk(2, -1)
    found = functional.scaled_dot_product_attention(*map(heads, (query(latent.expand(2, -1, -1)), key, value)))
    y = project(found.transpose(1, 2).flatten(2))
    expected = (y + out(functional.gelu(hidden(layer_norm(y)))))[:, 0]
    (key_weight, value_weight), (key_bias, value_bias) = both.weight.chunk(2), both.bias.chunk(2)
    own = {
        "query": into_heads(query.weight, query.bias),
        "key": into_heads(key_weight, key_bias),
        "value": into_heads(value_weight, value_bias),
        "out": from_heads(project.weight, project.bias),
    }
    gelu = functools.partial(jax.nn.gelu, approximate=False)
    layer = jaxpool.nnx.MAPHead(FEATURES, HEADS, activation=gelu, rngs=nnx.Rngs(0))
    parameters = {
        "probe": array(latent),
        "attention": own,
        "norm": norm(layer_norm),
        "mlp_hidden": dense(hidden.weight, hidden.bias),
        "mlp_out": dense(out.weight, out.bias),
    }
    close(load(layer, parameters)(x), expected)


def test_sim_pool():
    query, key = (torch.nn.Linear(FEATURES, FEATURES, bias=False) for _ in range(2))
    layer_norm = torch.nn.LayerNorm(FEATURES, eps=1e-6)
    drawn(query, key, layer_norm)
    x = inputs(2, 4, 5, FEATURES)
    tokens = torch.tensor(x).flatten(1, 2)
    values = layer_norm(tokens)
    expected = functional.scaled_dot_product_attention(query(tokens.mean(1, keepdim=True)), key(values), values)[:, 0]
    layer = jaxpool.nnx.SimPool(FEATURES, rngs=nnx.Rngs(0))
    load(layer, {"norm": norm(layer_norm), "query": dense(query.weight), "key": dense(key.weight)})
    close(layer(x), expected)


@pytest.mark.parametrize("per_channel", [False, True])
def test_gem_with_a_learned_exponent(per_channel):
    p = torch.tensor(np.linspace(1.5, 4, FEATURES if per_channel else 1), dtype=torch.float32, requires_grad=True)
    x = inputs(2, 4, 5, FEATURES)
    planes = torch.tensor(x, requires_grad=True)
    shaped = p if per_channel else p.expand(FEATURES)
    powers = planes.clamp(min=1e-6).pow(shaped)
    expected = functional.avg_pool2d(powers.movedim(-1, 1), (4, 5))[..., 0, 0].pow(1 / shaped)
    layer = jaxpool.nnx.GeM(FEATURES, per_channel=per_channel, rngs=nnx.Rngs(0))
    close(load(layer, {"p": array(p)})(x), expected)
    expected.sum().backward()
    slope = nnx.grad(lambda layer: layer(x).sum())(layer)
    close(slope["p"][...], p.grad, 1e-4)
    close(jax.grad(lambda x: layer(x).sum())(jnp.asarray(x)), planes.grad, 1e-4)


def attention_mil(gated):
    hidden, gate, score = torch.nn.Linear(FEATURES, 5), torch.nn.Linear(FEATURES, 5), torch.nn.Linear(5, 1)
    drawn(hidden, gate, score)
    return {"hidden": hidden, "score": score} | ({"gate": gate} if gated else {})


@pytest.mark.parametrize("gated", [False, True])
def test_attention_of_bags(gated):
    parts = attention_mil(gated)
    x = inputs(9, FEATURES)
    bag = torch.tensor(x)
    h = torch.tanh(parts["hidden"](bag))
    h = h * torch.sigmoid(parts["gate"](bag)) if gated else h
    expected = (torch.softmax(parts["score"](h).T, 1) @ bag)[0]
    layer = jaxpool.nnx.AttentionPool(FEATURES, 5, gated=gated, rngs=nnx.Rngs(0))
    load(layer, {name: dense(part.weight, part.bias) for name, part in parts.items()})
    close(layer(x), expected)


@pytest.mark.parametrize("training", [False, True])
def test_attentive_statistics(training):
    hidden, score = torch.nn.Conv1d(3 * FEATURES, 5, 1), torch.nn.Conv1d(5, FEATURES, 1)
    batch_norm = torch.nn.BatchNorm1d(5).train(training)
    drawn(hidden, score, batch_norm)
    batch_norm.running_mean.normal_()
    batch_norm.running_var.uniform_(0.5, 2)
    statistics = {"norm": {"mean": array(batch_norm.running_mean), "var": array(batch_norm.running_var)}}
    x = inputs(3, 8, FEATURES)
    frames = torch.tensor(x).movedim(-1, 1)

    def moments(weights):
        mean = (weights * frames).sum(2, keepdim=True)
        return mean, (weights * (frames - mean) ** 2).sum(2, keepdim=True).clamp(1e-12).sqrt()

    context = [part.expand_as(frames) for part in moments(torch.full_like(frames, 1 / 8))]
    h = torch.tanh(batch_norm(torch.relu(hidden(torch.cat([frames, *context], 1)))))
    expected = torch.cat(moments(torch.softmax(score(h), 2)), 1)[..., 0]
    layer = jaxpool.nnx.AttentiveStatsPool(FEATURES, 5, rngs=nnx.Rngs(0))
    layer.use_running_average = not training
    parameters = {
        "hidden": dense(hidden.weight, hidden.bias),
        "norm": norm(batch_norm),
        "score": dense(score.weight, score.bias),
    }
    load(layer, parameters, statistics)
    close(layer(x, use_running_average=not training), expected)
    close(layer.norm.mean[...], batch_norm.running_mean)


@pytest.mark.parametrize("align_corners", [True, False])
@pytest.mark.parametrize("training", [False, True])
def test_pyramid_pooling_module(training, align_corners):
    levels, outputs = (1, 2, 3, 6), 4
    convolutions = [torch.nn.Conv2d(FEATURES, outputs, 1, bias=False) for _ in levels]
    norms = [torch.nn.BatchNorm2d(outputs).train(training) for _ in levels]
    drawn(*convolutions, *norms)
    for module in norms:
        module.running_mean.normal_()
        module.running_var.uniform_(0.5, 2)
    statistics = {
        f"norm_{i}": {"mean": array(module.running_mean), "var": array(module.running_var)}
        for i, module in enumerate(norms)
    }
    x = inputs(3, 9, 13, FEATURES)
    planes = torch.tensor(x).movedim(-1, 1)
    found = [planes]
    for level, convolution, module in zip(levels, convolutions, norms, strict=True):
        y = torch.relu(module(convolution(functional.adaptive_avg_pool2d(planes, level))))
        found.append(functional.interpolate(y, (9, 13), mode="bilinear", align_corners=align_corners))
    layer = jaxpool.nnx.PPM(FEATURES, levels, outputs, align_corners=align_corners, rngs=nnx.Rngs(0))
    parameters = {f"conv_{i}": dense(part.weight) for i, part in enumerate(convolutions)}
    load(layer, parameters | {f"norm_{i}": norm(part) for i, part in enumerate(norms)}, statistics)
    close(layer(x, use_running_average=not training), torch.cat(found, 1).movedim(1, -1), 5e-5)
    for i, module in enumerate(norms):
        close(getattr(layer, f"norm_{i}").mean[...], module.running_mean)


def test_local_importance():
    conv = torch.nn.Conv2d(FEATURES, FEATURES, 3, padding=1, bias=False)
    instance_norm = torch.nn.InstanceNorm2d(FEATURES, affine=True)
    drawn(conv, instance_norm)
    x = inputs(2, 6, 7, FEATURES)
    planes = torch.tensor(x).movedim(-1, 1)
    weights = torch.exp(12 * torch.sigmoid(instance_norm(conv(planes))))
    average = functools.partial(functional.avg_pool2d, kernel_size=3, stride=2, padding=1)
    expected = (average(planes * weights) / average(weights)).movedim(1, -1)
    layer = jaxpool.nnx.LIPPool(FEATURES, (3, 3), 2, 1, rngs=nnx.Rngs(0))
    load(layer, {"conv": {"kernel": array(conv.weight).transpose(2, 3, 1, 0)}, "norm": norm(instance_norm)})
    close(layer(x), expected)


def test_net_vlad():
    clusters = 4
    conv = torch.nn.Conv2d(FEATURES, clusters, 1)
    drawn(conv)
    centroids, x = torch.rand(clusters, FEATURES), inputs(2, 4, 5, FEATURES)
    planes = functional.normalize(torch.tensor(x).movedim(-1, 1), dim=1)
    shares = torch.softmax(conv(planes).flatten(2), 1)
    residuals = planes.flatten(2)[:, None] - centroids[None, :, :, None]
    vlad = functional.normalize((residuals * shares[:, :, None]).sum(-1), dim=2)
    expected = functional.normalize(vlad.flatten(1), dim=1)
    layer = jaxpool.nnx.NetVLAD(FEATURES, clusters, rngs=nnx.Rngs(0))
    load(layer, {"centroids": array(centroids), "assignment": dense(conv.weight, conv.bias)})
    close(layer(x), expected)


@pytest.mark.parametrize("per_channel", [False, True])
def test_gated_pool(per_channel):
    weight = torch.randn(FEATURES if per_channel else 1, 1, 3, 3)
    x = inputs(2, 7, 6, FEATURES)
    planes = torch.tensor(x).movedim(-1, 1)
    kernel = weight if per_channel else weight.expand(FEATURES, -1, -1, -1)
    share = torch.sigmoid(functional.conv2d(planes, kernel, stride=2, padding=1, groups=FEATURES))
    window = {"kernel_size": 3, "stride": 2, "padding": 1}
    most, mean = functional.max_pool2d(planes, **window), functional.avg_pool2d(planes, **window)
    expected = (share * most + (1 - share) * mean).movedim(1, -1)
    layer = jaxpool.nnx.GatedPool(FEATURES, (3, 3), 2, 1, per_channel=per_channel, rngs=nnx.Rngs(0))
    load(layer, {"omega": array(weight)[:, 0].transpose(1, 2, 0)})
    close(layer(x), expected)


def test_covariance_beside_the_eigenvalues_of_torch():
    x = inputs(2, 8, 9, 4)
    tokens = torch.tensor(x, dtype=torch.float64).flatten(1, 2)
    centered = tokens - tokens.mean(1, keepdim=True)
    values, vectors = torch.linalg.eigh(centered.mT @ centered / 72)
    root = vectors @ torch.diag_embed(values.sqrt()) @ vectors.mT
    expected = root[:, *torch.triu_indices(4, 4)]
    close(jaxpool.global_covariance_pool(x, num_iterations=20), expected, 1e-4)
    assert math.isfinite(expected.sum())
