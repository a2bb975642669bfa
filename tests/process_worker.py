"""One of several processes that share a volume: `python process_worker.py PORT PROCESSES PROCESS`."""

import sys

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, NamedSharding
from jax.sharding import PartitionSpec as P

import jaxpool


def largest(x):
    return jaxpool.max_pool_with_argmax(x, (3, 3, 3), 2, "SAME")


def block(x):
    y = jaxpool.max_pool(x, (3, 3, 3), 2, "SAME")
    return jaxpool.avg_pool(y, (3, 2, 3), 1, "SAME", False), jaxpool.global_max_pool(y, num_spatial_dims=3)


def everything(x):
    results, pull = jax.vjp(block, x)
    return largest(x), results, pull(jax.tree.map(jnp.cos, results))[0]


def main(port: int, processes: int, process: int) -> None:
    jax.config.update("jax_platforms", "cpu")
    jax.config.update("jax_num_cpu_devices", 4)
    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    jax.distributed.initialize(
        f"127.0.0.1:{port}", processes, process, initialization_timeout=60, heartbeat_timeout_seconds=30
    )
    x = np.random.default_rng(0).integers(-9, 9, (1, 16, 8, 8, 3)).astype(np.float32)
    expected = jax.jit(everything)(jax.device_put(x, jax.local_devices()[0]))
    mesh = jax.make_mesh((2 * processes, 2), ("depth", "height"), axis_types=(AxisType.Explicit,) * 2)
    sharding = NamedSharding(mesh, P(None, "depth", "height"))
    volume = jax.make_array_from_callback(x.shape, sharding, lambda index: x[index])
    assert len(volume.addressable_shards) == 4 < len(volume.sharding.device_set)
    with jax.set_mesh(mesh):
        found = jax.jit(everything)(volume)
    for got, wanted in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        for shard in got.addressable_shards:
            np.testing.assert_allclose(shard.data, np.asarray(wanted)[shard.index], rtol=1e-6, atol=1e-6)
    exact = zip(jax.tree.leaves(found[0]), jax.tree.leaves(expected[0]), strict=True)
    for got, wanted in exact:
        for shard in got.addressable_shards:
            np.testing.assert_array_equal(shard.data, np.asarray(wanted)[shard.index])
    print(f"process {process}: {len(found[0][0].addressable_shards)} shards are those of one device")
    jax.distributed.shutdown()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
