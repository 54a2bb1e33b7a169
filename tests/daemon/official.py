"""Images that behave as the official ones do, made of the servers that Debian's packages install.

Their entry scripts, in ``entries/``, follow the steps of the official ones that matter for
capabilities, users, read-only file systems and first starts.
"""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from support.servers import PROGRAMS

# What all images have besides a server; those on Alpine have wget and nc as well.
TOOLS = (
    *("awk", "basename", "cat", "chgrp", "chmod", "chown", "cut", "date", "dirname", "echo"),
    *("env", "expr", "false", "find", "grep", "head", "hostname", "id", "ln", "ls", "mkdir"),
    *("mktemp", "mv", "printf", "pwd", "readlink", "rm", "sed", "sleep", "sort", "stat"),
    *("tail", "test", "touch", "tr", "true", "uname", "wc"),
)
# PostgreSQL works without its compiler, which is larger than all the rest.
_COMPILER = re.compile("llvmjit|/bitcode/|/pgxs/")


@dataclass(frozen=True, slots=True)
class Image:
    """How an image is made.

    Attributes:
        entry: The name of its entry script.
        programs: Programs that are installed here, copied with their libraries.
        changes: Instructions of a Dockerfile.
        trees: Directories that are copied.
        user: The user that the server runs as.
        number: The number of the user, and of its group.
        owned: Directories that belong to the user; the first one is its home.
        directories: Directories that belong to root.
        files: Other files.
        links: Other links, with their targets.
        is_alpine: Whether busybox is its shell, and not bash.
    """

    entry: str
    programs: tuple[str, ...]
    changes: tuple[str, ...]
    trees: tuple[str, ...] = ()
    user: str = "nobody"
    number: int = 65534
    owned: tuple[str, ...] = ()
    directories: tuple[str, ...] = ()
    files: tuple[tuple[str, str], ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    is_alpine: bool = False


def on_alpine(image: Image) -> Image:
    """Return *image* with the shell and the tools of Alpine."""
    return replace(image, is_alpine=True)


def _newest_postgres() -> str:
    return max((path.name for path in Path("/usr/lib/postgresql").glob("*")), default="")


REDIS = Image(
    "redis",
    ("redis-server", "redis-cli", "gosu"),
    ("WORKDIR /data", "VOLUME /data", "EXPOSE 6379", 'CMD ["redis-server"]'),
    user="redis",
    number=999,
    owned=("data",),
)
POSTGRES = Image(
    "postgres",
    ("postgres", "initdb", "pg_ctl", "psql", "pg_isready", "gosu"),
    (
        "ENV PGDATA=/var/lib/postgresql/data",
        "VOLUME /var/lib/postgresql/data",
        "EXPOSE 5432",
        'CMD ["postgres", "-c", "listen_addresses=*"]',
    ),
    trees=(
        f"/usr/lib/postgresql/{_newest_postgres()}/lib",
        f"/usr/share/postgresql/{_newest_postgres()}",
        "/usr/share/zoneinfo",
    ),
    user="postgres",
    number=999,
    owned=("var/lib/postgresql/data", "run/postgresql"),
)
MARIADB = Image(
    "mariadb",
    (
        *("mariadbd", "mariadb", "mariadb-admin", "mariadb-install-db", "my_print_defaults"),
        *("resolveip", "gosu"),
    ),
    ("VOLUME /var/lib/mysql", "EXPOSE 3306", 'CMD ["mariadbd"]'),
    trees=("/usr/share/mysql", "/usr/lib/mysql/plugin"),
    user="mysql",
    number=999,
    owned=("var/lib/mysql", "run/mysqld"),
)
NGINX = Image(
    "nginx",
    ("nginx", "curl"),
    ("EXPOSE 80", 'CMD ["nginx", "-g", "daemon off;"]'),
    user="nginx",
    number=101,
    directories=("var/cache/nginx", "var/log/nginx"),
    files=(
        (
            "etc/nginx/nginx.conf",
            "user nginx;\npid /run/nginx.pid;\nevents {}\nhttp { include conf.d/*.conf; }\n",
        ),
        (
            "etc/nginx/conf.d/default.conf",
            "server {\n  listen 80;\n  root /usr/share/nginx/html;\n}\n",
        ),
        ("usr/share/nginx/html/index.html", "Welcome to nginx!\n"),
    ),
    # Where Debian's server keeps what it receives.
    links=(("var/lib/nginx", "/var/cache/nginx"),),
)
MEMCACHED = Image(
    "memcached",
    ("memcached",),
    ("USER memcache", "EXPOSE 11211", 'CMD ["memcached"]'),
    user="memcache",
    number=11211,
)
RABBITMQ = Image(
    "rabbitmq",
    ("gosu",),
    (
        "ENV PATH=/usr/lib/rabbitmq/bin:/usr/sbin:/usr/bin:/bin LANG=C.UTF-8 RABBITMQ_LOGS=-",
        "ENV HOME=/var/lib/rabbitmq",
        "VOLUME /var/lib/rabbitmq",
        "EXPOSE 4369 5671 5672 15691 15692 25672",
        'CMD ["rabbitmq-server"]',
    ),
    trees=("/usr/lib/rabbitmq", "/usr/lib/erlang", "/etc/rabbitmq"),
    user="rabbitmq",
    number=999,
    owned=("var/lib/rabbitmq", "var/log/rabbitmq"),
    links=(("bin/erl", "/usr/lib/erlang/bin/erl"), ("bin/epmd", "/usr/lib/erlang/bin/epmd")),
)
# What a project builds: a server that ends if a service in NEEDS does not answer when it starts.
NODE = Image(
    "node",
    ("node",),
    ("WORKDIR /app", "EXPOSE 3000", 'CMD ["node", "server.js"]'),
    files=(
        (
            "app/server.js",
            """\
const net = require("net"), http = require("http");
const fail = (error) => { console.error(error.message); process.exit(1); };
for (const each of (process.env.NEEDS || "").split(" ").filter(Boolean)) {
  const [host, port] = each.split(":");
  const asked = net.connect(port, host, () => asked.destroy()).on("error", fail);
}
http.createServer((_, answer) => answer.end("ok")).listen(process.env.PORT || 3000);
""",
        ),
    ),
)


def missing_programs(image: Image) -> list[str]:
    """Return the programs and directories of *image* that are not here."""
    programs = [name for name in _programs(image) if shutil.which(name, path=PROGRAMS) is None]
    return programs + [tree for tree in image.trees if not Path(tree).exists()]


def archive(image: Image) -> bytes:
    """Return the root file system of *image* as a tar."""
    copies = {str(path).lstrip("/"): path for path in map(_path, _programs(image))}
    copies |= {tree.lstrip("/"): Path(tree) for tree in image.trees}
    copies |= {library.lstrip("/"): Path(library).resolve() for library in _libraries(image)}
    copies["docker-entrypoint.sh"] = Path(__file__).parent / "entries" / f"{image.entry}.sh"
    texts = dict((*_accounts(image), *image.files))
    links = {"var/run": "/run", **dict(image.links)}
    links |= {f"bin/{name}": str(_path(name)) for name in _programs(image)}
    tools = ("sh", "wget", "nc", *TOOLS) if image.is_alpine else TOOLS
    links |= {f"bin/{name}": str(_path("busybox")) for name in tools}
    links.setdefault("bin/sh", str(_path("bash")))
    owners = dict.fromkeys(("tmp", "run", *image.directories), 0)
    owners |= dict.fromkeys(image.owned, image.number)
    # Docker makes a directory that is not listed for root alone.
    paths = (*copies, *texts, *links, *owners)
    parents = {str(parent) for path in paths for parent in Path(path).parents}
    owners = dict.fromkeys(parents - copies.keys(), 0) | owners
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as tar:
        for path in sorted(owners):
            _add_directory(tar, path, owners[path], 0o1777 if path == "tmp" else 0o755)
        for path, source in copies.items():
            tar.add(source, path, filter=_of_the_image)
        for path, target in links.items():
            link = tarfile.TarInfo(path)
            link.type, link.linkname = tarfile.SYMTYPE, target
            tar.addfile(link)
        for path, text in texts.items():
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode = len(text.encode()), 0o644
            tar.addfile(entry, io.BytesIO(text.encode()))
    return content.getvalue()


def _of_the_image(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """Return *member* as the image has it: of root, entry scripts executable; None without it."""
    if _COMPILER.search(member.name):
        return None
    member.uid = member.gid = 0
    if member.name.endswith(".sh"):
        member.mode = 0o755
    return member


def _accounts(image: Image) -> Iterator[tuple[str, str]]:
    users = {"root": 0, "nobody": 65534, image.user: image.number}
    homes = {image.user: f"/{image.owned[0]}"} if image.owned else {}
    lines = [f"{name}:x:{n}:{n}::{homes.get(name, '/')}:/bin/sh\n" for name, n in users.items()]
    yield "etc/passwd", "".join(lines)
    groups = {**users, "nogroup": 65533}
    yield "etc/group", "".join(f"{name}:x:{n}:\n" for name, n in groups.items())


def _add_directory(tar: tarfile.TarFile, path: str, user: int, mode: int) -> None:
    entry = tarfile.TarInfo(path)
    entry.type, entry.uid, entry.gid, entry.mode = tarfile.DIRTYPE, user, user, mode
    tar.addfile(entry)


def _programs(image: Image) -> tuple[str, ...]:
    # The shell of busybox runs all tools of busybox, whether the image has them or not.
    return (*image.programs, "busybox", *(() if image.is_alpine else ("bash",)))


def _path(name: str) -> Path:
    found = shutil.which(name, path=PROGRAMS)
    assert found, name
    return Path(found).resolve()


def _libraries(image: Image) -> set[str]:
    """Return the libraries that the programs of *image* need."""
    inside = [
        path
        for tree in image.trees
        for path in Path(tree).rglob("*")
        if path.is_file() and (path.suffix == ".so" or path.parent.name == "bin")
        if not _COMPILER.search(str(path))
    ]
    programs = [*map(_path, _programs(image)), *inside]
    done = subprocess.run(["ldd", *programs], capture_output=True, text=True, check=False)
    return set(re.findall(r"(/\S+) \(0x", done.stdout))
