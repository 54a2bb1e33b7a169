"""Which files of a project contain commands, and the functions that read them.

Each reader returns scripts: shell scripts, Markdown, Jenkinsfiles, Makefiles, justfiles, systemd
units and Procfiles are read here, YAML and JSON in :mod:`~composerefactor.discovery.structured`.
:func:`scripts` is the entry.

Commands are also in the comments of Compose files, where the author explains how a file is used:
:func:`comment_calls`. Comments are prose, so that only these count: a command with ``-f``, options
``-f`` that name the file and another one, a ``COMPOSE_FILE``, and a header that calls the file an
override of another.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Sequence

from msgspec.structs import replace

from composerefactor.compose.files import YAML_SUFFIXES
from composerefactor.compose.paths import directory_of
from composerefactor.discovery import structured
from composerefactor.discovery.files import Listing, TreeFacts
from composerefactor.discovery.resolve import named_files
from composerefactor.discovery.script import (
    Dialect,
    Line,
    Script,
    ancestors,
    joined,
    logical_lines,
    part,
    replaced,
)
from composerefactor.discovery.shell import ShellCall, calls
from composerefactor.yaml.comments import CommentLine, comment_lines

_FENCE = r"\s{0,60}(?P<mark>`{3,40}|~{3,40})\s{0,20}(?P<language>[\w+#.-]{0,40})"
_WINDOWS_CONTINUATION = r"[`^][ \t]{0,20}\r?\n"
_WINDOWS_SEPARATOR = r"\\(?=[\w.])"
_BARE = (
    r"\s{0,3}(?:\$\s{1,4})?(?:sudo\s{1,4})?"
    r"(?:docker\s{1,4}compose|docker-compose|docker\s{1,4}stack\s{1,4}deploy)"
    r"\s{1,4}(?:-f|-c|--file|--compose-file)[\s=]"
)
_INLINE = r"`([^`\n]{4,400})`"
_PROMPT = (
    r"\s{0,40}(?:[\w.@~:/()\[\] -]{0,60}[$%\u276f\u279c]|PS [^>\n]{0,80}>|[$>%\u276f\u279c])"
    r"\s{1,20}(?=\S)"
)
_ROOT_PROMPT = r"\s{0,40}#\s{1,4}(?=(?:sudo |docker|podman))"
_LANGUAGES = (
    "yaml yml json jsonc json5 toml ini python py js javascript ts typescript go java "
    "dockerfile docker diff mermaid html xml css sql makefile make nginx env dotenv properties "
    "hcl tree"
)
_OTHER_LANGUAGES = frozenset(_LANGUAGES.split())
_RELEVANT = r"(?i)compose|stack\s+deploy|bake"
_GROOVY = re.compile(
    r"\b(?:sh|bat|powershell)\b[ \t]{0,20}\(?[^'\"\n]{0,60}?(?P<quote>'''|\"\"\"|'|\")"
)


def shell_script(path: str, text: str) -> list[Script]:
    """Return *text* as one script; it may start in its own directory or in any above it."""
    if path.lower().endswith((".bat", ".cmd", ".ps1")):
        text = replaced(_WINDOWS_CONTINUATION, lambda _: "\\\n", text)
        text = replaced(_WINDOWS_SEPARATOR, lambda _: "/", text)
    return [Script(path, tuple(logical_lines(text)), ancestors(path))]


def markdown(path: str, text: str) -> list[Script]:
    """Return each fenced block of commands as a script, and each command in inline code.

    Inline code, and a line without any mark, count only if they are a command that names a file.
    """
    scripts: list[Script] = []
    block: list[str] | None = None
    start, mark, language = 0, "", ""
    places = ancestors(path, nearest_first=True)
    for number, line in enumerate(text.split("\n"), start=1):
        fence = re.match(_FENCE, line)
        if block is not None:
            if fence and fence["mark"].startswith(mark) and not fence["language"]:
                scripts.extend(_fenced_script(path, block, start, language, places))
                block = None
            else:
                block.append(line)
        elif fence:
            block, start = [], number + 1
            mark, language = fence["mark"], fence["language"].lower()
        elif "`" in line or line.startswith(("    ", "\t")) or re.match(_BARE, line):
            scripts.extend(_inline_scripts(path, line, number, places))
    if block:
        scripts.extend(_fenced_script(path, block, start, language, places))
    return scripts


def _fenced_script(
    path: str, block: list[str], start: int, language: str, places: tuple[str, ...]
) -> list[Script]:
    if language in _OTHER_LANGUAGES or not re.search(_RELEVANT, "\n".join(block)):
        return []
    text = joined("\n", map(_without_prompt, block))
    return [Script(path, tuple(logical_lines(text, start)), places)]


def _inline_scripts(path: str, line: str, number: int, places: tuple[str, ...]) -> list[Script]:
    if not re.search(_RELEVANT, line):
        return []
    if "`" not in line:
        return [Script(path, (Line(number, _without_prompt(line.strip())),), places)]
    return [
        Script(path, (Line(number, _without_prompt(code)),), places)
        for match in re.finditer(_INLINE, line)
        if re.search(_RELEVANT, code := part(match, 1))
        and re.search(r"\s(?:-f|-c|--file|--compose-file)", code)
    ]


def _without_prompt(line: str) -> str:
    match = re.match(_PROMPT, line) or re.match(_ROOT_PROMPT, line)
    return line[match.end() :] if match else line


def jenkinsfile(path: str, text: str) -> list[Script]:
    """Return each ``sh``, ``bat`` or ``powershell`` step of a pipeline as a script."""
    scripts: list[Script] = []
    at, first, counted = 0, 1, 0
    while match := _GROOVY.search(text, at):
        quote = match["quote"]
        end = text.find(quote, match.end())
        if end < 0:
            end = len(text)
        code = text[match.end() : end]
        if re.search(_RELEVANT, code):
            first += text.count("\n", counted, match.end())
            counted = match.end()
            scripts.append(Script(path, tuple(logical_lines(code, first)), ancestors(path)))
        at = end + len(quote)
    return scripts


_NAME = r"[A-Za-z_][A-Za-z0-9_.-]{0,80}"
_MAKE_ASSIGNMENT = (
    rf"[ ]{{0,40}}(?P<export>export\s+)?(?:override\s+)?(?P<name>{_NAME})\s{{0,40}}"
    r"(?P<operator>::?:?=|\?=|\+=|=)(?P<value>.*)"
)
_MAKE_EXPORT = r"[ ]{0,40}export\s+(?P<names>[\w\s]{1,400})$"
_JUST_ASSIGNMENT = (
    rf"(?P<export>export\s+)?(?P<name>{_NAME})\s{{0,40}}(?P<operator>:=)(?P<value>.*)"
)
_REFERENCE = rf"\$[({{]?({_NAME})"
_RECIPE = r"[^\s#=][^=#]{0,400}:(?!=)"
_ESCAPED_DOLLAR = r"\$\$"
_MAX_VALUES = 64
_RECIPE_SHEBANG = r"#!\S"


def makefile(path: str, text: str) -> list[Script]:
    """Return one script for each recipe line: make runs each in a new shell, in its directory."""
    text = replaced(
        _ESCAPED_DOLLAR, lambda _: "$", text
    )  # As the shell reads it, except for names of one letter.
    lines = logical_lines(text)
    variables, environment, definitions = _make_variables(lines, text)
    recipes = [
        Line(line.number, line.text.lstrip("\t ").lstrip("@-+ "))
        for line in lines
        if line.text.startswith(("\t", "  "))
        and not re.fullmatch(_MAKE_ASSIGNMENT, line.text.replace("\t", "\0"))
    ]
    # Rules with the command on the same line: "target: ; command".
    recipes += [
        Line(line.number, line.text.partition(";")[2])
        for line in lines
        if not line.text.startswith("\t") and re.match(_RECIPE, line.text) and ";" in line.text
    ]
    return [
        Script(path, (line,), (directory_of(path),), environment, variables, Dialect.MAKE)
        for line in (*recipes, *definitions)
    ]


def _make_variables(
    lines: list[Line], text: str
) -> tuple[dict[str, tuple[str, ...]], dict[str, str], list[Line]]:
    """Return all variables, those that are exported, and the values that are never used.

    A value that is defined twice is in the list of values twice, with its two places.
    """
    values: dict[str, list[str]] = {}
    numbers: dict[str, int] = {}
    exported: set[str] = set()
    for line in lines:
        if line.text.startswith("\t"):
            continue
        if match := re.fullmatch(_MAKE_EXPORT, line.text):
            exported.update(match["names"].split())
            continue
        match = re.fullmatch(_MAKE_ASSIGNMENT, line.text)
        if match is None:
            continue
        name, value = match["name"], part(match, "value").partition(" #")[0].strip()
        known_values = values.setdefault(name, [])
        numbers.setdefault(name, line.number)
        if match["operator"] == "+=":
            known = dict.fromkeys(known_values)
            known_values.extend([joined(" ", [one, value]).strip() for one in known] or [value])
        else:
            known_values.append(value)
        if match["operator"] == "?=" and value:
            # The user may set another value: make ENV=prod.
            known_values.append(f"${{{name}__CHOSEN}}")
        del known_values[_MAX_VALUES:]  # Without a limit, each += doubles the number of values.
        if match["export"]:
            exported.add(name)
    environment = {name: values[name][0] for name in sorted(exported) if values.get(name)}
    references = set(re.findall(_REFERENCE, text))
    unused = [
        Line(numbers[name], value)
        for name, known_values in values.items()
        if name not in references
        for value in dict.fromkeys(known_values)
    ]
    return (
        {name: tuple(known_values) for name, known_values in values.items()},
        environment,
        unused,
    )


def justfile(path: str, text: str) -> list[Script]:
    """Return one script for each recipe line, or for the whole recipe if it has a shebang."""
    variables: dict[str, tuple[str, ...]] = {}
    environment: dict[str, str] = {}
    scripts: list[Script] = []
    recipe: list[Line] = []
    directories = (directory_of(path),)

    def flush() -> None:
        if recipe:
            scripts.append(
                Script(path, tuple(recipe), directories, environment, variables, Dialect.TEMPLATE)
            )
            recipe.clear()

    for line in logical_lines(text):
        bare = line.text.strip()
        if not line.text.startswith((" ", "\t")):
            flush()
            if match := re.fullmatch(_JUST_ASSIGNMENT, line.text):
                value = _just_value(part(match, "value"))
                variables[match["name"]] = (value,)
                if match["export"]:
                    environment[match["name"]] = value
        elif recipe or re.match(_RECIPE_SHEBANG, bare):
            recipe.append(Line(line.number, bare))
        elif bare:
            command = Line(line.number, bare.lstrip("@-"))
            scripts.append(
                Script(path, (command,), directories, environment, variables, Dialect.TEMPLATE)
            )
    flush()
    return scripts


def _just_value(text: str) -> str:
    value = text.strip()
    for quote in ("'", '"'):
        if len(value) > 1 and value.startswith(quote) and value.endswith(quote):
            return value[1:-1]
    match = re.match(
        r"env(?:_var_or_default)?\(\s*['\"][^'\"]*['\"]\s*,\s*['\"]([^'\"]*)['\"]", value
    )
    return part(match, 1) if match else "${just_expression}"


def systemd_unit(path: str, text: str) -> list[Script]:
    """Return the commands of a systemd unit (``ExecStart=...``) as one script."""
    lines: list[Line] = []
    environment: dict[str, str] = {}
    for line in logical_lines(text):
        name, _, value = line.text.partition("=")
        if name.strip().startswith("Exec"):
            lines.append(Line(line.number, value.strip().lstrip("-@:+!")))
        elif name.strip() == "Environment":
            key, _, given = value.strip().strip("\"'").partition("=")
            environment[key] = given
    # WorkingDirectory= is a directory of the server; in the repository it is unknown.
    return [Script(path, tuple(lines), ancestors(path), environment)] if lines else []


def procfile(path: str, text: str) -> list[Script]:
    """Return each command of a Procfile (``name: command``) as a script."""
    return [
        Script(
            path, (Line(line.number, line.text.partition(":")[2].strip()),), (directory_of(path),)
        )
        for line in logical_lines(text)
        if ":" in line.text and not line.text.lstrip().startswith("#")
    ]


_Reader = Callable[[str, str], list[Script]]

_MENTION = r"(?i)[ck]ompose|stack\s{1,20}deploy|\bbake\b"
_SCRIPT_DIRECTORIES = frozenset(
    {"bin", "script", "scripts", "hack", "tools", "ci", "cmd", ".husky"}
)
_SHEBANG = r"#!.{0,80}\b(?:ba|da|k|z|a)?sh\b"
_MAX_SOURCES = 1_000


def scripts(listing: Listing) -> Iterator[Script]:
    """Yield the scripts of all files that may contain commands, in the order of their paths."""
    read = 0
    for path in listing.paths:
        if reader_for(path) is None:
            continue
        text = listing.read(path)
        read += 1
        if read > _MAX_SOURCES:
            return
        if text is not None:
            yield from scripts_of(path, text)


def scripts_of(path: str, text: str) -> list[Script]:
    """Return the scripts in *text*, the content of *path*, if it may name Compose."""
    reader = reader_for(path)
    if reader is None or not re.search(_MENTION, text):
        return []
    return [] if reader is shell_script and not _is_shell(path, text) else reader(path, text)


def _is_shell(path: str, text: str) -> bool:
    """Return whether *path* is a shell script: by its suffix, or else by its first line."""
    return "." in posixpath.basename(path) or bool(re.match(_SHEBANG, text))


def reader_for(path: str) -> _Reader | None:
    """Return the function that reads the commands in *path*, by its name; None for other files."""
    name = posixpath.basename(path).lower()
    for pattern, reader in _BY_NAME:
        if re.fullmatch(pattern, name):
            return reader
    for pattern, reader in _BY_PATH:
        if re.fullmatch(pattern, path):
            return reader
    if "." not in name and (
        directory_of(path) == "." or posixpath.basename(directory_of(path)) in _SCRIPT_DIRECTORIES
    ):
        return shell_script
    return None


def _local_yaml(path: str, text: str) -> list[Script]:
    return structured.yaml_scripts(path, text, directory_of(path))


def _root_yaml(path: str, text: str) -> list[Script]:
    return structured.yaml_scripts(path, text)


_PIPELINES = (
    r"(?:\.(?:gitlab-ci|travis|drone|woodpecker)|(?:bitbucket|azure)-pipelines.*|appveyor"
    r"|buildspec.*|cloudbuild.*|lefthook)\.ya?ml"
)
_PIPELINE_DIRECTORIES = (
    r"\.(?:(?:github|gitea|forgejo)/(?:workflows|actions)"
    r"|gitlab|circleci|buildkite|woodpecker|semaphore|azure-pipelines)/.*\.ya?ml"
)

_BY_NAME: tuple[tuple[str, _Reader], ...] = (
    (r"(?:gnu)?makefile(?:\.[\w-]+)?|.+\.mk|.+\.make", makefile),
    (r"\.?justfile|.+\.just", justfile),
    (r"taskfile(?:\.[\w.-]+)?\.ya?ml", _local_yaml),
    (r"package\.json|composer\.json", structured.package_scripts),
    (r".+\.(?:sh|bash|zsh|ksh|bat|cmd|ps1)|\.envrc", shell_script),
    (r"jenkinsfile(?:\.[\w-]+)?|.+\.jenkinsfile", jenkinsfile),
    (r"procfile(?:\.[\w-]+)?", procfile),
    (r".+\.service", systemd_unit),
    (r"\.?devcontainer\.json", structured.devcontainer),
    (r"\.?env(?:\.[\w-]+)*|[\w-]+\.env(?:\.[\w-]+)*", structured.dotenv),
    (r"readme.*\.(?:md|markdown)", markdown),
    (_PIPELINES, _root_yaml),
)

_BY_PATH: tuple[tuple[str, _Reader], ...] = (
    (_PIPELINE_DIRECTORIES, _root_yaml),
    (r"\.vscode/tasks\.json", _root_yaml),
    (r"(?!(?i:changelog|history|changes|news))[^/]*\.md", markdown),
    (r"(?:docs?|documentation)/.*(?i:(?<!changelog)\.md)", markdown),
)


def is_pipeline(path: str) -> bool:
    """Return whether the commands in the file at *path* run in a clone without local files."""
    pattern = rf"{_PIPELINE_DIRECTORIES}|(?:.*/)?(?:{_PIPELINES}|[Jj]enkinsfile[^/]*)"
    return re.fullmatch(pattern, path) is not None


_RELEVANT_COMMENT = r"(?i)compose|stack\s+deploy|\s-f\s|\.ya?ml"
_PROGRAM = (
    r"(?:(?<![\w./-])cd\s+[\w./-]{1,80}\s*(?:&&|;)\s*)?"
    r"(?:(?<![\w./-])[A-Za-z_]\w{0,80}=[^\s`]{0,200}\s+){0,4}"
    r"(?<![\w./-])(?:(?:docker|podman|nerdctl)(?:\.exe)?(?:\s+--?[\w=-]+){0,4}\s+compose"
    r"|(?:docker|podman)-compose(?:\.exe)?|docker\s+stack\s+(?:deploy|up))(?=\s)"
)
_DIRECTORY_CHANGE = r"(?:[$>%]\s+)?(cd\s+[\w./-]{1,80})"
_FILE_OPTION = r"(?:-f[ =]?|--file[ =])[^\s`'\"]{1,200}"
_FILE_OPTIONS = rf"(?<!\S)[`'\"(]?({_FILE_OPTION}(?:\s+{_FILE_OPTION})+)"
_SETTING = r"\bCOMPOSE_FILE\s?=\s?[\"']?([^\s\"'`]{1,400})"
_CONTINUED = r"(?:\s\\|\\|\s[`^])\s*$"
_MORE_OPTIONS = r"\s*(?:-f|--file|--profile|--env-file)[\s=]"
_THIS_FILE = r"(?i)(?<!\S)(-f|--file)[ =]<?this(?:[ _-]file)?>?(?![\w.])"
_OPTIONAL = r"\s?\[([^\[\]]{1,200})\]"
_PUNCTUATION = r"(\.ya?ml)[.,;:)]+(?=\s|$)"
_BACKSLASH = r"(?<=[\w.])\\(?=[\w.])"
_OVERRIDE_OF = (
    r"(?i)\b(?:override|overlay)s?(?:\s+(?:file|layer))?(?:\s+(?:of|for|to|over))?"
    r"\s+(?:the\s+)?(?:base\s+)?"
    r"[`'\"]?(?P<base>[\w./-]{1,120}\.ya?ml)"
    r"|\bon\s+top\s+of\s+(?:the\s+)?(?:base\s+)?[`'\"]?(?P<below>[\w./-]{1,120}\.ya?ml)"
)
_NEGATED = r"(?i)\b(?:not|never|cannot|no longer|instead of|rather than)\b|n['\u2019]t\b"


def comment_calls(listing: Listing, facts: TreeFacts) -> list[ShellCall]:
    """Return the commands in the comments of Compose files, except for those that name no file.

    They run in the directory of the file, or in one above it.
    """
    scripts = (
        script
        for path in listing.paths
        if path.endswith(YAML_SUFFIXES)
        and _may_explain(listing.read(path) or "")
        and facts.is_compose(path)
        and (tree := facts.tree(path)) is not None
        for script in _scripts(path, comment_lines(tree))
    )
    return [
        call
        for script in scripts
        for call in calls(script)
        if call.invocation is None or named_files(call.invocation)
    ]


def _may_explain(text: str) -> bool:
    """Return whether a comment of *text* may contain a command."""
    return "#" in text and any(
        line.lstrip().startswith("#") and re.search(_RELEVANT_COMMENT, line)
        for line in text.split("\n")
    )


def _scripts(path: str, comments: Sequence[CommentLine]) -> Iterator[Script]:
    """Yield each block of *comments* with commands as a script."""
    for block in _blocks(comments):
        lines: list[Line] = []
        earlier = ""
        for comment in _joined(block):
            lines += [Line(comment.number, text) for text in _commands(path, comment, earlier)]
            earlier = comment.text
        if lines:
            yield Script(path, tuple(lines), ancestors(path, nearest_first=True))


def _blocks(comments: Sequence[CommentLine]) -> Iterator[list[CommentLine]]:
    """Yield the runs of *comments* on consecutive lines."""
    block: list[CommentLine] = []
    for comment in comments:
        if block and comment.number != block[-1].number + 1:
            yield block
            block = []
        block.append(comment)
    if block:
        yield block


def _joined(block: Sequence[CommentLine]) -> Iterator[CommentLine]:
    """Yield the lines of *block*, with those that continue a command joined to it."""
    pending: CommentLine | None = None
    is_continued = False
    for line in block:
        if pending is not None and (is_continued or re.match(_MORE_OPTIONS, line.text)):
            text = f"{re.sub(_CONTINUED, '', pending.text)} {line.text.strip()}"
            pending = replace(pending, text=text)
        else:
            if pending is not None:
                yield pending
            pending = line
        is_continued = bool(re.search(_PROGRAM, pending.text) and re.search(_CONTINUED, line.text))
    if pending is not None:
        yield pending


def _commands(path: str, comment: CommentLine, earlier: str) -> Iterator[str]:
    """Yield the commands in *comment* of the file *path*; *earlier* is the line above it."""
    text = re.sub(_BACKSLASH, "/", comment.text)
    text = re.sub(_PUNCTUATION, r"\1", re.sub(_THIS_FILE, rf"\1 {posixpath.basename(path)}", text))
    introduction = re.split(r"[.!]\s", earlier)[-1]
    if move := re.fullmatch(_DIRECTORY_CHANGE, text.strip()):
        yield move[1]
    elif match := re.search(_PROGRAM, text):
        if not re.search(_NEGATED, f"{introduction} {text[: match.start()]}"):
            yield from _with_options(_quoted_text(text, match.start()))
    elif re.search(_NEGATED, text):
        return
    elif match := re.search(_FILE_OPTIONS, text):
        if posixpath.basename(path) in map(posixpath.basename, re.split(r"[\s=]", match[1])):
            yield f"docker compose {match[1]} up"
    elif match := re.search(_SETTING, text):
        yield f"COMPOSE_FILE={match[1].rstrip('.,;:)')} docker compose up"
    elif comment.in_header and (match := re.search(_OVERRIDE_OF, text)):
        base, own = match["base"] or match["below"], posixpath.basename(path)
        if posixpath.basename(base) != own:
            yield f"docker compose -f {base} -f {own} up"


def _quoted_text(text: str, start: int) -> str:
    """Return *text* from *start* on, up to the quote that closes the one before *start*."""
    quote = text[start - 1 : start]
    if quote in {"'", '"', "`"}:
        return text[start:].partition(quote)[0]
    return text[start:].partition("`")[0]


def _with_options(command: str) -> Iterator[str]:
    """Yield *command* without the options in brackets, and with them: ``[-f more.yml]``."""
    yield re.sub(_OPTIONAL, "", command)
    if re.search(_OPTIONAL, command):
        yield re.sub(_OPTIONAL, r" \1", command)
