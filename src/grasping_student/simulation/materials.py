"""What an item is made of, for physics and for the cameras that look at it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Material:
    """A surface and what lies under it. The default is matt painted beech."""

    friction: float = 0.6
    """Sliding friction of the surface."""

    density: float = 700.0
    """Kilograms a cubic metre."""

    albedo: float = 0.5
    """Share of infrared light that comes back in all directions, in [0, 1]; black plastic has 0.05."""

    gloss: float = 0.0
    """Share of light that is mirrored into a highlight, in [0, 1]."""

    translucency: float = 0.0
    """Share of light that enters and leaves elsewhere, which blurs a projected pattern, in [0, 1]."""
