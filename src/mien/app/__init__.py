"""What runs as a server: `mien app`, a page in the browser, built with Gradio; in `service`, `mien serve`."""
