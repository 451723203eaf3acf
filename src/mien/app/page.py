"""The page: its tabs put together, and its look."""

from pathlib import Path

import gradio as gr
from fastapi import FastAPI
from starlette.middleware.trustedhost import TrustedHostMiddleware

from mien.app import action_units, live, model, photo
from mien.app.files import MAX_BYTES
from mien.app.readers import Readers

_STYLE = Path(__file__).with_name("style.css")
_THEME = gr.themes.Default(  # fonts of the machine, none of the web; greys and blues dark enough to be read (WCAG AA)
    primary_hue="blue",
    font=["system-ui", "sans-serif"],
    font_mono=["ui-monospace", "monospace"],
).set(
    body_text_color_subdued="*neutral_600",
    body_text_color_subdued_dark="*neutral_300",
    block_label_text_color="*neutral_700",
    block_label_text_color_dark="*neutral_200",
    block_title_text_color="*neutral_700",
    block_title_text_color_dark="*neutral_200",
    color_accent="*primary_700",
    button_primary_background_fill="*primary_700",
    button_primary_background_fill_hover="*primary_800",
    button_primary_background_fill_dark="*primary_700",
)
_KEPT = (600, 3600)  # seconds: how often the temporary folder is searched for files, and how old they may be
_WORDS = gr.I18n(en={"common.upload": "Upload more"})  # which Gradio 6.31 forgot
_HEAD = """# mien
Emotions as a network reads them from faces: how people label such faces, not what somebody feels. Do not decide about
people by it."""


def make_app(readers: Readers, local: bool) -> FastAPI:
    """Return the page and its WebSocket. local: answer only to names of this machine, so that no other can stand in."""
    app = FastAPI(openapi_url=None)
    if local:
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"])
    app.add_api_websocket_route(live.PATH, live.endpoint(readers))
    return gr.mount_gradio_app(
        app,
        _blocks(readers),
        path="",
        theme=_THEME,
        css_paths=[_STYLE],
        footer_links=[],
        run_history=False,
        show_error=False,
        ssr_mode=False,
        pwa=False,
        i18n=_WORDS,
        max_file_size=MAX_BYTES,
    )


def _blocks(readers: Readers) -> gr.Blocks:
    with gr.Blocks(title="mien", analytics_enabled=False, delete_cache=_KEPT) as blocks:
        gr.Markdown(_HEAD)
        live.tab()
        photo.tab(readers)
        action_units.tab(readers)
        model.tab()
    return blocks
