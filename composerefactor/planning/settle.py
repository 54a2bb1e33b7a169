"""Finding the largest part of a refactoring that can be proved, and locating errors in files.

A plan is proved as a whole. If the proof fails, the elements that it names do not move, and the
rest is proved again; if it names none, halves of the elements are tried. At the end each unmoved
element is tried alone once more, so that it is unmoved only because a run of Docker Compose fails
when it moves.

Most attempts fail, and in scenarios in which others failed before. So an attempt first runs in
those, which takes one or two runs; if it passes, it is proved in every scenario.

:func:`locate` and :func:`error_location` return the line of a file that a path in a resolved
configuration, or a message of Docker Compose, is about.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from msgspec import Struct

from composerefactor.compose.files import RESOURCE_SECTIONS, ComposeFile
from composerefactor.compose.invocation import Invocation
from composerefactor.compose.project import Project
from composerefactor.errors import Location
from composerefactor.planning.opening import OpenProject
from composerefactor.proof.comparison import ProofFinding, ProofResult, services_named
from composerefactor.proof.engine import Engine, release
from composerefactor.proof.prover import Prover
from composerefactor.proof.staging import Progress, Run
from composerefactor.refactoring.contract import FileElement, Plan
from composerefactor.yaml.nodes import Node, SequenceNode, resolve
from composerefactor.yaml.values import merged_entries


def prover_of(
    opened: OpenProject,
    engine: Engine,
    progress: Progress | None = None,
    *,
    entries: Sequence[Invocation] | None = None,
    consistent: bool = True,
    probes: bool = False,
) -> Prover:
    """Return a prover for the project *opened*.

    Args:
        opened: The project.
        engine: Docker Compose.
        progress: Shows how far the verification is.
        entries: The start commands to compare; None for all readable ones.
        consistent: False disables the consistency checks of Docker Compose.
        probes: Whether the effect of override files is compared, too.
    """
    return Prover(
        engine,
        opened.root,
        opened.project.readable if entries is None else entries,
        opened.project.inputs,
        env_files=opened.project.env_files,
        variables_of=opened.variables_of,
        profiles_of=opened.profiles_of,
        environ=opened.environ,
        progress=progress,
        consistent=consistent,
        probes=probes,
    )


Planner = Callable[[dict[FileElement, str], frozenset[FileElement]], Plan]
"""Plans with elements that must not move, each with a reason, and elements that must move."""


class SettledPlan(Struct):
    """The result of the search.

    Attributes:
        plan: The largest plan that is proved.
        proof: Its proof; it is not ok only if nothing could be proved.
        findings: The elements that do not move, each with the difference that prevents it.
    """

    plan: Plan
    proof: ProofResult
    findings: dict[FileElement, ProofFinding] = {}


class Settler:
    """Runs the search for one refactoring of one project.

    Attributes:
        planner: Plans the refactoring.
        prover: Proves a plan for the accepted start commands.
        keep: The elements that must not move so far, each with the reason.
        findings: The differences that prevent elements from moving.
        failing: The start commands and scenarios in which a plan has failed.
    """

    def __init__(self, planner: Planner, prover: Prover) -> None:
        self.planner = planner
        self.prover = prover
        self.keep: dict[FileElement, str] = {}
        self.findings: dict[FileElement, ProofFinding] = {}
        self.failing: set[tuple[Invocation, str]] = set()

    def settle(self) -> SettledPlan:
        """Return the largest plan that is proved; its proof is ok if anything could be proved."""
        plan = self.plan()
        predicted = [s.element for s in plan.unmoved if s.element[1] == "services" and s.predicted]
        proof = self.check(plan)
        while plan.planned_files and not proof.ok and self.keep_blamed(plan, proof):
            plan = self.plan()
            proof = self.check(plan, self.has_failed)
            if not proof.differences:
                self.release_kept()
                plan = self.plan()
                proof = self.check(plan)
        plan, proof = self.move_predicted([*predicted], plan, proof)
        return SettledPlan(plan, proof, self.findings)

    def plan(self, forced: Iterable[FileElement] = ()) -> Plan:
        """Return the plan without the elements kept so far, but with the *forced* ones."""
        return self.planner(self.keep, frozenset(forced))

    def check(self, plan: Plan, only: Callable[[Run], bool] | None = None) -> ProofResult:
        """Return the proof of *plan*, and note the scenarios in which it fails."""
        moved = [section for _, section, _ in plan.moved if section.startswith("x-")]
        proof = self.prover.check(plan.contents(), only=only, moved=moved, entries=plan.entries)
        firsts: dict[Invocation, str] = {}
        for difference in proof.differences:
            firsts.setdefault(difference.entry, difference.scenario)
        self.failing.update(firsts.items())
        return proof

    def has_failed(self, run: Run) -> bool:
        """Return whether a plan has failed before in the scenario of *run*."""
        return (run.entry, run.scenario.name) in self.failing

    def keep_blamed(self, plan: Plan, proof: ProofResult) -> bool:
        """Keep the elements that *proof* names or halving finds; return whether there are any."""
        if not proof.differences:
            return False
        blamed = list(_blamed_elements(plan, proof.differences))
        if not blamed:
            blamed = [(element, proof.differences[0]) for element in self.unmovable_services(plan)]
        for element, finding in blamed:
            self.keep[element] = self._needed_engine(plan, finding) or _why_unmoved(
                element[2], finding
            )
            self.findings[element] = finding
        return bool(blamed)

    def _needed_engine(self, plan: Plan, finding: ProofFinding) -> str:
        """Return that *plan* needs a later Docker Compose, ``""`` if that is not the cause."""
        version = self.prover.engine.version
        if not finding.rejects or release(plan.since) <= self.prover.engine.release:
            return ""
        return f"moved, it needs Docker Compose v{plan.since} or later; this is v{version}"

    def unmovable_services(self, plan: Plan) -> list[FileElement]:
        """Return the services of *plan* that cannot move, by trying halves of them."""
        elements = [element for element in plan.moved if element[1] == "services"]
        good: list[FileElement] = []
        bad: list[FileElement] = []
        queue: list[Sequence[FileElement]] = [elements] if elements else []
        while queue:
            chunk = queue.pop(0)
            if self.can_move(elements, [*good, *chunk]):
                good += chunk
            elif len(chunk) == 1:
                bad += chunk
            else:
                middle = len(chunk) // 2
                queue = [chunk[:middle], chunk[middle:], *queue]
        return bad

    def can_move(self, elements: Sequence[FileElement], only: Sequence[FileElement]) -> bool:
        """Return whether, in scenarios that failed before, *only* these of *elements* can move."""
        kept = {element: "" for element in elements if element not in only}
        plan = self.planner({**self.keep, **kept}, frozenset())
        return not plan.planned_files or not self.check(plan, self.has_failed).differences

    def release_kept(self) -> None:
        """Release elements, one after another, that were kept only because of another one."""
        if len(self.keep) == 1:
            return  # the plan with this element has just failed
        for element in list(self.keep):
            reason = self.keep.pop(element)
            larger_plan = self.plan()
            if (
                larger_plan.planned_files
                and not self.check(larger_plan, self.has_failed).differences
            ):
                self.findings.pop(element, None)
            else:
                self.keep[element] = reason

    def move_predicted(
        self, predicted: Sequence[FileElement], plan: Plan, proof: ProofResult
    ) -> tuple[Plan, ProofResult]:
        """Move the elements *predicted* to be unmovable after all, as far as that can be proved."""
        for only in (lambda run: run.scenario.essential, None):
            predicted = [element for element in predicted if self.can_move_after_all(element, only)]
            if not predicted:
                break
            larger_plan = self.plan(predicted)
            larger_proof = self.check(larger_plan)
            if larger_proof.ok:
                return larger_plan, larger_proof
        return plan, proof

    def can_move_after_all(self, element: FileElement, only: Callable[[Run], bool] | None) -> bool:
        """Return whether a predicted element can move after all; note the difference if not."""
        proof = self.check(self.plan([element]), only)
        if proof.differences:
            self.findings[element] = proof.differences[0]
        return not proof.differences


def _why_unmoved(name: str, finding: ProofFinding) -> str:
    """Return why the element *name* does not move, for the user."""
    if finding.rejects:
        return f"moved, {finding.message}"
    difference = finding.message.removeprefix(f"service {name}: ")
    return f"moved, it would not be the same: {difference}"


def _blamed_elements(
    plan: Plan, findings: Iterable[ProofFinding]
) -> Iterable[tuple[FileElement, ProofFinding]]:
    """Yield the moved elements that *findings* name, each with the first such finding."""
    by_name: dict[tuple[str, str], list[FileElement]] = {}
    for element in plan.moved:
        by_name.setdefault(element[1:], []).append(element)
    seen: set[FileElement] = set()
    for finding in findings:
        names = [("services", finding.service)] if finding.service else []
        if finding.path[:1] and finding.path[0] in RESOURCE_SECTIONS:
            names.append((finding.path[0], finding.path[1] if len(finding.path) > 1 else ""))
        for section, name in names:
            for element in by_name.get((section, name or ""), []):
                if element not in seen:
                    seen.add(element)
                    yield element, finding


def locate(
    project: Project, entry: Invocation, path: Sequence[str], marks: Sequence[str] = ()
) -> Location | None:
    """Return the line in the project's files that is closest to a place in a configuration.

    Of several files of the start command, the one that contains more of the path is used, then the
    later one.

    Args:
        project: The project.
        entry: The start command.
        path: The place, from the top of the resolved configuration.
        marks: For an item of a list: texts that it contains. An item ``NAME=...`` for a NAME in the
            path is found too.

    Returns:
        The location; None if no file has even the section.
    """
    best: tuple[int, Location] | None = None
    order = [*entry.files, *sorted(project.files_of.get(entry, set()) - set(entry.files))]
    for name in order:
        file = project.files.get(name)
        depth, location = _deepest_location(file, path, marks) if file else (0, None)
        if location is not None and (best is None or depth >= best[0]):
            best = (depth, location)
    return best[1] if best else None


def stable(project: Project, messages: Mapping[Invocation, str]) -> dict[Invocation, str]:
    """Return the *messages* with which Docker Compose rejects start commands of *project*.

    Of several services with one fault it names any, another one each time: here, the first one.
    """
    return {entry: _about_first(project, entry, message) for entry, message in messages.items()}


_FIXED_NAME = r"deploy\.replicas: can't set container_name and (?P<name>\S+)"
_SAYS_BOTH = (r"(?<![\w.-])container_name(?![\w.-])", r"(?<![\w.-])replicas(?![\w.-])")
"""The fault for which Docker Compose names any of several services, and what they all say."""


def _about_first(project: Project, entry: Invocation, message: str) -> str:
    """Return *message* with the first service of *entry* that has the same fault."""
    named = re.search(_FIXED_NAME, message)
    if named is None:
        return message
    texts: dict[str, str] = {}
    for file in (project.files[path] for path in entry.files):
        for name, region in file.regions_in("services").items():
            text = file.source.text[region.lead : region.end]
            texts[name] = texts.get(name, "") + text
    for name, text in texts.items():
        if all(re.search(pattern, text) for pattern in _SAYS_BOTH):
            return f"{message[: named.start('name')]}{name}{message[named.end('name') :]}"
    return message


def error_location(project: Project, entry: Invocation, message: str) -> Location:
    """Return the line of the first service or section that an error of Docker Compose names.

    Args:
        project: The project.
        entry: The start command that it rejects.
        message: Its message.

    Returns:
        The location; that of the first file if the message names nothing in the root files.
    """
    files = [project.files[path] for path in entry.files]
    places = [("services", name) for name in services_named(message)]
    places += [(key, "") for key in re.findall(r"\b[a-z]+\b", message)]
    for section, name in places:
        for file in files:
            if name in file.entries(section) or (not name and section in file.root_keys):
                return file.location_of(section, name)
    return Location(entry.root_file)


def _deepest_location(
    file: ComposeFile, path: Sequence[str], marks: Sequence[str]
) -> tuple[int, Location | None]:
    node: Node | None = file.root
    location = None
    for depth, key in enumerate(path):
        entry = merged_entries(node).get(key)
        if entry is None:
            item = _matching_item(file, node, [key] if not key.isdecimal() else [], marks)
            deepest = file.source.location(item.start) if item is not None else location
            return depth + (item is not None), deepest
        location = file.source.location(entry.start)
        node = entry.value
    item = _matching_item(file, node, (), marks)
    return len(path) + (item is not None), (
        file.source.location(item.start) if item is not None else location
    )


def _matching_item(
    file: ComposeFile, node: Node | None, names: Sequence[str], marks: Sequence[str]
) -> Node | None:
    """Return the item of the list *node* named one of *names*, or that contains all *marks*."""
    sequence = resolve(node)
    if not isinstance(sequence, SequenceNode):
        return None
    for item in map(resolve, sequence.items):
        text = file.source.text[item.start : item.end]
        plain = text.strip("\"'")
        if any(plain == name or plain.startswith(f"{name}=") for name in names):
            return item
        if marks and all(mark in text for mark in marks):
            return item
    return None
