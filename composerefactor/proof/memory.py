"""Remembering the results of Docker Compose from one command to the next, as keyed digests.

A record says that the answer to a question had a certain digest. The question has everything that
determines the answer: the program, the staged files, the command line, the variables. No text of a
project is kept, and without the key, which only the user can read, no content can be tested.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import threading
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

from composerefactor import __version__
from composerefactor.proof.config_output import Place, places

DIGEST_SIZE = 16
_RECORD_SIZE = 2 * DIGEST_SIZE
_MAX_RECORDS = 32_768
"""About 1 MB. If there are more, the older half is forgotten."""

_KEY_SIZE = 32
_FORM = b"2"
"""Changes when a question has other parts than before, so that old records do not count."""


def cache_home() -> Path | None:
    """Return the directory of the memory; None if the user has no home directory.

    It is ``$COMPOSEREFACTOR_CACHE_HOME`` if that is set, else the usual directory of the operating
    system for caches.
    """
    if own := os.environ.get("COMPOSEREFACTOR_CACHE_HOME"):
        return Path(own).absolute()
    from platformdirs import user_cache_path  # noqa: PLC0415 - imports much

    try:
        return user_cache_path("composerefactor", appauthor=False)
    except RuntimeError:
        return None


class Memory:
    """Records of questions and answers in the user's cache directory.

    A directory that cannot be read or written is not an error: then nothing is remembered.
    Several processes may use it at once, since each record is appended as a whole.

    Args:
        directory: The directory; created with access for the user only.
    """

    def __init__(self, directory: Path) -> None:
        self._file = directory / "results"
        self._lock = threading.Lock()
        self._key = b""
        self._answers: dict[bytes, bytes] = {}
        with contextlib.suppress(OSError):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._key = _key_in(directory / "key")
            self._load()

    @classmethod
    def open(cls) -> Memory | None:
        """Return the user's memory; None if there is no place for it."""
        directory = cache_home()
        return cls(directory) if directory is not None else None

    def digest(self, *parts: bytes) -> bytes:
        """Return the keyed digest of *parts*."""
        digest = hashlib.blake2b(key=self._key, digest_size=DIGEST_SIZE)
        for part in (_FORM, __version__.encode(), *parts):
            digest.update(len(part).to_bytes(8, "big"))
            digest.update(part)
        return digest.digest()

    def recall(self, question: bytes) -> bytes | None:
        """Return the answer to *question*, a digest; None if it is not known."""
        return self._answers.get(question)

    def remember(self, question: bytes, answer: bytes) -> None:
        """Record *answer*, of at most the size of a digest, for *question*."""
        if not self._key or len(answer) > DIGEST_SIZE:
            return
        answer = answer.ljust(DIGEST_SIZE, b"\0")
        with self._lock, contextlib.suppress(OSError):
            if self._answers.get(question) == answer:
                return
            self._answers[question] = answer
            with _private(self._file, os.O_APPEND) as descriptor:
                os.write(descriptor, question + answer)

    def place_digest(self, place: Place, text: str) -> bytes:
        """Return the digest of the *text* of a *place* of an output."""
        return self.digest(repr(place).encode(), text.encode())

    def total(self, texts: Mapping[Place, str]) -> bytes:
        """Return the sum of the digests of all places outside of ``x-*`` sections.

        In a sum, the digest of one place can be replaced without knowing the text of the others.
        """
        digests = (self.place_digest(*each) for each in texts.items() if not is_extension(each[0]))
        return added(digests)

    def remember_output(self, question: bytes, output: bytes) -> None:
        """Record the output of ``config`` for *question*, each ``x-*`` section by itself."""
        texts = places(output)
        extensions = {place: text for place, text in texts.items() if is_extension(place)}
        for place, text in extensions.items():
            answer = self.place_digest(place, text)
            self.remember(self.digest(question, place[0].encode()), answer)
        self.remember(self.digest(question), len(extensions).to_bytes(4, "big"))
        self.remember(question, self.total(texts))

    def extensions(self, question: bytes, names: Iterable[str]) -> dict[str, bytes] | None:
        """Return the digest of each ``x-*`` section of the output for *question*.

        Args:
            question: The question.
            names: All names that these sections may have.

        Returns:
            The digests by name; None if not all are known.
        """
        found = {
            name: digest
            for name in names
            if (digest := self.recall(self.digest(question, name.encode()))) is not None
        }
        count = len(found).to_bytes(4, "big").ljust(DIGEST_SIZE, b"\0")
        return found if self.recall(self.digest(question)) == count else None

    def is_equal(
        self, before: bytes, after: bytes, names: Collection[str], moved: Collection[str]
    ) -> bool:
        """Return whether the outputs for two questions are known, and equal in bytes.

        Args:
            before: The question about the original.
            after: The question about the changed project.
            names: All names that ``x-*`` sections of the original may have.
            moved: The ``x-*`` sections that may be different afterwards.
        """
        answer = self.recall(before)
        if answer is None or answer != self.recall(after):
            return False
        extensions = self.extensions(before, names)
        return extensions is not None and all(
            name in moved or self.recall(self.digest(after, name.encode())) == digest
            for name, digest in extensions.items()
        )

    def _load(self) -> None:
        try:
            data = self._file.read_bytes()
        except FileNotFoundError:
            return
        records = len(data) // _RECORD_SIZE
        if records > _MAX_RECORDS or len(data) % _RECORD_SIZE:
            data = data[: records * _RECORD_SIZE][-_MAX_RECORDS // 2 * _RECORD_SIZE :]
            self._rewrite(data)
        for start in range(0, len(data), _RECORD_SIZE):
            middle = start + DIGEST_SIZE
            self._answers[data[start:middle]] = data[middle : start + _RECORD_SIZE]

    def _rewrite(self, data: bytes) -> None:
        temporary = self._file.with_name(f"results.{os.getpid()}")
        with _private(temporary, os.O_TRUNC) as descriptor:
            os.write(descriptor, data)
        temporary.replace(self._file)


def is_extension(place: Place) -> bool:
    """Return whether *place* is a top-level ``x-*`` section."""
    return place[0].startswith("x-")


def added(digests: Iterable[bytes]) -> bytes:
    """Return the sum of *digests*, of the size of one."""
    number = sum(int.from_bytes(digest, "big") for digest in digests)
    return (number % (1 << 8 * DIGEST_SIZE)).to_bytes(DIGEST_SIZE, "big")


def _key_in(path: Path) -> bytes:
    """Return the key in the file *path*; it is created if it is missing or incomplete."""
    with contextlib.suppress(FileNotFoundError):
        key = path.read_bytes()
        if len(key) == _KEY_SIZE:
            return key
    temporary = path.with_name(f"key.{os.getpid()}")
    with _private(temporary, os.O_TRUNC) as descriptor:
        os.write(descriptor, secrets.token_bytes(_KEY_SIZE))
    temporary.replace(path)
    return path.read_bytes()


@contextlib.contextmanager
def _private(path: Path, flags: int) -> Iterator[int]:
    """Open *path* for writing; a new file can be read by the user only."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | flags, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
