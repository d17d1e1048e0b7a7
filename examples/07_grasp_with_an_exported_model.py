"""A grasp from a depth picture with an exported model, numpy and ONNX Runtime (or OpenVINO); no code of the package.

It does what export.json tells, for pictures that need no repair: a level floor, no walls, nothing but items.
Run: python examples/07_grasp_with_an_exported_model.py EXPORT_FOLDER depth.npy camera.json pose.txt
"""

import json
import sys
from pathlib import Path

import numpy as np


def heightmap(depth, camera, camera_to_world, told):
    """The highest point in every cell, metres; cells without a point take the height of the nearest one."""
    size, side = told["pixel_size"], told["pixels"]
    v, u = np.indices(depth.shape)
    points = np.stack([(u - camera["cx"]) / camera["fx"] * depth, (v - camera["cy"]) / camera["fy"] * depth, depth])
    x, y, z = camera_to_world[:3, :3] @ points.reshape(3, -1) + camera_to_world[:3, 3:]
    col, row = np.floor((x + told["extent"] / 2) / size), np.floor((told["extent"] / 2 - y) / size)
    inside = (depth.ravel() > 0) & (row >= 0) & (row < side) & (col >= 0) & (col < side)
    height = np.full((side, side), -np.inf)
    np.maximum.at(height, (row[inside].astype(int), col[inside].astype(int)), z[inside])
    known = np.argwhere(np.isfinite(height))
    for hole in np.argwhere(~np.isfinite(height)):
        height[tuple(hole)] = height[tuple(known[((known - hole) ** 2).sum(axis=1).argmin()])]
    return height.astype(np.float32)


def scores(height, told, network):
    """Score of every angle and pixel, -inf in the rim."""
    normal, canvas, angles = (told["preprocessing"][name] for name in ("normalisation", "canvas", "angles"))
    turns = told["preprocessing"].get("turns", angles)
    maps = told["postprocessing"].get("maps", [(index, 0) for index in range(len(angles))])
    clean = np.where(height < normal["background"], 0.0, np.minimum(height, normal["ceiling"]))
    shown = np.pad(clean, 1) / normal["std"] - normal["mean"] / normal["std"]
    pixels, rim = len(height), told["postprocessing"]["graspable"]["margin_pixels"]
    every, right = np.arange(rim, pixels - rim), np.arange(canvas["side"]) - canvas["centre"]
    x, y = every[None, :] - (pixels - 1) / 2, (pixels - 1) / 2 - every[:, None]
    pictures, places = [], []
    for cos, sin in zip(np.cos(turns), np.sin(turns), strict=True):
        col = pixels / 2 + cos * right[None, :] + sin * right[:, None]  # up is less than nothing to the right
        row = pixels / 2 - sin * right[None, :] + cos * right[:, None]
        col, row = (np.clip(np.floor(each), -1, pixels).astype(int) + 1 for each in (col, row))
        pictures.append(shown[row, col])
        back = canvas["centre"] - (cos * y - sin * x), canvas["centre"] + cos * x + sin * y
        places.append(tuple(np.floor(each + 0.5).astype(int) for each in back))
    answers = network(np.array(pictures, np.float32)[:, None])
    found = np.full((len(angles), pixels, pixels), -np.inf)
    for index, (picture, channel) in enumerate(maps):
        found[index, rim : pixels - rim, rim : pixels - rim] = answers[picture, channel][places[picture]]
    return found


def holds(height, row, col, angle, size, rule):
    """Whether a grasp obeys the model's constraint: clear fingers, and sides that face them."""
    if rule["name"] == "none":
        return True
    hand, parts = rule["gripper"], rule["antipodal"]
    around = np.pad(height, 1, mode="edge")[row : row + 3, col : col + 3].mean()
    tips = max(around - hand["finger_depth"], hand["clearance"])

    def at(u, v):
        """Column and row, in fractions, of places along and across the line of closing."""
        cos, sin = np.cos(angle), np.sin(angle)
        return col + (cos * u - sin * v) / size, row - (sin * u + cos * v) / size

    thick, wide = (
        np.linspace(-each / 2, each / 2, int(np.ceil(2 * each / size)) + 1)
        for each in (hand["finger_thickness"], hand["finger_width"])
    )
    away = (hand["opening"] + hand["finger_thickness"]) / 2
    cols, rows = at(*np.meshgrid(np.concatenate([thick - away, thick + away]), wide))
    fingers = np.pad(height, 99)[np.floor(rows + 0.5).astype(int) + 99, np.floor(cols + 0.5).astype(int) + 99]
    if tips - fingers.max() < rule["min_clearance"]:
        return False
    if rule["name"] == "clearance":
        return True
    half = np.floor(hand["opening"] / 2 / parts["along_step"])
    along = np.arange(-half, half + 1) * parts["along_step"]
    across = np.linspace(-hand["finger_width"] / 2, hand["finger_width"] / 2, parts["lines"])
    cols, rows = (np.clip(each, 0, len(height) - 1.001) for each in at(*np.meshgrid(along, across)))
    c, r = cols.astype(int), rows.astype(int)
    left, right = ((1 - cols + c) * height[rr, c] + (cols - c) * height[rr, c + 1] for rr in (r, r + 1))
    over = (1 - rows + r) * left + (rows - r) * right - tips
    material = over > parts["over_tips"]
    if height[row, col] <= hand["clearance"] + parts["over_tips"] or not material.any():
        return False
    reach = max(around - tips, parts["over_tips"])
    lines, middle = material.any(axis=1), parts["lines"] // 2
    if over[material].mean() / reach < rule["min_contact_height"] or lines.sum() < parts["fewest_lines"]:
        return False
    for edge in (along[material.argmax(axis=1)], along[::-1][material[:, ::-1].argmax(axis=1)]):
        for part in (slice(None), slice(middle + 1), slice(middle, None)):
            which = lines[part]
            if which.sum() < parts["fewest_lines"] - (part != slice(None)):
                continue
            if abs(np.polyfit(across[part][which], edge[part][which], 1)[0]) > rule["friction"]:
                return False
    return True


def best_grasp(height, told, network):
    """The best grasp that obeys the constraint, else the best of all; None on bare floor."""
    place, rule = told["preprocessing"]["heightmap"], told["postprocessing"]["constraint"]
    height = np.where(height < told["preprocessing"]["normalisation"]["background"], np.float32(0), height)
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(height, 1, mode="edge"), (3, 3))
    flank = windows.max(axis=(2, 3)) - height > max(0.004, place["pixel_size"])  # fingers would slide off it
    firm = (windows.min(axis=(2, 3)) >= 0.01) & ~flank
    found = np.where(firm if firm.any() else height > 0, scores(height, told, network), -np.inf)
    order = np.argsort(-found, axis=None)[: np.isfinite(found).sum()]
    grasps = [tuple(map(int, each)) for each in np.transpose(np.unravel_index(order, found.shape))]
    angles, size = told["preprocessing"]["angles"], place["pixel_size"]
    good = (each for each in grasps if holds(height, *each[1:], angles[each[0]], size, rule))
    chosen = next(good, grasps[0] if grasps else None)
    if chosen is None:
        return None
    index, row, col = chosen
    hand, half = rule["gripper"], place["extent"] / 2
    mean = height[max(row - 1, 0) : row + 2, max(col - 1, 0) : col + 2].mean()
    z = max(float(mean) - hand["finger_depth"], hand["clearance"])
    where = {"x": (col + 0.5) * size - half, "y": half - (row + 0.5) * size, "z": z, "angle": angles[index]}
    return {**where, "row": row, "col": col, "score": float(found[chosen])}


def load_network(folder, told):
    """Pictures to scores, in whichever of the two runtimes is installed."""
    graph = str(Path(folder) / next(iter(told["files"])))
    try:
        import onnxruntime
    except ImportError:
        import openvino

        compiled = openvino.Core().compile_model(graph, "CPU")
        return lambda pictures: compiled(pictures)[0]
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    return lambda pictures: session.run(None, {told["input"]["name"]: pictures})[0]


def main(folder, depth, camera, pose):
    told = json.loads((Path(folder) / "export.json").read_text())
    place = told["preprocessing"]["heightmap"]
    height = heightmap(np.load(depth), json.loads(Path(camera).read_text()), np.loadtxt(pose), place)
    print(json.dumps(best_grasp(height, told, load_network(folder, told))))


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    main(*sys.argv[1:])
