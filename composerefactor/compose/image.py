"""Image references (distribution specification: ``[registry/]repository[:tag][@digest]``)."""

from __future__ import annotations

from msgspec import Struct

from composerefactor.compose.expand import expand
from composerefactor.compose.interpolate import Variable, variables
from composerefactor.compose.masking import MASK, masked

DEFAULT_REGISTRY = "docker.io"
_OFFICIAL = "library/"


class ImageReference(Struct, frozen=True):
    """An image reference in its parts, each as written; what is not written is None.

    A first part that holds a variable and has a ``/`` after it counts as the registry.
    """

    text: str
    registry: str | None
    repository: str
    tag: str | None
    digest: str | None

    @property
    def variables(self) -> list[Variable]:
        """The variables that the reference holds."""
        return variables(self.text)

    @property
    def name(self) -> str:
        """The name that people use: without ``docker.io``, ``library/``, tag and digest."""
        if self.registry in {None, DEFAULT_REGISTRY, "index.docker.io"}:
            return self.repository.removeprefix(_OFFICIAL)
        return f"{self.registry}/{self.repository}"

    @property
    def is_pinned(self) -> bool:
        """True where the reference names one content for ever."""
        return self.digest is not None

    def with_defaults(self) -> ImageReference:
        """Return the reference as it is where no variable is set."""
        return parse_image(expand(self.text, {}))


def parse_image(text: str) -> ImageReference:
    """Return the parts of the image reference *text*; variables are taken for words."""
    mask = masked(text)
    end, digest, tag = len(text), None, None
    at = mask.find("@")
    if at >= 0:
        end, digest = at, text[at + 1 :]
    colon = mask.rfind(":", 0, end)
    if colon > mask.rfind("/", 0, end):
        end, tag = colon, text[colon + 1 : end]
    slash = mask.find("/", 0, end)
    if slash >= 0 and _is_registry(mask[:slash]):
        return ImageReference(text, text[:slash], text[slash + 1 : end], tag, digest)
    return ImageReference(text, None, text[:end], tag, digest)


def _is_registry(part: str) -> bool:
    return (
        part == "localhost"
        or any(mark in part for mark in (".", ":", MASK))
        or part != part.lower()  # observed: docker's own reading of ``Host/image``
    )
