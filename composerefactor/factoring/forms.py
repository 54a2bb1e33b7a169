"""The short forms of ports, volumes, secrets and configs as the long forms that mean the same.

Only what every engine takes for the same, before and after it puts in the variables, has one form
here (observed on v2.24.1, v2.40.3 and v5.6.1): a long port without ``mode`` and a long volume
without its options are something else, and so is a short form with variables in it.
"""

from __future__ import annotations

import posixpath
from typing import Any

from composerefactor.compose.ports import parse_port
from composerefactor.compose.volumes import parse_volume

_ACCESS = {(): {}, ("rw",): {}, ("ro",): {"read_only": True}}


def long_form(item: Any, attribute: str) -> Any:
    """Return an item of the list *attribute* of a service in its long form, or as it is."""
    if attribute == "ports" and isinstance(item, str | int) and not isinstance(item, bool):
        return _port(str(item))
    if not isinstance(item, str) or "$" in item:
        return item
    if attribute == "volumes":
        return _volume(item)
    return {"source": item} if attribute in {"secrets", "configs"} else item


def _port(text: str) -> Any:
    port = parse_port(text)
    if port is None or not port.target.isdigit() or not (port.published or "1").isdigit():
        return text
    found = {"mode": "ingress", "target": int(port.target), "protocol": port.protocol}
    optional = {"published": port.published, "host_ip": port.host_ip}
    return found | {key: value for key, value in optional.items() if value is not None}


def _volume(text: str) -> Any:
    volume = parse_volume(text)
    if volume is None or volume.source is None or volume.options not in _ACCESS:
        return text
    options = {"create_host_path": True} if volume.kind == "bind" else {}
    return {
        "type": volume.kind,
        "source": volume.source,
        "target": posixpath.normpath(volume.target),
        volume.kind: options,
        **_ACCESS[volume.options],
    }
