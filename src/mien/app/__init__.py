"""Servers: `mien app`, a page in the browser built with Gradio; and in `service`, `mien serve`."""
