"""Start `mien serve`, send photos to it by HTTP, and print the faces. Needs the extra `serve`.

python examples/ask_service.py [PHOTO ..]
"""

import json
import subprocess
import sys
from pathlib import Path
from urllib.request import Request, urlopen

photos = [Path(name) for name in sys.argv[1:]] or [Path(__file__).with_name("astronaut.jpg")]

command = [sys.executable, "-m", "mien", "serve", "--port", "0", "--model", "mien_small"]
with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
    assert server.stdout
    url = server.stdout.readline().split()[0]
    for photo in photos:
        request = Request(f"{url}/photos", photo.read_bytes(), {"Content-Type": "application/octet-stream"})
        with urlopen(request, timeout=60) as response:  # an HTTPError says 4xx, or 503: try later
            (answer,) = json.load(response)
        for face in answer["faces"]:
            print(photo.name, face["emotion"], face["confidence"], face["box"])
    server.terminate()  # it answers what it has accepted, then ends
