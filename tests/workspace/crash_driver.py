"""Kill runs at every step, then recover; run by test_crash.py in its own interpreter.

``crash_driver.py DIRECTORY SCENARIO`` prints a JSON object: how many kills, and what went wrong.
A child process is forked for each kill: it replaces the functions by which anything reaches the
disk by ones that count, and is killed by SIGKILL before its N-th call. Killed while it brings a
file to the disk, it leaves half of that file, as a power failure may do.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path

from composerefactor.edit.planned_files import Changeset, FileChange
from composerefactor.errors import RefusedError
from composerefactor.workspace.apply import apply
from composerefactor.workspace.undo import last_run, recover, undo

Tree = dict[str, tuple[int, bytes | None]]

STEPS = ("open", "write", "fsync", "replace", "unlink", "mkdir", "rmdir", "chmod", "chown")
EARLIER = Changeset((FileChange("compose.yaml", b"oldest\n", b"old\n"),))
CHANGESET = Changeset(
    (
        FileChange("compose.yaml", b"old\n", b"new, longer than the old one\n"),
        FileChange("docker-compose/services/api.yml", None, b"api\n" * 20),
        FileChange("docker-compose/services/web.yml", None, b""),
        FileChange("gone.yml", b"gone\n", None),
        FileChange("parts/deep/two.yml", b"2\n", None),
        FileChange("parts/run.sh", b"3\n", b"4\n"),
    )
)


def killed_before(step: int, action: Callable[[], object]) -> bool:
    """Run *action* in a child and kill it before its *step*-th step; False where it had fewer."""
    child = os.fork()
    if child == 0:
        calls = count(1)

        def counting(name: str, call: Callable[..., object]) -> Callable[..., object]:
            def counted(*args: object, **options: object) -> object:
                if next(calls) == step:
                    if name == "fsync":
                        tear(int(str(args[0])))
                    os.kill(os.getpid(), signal.SIGKILL)
                return call(*args, **options)

            return counted

        for name in STEPS:
            setattr(os, name, counting(name, getattr(os, name)))
        try:
            action()
        except BaseException as error:  # noqa: BLE001
            sys.stderr.write(f"step {step}: {error!r}\n")
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return True
    if os.WEXITSTATUS(status):
        raise SystemExit("the action failed by itself")
    return False


def tear(descriptor: int) -> None:
    """Leave half of what has been written to a regular file."""
    status = os.fstat(descriptor)
    if stat.S_ISREG(status.st_mode):
        os.ftruncate(descriptor, status.st_size // 2)


def tree(root: Path) -> Tree:
    """All that is below *root*: modes, bytes, directories."""
    return {
        path.relative_to(root).as_posix(): (
            stat.S_IMODE(path.lstat().st_mode),
            None if path.is_dir() else path.read_bytes(),
        )
        for path in root.rglob("*")
    }


class Driver:
    """One project below *directory*, created again for each kill, and the failures."""

    def __init__(self, directory: Path) -> None:
        self.root = directory / "shop"
        self.state = directory / "state"
        self.kills = 0
        self.problems: list[str] = []
        os.environ["COMPOSEREFACTOR_STATE_HOME"] = str(self.state)
        self.renew()
        self.before = tree(self.root)
        self.apply()
        self.after = tree(self.root)

    def renew(self) -> None:
        """Make the project as CHANGESET has it before, with one earlier run."""
        for path in (self.root, self.state):
            shutil.rmtree(path, ignore_errors=True)
        (self.root / "parts/deep").mkdir(parents=True)
        (self.root / "compose.yaml").write_bytes(b"oldest\n")
        (self.root / "gone.yml").write_bytes(b"gone\n")
        (self.root / "parts/deep/two.yml").write_bytes(b"2\n")
        (self.root / "parts/run.sh").write_bytes(b"3\n")
        (self.root / "compose.yaml").chmod(0o664)
        (self.root / "parts/run.sh").chmod(0o755)
        (self.root / "parts/deep").chmod(0o711)
        apply(self.root, EARLIER, "earlier")

    def apply(self) -> None:
        """Apply CHANGESET."""
        apply(self.root, CHANGESET, "split")

    def undo(self) -> None:
        """Take the last run back."""
        undo(self.root)

    def recover(self) -> None:
        """Repair."""
        recover(self.root)

    def check(self, *, what: str) -> None:
        """Note a problem unless the tree is the old or the new one, and the records agree."""
        self.kills += 1
        recover(self.root)
        now, last = tree(self.root), last_run(self.root)
        if last is None:
            self.problems.append(f"{what}: the earlier run is forgotten")
        elif now == self.after and last.label == "split":
            if not undo(self.root) or tree(self.root) != self.before:
                self.problems.append(f"{what}: the repaired run cannot be undone")
        elif now != self.before or last.label != "earlier":
            self.problems.append(f"{what}: {sorted(now)} after {last.label}")
        else:
            try:
                self.apply()
            except RefusedError as error:
                self.problems.append(f"{what}: {error}")
            if tree(self.root) != self.after:
                self.problems.append(f"{what}: applied again, another tree")


def killed_once(
    driver: Driver, prepare: Callable[[], object], action: Callable[[], object]
) -> None:
    """Kill *action* at every step."""
    for step in count(1):
        driver.renew()
        prepare()
        if not killed_before(step, action):
            return
        driver.check(what=f"step {step}")


def killed_twice(driver: Driver) -> None:
    """Kill an apply at every fifth step, and its repair at every fourth."""
    for first in count(2, 5):
        for second in count(1, 4):
            driver.renew()
            if not killed_before(first, driver.apply):
                return
            if not killed_before(second, driver.recover):
                break
            driver.check(what=f"steps {first}, {second}")


def do_not_wait(fd: object) -> None:
    """Take the place of ``os.fsync``."""


def main() -> None:
    """Run the scenario that the command line names."""
    # a kill loses nothing that the system has: waiting for the disk would only take time
    os.fsync = do_not_wait
    driver = Driver(Path(sys.argv[1]))
    if sys.argv[2] == "apply":
        killed_once(driver, lambda: None, driver.apply)
    elif sys.argv[2] == "undo":
        killed_once(driver, driver.apply, driver.undo)
    else:
        killed_twice(driver)
    json.dump({"kills": driver.kills, "problems": driver.problems}, sys.stdout)


if __name__ == "__main__":
    main()
