"""Correct keys and values that Docker Compose rejects.

Of a key that is written twice with the same value, one is removed. A misspelt key (`depends`,
`environments`, `netwroks`) is renamed if only one key can be meant. Text that needs quotes gets
them, a single value becomes a list where a list is required, and duplicates are removed from lists
that cannot contain any. Two different values for one key, and a key that resembles no other, are
reported with a remedy.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import cached_property
from itertools import chain

from composerefactor.compose.attributes import (
    SERVICE,
    SERVICE_ORDER,
    TOP,
    VERSION_1_KEYS,
    Attribute,
    keys_below,
)
from composerefactor.compose.files import RESOURCE_SECTIONS, SECTION_NOUNS, ComposeFile
from composerefactor.compose.project import Project
from composerefactor.edit.operations import Edit, Remove, Rename, Replace, ToMapping
from composerefactor.edit.rendering import Flow, Quoted, Value, after_last_line
from composerefactor.errors import InputError, Location
from composerefactor.refactoring.contract import Change, NoOptions, Refusal, fixer
from composerefactor.transforms._attribute import dependency_edits
from composerefactor.yaml.comments import comments_in
from composerefactor.yaml.nodes import (
    Entry,
    MappingNode,
    Node,
    Path,
    ScalarNode,
    SequenceNode,
    entry_paths,
    node_at,
    resolve,
)
from composerefactor.yaml.values import (
    merged_entries,
    merged_get,
    names_in,
    resolve_plain,
    to_python,
)

_SYNONYMS = {
    "env": "environment",
    "envs": "environment",
    "env_vars": "environment",
    "environment_file": "env_file",
    "depend": "depends_on",
    "depends": "depends_on",
    "dependencies": "depends_on",
    "health_check": "healthcheck",
    "cmd": "command",
    "name": "container_name",
    "network": "networks",
    "volume": "volumes",
    "mounts": "volumes",
    "workdir": "working_dir",
    "memory": "mem_limit",
}
"""Common wrong names of keys; each counts only where the right key is allowed."""
_LONG_WORD = 6
"""From this length on words may differ by two letters, shorter ones by one."""
_DURATIONS = tuple(
    key
    for key in keys_below(SERVICE, ("healthcheck",))
    if "duration" in SERVICE["healthcheck", key].values
)
_MAPPINGS = tuple(dict.fromkeys(path[:-1] for path in SERVICE if len(path) > 1 and "*" not in path))
"""The mappings of a service in which only known keys are allowed."""
_PROBES = frozenset({"CMD", "CMD-SHELL", "NONE"})


@fixer(
    NoOptions,
    first=True,
    purpose="correctness",
    cause="Docker Compose rejects or ignores what is written",
)
def fix_schema(project: Project, options: NoOptions) -> Iterator[Change | Refusal]:  # noqa: ARG001
    """Yield a change, or a refusal, for each key or value that the schema rejects."""
    for file in project.own_files.values():
        duplicates = list(_duplicate_keys(file))
        yield from duplicates
        if not file.top_services:
            # Paths are ambiguous as long as a key is written twice.
            rest = chain(_misspelt_keys(file), Corrections(file))
            yield from (r for r in rest if not duplicates or isinstance(r, Refusal))


def _duplicate_keys(file: ComposeFile) -> Iterator[Change | Refusal]:
    """Yield a change or refusal for each key that a mapping has twice, outer mappings first."""
    for path, node in file.paths:
        if not isinstance(node, MappingNode):
            continue
        if len({entry.name or "" for entry in node.entries}) == len(node.entries):
            continue
        if node_at(file.root, path) is not node:  # it is below the second of two equal keys
            continue
        first: dict[str, Entry] = {}
        for entry in node.entries:
            name = entry.name or ""
            known = first.setdefault(name, entry)
            if known is not entry and node.entries.count(known):
                yield _resolve_duplicate(file, (*path, name), known, entry)
                break


def _resolve_duplicate(
    file: ComposeFile, path: tuple[str | int, ...], first: Entry, second: Entry
) -> Change | Refusal:
    """Return the change that removes one of two entries, a refusal if their values differ."""
    source, name = file.source, path[-1]
    line = source.line_number(first.start)
    location = source.location(second.start)
    if name != "<<" and _same_value(first, second):
        problem = f"{name} is written twice with the same value, first at line {line}"
        comment_counts = [
            len(comments_in(source, each, each.start, after_last_line(source, each)))
            for each in (first, second)
        ]
        edit = Remove(file.path, path, nth=int(comment_counts[0] > comment_counts[1]))
        return Change(
            f"Remove the duplicate key {name}", location, [edit], evidence=problem, repairs=True
        )
    remedy = (
        "write <<: [*a, *b]" if name == "<<" else "keep one; docker-compose 1.x used the last one"
    )
    reason = f"{name} is written twice with different values, first at line {line}"
    return Refusal(reason, location, remedy, repairs=True)


def _same_value(first: Entry, second: Entry) -> bool:
    """Return whether both entries have the same value."""
    try:
        return bool(to_python(first.value) == to_python(second.value))
    except InputError:
        return False


def _misspelt_keys(file: ComposeFile) -> Iterator[Change | Refusal]:
    """Yield a change or refusal for each unknown key."""
    key_paths: dict[int, Path] = {}
    seen: set[int] = set()
    for place, mapping, known in _mappings_with_known_keys(file):
        entries = merged_entries(mapping)
        for name, entry in entries.items():
            if name in known or name.startswith("x-") or id(entry) in seen:
                continue
            seen.add(id(entry))
            key_paths = key_paths or entry_paths(file.root)
            location = file.source.location(entry.start)
            meant = nearest_key(name, known)
            if meant is not None and meant in entries:
                yield _merge_misspelt(file, place, key_paths, entry, entries[meant])
            elif meant is None:
                reason = f"{place} has no key {name}"
                remedy = f"correct it, or rename it to x-{name} to keep it"
                yield Refusal(reason, location, remedy, repairs=True)
            else:
                title = f"Rename {name} of {place} to {meant}"
                edits = [Rename(file.path, key_paths[id(entry)], meant)]
                problem = f"{place} has no key {name}; did you mean {meant}?"
                yield Change(title, location, edits, evidence=problem, repairs=True)


def _mappings_with_known_keys(file: ComposeFile) -> Iterator[tuple[str, Node, Collection[str]]]:
    """Yield (name, mapping, known keys) for each mapping of *file* that allows only known keys.

    The name is text for messages, such as ``deploy of service web``. Merge keys and aliases are
    followed, so the mapping may be written at another place.
    """
    yield "the file", file.root, keys_below(TOP, ())
    for name, body in file.services.items():
        yield f"service {name}", body, {*SERVICE_ORDER, *VERSION_1_KEYS}
        for path in _MAPPINGS:
            node: Node | None = body
            for key in path:
                node = merged_get(node, key)
            if node is not None and merged_entries(node):
                yield f"{'.'.join(path)} of service {name}", node, keys_below(SERVICE, path)
    for section in RESOURCE_SECTIONS:
        for name, node in file.entries(section).items():
            yield f"{SECTION_NOUNS[section]} {name}", node, keys_below(TOP, (section, "*"))


def _merge_misspelt(
    file: ComposeFile, place: str, key_paths: dict[int, Path], wrong: Entry, right: Entry
) -> Change | Refusal:
    """Return the change that merges the misspelt *wrong* into the key *right*, or a refusal."""
    location = file.source.location(wrong.start)
    problem = f"{place} has no key {wrong.name}, and already has {right.name}"
    path = key_paths[id(right)]
    if right.name != "depends_on" or not isinstance(resolve(wrong.value), SequenceNode):
        remedy = f"move its content to {right.name}, and remove it"
        return Refusal(problem, location, remedy, repairs=True)
    edits = dependency_edits(file, path, resolve(right.value), names_in(wrong.value))
    removal = Remove(file.path, key_paths[id(wrong)])
    title = f"Merge {wrong.name} of {place} into {right.name}"
    return Change(title, location, [*edits, removal], evidence=problem, repairs=True)


class Corrections:
    """Changes and refusals for the values of the wrong type in one file.

    A shared value is corrected once, where it is defined.
    """

    def __init__(self, file: ComposeFile) -> None:
        self.file = file
        self.seen: set[int] = set()

    @cached_property
    def paths(self) -> dict[int, Path]:
        """The path of each node of the file, by its id."""
        return {id(node): path for path, node in self.file.paths}

    def __iter__(self) -> Iterator[Change | Refusal]:
        for body in self.file.services.values():
            for key, entry in merged_entries(body).items():
                if (attribute := SERVICE.get((key,))) is not None:
                    yield from self._of_attribute(entry.value, attribute)
            check = merged_get(body, "healthcheck")
            yield from self._check(check) if check is not None else ()
            arguments = merged_get(merged_get(body, "build"), "args")
            yield from self._pairs(arguments, SERVICE["build", "args"])
        for section in RESOURCE_SECTIONS:
            node = self.file.root.get(section)
            if isinstance(node, SequenceNode) and node.items:
                yield self._to_mapping(section, node)

    def _of_attribute(self, node: Node, attribute: Attribute) -> Iterator[Change | Refusal]:
        """Yield the corrections of the value of *attribute*, unless it was seen before."""
        node, key = resolve(node), attribute.name
        if id(node) in self.seen:
            return
        self.seen.add(id(node))
        if isinstance(node, ScalarNode) and not node.is_null:
            if attribute.needs_text:
                yield from self._text(node, attribute)
            elif attribute.needs_list:
                value: Value = [Quoted(node.value) if key == "ports" else node.value]
                yield self._replaced(node, value, f"{key} must be a list", f"Write {key} as a list")
        elif isinstance(node, SequenceNode):
            if attribute.needs_text_items:
                yield from self._items(node)
            if "distinct" in attribute.options:
                yield from self._duplicates(node, key)
            yield from self._pairs(node, attribute)

    def _text(self, node: ScalarNode, attribute: Attribute) -> Iterator[Change | Refusal]:
        value, key = _plain_value(node), attribute.name
        if isinstance(value, str):
            return
        if key == "restart":
            if value is False:
                yield self._replaced(
                    node, Quoted("no"), "restart must be text", "Write restart as text"
                )
            else:
                problem = f"restart: {node.value} is not a policy"
                remedy = "write always, unless-stopped, on-failure or no"
                yield Refusal(problem, self.location(node), remedy, repairs=True)
            return
        text = f"{node.value}s" if "duration" in attribute.values else node.value
        yield self._replaced(node, Quoted(text), f"{key} must be text", f"Write {key} as text")

    def _items(self, node: SequenceNode) -> Iterator[Change | Refusal]:
        for item in node.items:
            if (
                isinstance(item, ScalarNode)
                and not item.is_null
                and not isinstance(_plain_value(item), str)
            ):
                yield self._replaced(
                    item,
                    Quoted(item.value),
                    "a list item must be text",
                    "Write a list item as text",
                )

    def _duplicates(self, node: SequenceNode, key: str) -> Iterator[Change | Refusal]:
        seen: set[str] = set()
        for item in node.items:
            if isinstance(item, ScalarNode):
                if item.value in seen:
                    edit = Remove(self.file.path, self.paths[id(item)])
                    problem = f"{key} contains {item.value} twice"
                    title = f"Remove the duplicate {item.value} from {key}"
                    yield self._change(item, edit, problem, title)
                seen.add(item.value)

    def _pairs(self, node: Node | None, attribute: Attribute) -> Iterator[Change | Refusal]:
        """Yield the corrections of items that a space made mappings: ``- KEY: value``."""
        key = attribute.path[-1]
        separator = "=" if attribute.has_pairs else attribute.options.get("short", "")
        if not separator or not isinstance(node, SequenceNode):
            return
        for item in node.items:
            if not isinstance(item, MappingNode) or len(item.entries) != 1:
                continue
            entry = item.entries[0]
            if isinstance(entry.value, ScalarNode) and not entry.value.is_null and not item.flow:
                text = f"{entry.name}{separator}{entry.value.value}"
                value = Quoted(text) if key == "ports" else text
                problem = f"the items of {key} must be text"
                yield self._replaced(item, value, problem, f"Write an item of {key} as text")

    def _check(self, check: Node) -> Iterator[Change | Refusal]:
        for key in _DURATIONS:
            node = merged_get(check, key)
            if not isinstance(node, ScalarNode) or node.is_null or id(node) in self.seen:
                continue
            self.seen.add(id(node))
            if not isinstance(_plain_value(node), str):
                yield self._replaced(
                    node, f"{node.value}s", f"{key} must have a unit", f"Add a unit to {key}"
                )
        test = merged_get(check, "test")
        if isinstance(test, SequenceNode) and id(test) not in self.seen:
            self.seen.add(id(test))
            words = [item.value for item in test.items if isinstance(item, ScalarNode)]
            if words and words[0] not in _PROBES and len(words) == len(test.items):
                problem = "a test must begin with CMD, CMD-SHELL or NONE"
                if test.flow:
                    yield self._replaced(
                        test, Flow(("CMD", *words)), problem, "Add CMD to the test"
                    )
                else:
                    remedy = "add an item CMD before the others"
                    yield Refusal(problem, self.location(test), remedy, repairs=True)
            else:
                yield from self._items(test)

    def _to_mapping(self, section: str, node: SequenceNode) -> Change:
        names = [item.value for item in node.items if isinstance(item, ScalarNode)]
        edit = ToMapping(self.file.path, (section,), dict.fromkeys(names))
        problem = f"{section} must be a mapping"
        return self._change(node, edit, problem, f"Write {section} as a mapping")

    def _replaced(self, node: Node, value: Value, problem: str, title: str) -> Change:
        edit = Replace(self.file.path, self.paths[id(node)], value)
        return self._change(node, edit, problem, title)

    def _change(self, node: Node, edit: Edit, problem: str, title: str) -> Change:
        """Return the change that corrects *node*, about which *problem* says what is wrong."""
        return Change(title, self.location(node), [edit], evidence=problem, repairs=True)

    def location(self, node: Node) -> Location:
        """Return where *node* is."""
        return self.file.source.location(node.start)


def _plain_value(node: ScalarNode) -> object:
    return node.value if node.style or node.tag else resolve_plain(node.value)


def nearest_key(word: str, known: Collection[str]) -> str | None:
    """Return the one of *known* that the misspelt *word* obviously means, or None.

    Accepts differences in case, ``-`` for ``_``, a plural, and swapped, missing or doubled letters.
    None if two words are equally near.
    """
    simple = _normalized(word)
    same = [key for key in known if _normalized(key) == simple]
    if len(same) == 1:
        return same[0]
    synonym = _SYNONYMS.get(word.lower().replace("-", "_"))
    if synonym in known:
        return synonym
    if len(simple) < 4:  # noqa: PLR2004 - too short for a guess
        return None
    distances = {key: edit_distance(simple, _normalized(key)) for key in known}
    least = min(distances.values())
    near = [key for key, distance in distances.items() if distance == least]
    return near[0] if len(near) == 1 and least <= (2 if len(simple) >= _LONG_WORD else 1) else None


def edit_distance(a: str, b: str) -> int:
    """Return how many letters must be added, removed, changed or swapped to turn *a* into *b*."""
    above: list[int] = []
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        before, above, row = above, row, [i]
        for j, y in enumerate(b, 1):
            cost = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and y == a[i - 2]:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
    return row[-1]


def _normalized(word: str) -> str:
    return word.lower().replace("_", "").replace("-", "")
