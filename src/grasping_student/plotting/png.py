"""Pictures as PNG and as ``data:`` addresses, for pages that ask no server."""

from __future__ import annotations

import base64

import cv2
import numpy as np
from numpy.typing import NDArray


def png_bytes(picture: NDArray[np.uint8]) -> bytes:
    """RGB picture, shape ``(height, width, 3)``, as PNG."""
    done, encoded = cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    assert done, "OpenCV always encodes 8-bit pictures"
    return encoded.tobytes()


def png_address(picture: NDArray[np.uint8]) -> str:
    """RGB picture as a ``data:`` address."""
    return address_of(png_bytes(picture))


def address_of(png: bytes) -> str:
    """A PNG as a ``data:`` address."""
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")
