from __future__ import annotations

from composerefactor.compose.image_references import parse_image
from composerefactor.images.catalog import load_catalog
from composerefactor.images.starters import starters


def test_every_starter_is_an_image_of_its_entry_with_a_tag() -> None:
    for starter in starters():
        entry = load_catalog().match(starter.image)
        assert entry is not None
        assert entry.id == starter.id
        assert starter.entry is entry
        assert parse_image(starter.image).tag not in {None, "latest"}


def test_what_is_required_is_in_the_environment() -> None:
    for starter in starters():
        assert starter.required <= set(starter.environment), starter.id


def test_schemes_and_words_mean_one_image() -> None:
    for attribute in ("schemes", "hosts", "words"):
        named = [value for starter in starters() for value in getattr(starter, attribute)]
        assert len(named) == len(set(named)), attribute
