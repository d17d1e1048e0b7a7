"""A RealSense that no hardware is needed for: the vendor's software device, recorded by the vendor's recorder."""

import time
from pathlib import Path

import numpy as np
import pyrealsense2 as rs

from grasping_student.perception.frame import Intrinsics

SERIAL = "000111222333"


def record(path: Path, intrinsics: Intrinsics, depths, colours, scale: float = 0.001) -> None:
    """Write a recording of a D415.

    Args:
        path: ends in ``.db3``.
        intrinsics: of both streams.
        depths: uint16 pictures in units of ``scale``.
        colours: uint8 pictures, as many.
        scale: metres a unit.
    """
    device = rs.software_device()
    device.register_info(rs.camera_info.name, "Intel RealSense D415")
    device.register_info(rs.camera_info.serial_number, SERIAL)
    depth_sensor, colour_sensor = device.add_sensor("Stereo Module"), device.add_sensor("RGB Camera")
    depth = depth_sensor.add_video_stream(_stream(rs.stream.depth, 0, rs.format.z16, 2, intrinsics))
    colour = colour_sensor.add_video_stream(_stream(rs.stream.color, 1, rs.format.rgb8, 3, intrinsics))
    depth_sensor.add_read_only_option(rs.option.depth_units, scale)
    same_place = rs.extrinsics()
    same_place.rotation, same_place.translation = [1, 0, 0, 0, 1, 0, 0, 0, 1], [0, 0, 0]
    depth.register_extrinsics_to(colour, same_place)
    recorder = rs.recorder(str(path), device)
    sensors, syncer = recorder.query_sensors(), rs.syncer()
    for sensor, profile in zip(sensors, (depth, colour), strict=True):
        sensor.open(profile)
        sensor.start(syncer)
    for number, (z16, rgb8) in enumerate(zip(depths, colours, strict=True)):
        for sensor, picture, profile, size in ((depth_sensor, z16, depth, 2), (colour_sensor, rgb8, colour, 3)):
            frame = rs.software_video_frame()
            frame.pixels = np.ascontiguousarray(picture)
            frame.stride, frame.bpp = intrinsics.width * size, size
            frame.timestamp, frame.frame_number = number * 33.3, number + 1
            frame.domain, frame.profile = rs.timestamp_domain.system_time, profile.as_video_stream_profile()
            if size == 2:
                frame.depth_units = scale
            sensor.on_video_frame(frame)
        time.sleep(0.02)  # the recorder writes in its own thread
    for sensor in sensors:
        sensor.stop()
        sensor.close()
    recorder.pause()


def _stream(kind, number, pixel_format, size, intrinsics):
    stream, given = rs.video_stream(), rs.intrinsics()
    given.width, given.height = intrinsics.width, intrinsics.height
    given.fx, given.fy, given.ppx, given.ppy = intrinsics.fx, intrinsics.fy, intrinsics.cx, intrinsics.cy
    given.model, given.coeffs = rs.distortion.brown_conrady, [0.0] * 5
    stream.type, stream.uid, stream.index, stream.fmt, stream.bpp = kind, number, 0, pixel_format, size
    stream.width, stream.height, stream.fps, stream.intrinsics = intrinsics.width, intrinsics.height, 30, given
    return stream
