"""`mien app`: a page in the browser, by Gradio, that does what the terminal does. Needs the extra `app`."""
