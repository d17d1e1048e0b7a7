"""The heightmap against a literal loop, and against rays through the engine's own shapes."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import maximum_filter, minimum_filter

from grasping_student.geometry.workspace import Workspace
from grasping_student.simulation.engine import open_engine
from grasping_student.simulation.families import FAMILIES, standard
from grasping_student.simulation.rasteriser import NOTHING, rasterise
from grasping_student.simulation.rendering import take_picture
from grasping_student.simulation.scene import build_scene, drop_scene, sample_items, stack_poses


def literal_height(triangles, workspace):
    """Highest triangle over each pixel centre, by solving for barycentric coordinates one pixel at a time."""
    height = np.zeros(workspace.shape)
    for row in range(workspace.pixels):
        for col in range(workspace.pixels):
            point = np.array(workspace.xy_from_pixel(row, col))
            for corners in triangles:
                matrix = np.vstack([corners[:, :2].T, np.ones(3)])
                if np.linalg.det(matrix) <= 1e-12:
                    continue
                weights = np.linalg.solve(matrix, [*point, 1.0])
                if weights.min() >= -1e-9:
                    height[row, col] = max(height[row, col], weights @ corners[:, 2])
    return height


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 8))
def test_it_agrees_with_the_literal_loop(seed, count):
    workspace = Workspace(extent=0.2, pixels=9, margin=0.0)
    triangles = np.random.default_rng(seed).uniform([-0.15, -0.15, 0.0], [0.15, 0.15, 0.1], size=(count, 3, 3))
    height, seen = rasterise(triangles, workspace)
    np.testing.assert_allclose(height, literal_height(triangles, workspace), atol=1e-6)
    np.testing.assert_array_equal(seen == NOTHING, height == 0.0)


MAGNIFIED = 10
"""The engine's rays stop up to a millimetre short of a shape of any size, so they are cast at ten times the size."""


def ray_heights(blocks, poses, x, y):
    """Where rays straight down first meet PyBullet's own shapes; metres, shape of ``x``."""
    pytest.importorskip("pybullet")
    config = replace(standard(), workspace=Workspace(extent=0.45 * MAGNIFIED), engine="pybullet")
    engine = open_engine(config)
    large = [replace(block, size=tuple(MAGNIFIED * side for side in block.size)) for block in blocks]
    scale = np.array([MAGNIFIED] * 3 + [1] * 4)
    build_scene(engine, large, poses * scale, np.ones(len(blocks), dtype=bool))
    hits = []
    top = MAGNIFIED * np.stack([x.ravel(), y.ravel(), np.full(x.size, 1.5)], axis=1)
    for part in np.array_split(top, -(-len(top) // 8192)):
        hits += engine._call("rayTestBatch", part.tolist(), (part - (0, 0, 16.0)).tolist())
    engine.close()
    return np.array([hit[3][2] for hit in hits]).reshape(x.shape) / MAGNIFIED


@pytest.mark.parametrize("settled", [True, False], ids=["settled", "as dropped"])
def test_it_agrees_with_rays_within_a_millimetre_and_a_pixel(settled):
    config = replace(standard(), fewest_blocks=25, most_blocks=25, spread=0.1)
    if settled:
        engine = open_engine(config)
        blocks, poses = drop_scene(engine, 3)
        engine.close()
    else:
        random = np.random.default_rng(4)
        blocks = sample_items(config, random)
        poses = stack_poses(blocks, config, random)
    workspace = Workspace(extent=0.4, pixels=100, margin=0.06)
    height = take_picture(blocks, poses, workspace).heightmap.height

    thrice = (
        np.arange(3 * workspace.pixels) / 3 - 1 / 3
    )  # three rays a pixel along each axis, the middle one at its centre
    x, y = workspace.xy_from_pixel(*np.meshgrid(thrice, thrice, indexing="ij"))
    rays = ray_heights(blocks, poses, x, y)
    centre = (slice(1, None, 3), slice(1, None, 3))
    assert (np.abs(height - rays[centre]) < 0.001).mean() > 0.99
    lowest, highest = minimum_filter(rays, 7)[centre], maximum_filter(rays, 7)[centre]
    assert ((height > lowest - 0.001) & (height < highest + 0.001)).all()
    assert height.max() > 0.05


def test_each_pixel_knows_its_block_and_shows_its_colour():
    engine = open_engine(FAMILIES["sparse"]())
    blocks, poses = drop_scene(engine, 0)
    engine.close()
    workspace = standard().workspace
    heightmap, block = take_picture(blocks, poses, workspace)
    assert set(np.unique(block)) <= {NOTHING, *range(len(blocks))}
    np.testing.assert_array_equal(block == NOTHING, heightmap.height == 0.0)
    for index in range(len(blocks)):
        row, col = workspace.pixel_from_xy(*poses[index, :2])
        alone = take_picture([blocks[index]], poses[[index]], workspace)
        if block[row, col] == index:
            assert heightmap.height[row, col] == alone.heightmap.height[row, col]
            np.testing.assert_array_equal(heightmap.rgb[row, col], alone.heightmap.rgb[row, col])


def test_an_empty_table_is_flat():
    heightmap, block = take_picture((), np.empty((0, 7)), standard().workspace)
    assert not heightmap.height.any()
    assert (block == NOTHING).all()
