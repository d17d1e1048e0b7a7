"""Items from a folder of meshes: every format, convex parts inside the surface, a sentence for what is no item."""

import numpy as np
import pytest
import trimesh

from grasping_student.pipeline.errors import UserError
from grasping_student.simulation.compound import mass_properties, triangles_of
from grasping_student.simulation.families import simulation
from grasping_student.simulation.item_sets import open_item_set
from grasping_student.simulation.meshes import mesh_file
from grasping_student.simulation.meshes.convex_parts import CACHE_SUFFIX
from grasping_student.simulation.meshes.mesh_file import DRAWN_FACES

OPENING = 0.085


def bracket():
    """Two plates that share a corner: not convex, closed, one body."""
    outline = [(0, 0), (0.06, 0), (0.06, 0.006), (0.006, 0.006), (0.006, 0.05), (0, 0.05)]
    vertices = np.array([(x, y, z) for z in (0.0, 0.02) for x, y in outline])
    sides = [face for i in range(6) for face in ((i, (i + 1) % 6, (i + 1) % 6 + 6), (i, (i + 1) % 6 + 6, i + 6))]
    lid = [(0, 1, 2), (0, 2, 3), (0, 3, 4), (0, 4, 5)]
    faces = sides + [(c, b, a) for a, b, c in lid] + [(a + 6, b + 6, c + 6) for a, b, c in lid]
    return trimesh.Trimesh(vertices, faces, process=False)


def items_of(folder, unit="m"):
    return open_item_set(simulation("standard", items=str(folder), mesh_unit=unit))


def box(size=(0.03, 0.04, 0.05)):
    return trimesh.creation.box(size)


@pytest.mark.parametrize("suffix", ["obj", "stl", "ply", "glb"])
def test_every_format_gives_the_same_body(tmp_path, suffix):
    box().export(tmp_path / f"part.{suffix}")
    item = items_of(tmp_path).sample(np.random.default_rng(0))
    assert item.name == "part"
    assert item.solid.mass == pytest.approx(item.material.density * 0.03 * 0.04 * 0.05, rel=1e-4)
    np.testing.assert_allclose(np.ptp(item.triangles, axis=(0, 1)), (0.05, 0.04, 0.03), atol=1e-6)
    assert mass_properties(item.triangles).volume == pytest.approx(6e-5, rel=1e-4)


def test_a_unit_scales_it(tmp_path):
    box((30, 40, 50)).export(tmp_path / "part.stl")
    item = items_of(tmp_path, "mm").sample(np.random.default_rng(0))
    np.testing.assert_allclose(np.ptp(item.triangles, axis=(0, 1)), (0.05, 0.04, 0.03), atol=1e-6)


def test_material_and_mass_are_drawn_anew_and_repeat(tmp_path):
    box().export(tmp_path / "part.stl")
    first, second = (items_of(tmp_path).sample(np.random.default_rng(seed)) for seed in (0, 1))
    again = items_of(tmp_path).sample(np.random.default_rng(0))
    assert first.material == again.material != second.material
    assert first.solid.friction == first.material.friction


def test_a_body_that_is_not_convex_is_taken_apart_and_its_parts_are_kept(tmp_path):
    pytest.importorskip("coacd")
    bracket().export(tmp_path / "bracket.obj")
    item = items_of(tmp_path).sample(np.random.default_rng(0))
    assert len(item.solid.parts) > 1
    corners = np.concatenate([triangles_of(part).reshape(-1, 3) for part in item.solid.parts])
    surface = item.triangles.reshape(-1, 3)
    assert (corners.min(axis=0) > surface.min(axis=0) - 0.002).all()
    assert (corners.max(axis=0) < surface.max(axis=0) + 0.002).all()
    volume = 0.06 * 0.006 * 0.02 + 0.006 * 0.044 * 0.02
    assert item.solid.mass == pytest.approx(item.material.density * volume, rel=0.2)
    assert (tmp_path / f"bracket.obj{CACHE_SUFFIX}").exists()


def test_parts_are_made_anew_when_the_mesh_has_changed_or_the_cache_is_damaged(tmp_path):
    from grasping_student.simulation.meshes.mesh_set import open_mesh_folder

    path = tmp_path / "part.stl"
    for size in ((0.03, 0.04, 0.05), (0.02, 0.02, 0.06)):
        box(size).export(path)
        open_mesh_folder.cache_clear()
        item = items_of(tmp_path).sample(np.random.default_rng(0))
        assert item.solid.mass == pytest.approx(item.material.density * np.prod(size), rel=1e-4)
        (tmp_path / f"part.stl{CACHE_SUFFIX}").write_bytes(b"damaged")


def test_a_mesh_in_a_folder_that_cannot_be_written_is_kept_in_the_users_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "meshes"
    folder.mkdir()
    box().export(folder / "part.stl")
    (folder / f"part.stl{CACHE_SUFFIX}").mkdir()  # in the way, as a folder without a right to write would be
    items_of(folder)
    assert list((tmp_path / "cache").rglob(f"*{CACHE_SUFFIX}"))


def test_an_open_surface_and_a_dense_scan_are_taken(tmp_path):
    pytest.importorskip("coacd")
    pytest.importorskip("fast_simplification")
    ball = trimesh.creation.icosphere(subdivisions=4, radius=0.03)
    assert len(ball.faces) > DRAWN_FACES
    ball.export(tmp_path / "ball.ply")
    item = items_of(tmp_path).sample(np.random.default_rng(0))
    assert len(item.triangles) <= DRAWN_FACES
    open_ball = trimesh.creation.icosphere(subdivisions=2, radius=0.03)
    open_ball.update_faces(open_ball.triangles_center[:, 2] < 0.028)
    folder = tmp_path / "open"
    folder.mkdir()
    open_ball.export(folder / "ball.ply")
    opened = items_of(folder).sample(np.random.default_rng(0))
    assert len(opened.triangles) == 2 * len(open_ball.faces)  # seen from both sides


def test_meshes_of_subfolders_are_taken_where_the_folder_has_none(tmp_path):
    (tmp_path / "can").mkdir()
    box().export(tmp_path / "can" / "textured.obj")
    assert items_of(tmp_path).sample(np.random.default_rng(0)).name == "textured"


def _nan(folder):
    mesh = box()
    mesh.export(folder / "bad.obj")
    text = (folder / "bad.obj").read_text().split("\n")
    row = next(i for i, line in enumerate(text) if line.startswith("v "))
    text[row] = "v nan 0.0 0.0"
    (folder / "bad.obj").write_text("\n".join(text))


def _flat(folder):
    trimesh.Trimesh([(0, 0, 0), (0.05, 0, 0), (0, 0.05, 0), (0.05, 0.05, 0)], [(0, 1, 2), (1, 3, 2)]).export(
        folder / "bad.ply"
    )


BAD = {
    "NaN": (_nan, "not numbers"),
    "no volume": (_flat, "no volume"),
    "millimetres": (lambda f: box((30, 40, 50)).export(f / "bad.stl"), "--mesh-unit .*mm"),
    "too small": (lambda f: box((3e-5, 4e-5, 5e-5)).export(f / "bad.stl"), "at least 5 mm.*--mesh-unit"),
    "many faces": (lambda f: trimesh.creation.icosphere(subdivisions=3).export(f / "bad.stl"), "1280 faces; at most"),
    "empty file": (lambda f: (f / "bad.obj").write_bytes(b""), "bad.obj"),
    "damaged": (lambda f: (f / "bad.glb").write_bytes(b"glTF" + bytes(9)), "cannot be read"),
    "no gripper": (lambda f: box((0.2, 0.2, 0.2)).export(f / "bad.stl"), "no gripper"),
    "empty folder": (lambda f: None, "holds no mesh"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_item_is_told_in_one_sentence(tmp_path, name, monkeypatch):
    monkeypatch.setattr(mesh_file, "MOST_FACES", 1000)
    make, sentence = BAD[name]
    make(tmp_path)
    with pytest.raises(UserError, match=sentence):
        items_of(tmp_path)


def test_a_set_that_is_not_there_is_told_with_the_valid_ones(tmp_path):
    with pytest.raises(UserError, match="blocks, household"):
        items_of(tmp_path / "missing")


def test_without_coacd_one_sentence_tells_what_to_install(tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "coacd", None)
    bracket().export(tmp_path / "bracket.obj")
    with pytest.raises(UserError, match=r"grasping-student\[meshes\]"):
        items_of(tmp_path)
