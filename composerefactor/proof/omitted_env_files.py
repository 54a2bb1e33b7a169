"""The content of ``env_file``, as far as Docker Compose leaves it out of what it prints.

``up`` resolves the env files of a service into its environment before it computes the configuration
hash, but ``config --hash`` does so only from v5.5.0 on (docker/compose#14001). The hash of the
resolved configuration is that of ``up`` (observed: v2.24.1 to v5.6.1). v2.24.7 does not even print
the content of env files.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from composerefactor.compose.dotenv import assignments
from composerefactor.compose.interpolation import expand
from composerefactor.compose.short_forms import key_value_pairs
from composerefactor.proof.config_output import sections
from composerefactor.proof.engine import Engine
from composerefactor.yaml.parser import parse
from composerefactor.yaml.source import Source
from composerefactor.yaml.values import to_python

_RESOLVES = (2, 29, 0)
"""From this version on, the resolved configuration always has the content of env files."""

_HASHES = (5, 5, 0)


def prints_env_files(engine: Engine) -> bool:
    """Return whether every resolved configuration of *engine* has the content of env files."""
    return engine.release >= _RESOLVES


def hashes_env_files(engine: Engine) -> bool:
    """Return whether ``config --hash`` of *engine* covers the content of env files."""
    return engine.release >= _HASHES


def hash_command(resolved: Path, profiles: Sequence[str]) -> list[str]:
    """Return the arguments that print the hashes of the configuration in the file *resolved*."""
    active = [word for profile in profiles for word in ("--profile", profile)]
    return ["-f", str(resolved), *active, "config", "--hash", "*"]


def with_env_files(output: bytes, variables: Mapping[str, str]) -> bytes:
    """Return *output* of ``config`` with the content of the env files that it only names.

    A file that is missing stays as it is: Docker Compose names one that is not required.

    Args:
        output: The resolved configuration.
        variables: The variables that env files can use.
    """
    if b"env_file:" not in output:
        return output
    resolved = {
        name: _resolved(body, variables) if isinstance(body, dict) else body
        for name, body in _services(output).items()
    }
    texts = {**sections(output), "services": f"services: {json.dumps(resolved)}\n"}
    return "".join(texts.values()).encode()


def with_environments(hashes: bytes, resolved: bytes) -> bytes:
    """Return the output *hashes* of ``config --hash`` with a digest of each environment added.

    This is for versions that print a configuration which they reject, so that it has no hash
    (v2.24.1 prints ``mem_swappiness`` as a text).

    Args:
        hashes: A service and its hash on each line.
        resolved: The resolved configuration, with the content of env files.
    """
    services = _services(resolved)
    lines = []
    for line in hashes.decode("utf-8", "replace").splitlines():
        body = services.get(line.split(" ")[0])
        environment = _environment(body) if isinstance(body, dict) else {}
        text = json.dumps(environment, sort_keys=True, default=str)
        lines.append(f"{line}-{hashlib.blake2b(text.encode(), digest_size=8).hexdigest()}\n")
    return "".join(lines).encode()


def _services(output: bytes) -> Mapping[str, Any]:
    """Return the services of a resolved configuration."""
    text = sections(output).get("services", "")
    root = parse(Source.decode("the output of Docker Compose", text.encode())).root
    services = to_python(root)["services"] if root is not None else {}
    return services if isinstance(services, dict) else {}


def _environment(service: Mapping[str, Any]) -> dict[str, Any]:
    """Return the environment of *service* as a mapping."""
    environment = service.get("environment") or {}
    if isinstance(environment, list):
        environment = key_value_pairs(list(map(str, environment)))
    return dict(environment)


def _resolved(service: Mapping[str, Any], variables: Mapping[str, str]) -> dict[str, Any]:
    """Return *service* with the env files that exist merged into its environment."""
    kept: list[Any] = []
    values: dict[str, str] = {}
    for item in service.get("env_file") or ():
        path = Path(str(item.get("path") if isinstance(item, dict) else item))
        if not path.is_file() and str(path) != os.devnull:  # another device may never end
            kept.append(item)
            continue
        text = path.read_text("utf-8", "replace")
        for each in assignments(text):
            value = expand(each.value, {**values, **variables})
            values[each.name] = value
    own = _environment(service)
    escaped = {name: value.replace("$", "$$") for name, value in values.items()}
    result = {name: value for name, value in service.items() if name != "env_file"}
    if kept:
        result["env_file"] = kept
    if escaped or own:
        result["environment"] = escaped | own
    return result
