"""Puts transparent pictures on white: the colour that is hidden below transparent areas may be any."""

from PIL import Image


def on_white(image: Image.Image) -> Image.Image:
    """Return a picture on white where it is transparent; a picture that is nowhere transparent as it is."""
    if not is_transparent(image):
        return image
    image = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)


def is_transparent(image: Image.Image) -> bool:
    """Tell whether any part of a picture is transparent. Decodes it."""
    if not image.has_transparency_data:
        return False
    alpha = image if "A" in image.getbands() else image.convert("RGBA")
    lowest, _ = alpha.getchannel("A").getextrema()
    return int(lowest) < 255  # type: ignore[arg-type]  # of one channel, it is a number
