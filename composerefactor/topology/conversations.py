"""Who talks to whom in a stack, and how that is known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from msgspec import Struct

from composerefactor.catalog.placement import placement
from composerefactor.compose.merged import item_nodes, scalar_text
from composerefactor.topology.hosts import Mention, in_command, in_variable
from composerefactor.topology.labels import discovered
from composerefactor.topology.names import Names
from composerefactor.topology.servicereferences import Hint, references
from composerefactor.topology.stack import Found, Service, Stack


class Conversation(Struct, frozen=True):
    """The service *caller* needs *callee*; *hints* say why."""

    caller: str
    callee: str
    hints: tuple[Hint, ...]

    @property
    def needs_network(self) -> bool:
        """True unless the two share nothing but volumes or a namespace."""
        return any(hint.kind not in {"volumes_from", "namespace"} for hint in self.hints)


class HostMention(Struct, frozen=True):
    """A host that *caller* names in a variable or a command.

    *variable* is the name of the variable, or of the attribute that holds the command.
    *is_shared* is True where it stands in an env file that several services get.
    """

    caller: str
    variable: str
    mention: Mention
    hint: Hint
    is_shared: bool = False


def conversations(
    stack: Stack, mentions: Iterable[HostMention] | None = None
) -> list[Conversation]:
    """Return who talks to whom in *stack*, callers in the order of the files.

    *mentions* are the hosts that it names, where they are known already.
    """
    names = Names(stack)
    found: dict[tuple[str, str], dict[Hint, None]] = {}
    for reference in references(stack):
        if reference.name in stack.services:
            found.setdefault((reference.caller, reference.name), {})[reference.hint] = None
    for each in host_mentions(stack) if mentions is None else mentions:
        callee = names.service(each.caller, each.mention.host)
        if callee is not None:
            found.setdefault((each.caller, callee), {})[each.hint] = None
    for caller, callee, words, at in discovered(stack):
        found.setdefault((caller, callee), {})[Hint("label", words, at)] = None
    order = {name: index for index, name in enumerate(stack.services)}
    return [
        Conversation(caller, callee, tuple(hints))
        for (caller, callee), hints in sorted(
            found.items(), key=lambda item: (order[item[0][0]], order[item[0][1]])
        )
        if caller != callee
    ]


def host_mentions(stack: Stack) -> Iterator[HostMention]:
    """Yield every host that variables and commands of the services name, known or not."""
    shared = _shared_env_files(stack)
    for service in stack.services.values():
        is_store = placement(stack, service).counts_as == "data stores"
        for name, setting in service.settings.items():
            is_shared = setting.location.path in shared
            if is_store and is_shared:
                continue
            value = stack.variables.get(name) if setting.value is None else setting.value
            for mention in in_variable(name, value or "", stack.variables):
                words = f"{name}: {mention.words}"
                hint = Hint(mention.form, words, setting.location)
                yield HostMention(service.name, name, mention, hint, is_shared)
        for attribute in ("entrypoint", "command"):
            found = service.value(attribute)
            if found is not None:
                yield from _in_command(stack, service, attribute, found)


def _shared_env_files(stack: Stack) -> set[str]:
    """Return the env files that several services get: a data store has no use for most of it."""
    counts = Counter(path for service in stack.services.values() for path in service.env_files)
    return {p for p, count in counts.items() if count > 1 or p.rpartition("/")[2] == ".env"}


def _in_command(
    stack: Stack, service: Service, attribute: str, found: Found
) -> Iterator[HostMention]:
    text = " ".join(scalar_text(node) or "" for node in item_nodes(found.node))
    for mention in in_command(text, stack.variables):
        hint = Hint(mention.form, f"{attribute}: {mention.words}", found.location)
        yield HostMention(service.name, attribute, mention, hint)
