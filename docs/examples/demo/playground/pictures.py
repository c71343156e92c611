"""Thumbnails of real photographs, made with Pillow."""

from pathlib import Path
from typing import Any

from celery.exceptions import Reject
from PIL import Image, UnidentifiedImageError

from .app import app
from .journal import JournaledTask


@app.task(base=JournaledTask, bind=True, acks_late=True)
def thumbnail(self: JournaledTask, path: str, width: int, directory: str) -> dict[str, Any]:
    """Write a smaller copy of a picture.

    Args:
        self: The task.
        path: The picture.
        width: Width of the copy in pixels; the height follows.
        directory: Where the copy goes.

    Raises:
        Reject: The file is no picture. Trying again cannot help, so it does not go back to the queue.
    """
    target = Path(directory) / f"{Path(path).stem}-{width}.jpg"
    try:
        with Image.open(path) as picture:
            small = shrunk(picture, width)
    except UnidentifiedImageError as error:
        self.note("rejected")
        raise Reject(str(error), requeue=False) from error
    small.save(target)
    return {"picture": target.name, "width": small.width, "height": small.height}


def shrunk(picture: Image.Image, width: int) -> Image.Image:
    """Return a copy of the picture that is `width` pixels wide."""
    height = max(1, round(picture.height * width / picture.width))
    return picture.convert("RGB").resize((width, height), Image.Resampling.LANCZOS)
