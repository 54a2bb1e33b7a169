"""Names for new volumes, in the way in which a project names its own."""

from __future__ import annotations

from posixpath import basename


def volume_name(service: str, path: str, known: set[str]) -> str:
    """Return a name for the volume of *service* at *path*, and add it to *known*.

    It ends in ``data``, or in the last part of *path* where that name is taken. Words are joined as
    in most of the names that are *known*.
    """
    dashes = sum("-" in name for name in known)
    joint = "-" if dashes > sum("_" in name for name in known) else "_"
    stem = service.replace("-" if joint == "_" else "_", joint)
    candidates = [f"{stem}{joint}data", f"{stem}{joint}{basename(path)}"]
    candidates += [f"{stem}{joint}data{joint}{number}" for number in range(2, len(known) + 3)]
    name = next(name for name in candidates if name not in known)
    known.add(name)
    return name
