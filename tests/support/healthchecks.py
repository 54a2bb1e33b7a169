"""Health checks run as the container engine runs them, on this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from composerefactor.images.entries import Command

APPLETS = ("sh", "wget", "nc", "grep")


def run(
    test: Command,
    *,
    path: str | None = None,
    environ: Mapping[str, str] | None = None,
    timeout: float = 20,
) -> bool:
    """Return whether *test* says healthy; *path* lists the directories with programs."""
    words = [word.replace("$$", "$") for word in test]
    search = path or os.environ["PATH"]
    if words[0] == "CMD-SHELL":
        shell = shutil.which("sh", path=search)
        assert shell is not None
        command = [shell, "-c", words[1]]
    else:
        program = shutil.which(words[1], path=search)
        if program is None:
            return False
        command = [program, *words[2:]]
    try:
        found = subprocess.run(
            command,
            check=False,
            capture_output=True,
            timeout=timeout,
            env={"PATH": search, "HOME": os.environ.get("HOME", "/"), **(environ or {})},
        )
    except subprocess.TimeoutExpired:
        return False
    return found.returncode == 0


def busybox(directory: Path) -> Path:
    """Return a directory with what Alpine images hold of busybox; skips the test without it.

    Debian builds busybox without ``nc -z``, which Alpine's has; that of OpenBSD stands in for it,
    and dash for a shell that would take its own ``nc`` first.
    """
    programs = {applet: shutil.which("busybox") for applet in APPLETS}
    programs |= {"nc": shutil.which("nc.openbsd"), "sh": shutil.which("dash")}
    target = directory / "busybox"
    target.mkdir(exist_ok=True)
    for applet, program in programs.items():
        if program is None:
            pytest.skip(f"there is no program for {applet} (make healthchecks installs it)")
        if not (target / applet).exists():
            (target / applet).symlink_to(program)
    return target
