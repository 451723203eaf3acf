"""The OpenAPI document as a page of plain HTML: no script, nothing from the web."""

from html import escape
from typing import Any

_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>
<style>body{{font:16px/1.5 system-ui,sans-serif;max-width:48rem;margin:2rem auto;padding:0 1rem}}
code,pre{{font:14px ui-monospace,monospace;background:#8881;padding:.1em .3em}}pre{{padding:1em;overflow:auto}}
td{{padding:.1em 1em .1em 0;vertical-align:top}}</style>
<h1>{title} {version}</h1><p>{description}</p>
<pre>curl -F photo=@one.jpg -F photo=@two.png http://127.0.0.1:8000/photos
curl --data-binary @face.png -H "Content-Type: image/png" http://127.0.0.1:8000/crops</pre>
<p>For programs: <a href="/openapi.json">openapi.json</a></p>{operations}</html>"""


def page(document: dict[str, Any]) -> str:
    """Return the page. document: FastAPI's description of the service (OpenAPI 3.1)."""
    info = {key: escape(document["info"][key]) for key in ("title", "version", "description")}
    operations = [
        _operation(method, path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    return _PAGE.format(**info, operations="".join(operations))


def _operation(method: str, path: str, operation: dict[str, Any]) -> str:
    types = ", ".join(operation.get("requestBody", {}).get("content", {}))
    body = f"<p>Body: {escape(types)}</p>" if types else ""
    rows = "".join(
        f"<tr><td>{escape(status)}</td><td>{escape(response['description'])}</td></tr>"
        for status, response in operation["responses"].items()
    )
    heading = f"<h2><code>{method.upper()} {escape(path)}</code></h2><p>{escape(operation['summary'])}.</p>"
    return f"{heading}{body}<table>{rows}</table>"
