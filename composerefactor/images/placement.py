"""Where a service belongs in the layout."""

from __future__ import annotations

from msgspec import Struct

from composerefactor.compose.interpolation import expand
from composerefactor.compose.services import Service, StartModel
from composerefactor.images.catalog import Catalog, load


class Placement(Struct, frozen=True):
    """The place of one service.

    *directory* is ``services`` or ``infrastructure``; *category* names a module of several
    services; *counts_as* is the heading in a summary.
    """

    directory: str
    category: str
    counts_as: str


APPLICATION = Placement("services", "apps", "applications")


def place(service: str, image: str | None, catalog: Catalog | None = None) -> Placement:
    """Return the placement of *service*: by its image, or by its name where no image tells."""
    catalog = catalog or load()
    category = catalog.category(image) if image else None
    if category is None:
        category = catalog.category_of_name(service)
    if category is None:
        return APPLICATION
    found = catalog.categories[category]
    return Placement(found.section, category, found.counts_as)


def placement(model: StartModel, service: Service) -> Placement:
    """Return what *service* is for, by its image or its name."""
    image = service.text("image")
    return place(service.name, expand(image, model.variables) if image else None)
