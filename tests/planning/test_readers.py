# ruff: noqa: E501 - tables with a case a line
"""What becomes of other programs that read a file which is split: followed, fine, named or whole.

Each case is a small project with one reader. The readers whose own files are edited are golden
cases, too: ``golden/split/readers`` and ``golden/join/readers``.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from composerefactor.planning.readers import readers
from support.commandline import CommandLine

STACK = """\
services:
  web:
    image: nginx:1.27
    depends_on: [api]
  api:
    image: acme/api:1.2
  db:
    image: postgres:16
  cache:
    image: redis:7
"""
ROOT = "docker-compose.yml"
UNPROVEN = ("--engine", "none")


def write(folder: Path, files: dict[str, str]) -> None:
    for path, text in {ROOT: STACK, **files}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(text.encode())


def outcomes(command_line: CommandLine, folder: Path, *options: str) -> list[tuple[str, str, int]]:
    """Return reader, state and line of each outcome of a split of *folder*."""
    given = ("--force", "--dry-run", "--format", "json", *UNPROVEN, *options)
    run = command_line(folder, "split", *given)
    assert run.code == 0, run.err
    return [(each["reader"], each["state"], each["line"]) for each in run.document["readers"]]


RAW = "https://raw.githubusercontent.com/acme/shop/main/docker-compose.yml"

NAMED = {
    "scp": ("up.sh", "scp docker-compose.yml host:/srv/\n", "copy-commands"),
    "scp in a list": ("up.sh", "set -e; scp -q ./docker-compose.yml .env host:\n", "copy-commands"),
    "scp of a variable": ("up.sh", "F=docker-compose.yml\nscp $F host:\n", "copy-commands"),
    "rsync": ("bin/up.sh", "rsync -av ../docker-compose.yml config/ host:/srv/\n", "copy-commands"),
    "tar": ("up.sh", "tar -czf a.tgz docker-compose.yml\n", "copy-commands"),
    "zip": ("up.sh", "zip a.zip docker-compose.yml\n", "copy-commands"),
    "aws": ("up.sh", "aws s3 cp docker-compose.yml s3://bucket/\n", "copy-commands"),
    "curl": ("up.sh", "curl -F file=@docker-compose.yml https://x.test\n", "copy-commands"),
    "make": ("Makefile", "ship:\n\tscp docker-compose.yml host:/srv/\n", "copy-commands"),
    "fenced": ("README.md", "```sh\n$ scp docker-compose.yml host:\n```\n", "copy-commands"),
    "cp to a directory": ("up.sh", "cp docker-compose.yml /srv/shop/\n", "copy-commands"),
    "dockerfile": ("Dockerfile", "FROM a:1\nCOPY docker-compose.yml /s/\n", "dockerfile-copy"),
    "dockerfile, exec": ("Dockerfile", 'FROM a:1\nADD ["docker-compose.yml", "/"]\n', "dockerfile-copy"),
    "raw url, plain": ("README.md", f"    wget {RAW}\n", "raw-urls"),
    "raw url, fenced": ("README.md", f"```sh\ncurl -O {RAW}\n```\n", "raw-urls"),
    "raw url, refs": ("docs/x.rst", RAW.replace("main", "refs/heads/main") + "\n", "raw-urls"),
    "release": (
        "README.md",
        "https://github.com/acme/shop/releases/latest/download/docker-compose.yml\n",
        "raw-urls",
    ),
    "jsdelivr": ("README.md", "https://cdn.jsdelivr.net/gh/acme/shop@1/docker-compose.yml\n", "raw-urls"),
    "copy": ("site.yml", "- copy:\n    src: docker-compose.yml\n    dest: /\n", "ansible"),
    "copy, inline": ("roles/x/tasks/main.yml", "- copy: src=../../../docker-compose.yml dest=/s\n", "ansible"),
    "copy, loop": (
        "site.yml",
        "- copy:\n    src: '{{ item }}'\n    dest: /\n  loop: [docker-compose.yml, .env]\n",
        "ansible",
    ),
    "template": ("site.yml", "- ansible.builtin.template: {src: docker-compose.yml, dest: /}\n", "ansible"),
    "terraform": ("main.tf", 'x = file("${path.module}/docker-compose.yml")\n', "terraform"),
    "terraform, provisioner": ("i/main.tf", 'provisioner "file" {\n  source = "../docker-compose.yml"\n}\n', "terraform"),
    "scp-action": (
        ".github/workflows/x.yml",
        "jobs: {x: {steps: [{uses: appleboy/scp-action@v1, with: {source: 'docker-compose.yml,.env'}}]}}\n",
        "upload-steps",
    ),
    "artifact": (
        ".github/workflows/x.yml",
        "jobs:\n x:\n  steps:\n  - uses: actions/upload-artifact@v4\n    with:\n     path: |\n      docker-compose.yml\n",
        "upload-steps",
    ),
    "gitlab artifact": (".gitlab-ci.yml", "x:\n  artifacts:\n    paths: [docker-compose.yml]\n", "upload-steps"),
    "sed": ("up.sh", "sed -i s/1.27/1.28/ docker-compose.yml\n", "text-commands"),
    "yq": ("up.sh", "yq '.services.web.image' docker-compose.yml\n", "text-commands"),
    "grep": ("Makefile", "tag:\n\tgrep image: docker-compose.yml\n", "text-commands"),
    "grep for the name": ("ci.sh", "git diff --name-only | grep -q '^docker-compose\\.yml$'\n", "text-commands"),
    "patch": ("x.patch", "--- a/docker-compose.yml\n+++ b/docker-compose.yml\n@@ -1 +1 @@\n-x\n+y\n", "patches"),
    "updatecli": ("updatecli.d/x.yaml", "targets:\n  x:\n    spec: {file: docker-compose.yml}\n", "updatecli"),
    "release files": (
        ".github/workflows/x.yml",
        "jobs:\n x:\n  steps:\n  - uses: softprops/action-gh-release@v2\n    with:\n     files: ${{ github.workspace }}/docker-compose.yml\n",
        "upload-steps",
    ),
    "portainer": (
        ".github/workflows/x.yml",
        "jobs: {x: {steps: [{uses: a/portainer-deploy@v1, with: {stack: ./docker-compose.yml}}]}}\n",
        "portainer",
    ),
    "a mount": (ROOT, STACK + "    volumes: ['./docker-compose.yml:/compose.yml:ro']\n", "mounted-files"),
    "vagrant, file": (
        "Vagrantfile",
        'config.vm.provision "file", source: "docker-compose.yml", destination: "/srv/"\n',
        "vagrant",
    ),
    "vagrant, below": (
        "vm/Vagrantfile",
        'c.vm.provision :file, :source => "../docker-compose.yml", :destination => "/srv/"\n',
        "vagrant",
    ),
    "vscode, one schema": (
        ".vscode/settings.json",
        '{\n  // YAML\n  "yaml.schemas": {"https://x.test/s.json": "docker-compose.yml"},\n}\n',
        "vscode",
    ),
    "pre-commit, each file": (
        ".pre-commit-config.yaml",
        "repos:\n- repo: x\n  hooks:\n  - id: docker-compose-check\n    files: docker-compose\n",
        "pre-commit",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("path", "text", "reader"), NAMED.values(), ids=NAMED)
def test_named(
    command_line: CommandLine, tmp_path: Path, path: str, text: str, reader: str
) -> None:
    write(tmp_path, {path: text})
    assert [(name, state) for name, state, _ in outcomes(command_line, tmp_path)] == [
        (reader, "named")
    ]


FINE = {
    "rsync of everything": ("up.sh", "rsync -a . host:/srv/ # not docker-compose.yml\n"),
    "the destination": ("up.sh", "cp docker-compose.yml.dist docker-compose.yml\n"),
    "a copy beside it": ("up.sh", "cp docker-compose.yml docker-compose.yml.bak\n"),
    "from a server": ("up.sh", "scp host:/srv/docker-compose.yml /tmp/\n"),
    "unpacking": ("up.sh", "tar xf a.tgz docker-compose.yml\n"),
    "a comment": ("up.sh", "# scp docker-compose.yml host:\ndocker compose up\n"),
    "a mount of its directory": (ROOT, STACK + "    volumes: ['./conf/docker-compose.yml:/c.yml']\n"),
    "another file": ("x/up.sh", "scp docker-compose.yml host:\n"),
    "another stage": ("Dockerfile", "FROM a:1\nCOPY --from=b docker-compose.yml /s/\n"),
    "a link to a page": ("README.md", "https://github.com/acme/shop/blob/main/docker-compose.yml\n"),
    "a raw file elsewhere": ("README.md", RAW.replace("main/", "main/x/y/") + "\n"),
    "a task on the host": ("site.yml", "- copy: {src: /srv/docker-compose.yml, dest: /, remote_src: true}\n"),
    "Ansible's Compose": ("site.yml", "- community.docker.docker_compose_v2:\n    project_src: .\n"),
    "a comment of Terraform": ("main.tf", '# x = file("docker-compose.yml")\n'),
    "docker of Dependabot": (
        ".github/dependabot.yml",
        "version: 2\nupdates:\n- package-ecosystem: docker\n  directory: /\n",
    ),
    "ignored by others": (".prettierignore", "x/docker-compose.yml\n*.md\n"),
    "a comment of Vagrant": ("Vagrantfile", '# source: "docker-compose.yml"\n'),
    "a schema of others": (".vscode/settings.json", '{"yaml.schemas": {"s": ["x/docker-compose.yml"]}}\n'),
    "not ignored by yamllint": (".yamllint", "ignore: |\n  x/docker-compose.yml\n  node_modules/\n"),
    "a disabled manager": ("renovate.json", '{"enabledManagers": ["npm"]}\n'),
}  # fmt: skip


@pytest.mark.parametrize(("path", "text"), FINE.values(), ids=FINE)
def test_left_alone(command_line: CommandLine, tmp_path: Path, path: str, text: str) -> None:
    write(tmp_path, {path: text, "x/docker-compose.yml": "services: {y: {image: 'a:1'}}\n"})
    assert outcomes(command_line, tmp_path) == []


WHOLE = {
    "swarm": ("up.sh", "docker stack deploy -c docker-compose.yml shop\n", "docker-stack-deploy"),
    "bake": ("up.sh", "docker buildx bake -f docker-compose.yml\n", "docker-buildx-bake"),
    "kompose": ("up.sh", "kompose convert -f docker-compose.yml\n", "kompose"),
    "envsubst": ("up.sh", "envsubst <docker-compose.yml | docker compose -f - up\n", "envsubst"),
    "version 1": ("requirements.txt", "docker-compose==1.29.2\n", "docker-compose-1"),
    "podman": ("up.sh", "podman-compose up -d\n", "podman-compose"),
    "publish": ("up.sh", "docker compose publish acme/shop:1\n", "docker-compose-publish"),
    "publish -f": ("up.sh", "docker compose -f docker-compose.yml publish a/b:1\n", "docker-compose-publish"),
    "testcontainers": (
        "src/test/XTest.java",
        'import org.testcontainers;\nnew ComposeContainer(new File("docker-compose.yml"))\n',
        "testcontainers",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("path", "text", "reader"), WHOLE.values(), ids=WHOLE)
def test_whole(
    command_line: CommandLine, tmp_path: Path, path: str, text: str, reader: str
) -> None:
    write(tmp_path, {path: text})
    assert [(name, state) for name, state, _ in outcomes(command_line, tmp_path)] == [
        (reader, "whole")
    ]
    check = command_line(tmp_path, "split", "--force", "--check", *UNPROVEN)
    assert check.code == 0


def test_coolify_keeps_a_file_whole(command_line: CommandLine, tmp_path: Path) -> None:
    write(tmp_path, {ROOT: STACK + "    environment:\n      - SERVICE_FQDN_CACHE_6379\n"})
    assert outcomes(command_line, tmp_path) == [("coolify", "whole", 12)]


def test_what_is_published_can_be_split_with_stubs(
    command_line: CommandLine, tmp_path: Path
) -> None:
    write(tmp_path, {"up.sh": "docker compose publish acme/shop:1\n"})
    run = command_line(
        tmp_path, "split", "--force", "--strategy", "extends", *UNPROVEN, "--unproven", "--yes"
    )
    assert run.code == 0, run.err
    assert "include:" not in (tmp_path / ROOT).read_text()


def test_readers_follow_root_files_that_move(command_line: CommandLine, tmp_path: Path) -> None:
    """The moved root file counts as a module; a command that is rewritten keeps its edit."""
    workflow = (
        "on:\n  push:\n    paths:\n      - docker-compose.yml\n"
        "jobs:\n  x:\n    steps:\n      - run: docker compose publish acme/shop:1\n"
    )
    settings = "updates:\n- package-ecosystem: docker-compose\n  directory: /\n"
    write(
        tmp_path,
        {
            ".github/workflows/x.yml": workflow,
            ".github/dependabot.yml": settings,
            "CODEOWNERS": "/docker-compose.yml @a\n",
            "up.sh": "scp docker-compose.yml host:\n",
        },
    )
    run = command_line(
        tmp_path,
        *("split", "--force", "--strategy", "extends", "--move-roots", "deploy"),
        *(*UNPROVEN, "--unproven", "--yes"),
    )
    assert run.code == 0, run.err
    assert "scp copies docker-compose.yml, which moves -> copy docker-compose/, deploy/" in run.err
    written = (tmp_path / ".github/workflows/x.yml").read_text()
    assert "      - docker-compose/**\n      - deploy/**\n" in written
    assert "docker compose -f deploy/docker-compose.yml publish" in written
    assert (tmp_path / ".github/dependabot.yml").read_text().splitlines()[2:] == [
        "  directories:",
        "    - /docker-compose/infrastructure",
        "    - /docker-compose/services",
    ]
    assert "/deploy/            @a" in (tmp_path / "CODEOWNERS").read_text()


PLATFORMS = {
    "dokploy": ("networks:\n  dokploy-network:\n    external: true\n", "named"),
    "dockge": ("x-dockge:\n  urls: [http://x.test]\n", "fine"),
}


@pytest.mark.parametrize(("reader", "text", "state"), [(r, *v) for r, v in PLATFORMS.items()])
def test_platforms(
    command_line: CommandLine, tmp_path: Path, reader: str, text: str, state: str
) -> None:
    write(tmp_path, {ROOT: STACK + text})
    assert [(name, state) for name, state, _ in outcomes(command_line, tmp_path)] == [
        (reader, state)
    ]


STARTS = {
    "doco-cd": (".doco-cd.yml", "name: shop\n", 1),
    "komodo": ("stacks.toml", '[[stack]]\nname = "shop"\n[stack.config]\nfile_paths = ["docker-compose.yml"]\n', 4),
    "devcontainer": (".devcontainer/devcontainer.json", '{\n  // the stack\n  "dockerComposeFile": "../docker-compose.yml"\n}\n', 3),
    "pre-commit": (".pre-commit-config.yaml", "repos:\n- repo: x\n  hooks:\n  - id: docker-compose-check\n", 4),
    "renovate": ("renovate.json5", "{extends: ['config:recommended']}\n", 1),
    "vagrant": ("Vagrantfile", 'c.vm.provision :docker_compose, yml: "/vagrant/docker-compose.yml"\n', 1),
    "vscode": (
        ".vscode/tasks.json",
        '{"tasks": [{"type": "docker-compose", "dockerCompose": {\n"files": ["${workspaceFolder}/docker-compose.yml"]}}]}\n',
        2,
    ),
    "yamllint": (".yamllint.yaml", "extends: default\nignore:\n  - '*compose*'\n", 3),
    "other-pipelines": ("azure-pipelines.yml", "trigger:\n  paths:\n    include: ['*']\n", 3),
}  # fmt: skip


@pytest.mark.parametrize(("reader", "path", "text", "line"), [(r, *v) for r, v in STARTS.items()])
def test_fine_as_it_is(
    command_line: CommandLine, tmp_path: Path, reader: str, path: str, text: str, line: int
) -> None:
    write(tmp_path, {path: text})
    assert outcomes(command_line, tmp_path) == [(reader, "fine", line)]


FOLLOWED = {
    "dependabot, flow": (
        ".github/dependabot.yml",
        "updates:\n- {package-ecosystem: docker-compose, directory: /, schedule: {interval: daily}}\n",
        "directories: [/, /docker-compose/infrastructure, /docker-compose/services],",
    ),
    "dependabot, list": (
        ".github/dependabot.yaml",
        "updates:\n- package-ecosystem: docker-compose\n  directories:\n  - '/'",
        "  - '/'\n  - '/docker-compose/infrastructure'\n  - '/docker-compose/services'",
    ),
    "dependabot, CRLF": (
        ".github/dependabot.yml",
        "updates:\r\n- package-ecosystem: docker-compose\r\n  directory: /\r\n",
        "  directories:\r\n    - /\r\n    - /docker-compose/infrastructure\r\n",
    ),
    "codeowners, any depth": ("CODEOWNERS", "docker-compose.yml @a\n", "/docker-compose/   @a"),
    "ignore file": (
        ".prettierignore",
        "dist\n# the stack\ndocker-compose.yml\n*.min.js",
        "docker-compose.yml\n/docker-compose/\n*.min.js",
    ),
    "yamllint, block": (
        ".yamllint",
        "rules:\n  line-length:\n    ignore: |\n      *.tpl\n      docker-compose.yml\n      /gen/\n",
        "      docker-compose.yml\n      /docker-compose/\n      /gen/\n",
    ),
    "yamllint, list": (
        ".yamllint.yml",
        "ignore:\n  - docker-compose.yml\n  - gen/\n",
        "  - docker-compose.yml\n  - /docker-compose/\n  - gen/\n",
    ),
    "yamllint, last line": (
        ".yamllint",
        "ignore: |\n  docker-compose.yml",
        "ignore: |\n  docker-compose.yml\n  /docker-compose/",
    ),
    "vscode, schemas": (
        ".vscode/settings.json",
        '{\n  "yaml.schemas": {\n    "https://x.test/s.json": ["docker-compose.yml"],\n  },\n}\n',
        '["docker-compose.yml", "docker-compose/**"],',
    ),
    "codeowners, section": (
        ".gitlab/CODEOWNERS",
        "[Ops]\n/docker-compose.yml @a\n[Docs]\n*.md @b\n",
        "[Ops]\n/docker-compose.yml @a\n/docker-compose/    @a\n[Docs]",
    ),
    "changed-files": (
        ".github/workflows/x.yml",
        "jobs:\n x:\n  steps:\n  - uses: tj-actions/changed-files@v45\n    with:\n      files: |\n        docker-compose.yml\n        src/**\n",
        "        docker-compose.yml\n        docker-compose/**\n        src/**\n",
    ),
    "paths, glob": (
        ".gitea/workflows/x.yml",
        'on: {push: {paths: ["docker-*.yml"]}}\n',
        '["docker-*.yml", "docker-compose/**"]',
    ),
    "paths, each on a line": (
        ".github/workflows/x.yml",
        "on:\n  push:\n    paths: [\n      'docker-compose.yml',\n      'src/**',\n    ]\n",
        "      'docker-compose.yml',\n      'docker-compose/**',\n      'src/**',\n",
    ),
    "only: changes": (
        ".gitlab-ci.yml",
        "x:\n  only:\n    changes:\n      - docker-compose.yml\n",
        "      - docker-compose.yml\n      - docker-compose/**/*\n",
    ),
    "azure": (
        "azure-pipelines.yml",
        "trigger:\n  paths:\n    include:\n    - docker-compose.yml\n",
        "    - docker-compose.yml\n    - docker-compose/**\n",
    ),
    "woodpecker": (
        ".woodpecker/x.yml",
        "when:\n  path: [docker-compose.yml]\n",
        "path: [docker-compose.yml, docker-compose/**]\n",
    ),
    "renovate, rule": (
        ".github/renovate.json5",
        "{packageRules: [{matchFileNames: ['docker-compose.yml'], automerge: true}]}\n",
        "['docker-compose.yml', 'docker-compose/**']",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("path", "text", "expected"), FOLLOWED.values(), ids=FOLLOWED)
def test_followed(
    command_line: CommandLine, tmp_path: Path, path: str, text: str, expected: str
) -> None:
    """The file is edited; a second run finds nothing; ``undo`` restores every byte."""
    write(tmp_path, {path: text})
    before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    run = command_line(tmp_path, "split", "--force", *UNPROVEN, "--unproven", "--yes")
    assert run.code == 0, run.err
    assert expected in (tmp_path / path).read_bytes().decode()
    check = command_line(tmp_path, "split", "--force", "--check", *UNPROVEN)
    assert check.code == 0, check.err
    assert command_line.plain(tmp_path, "undo", "--yes").code == 0
    assert {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == before


UNEDITABLE = {
    "an alias": (
        ".github/dependabot.yml",
        "x: &d /\nupdates:\n- package-ecosystem: docker-compose\n  directory: *d\n",
    ),
    "excluded later": (
        ".github/workflows/x.yml",
        "on:\n  push:\n    paths:\n    - docker-compose.yml\n    - '!docker-compose/**'\n",
    ),
    "another owner": ("CODEOWNERS", "/docker-compose.yml @a\n/docker-compose/ @b\n"),
    "a long expression": (
        ".pre-commit-config.yaml",
        "repos:\n- repo: x\n  hooks:\n  - id: y\n    files: |\n      (?x)^(\n        docker-compose\\.yml|\n        x\n      )$\n",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("path", "text"), UNEDITABLE.values(), ids=UNEDITABLE)
def test_named_where_an_edit_would_not_be_safe(
    command_line: CommandLine, tmp_path: Path, path: str, text: str
) -> None:
    write(tmp_path, {path: text})
    assert [state for _, state, _ in outcomes(command_line, tmp_path)] == ["named"]


def split(command_line: CommandLine, folder: Path) -> None:
    run = command_line(folder, "split", "--force", *UNPROVEN, "--unproven", "--yes")
    assert run.code == 0, run.err


def test_check_fails_where_a_reader_no_longer_follows(
    command_line: CommandLine, tmp_path: Path
) -> None:
    write(tmp_path, {})
    split(command_line, tmp_path)
    check = ("split", "--force", "--check", *UNPROVEN)
    assert command_line(tmp_path, *check).code == 0
    (tmp_path / "up.sh").write_text("scp docker-compose.yml host:/srv/\n")
    assert command_line(tmp_path, *check).code == 1
    (tmp_path / "up.sh").write_text("scp -r docker-compose.yml docker-compose host:/srv/\n")
    assert command_line(tmp_path, *check).code == 0
    ignored = "# composerefactor: ignore[copy-commands] for a backup\n"
    (tmp_path / "up.sh").write_text(f"{ignored}scp docker-compose.yml host:/srv/\n")
    assert command_line(tmp_path, *check).code == 0


def test_a_new_entry_follows_an_older_split(command_line: CommandLine, tmp_path: Path) -> None:
    write(tmp_path, {})
    split(command_line, tmp_path)
    entry = "updates:\n- package-ecosystem: docker-compose\n  directory: /\n"
    write(tmp_path, {ROOT: (tmp_path / ROOT).read_text(), ".github/dependabot.yml": entry})
    assert command_line(tmp_path, "split", "--check", *UNPROVEN).code == 1
    split(command_line, tmp_path)
    assert "/docker-compose/services" in (tmp_path / ".github/dependabot.yml").read_text()


def test_owners_of_modules_older_than_the_plan_are_their_owners_choice(
    command_line: CommandLine, tmp_path: Path
) -> None:
    write(tmp_path, {})
    split(command_line, tmp_path)
    (tmp_path / "CODEOWNERS").write_text("/docker-compose.yml @a\n")
    assert outcomes(command_line, tmp_path) == [("codeowners", "fine", 1)]


def test_settings_above_the_project_are_named(command_line: CommandLine, tmp_path: Path) -> None:
    write(tmp_path / "shop", {})
    settings = "updates:\n- package-ecosystem: docker-compose\n  directory: /shop\n"
    (tmp_path / ".github").mkdir()
    (tmp_path / ".github" / "dependabot.yml").write_text(settings)
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    run = command_line(
        tmp_path / "shop", "split", "--force", "--dry-run", "--format", "json", *UNPROVEN
    )
    (only,) = run.document["readers"]
    assert (only["reader"], only["state"], only["file"]) == (
        "dependabot",
        "named",
        "../.github/dependabot.yml",
    )
    assert "/shop/docker-compose/services" in only["action"]


def test_analyze_lists_readers_before_a_split(command_line: CommandLine, tmp_path: Path) -> None:
    write(tmp_path, {"up.sh": "\nscp docker-compose.yml host:\n", "CODEOWNERS": "* @a\n"})
    run = command_line.plain(tmp_path, "analyze", "--format", "json")
    assert [tuple(each.values()) for each in run.document["readers"]] == [
        ("codeowners", "fine", {"file": "CODEOWNERS", "line": 1}),
        ("copy-commands", "named", {"file": "up.sh", "line": 2}),
    ]


def test_only_urls_of_this_repository_count(command_line: CommandLine, tmp_path: Path) -> None:
    other = RAW.replace("acme/shop", "other/shop")
    write(tmp_path, {"README.md": f"{other}\n\n{RAW}\n"})
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    url = "git@github.com:Acme/shop.git"
    subprocess.run(["git", "-C", str(tmp_path), "remote", "add", "origin", url], check=True)
    assert outcomes(command_line, tmp_path) == [("raw-urls", "named", 3)]


def test_every_reader_has_a_title_and_a_summary() -> None:
    found = readers()
    assert len(found) > 20
    for name, each in found.items():
        assert each.title, name
        assert each.reads, name
        assert each.summary.endswith("."), name
