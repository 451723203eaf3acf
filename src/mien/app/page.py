"""The page: its tabs and its look."""

from pathlib import Path

import gradio as gr
from fastapi import FastAPI
from starlette.middleware.trustedhost import TrustedHostMiddleware

from mien.app import action_units, live, model, photo
from mien.app.networks import Networks
from mien.app.uploads import MAX_BYTES

_STYLE = Path(__file__).with_name("style.css")
_THEME = gr.themes.Default(  # system fonts, none from the web; greys and blues with enough contrast (WCAG AA)
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
_CLEANUP = (600, 3600)  # seconds: how often old files are deleted, and how old they must be
_SESSIONS = 100  # whose state is kept: each page load takes 0.25 MB, and Gradio would keep 10,000
_TRANSLATIONS = gr.I18n(en={"common.upload": "Upload more"})  # missing in Gradio 6.31
_HEAD = """# mien
A network reads emotions from faces. It tells how people would label a face, not what the person feels. Do not use it to
make decisions about people."""


def make_app(networks: Networks, local: bool) -> FastAPI:
    """Return the page and its WebSocket. local: answer only to names of this machine (against DNS rebinding)."""
    app = FastAPI(openapi_url=None)
    if local:
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"])
    app.add_api_websocket_route(live.PATH, live.endpoint(networks))
    return gr.mount_gradio_app(
        app,
        _blocks(networks),
        path="",
        theme=_THEME,
        css_paths=[_STYLE],
        footer_links=[],
        run_history=False,
        show_error=False,
        ssr_mode=False,
        pwa=False,
        i18n=_TRANSLATIONS,
        max_file_size=MAX_BYTES,
    )


def _blocks(networks: Networks) -> gr.Blocks:
    with gr.Blocks(title="mien", analytics_enabled=False, delete_cache=_CLEANUP) as blocks:
        blocks.state_session_capacity = _SESSIONS
        gr.Markdown(_HEAD)
        live.tab()
        photo.tab(networks)
        action_units.tab(networks)
        model.tab()
    return blocks
