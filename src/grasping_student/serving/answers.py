"""Answers of the server, as its OpenAPI description tells them."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from grasping_student.serving.request_form import FIELDS, REQUIRED


class Coded(BaseModel):
    """A code for programs, and a sentence for people."""

    code: str
    text: str


class Grasp(BaseModel):
    """A grasp in the frame of the camera's pose."""

    x: float = Field(description="Of the finger tips, metres")
    y: float = Field(description="Metres")
    z: float = Field(description="Metres")
    angle: float = Field(description="Along which the fingers close, radians counter-clockwise from +x, in [0, pi)")
    row: int = Field(description="Row of the heightmap")
    col: int = Field(description="Column of the heightmap")
    score: float = Field(description="Of the model, comparable within one picture")
    width: float = Field(description="Opening of the fingers before the descent, metres")
    success: float | None = Field(description="Calibrated chance of success; null if the model is not calibrated")


class AnsweringModel(BaseModel):
    """Which model answered."""

    name: str
    version: str = Field(description="Content hash of what decides")
    backend: str


class GraspWorkspace(BaseModel):
    """Where grasps were looked for."""

    extent: float = Field(description="Side of the square, metres")
    pixels: int
    margin: float = Field(description="Rim without grasps, metres")
    in_frame_of_pose: list[list[float]] = Field(description="4 x 4")


class GraspAnswer(BaseModel):
    """Grasps, best first; or why there is nothing to grasp."""

    grasps: list[Grasp]
    nothing: Coded | None = Field(description="Why there are no grasps; null if there are")
    constrained: bool | None = Field(description="Whether the grasps obey the model's constraint")
    on_seen_material: bool | None = Field(description="Whether the camera measured material at the grasps")
    notes: list[Coded] = Field(description="Repairs of the picture, and doubts")
    workspace: GraspWorkspace | None
    model: AnsweringModel
    seconds: dict[str, float] = Field(description="Time of each stage")
    picture: str | None = Field(None, description="Drawing, base64 of a PNG, where it was asked for")


class Refused(BaseModel):
    """Why a request gets no answer."""

    code: str
    message: str


class ServedModels(BaseModel):
    """Models that may be asked."""

    models: list[dict[str, Any]]


STATUSES = {
    401: "No token, or a wrong one",
    404: "No such model",
    408: "The body came too slowly",
    413: "Too many bytes or pixels",
    415: "No multipart form",
    422: "A field is missing, or what it holds cannot be used",
    429: "Too many requests at once",
    503: "Not ready, stopping, or the answer took too long",
}
"""Status of HTTP -> when it is given."""


SCHEMAS: dict[str, dict[str, Any]] = {
    "file": {"type": "string", "format": "binary"},
    "text": {"type": "string"},
    "number": {"type": "number"},
    "integer": {"type": "integer"},
    "flag": {"type": "boolean"},
    "numbers": {"type": "array", "items": {"type": "number"}},
}
"""Kind of a field -> its schema."""


def request_body() -> dict[str, Any]:
    """The form in the words of OpenAPI."""
    properties: dict[str, Any] = {}
    for name, field in FIELDS.items():
        properties[name] = {**SCHEMAS[field.kind], "description": field.description}
        if field.example is not None:
            properties[name]["example"] = field.example
    form = {"type": "object", "required": list(REQUIRED), "properties": properties, "additionalProperties": False}
    return {"required": True, "content": {"multipart/form-data": {"schema": form}}}
