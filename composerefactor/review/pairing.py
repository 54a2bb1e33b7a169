"""Which entry point of one state is which of the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from composerefactor.compose.entrypoint import EntryPoint
from composerefactor.verify.sidebyside import Resolved


def paired(
    old: Sequence[EntryPoint], new: Sequence[EntryPoint]
) -> list[tuple[EntryPoint | None, EntryPoint | None]]:
    """Return which entry point of *new* is which of *old*.

    The same command is the same entry point; without ``-f`` the files may have other names. What
    is left over is taken together where the files have the same names in another directory, where
    most of the files are the same, or where each state has one entry point alone.
    """
    if len(old) == len(new) == 1:
        return [(old[0], new[0])]
    left = list(new)
    found: dict[EntryPoint, EntryPoint | None] = dict.fromkeys(old)
    for alike in (_same_command, _same_names, _most_files):
        for entry in [one for one in old if found[one] is None]:
            like = next((one for one in left if alike(entry, one)), None)
            if like is not None:
                left.remove(like)
                found[entry] = like
    return [*found.items(), *((None, entry) for entry in left)]


def _key(entry: EntryPoint) -> tuple[object, ...]:
    files = () if entry.implicit else entry.files
    place = entry.directory if entry.implicit else ""
    return (files, place, entry.project_directory, entry.env_files, entry.profiles)


def _same_command(one: EntryPoint, other: EntryPoint) -> bool:
    return _key(one) == _key(other)


def _same_names(one: EntryPoint, other: EntryPoint) -> bool:
    names = [tuple(file.rpartition("/")[2] for file in each.files) for each in (one, other)]
    return names[0] == names[1] and one.env_files == other.env_files


def _most_files(one: EntryPoint, other: EntryPoint) -> bool:
    shared = len(set(one.files) & set(other.files))
    return one.base == other.base and shared > 1 and shared * 2 > len({*one.files, *other.files})


def nearest_state(entry: EntryPoint, states: Mapping[EntryPoint, Resolved]) -> Resolved:
    """Return the state of the entry point that shares the most files with *entry*; none if none."""
    known = [
        (len(set(entry.files) & set(one.files)), -len(one.files), n, state)
        for n, (one, state) in enumerate(states.items())
        if not state.error and set(entry.files) & set(one.files)
    ]
    return max(known, key=lambda each: each[:3])[3] if known else Resolved()
