"""`mien doctor`: what is installed, and what is damaged."""

from mien.cli.options import command, option


@command(examples="mien doctor\nmien doctor --cache")
@option("--cache", is_flag=True, group="Checks", help="Also check each file in DVC's cache.")
def doctor(cache: bool) -> None:
    """Check this installation and, in a repository, DVC's files.

    Prints versions, whether a window can open, which extras are complete, and whether the pretrained networks and DVC's
    files are undamaged. The exit code is 2 if something is broken. A missing extra is not an error.
    """
    from mien._io.errors import InputError, printable
    from mien.cli.checks import findings

    broken = []
    for finding in findings(cache):
        print(printable(f"{finding.subject:<20}{finding.text}"), flush=True)
        if finding.broken:
            broken.append(finding.subject)
    if broken:
        raise InputError(f"broken: {', '.join(broken)}")
