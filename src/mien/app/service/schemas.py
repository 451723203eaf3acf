"""Schemas of requests and responses for the OpenAPI document. `bodies` reads the actual requests."""

from typing import Any

from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field


class BoxSchema(BaseModel):
    """Where a face is, in pixels of the photo, rotated according to its EXIF data."""

    left: int
    top: int
    width: int
    height: int


class FaceSchema(BaseModel):
    """A face, as `mien image --json` prints it."""

    box: BoxSchema
    emotion: str = Field(description='The most probable emotion; "unsure" below --min-confidence.')
    confidence: float = Field(description="The probability of the most probable emotion, 0..1.")
    probabilities: dict[str, float]
    prediction_set: list[str] | None = Field(
        None, description="All emotions that the face may well show. Only with --coverage."
    )
    aus: dict[str, float] | None = Field(None, description="Intensities of Action Units, 0..100. Only with --aus.")
    reasons: list[str] | None = Field(None, description="Action Units that go with the emotion. Only with --aus.")
    action: str | None = Field(None, description="Only with --actions.")


class PhotoSchema(BaseModel):
    """A photo: its faces, the largest first, or an error if it is one of several and cannot be read."""

    file: str = Field(description='Its name in the request; "photo" if the body is the picture.')
    faces: list[FaceSchema] | None = None
    error: str | None = None
    notes: list[str] | None = Field(None, description="What was not read or had to be guessed, if anything.")


class ErrorSchema(BaseModel):
    """One line that says what was found and what was expected."""

    error: str


_ERRORS = {
    400: "The body is empty, damaged or truncated.",
    401: "The bearer token is missing or wrong.",
    408: "The request did not arrive in time.",
    413: "The body has too many bytes or photos.",
    415: "The body has another type.",
    422: "No photo of the request can be read.",
    503: "The queue is full, or the photos took too long. Retry-After says when to try again.",
}
_FILE = {"type": "string", "format": "binary"}
_FILES = {"type": "object", "properties": {"photo": {"type": "array", "items": _FILE}}}
_BODY = {
    "multipart/form-data": {"schema": _FILES},
    "image/*": {"schema": _FILE},
    "application/octet-stream": {"schema": _FILE},
}

#: Arguments of a route that reads photos.
READING: dict[str, Any] = {
    "methods": ["POST"],
    "response_class": JSONResponse,
    "responses": {
        200: {"model": list[PhotoSchema], "description": "One object per photo, in the order of the request."},
        **{status: {"model": ErrorSchema, "description": text} for status, text in _ERRORS.items()},
    },
    "openapi_extra": {"requestBody": {"required": True, "content": _BODY}},
}
