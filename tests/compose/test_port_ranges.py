"""Long ranges of published ports are shown as one."""

from __future__ import annotations

from composerefactor.compose.ports import PublishedPort, in_ranges
from composerefactor.errors import Location

LINE = Location("docker-compose.yml", 5)


def published(first: int, last: int, target: int, line: Location = LINE) -> list[PublishedPort]:
    return [
        PublishedPort("media", str(target + n - first), str(n), "", "udp", line)
        for n in range(first, last + 1)
    ]


def test_a_long_range_is_one() -> None:
    ports = published(16384, 32768, 16384)
    (one,) = in_ranges(ports)
    assert one.text == "16384-32768:16384-32768/udp"


def test_a_short_range_has_its_ports() -> None:
    ports = published(8000, 8009, 80)
    assert in_ranges(ports) == ports


def test_what_is_written_apart_is_shown_apart() -> None:
    ports = [*published(1000, 1019, 1000), *published(1020, 1039, 1020, Location("a.yml", 6))]
    assert [each.published for each in in_ranges(ports)] == ["1000-1019", "1020-1039"]


def test_a_port_with_a_note_is_apart() -> None:
    ports = published(1000, 1040, 1)
    shown = in_ranges(ports, lambda each: "taken" if each.published == "1020" else "")
    assert [each.published for each in shown] == ["1000-1019", "1020", "1021-1040"]
    assert [each.target for each in shown] == ["1-20", "21", "22-41"]


def test_ports_that_the_daemon_chooses_are_not_joined() -> None:
    ports = [PublishedPort("media", str(n), "", "", "tcp", LINE) for n in range(80, 100)]
    assert in_ranges(ports) == ports
