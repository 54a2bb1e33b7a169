"""Proxies that find the services behind them by labels or variables, not by addresses."""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.catalog.reference import repository
from composerefactor.compose.expand import expand
from composerefactor.errors import Location
from composerefactor.topology.stack import Service, Setting, Stack

_BY_LABEL = {"traefik": "traefik.", "lucaslorentz/caddy-docker-proxy": "caddy"}
"""Image of a proxy, and how the labels begin by which it finds services (its documentation)."""

_BY_VARIABLE = {"jwilder/nginx-proxy": "VIRTUAL_HOST", "nginxproxy/nginx-proxy": "VIRTUAL_HOST"}
"""Image of a proxy, and the variable by which it finds services (its documentation)."""


def discovered(stack: Stack) -> Iterator[tuple[str, str, str, Location]]:
    """Yield (proxy, service, words, location) for each service that a proxy finds by itself."""
    images = {
        name: repository(expand(service.text("image") or "", stack.variables)) or ""
        for name, service in stack.services.items()
    }
    for proxy, image in images.items():
        prefix, variable = _BY_LABEL.get(image), _BY_VARIABLE.get(image)
        for name, service in stack.services.items():
            sign = _labelled(service, prefix) if prefix else None
            if variable:
                sign = service.settings.get(variable)
            if sign is not None and name != proxy:
                kind = "label" if prefix else "variable"
                yield proxy, name, f"{kind} {sign.name}", sign.location


def _labelled(service: Service, prefix: str) -> Setting | None:
    labels = service.pairs("labels")
    enabled = labels.get(f"{prefix}enable")
    if enabled is not None and (enabled.value or "").strip("'\"").lower() == "false":
        return None
    return next((s for n, s in labels.items() if n.lower().startswith(prefix)), None)
