# mien serve: the base install with the extra serve, at the versions of requirements.txt. From the repository:
#     docker compose up --build        (or: docker build --tag mien . && docker run -p 127.0.0.1:8000:8000 -e MIEN_TOKEN mien)
FROM python:3.12-slim-bookworm AS install
WORKDIR /source
COPY pyproject.toml README.md LICENSE requirements.txt ./
COPY tools/hatch_build.py tools/
COPY src src
# A server has no window and no libGL: OpenCV's build without windows takes the place of the other, as in the Makefile.
RUN python -m venv /venv && \
    /venv/bin/pip install --no-cache-dir --no-compile --constraint requirements.txt '.[serve]' && \
    /venv/bin/pip uninstall --yes opencv-python && \
    /venv/bin/pip install --no-cache-dir --no-compile \
        "$(sed -n 's/^opencv-python==\([^ ;]*\).*/opencv-python-headless==\1/p' requirements.txt)" && \
    /venv/bin/python -m compileall -q /venv/lib

FROM python:3.12-slim-bookworm
COPY --from=install /venv /venv
USER 65534:65534
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s \
    CMD ["/venv/bin/python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/health', timeout=4)"]
ENTRYPOINT ["/venv/bin/mien", "serve", "--host", "0.0.0.0"]
