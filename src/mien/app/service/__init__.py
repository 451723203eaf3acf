"""`mien serve`: an HTTP service that reads photos and crops, built with FastAPI. Needs the extra `serve`.

Files of clients are never written to disk.
"""
