from __future__ import annotations

import json
from pathlib import Path

import pytest

from composerefactor.compose.short_forms import VolumeText, parse_volume, volumes
from support.engine import config, model
from support.nodes import mapping

# A short form and its parts: kind, source, target, options.
SHORT: list[tuple[str, tuple[str, str | None, str, tuple[str, ...]]]] = [
    ("/a", ("volume", None, "/a", ())),
    ("data:/a", ("volume", "data", "/a", ())),
    ("data:/a:nocopy", ("volume", "data", "/a", ("nocopy",))),
    ("data/x:/a", ("volume", "data/x", "/a", ())),
    ("éa:/a", ("volume", "éa", "/a", ())),
    ("./d:/a:ro", ("bind", "./d", "/a", ("ro",))),
    ("../d:/a", ("bind", "../d", "/a", ())),
    (".:/a", ("bind", ".", "/a", ())),
    ("..:/a", ("bind", "..", "/a", ())),
    (".hidden:/a", ("bind", ".hidden", "/a", ())),
    ("~:/a", ("bind", "~", "/a", ())),
    ("~/x:/a", ("bind", "~/x", "/a", ())),
    ("~user/x:/a", ("bind", "~user/x", "/a", ())),
    ("/x:/a:rw,z", ("bind", "/x", "/a", ("rw", "z"))),
    ("/a:ro", ("bind", "/a", "ro", ())),
    ("C:\\x:/a", ("bind", "C:\\x", "/a", ())),
    ("C:/x:/a:ro", ("bind", "C:/x", "/a", ("ro",))),
    ("c:/x:d:/y", ("bind", "c:/x", "d:/y", ())),
    ("\\\\srv\\s:/a", ("bind", "\\\\srv\\s", "/a", ())),
    ("data:C:\\a", ("volume", "data", "C:\\a", ())),
    ("v:/v", ("volume", None, "v:/v", ())),
    ("é:/v", ("volume", None, "é:/v", ())),
    ("v:/v:ro", ("bind", "v:/v", "ro", ())),
    ("a:b:c:d", ("bind", "a:b", "c:d", ())),
    ("x:", ("volume", None, "x:", ())),
]

WITH_VARIABLES: list[tuple[str, tuple[str, str | None, str, tuple[str, ...]]]] = [
    ("${DIR:-./d}:/a", ("", "${DIR:-./d}", "/a", ())),
    ("$DIR/x:/a:ro", ("", "$DIR/x", "/a", ("ro",))),
    ("./${DIR}:/a", ("bind", "./${DIR}", "/a", ())),
    ("data_${N:-a:b}:/a", ("volume", "data_${N:-a:b}", "/a", ())),
    ("data:${TARGET:-/a:b}:${MODE:-ro}", ("volume", "data", "${TARGET:-/a:b}", ("${MODE:-ro}",))),
    ("${ALL:-./a:/b}", ("volume", None, "${ALL:-./a:/b}", ())),
]

NO_VOLUME = ["ab:", ":/a", "data::ro", "data:/a:", "data:/a:ro:x", ""]


@pytest.mark.parametrize(("text", "expected"), [*SHORT, *WITH_VARIABLES])
def test_short_form(text: str, expected: tuple[str, str | None, str, tuple[str, ...]]) -> None:
    found = parse_volume(text)
    assert found == VolumeText(*expected)
    assert found.source is None or text.startswith(found.source)


@pytest.mark.parametrize("text", NO_VOLUME)
def test_invalid_short_form(text: str) -> None:
    assert parse_volume(text) is None


def test_long_form_merges_and_aliases() -> None:
    service = mapping(
        """
x: &base
  volumes:
    - {type: bind, source: ./a, target: /a, read_only: true}
    - {type: volume, source: data, target: /b}
    - {type: volume, target: /c}
    - {type: tmpfs, target: /d}
    - ./e:/e
    - /f
    - [g]
s: {<<: *base}
"""
    ).get("s")
    assert service is not None
    found = list(volumes(service))
    assert [volume.text for volume in found] == [
        VolumeText("bind", "./a", "/a", ("ro",)),
        VolumeText("volume", "data", "/b"),
        VolumeText("volume", None, "/c"),
        VolumeText("tmpfs", None, "/d"),
        VolumeText("bind", "./e", "/e"),
        VolumeText("volume", None, "/f"),
    ]
    assert [volume.text.read_only for volume in found] == [True, *[False] * 5]
    assert [volume.source_node is not None for volume in found] == [
        *(True, True, False, False, True, False)
    ]
    assert [volume.is_long for volume in found] == [*(True,) * 4, False, False]


def test_docker_compose_agrees(engine: Path, tmp_path: Path) -> None:
    services = {f"s{i}": {"image": "a", "volumes": [t]} for i, (t, _) in enumerate(SHORT)}
    names = {e[1] for _, e in SHORT if e[0] == "volume" and e[1] and "/" not in e[1]}
    services = {
        name: service
        for name, service in services.items()
        if not set(service["volumes"]) & {"data/x:/a", "éa:/a"}  # not valid names of volumes
    }
    text = json.dumps({"services": services, "volumes": dict.fromkeys(names - {"éa"})})
    loaded = model(engine, tmp_path, text)
    for name, service in services.items():
        [volume] = volumes(mapping(json.dumps(service)))
        [expected] = loaded["services"][name]["volumes"]
        assert volume.text.kind == expected["type"], service
        assert volume.text.target == expected["target"], service
        assert volume.text.read_only is expected.get("read_only", False), service
        assert (volume.text.source is None) is ("source" not in expected), service


@pytest.mark.parametrize("text", NO_VOLUME)
def test_docker_compose_rejects_it(text: str, engine: Path, tmp_path: Path) -> None:
    services = {"a": {"image": "a", "volumes": [text]}}
    (tmp_path / "compose.yaml").write_text(json.dumps({"services": services}))
    assert config(engine, tmp_path).returncode != 0
