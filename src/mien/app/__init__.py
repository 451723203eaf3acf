"""`mien app`: a page in the browser, built with Gradio, for photos, cameras and Action Units. Needs the extra `app`."""
