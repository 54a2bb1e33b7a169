"""Start a server with `exec` where a shell keeps the stop signal from it.

With `sh -c "migrate && serve"` the first process is a shell. That of Debian and Ubuntu waits for
the server, and ignores the stop signal: Docker kills both after 10 seconds, and requests that are
under way are cut off. With `exec` the server takes the place of the shell. What follows a pipe, npm
and scripts of Python or Node.js are left alone: there `exec` alone is not enough. So are shells
that do this themselves, those of Alpine and `bash`, and services that run for a moment.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.compose.definitions import LocatedNode
from composerefactor.compose.one_off import reason_it_may_exit
from composerefactor.compose.project import Project
from composerefactor.compose.services import start_models
from composerefactor.edit.operations import Substitute
from composerefactor.images.stop_signals import LostSignal, lost_signal
from composerefactor.refactoring.contract import Change, Effect, NoOptions, Refusal, fixer
from composerefactor.transforms._attribute import model_places
from composerefactor.yaml.nodes import ScalarNode, path_of


@fixer(
    NoOptions,
    after=("fix-interpolation",),
    unsafe=True,
    lasting=True,
    purpose="availability",
    cause="a shell keeps the stop signal from a server, so Docker kills it",
)
def pass_stop_signal(project: Project, options: NoOptions) -> Iterator[Change | Refusal]:  # noqa: ARG001
    """Yield a change for each command whose last part is a server that a shell waits for."""
    done: set[int] = set()
    for model in start_models(project):
        for name, service in model.services.items():
            lost = lost_signal(project, service)
            if lost is None or not lost.takes_exec or reason_it_may_exit(model, name):
                continue
            for value in (service.command, service.entrypoint):
                if value is not None and value.location == lost.location:
                    node = _scalar_with(value.at, lost.last)
                    if node is not None and id(node) not in done:
                        done.add(id(node))
                        yield _with_exec(project, value.at, node, lost)


def _scalar_with(at: LocatedNode, text: str) -> ScalarNode | None:
    """Return the text, or the last item of the list *at*, if it contains *text*."""
    nodes = [each.node for each in at.items] or [at.node]
    return next((n for n in reversed(nodes) if isinstance(n, ScalarNode) and text in n.value), None)


def _with_exec(project: Project, at: LocatedNode, node: ScalarNode, lost: LostSignal) -> Change:
    path = path_of(at.file.root, node)
    assert path is not None  # noqa: S101 - it is a node of this file
    program = lost.last.split()[0]
    nth = node.value[: node.value.rindex(lost.last)].count(program)
    places = model_places(project, at.file.path).get(id(node), [tuple(map(str, path[:3]))])
    return Change(
        f"Start {lost.program} with exec in {path[1]}",
        at.location,
        [Substitute(at.file.path, path, program, f"exec {program}", nth)],
        [Effect(place, "changes") for place in places],
        evidence=f"{lost.shell} does not pass the stop signal on",
        confidence="likely",
    )
