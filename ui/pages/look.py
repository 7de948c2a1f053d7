"""The page's colours and type, as a Gradio theme; what a theme cannot say stands in static/app.css."""

from __future__ import annotations

import gradio as gr

# Both come with gradio and are served by it: nothing is fetched from elsewhere.
_SANS: list[gr.themes.Font | str] = [gr.themes.LocalFont("IBM Plex Sans", weights=(400, 700)), "system-ui", "sans-serif"]
_MONO: list[gr.themes.Font | str] = [gr.themes.LocalFont("IBM Plex Mono"), "ui-monospace", "monospace"]


def theme() -> gr.themes.Base:
    """Paper and ink with one accent."""
    return gr.themes.Base(
        primary_hue="teal", neutral_hue="stone", radius_size="md", text_size="md", font=_SANS, font_mono=_MONO,
    ).set(
        body_background_fill="#faf9f6", body_background_fill_dark="#161513",
        block_background_fill="transparent", block_background_fill_dark="transparent", block_border_width="0px",
        background_fill_primary="#ffffff", background_fill_primary_dark="#1e1c19",
        body_text_color_subdued="#57534e", body_text_color_subdued_dark="#b5afa8",
        button_primary_background_fill="#0f766e", button_primary_background_fill_hover="#115e59",
        button_primary_background_fill_dark="#0f766e", button_primary_text_color="#ffffff",
    )
