"""`make plots`: the page of `dvc plots show` with Vega included, because DVC's own page loads it from the web.

python tools/plots_page.py          the workspace
python tools/plots_page.py -- BASE  the workspace beside a branch, tag or commit, as `dvc plots diff`
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import vl_convert
from pull_request_report import check_base  # type: ignore[import-not-found]  # beside this script

from mien._io.errors import InputError, reports_input_errors

_TEMPLATE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>mien: plots</title>
<link rel="icon" href="data:,">
<script>{vega}</script>
</head>
<body>
{plot_divs}
</body>
</html>
"""


@reports_input_errors
def main() -> None:
    """Write dvc_plots/index.html of the current repository and print its path. Raises InputError if DVC fails."""
    base = sys.argv[2:]
    if base:
        check_base(base[0])
    # DVC's plots use Vega-Lite 5
    vega = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", "v5.21").replace("</script", "<\\/script")
    with tempfile.TemporaryDirectory() as folder:
        template = Path(folder, "template.html")
        template.write_text(_TEMPLATE.replace("{vega}", vega), encoding="utf-8")
        kind = ["diff", *base] if base else ["show"]
        command = [sys.executable, "-m", "dvc", "plots", *kind, "--html-template", str(template)]
        done = subprocess.run(command, check=False)
    if done.returncode:
        raise InputError(
            f"{Path.cwd()}: dvc plots {kind[0]} failed, expected a repository with the outputs of `dvc repro`"
        )


if __name__ == "__main__":
    main()
