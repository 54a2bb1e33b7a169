"""Commands in every kind of file are rewritten: only what the move needs is inserted."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from composerefactor.compose.invocation import Invocation
from composerefactor.errors import RefusedError
from support.moving import shop

BASE = {
    "docker-compose.yml": "services:\n  web:\n    image: nginx\n",
    "docker-compose.prod.yml": "services:\n  web:\n    restart: always\n",
    "scripts/x": "",
}
PIN = "--project-directory . -f docker-compose/docker-compose.yml"

LINES = [
    ("run.sh", "docker compose up", f"docker compose {PIN} up"),
    ("run.sh", "sudo docker-compose up -d", f"sudo docker-compose {PIN} up -d"),
    ("run.sh", "(docker compose pull) && ls", f"(docker compose {PIN} pull) && ls"),
    ("run.sh", 'ID="$(docker compose ps -q)"', f'ID="$(docker compose {PIN} ps -q)"'),
    ("run.sh", "docker compose version", "docker compose version"),
    (
        "run.sh",
        "docker compose -fdocker-compose.yml --file=docker-compose.prod.yml up",
        (
            "docker compose --project-directory . -fdocker-compose/docker-compose.yml"
            " --file=docker-compose/docker-compose.prod.yml up"
        ),
    ),
    (
        "run.sh",
        "cd scripts && docker compose -f ../docker-compose.yml up",
        (
            "cd scripts && docker compose --project-directory .."
            " -f ../docker-compose/docker-compose.yml up"
        ),
    ),
    (
        "run.sh",
        'docker compose -f "$(git rev-parse --show-toplevel)/docker-compose.yml" up',
        (
            'docker compose --project-directory "$(git rev-parse --show-toplevel)"'
            ' -f "$(git rev-parse --show-toplevel)/docker-compose/docker-compose.yml" up'
        ),
    ),
    (
        "run.sh",
        "export COMPOSE_FILE=docker-compose.yml:docker-compose.prod.yml\ndocker compose up",
        (
            "export COMPOSE_FILE=docker-compose/docker-compose.yml"
            ":docker-compose/docker-compose.prod.yml\ndocker compose --project-directory . up"
        ),
    ),
    (
        "run.sh",
        'F="${CHOSEN:-$PWD/docker-compose.yml}"\ndocker compose -f "$F" up',
        (
            'F="${CHOSEN:-$PWD/docker-compose/docker-compose.yml}"\n'
            'docker compose --project-directory "$PWD" -f "$F" up'
        ),
    ),
    (
        "run.sh",
        'F="-f docker-compose.yml"\nF+=" -f docker-compose.prod.yml"\ndocker compose $F up',
        (
            'F="--project-directory . -f docker-compose/docker-compose.yml"\n'
            'F+=" -f docker-compose/docker-compose.prod.yml"\ndocker compose $F up'
        ),
    ),
    (
        "Makefile",
        "DC = docker compose\nup:\n\t@$(DC) up\nprod:\n\t$(DC) -f docker-compose.prod.yml up",
        (
            f"DC = docker compose\nup:\n\t@$(DC) {PIN} up\nprod:\n\t$(DC) --project-directory ."
            " -f docker-compose/docker-compose.prod.yml up"
        ),
    ),
    (
        "Makefile",
        (
            "COMPOSE ?= docker compose\nPROD = $(COMPOSE) -f docker-compose.yml\n"
            "A = $(B)\nB = $(A)\nup:\n\t$(COMPOSE) up\ndeploy:\n\t$(PROD) pull\n\t$(PROD) up -d"
        ),
        (
            f"COMPOSE ?= docker compose\nPROD = $(COMPOSE) {PIN}\n"
            f"A = $(B)\nB = $(A)\nup:\n\t$(COMPOSE) {PIN} up\n"
            "deploy:\n\t$(PROD) pull\n\t$(PROD) up -d"
        ),
    ),
    (
        ".github/workflows/ci.yml",
        (
            "jobs:\n  a:\n    steps:\n      - run: >-\n          docker compose\n"
            "          -f docker-compose.yml\n          build\n"
        ),
        (
            "jobs:\n  a:\n    steps:\n      - run: >-\n          docker compose\n"
            f"          {PIN}\n          build\n"
        ),
    ),
    (
        ".github/workflows/ci.yml",
        "steps:\n  - run: docker compose -f docker-compose.${{ matrix.e }}.yml up",
        (
            "steps:\n  - run: docker compose --project-directory ."
            " -f docker-compose/docker-compose.${{ matrix.e }}.yml up"
        ),
    ),
    (
        "package.json",
        '{"scripts": {"up": "sh -c \\"docker compose -f \'docker-compose.yml\' up\\""}}',
        (
            '{"scripts": {"up": "sh -c \\"docker compose --project-directory .'
            " -f 'docker-compose/docker-compose.yml' up\\\"\"}}"
        ),
    ),
    (
        "run.sh",
        "docker compose -f ${F:-docker-compose.yml} up",
        "docker compose --project-directory . -f ${F:-docker-compose/docker-compose.yml} up",
    ),
    (
        "run.sh",
        (
            "if [ -n \"$A\" ]; then F=docker-compose.yml; else F='docker-compose.yml'; fi\r\n"
            "docker compose -f $F up\r\n"
        ),
        (
            'if [ -n "$A" ]; then F=docker-compose/docker-compose.yml;'
            " else F='docker-compose/docker-compose.yml'; fi\r\n"
            "docker compose --project-directory . -f $F up\r\n"
        ),
    ),
    (
        "run.sh",
        'F="-f docker-compose.yml"\nF="$F -f docker-compose.prod.yml"\ndocker compose $F up',
        (
            'F="--project-directory . -f docker-compose/docker-compose.yml"\n'
            'F="$F -f docker-compose/docker-compose.prod.yml"\ndocker compose $F up'
        ),
    ),
    (
        "Makefile",
        "F = -f docker-compose.yml\nF += -f docker-compose.prod.yml\nup:\n\tdocker compose $(F) up",
        (
            "F = --project-directory . -f docker-compose/docker-compose.yml\n"
            "F += -f docker-compose/docker-compose.prod.yml\nup:\n\tdocker compose $(F) up"
        ),
    ),
    (
        "Makefile",
        (
            "F = docker-compose.yml\nifdef A\nF = docker-compose.yml\nendif\n"
            'up:\n\tX="$$Y" docker compose -f $(F) up'
        ),
        (
            "F = docker-compose/docker-compose.yml\nifdef A\n"
            "F = docker-compose/docker-compose.yml\nendif\n"
            'up:\n\tX="$$Y" docker compose --project-directory . -f $(F) up'
        ),
    ),
    (
        "justfile",
        "dc := \"docker compose\"\nf := 'docker-compose.yml'\nup:\n    @{{dc}} -f {{f}} up",
        (
            "dc := \"docker compose\"\nf := 'docker-compose/docker-compose.yml'\nup:\n"
            "    @{{dc}} --project-directory . -f {{f}} up"
        ),
    ),
    (
        "Taskfile.yml",
        (
            "vars:\n  F: docker-compose.yml\ntasks:\n  up:\n    cmds:\n"
            "      - 'docker compose -f {{.F}} up ''x'''\n"
        ),
        (
            "vars:\n  F: docker-compose/docker-compose.yml\ntasks:\n  up:\n    cmds:\n"
            "      - 'docker compose --project-directory . -f {{.F}} up ''x'''\n"
        ),
    ),
    (
        ".github/workflows/ci.yml",
        (
            'steps:\n  - run: "docker compose \\\n      -f docker-compose.yml\n      up\\n'
            '\\tdocker compose pull"\n'
        ),
        (
            f'steps:\n  - run: "docker compose \\\n      {PIN}\n      up\\n'
            f'\\tdocker compose {PIN} pull"\n'
        ),
    ),
    (
        "deploy.bat",
        "docker compose ^\r\n  -f .\\docker-compose.yml up",
        ("docker compose ^\r\n  --project-directory . -f .\\docker-compose/docker-compose.yml up"),
    ),
    (
        "docs/setup.md",
        "Call `docker compose -f docker-compose.yml up`, see docker-compose.yml.",
        f"Call `docker compose {PIN} up`, see docker-compose.yml.",
    ),
]


@pytest.mark.parametrize(("path", "before", "after"), LINES)
def test_a_command_names_the_project_directory(path: str, before: str, after: str) -> None:
    found = shop({**BASE, path: before}).rewritten()
    assert found.get(path, before) == after


def test_a_byte_order_mark_is_no_character() -> None:
    found = shop({**BASE, "run.ps1": "\ufeff# Start\ndocker compose up\n"}).rewritten()
    assert found == {"run.ps1": f"# Start\ndocker compose {PIN} up\n"}


def test_with_the_pins_in_the_files_a_command_names_files_alone() -> None:
    found = shop({**BASE, "run.sh": "docker compose up\n"}).rewritten(in_files=True)
    assert found == {"run.sh": "docker compose -f docker-compose/docker-compose.yml up\n"}


def test_compose_file_in_a_dotenv_follows_roots_that_hold_their_pins() -> None:
    setting = "COMPOSE_FILE=docker-compose.yml:docker-compose.prod.yml\n"
    found = shop({**BASE, ".env": setting, "run.sh": "docker compose up\n"}).rewritten(
        in_files=True
    )
    assert found == {".env": setting.replace("docker-compose.", "docker-compose/docker-compose.")}


def test_a_dev_container_follows_roots_that_hold_their_pins() -> None:
    path = ".devcontainer/devcontainer.json"
    text = (
        '{"dockerComposeFile": [\n"../docker-compose.yml", "x.yml"], "name": "docker-compose.yml"}'
    )
    found = shop({**BASE, ".devcontainer/x.yml": "services: {}\n", path: text})
    assert found.rewritten(in_files=True)[path] == text.replace(
        "../docker-compose.yml", "../docker-compose/docker-compose.yml"
    )


@pytest.mark.parametrize(
    ("path", "text", "line"),
    [
        (".env", "A=1\nCOMPOSE_FILE=docker-compose.yml\n", 2),
        (".devcontainer/devcontainer.json", '{"dockerComposeFile": "../docker-compose.yml"}', 1),
        ("run.sh", "F=docker-compose\n\nF=$F.yml\ndocker compose -f $F up", 4),
    ],
)
def test_what_cannot_be_rewritten_is_refused_with_its_place(
    path: str, text: str, line: int
) -> None:
    with pytest.raises(RefusedError, match="cannot be rewritten") as raised:
        shop({**BASE, path: text}).references()
    assert str(raised.value.location) == f"{path}:{line}"


def test_what_else_names_a_root_is_listed_programs_first() -> None:
    texts = {**BASE, "README.md": "See docker-compose.yml.\n", "z.sh": "cp docker-compose.yml /x\n"}
    found = [str(place) for place in shop(texts).references().mentions]
    assert found == ["z.sh:1", "README.md:1"]


WORDS = st.sampled_from(
    [
        "docker compose",
        "docker-compose",
        "sudo docker compose --ansi never",
        "/usr/bin/docker compose",
        "$(DC)",
    ]
)
FILES = st.lists(st.sampled_from(["docker-compose.yml", "docker-compose.prod.yml"]), unique=True)
FORMS = st.sampled_from(
    ["-f {}", "-f './{}'", '--file "{}"', "--file={}", "-f ./{}", "-f\\\n\t {}"]
)
OTHERS = st.sampled_from(["", " --profile debug", " -p shop", " --env-file=prod.env"])
AFTER = st.sampled_from(
    [" up -d", " logs -f api", " exec db sh -c 'ls -f x'", " pull && echo done"]
)


@given(st.lists(st.tuples(WORDS, FILES, FORMS, OTHERS, AFTER), min_size=1, max_size=4))
def test_rewritten_commands_start_what_they_started(
    commands: list[tuple[str, list[str], str, str, str]],
) -> None:
    recipes = [
        f"t{n}:\n\t{program}{other}{''.join(' ' + form.format(f) for f in files)}{after}\n"
        for n, (program, files, form, other, after) in enumerate(commands)
    ]
    text = "DC := docker compose\n" + "".join(recipes)
    before = shop({**BASE, "prod.env": "", "Makefile": text})
    new = before.rewritten()["Makefile"]
    assert is_subsequence(text, new), "nothing is taken away"
    moved = {before.relocation.path(path): words for path, words in BASE.items()}
    after = shop({**moved, "prod.env": "", "Makefile": new}, to="elsewhere")
    assert commanded(after.found.entries) == {
        replace(
            entry,
            files=tuple(map(before.relocation.path, entry.files)),
            project_directory=".",
            implicit=False,
        )
        for entry in commanded(before.found.entries)
    }


def commanded(entries: Iterable[Invocation]) -> set[Invocation]:
    return {
        replace(entry, directory=".", assumed=False)
        for entry in entries
        if any(why.path for why in entry.evidence)
    }


def is_subsequence(text: str, of: str) -> bool:
    characters = iter(of)
    return all(character in characters for character in text)
