from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from composerefactor.images.connections import connections
from composerefactor.transforms.add_networks import tiers
from support.models import stack_of

SHOP = """
services:
  proxy: {image: "nginx:1", ports: ["80:80"], depends_on: [web]}
  web: {image: shop/web, environment: {API: "http://api:80"}}
  api: {image: shop/api, ports: ["8000:80"], environment: {DB_HOST: db}}
  job: {image: shop/job, environment: {API: "http://api:80"}}
  alone: {image: shop/alone}
  db: {image: postgres}
  sidecar: {image: shop/side, network_mode: "service:web", environment: {CACHE_HOST: cache}}
  cache: {image: redis}
  watch: {image: prom/prometheus}
"""


def test_a_shop() -> None:
    model = stack_of(SHOP)
    found = tiers(model, connections(model))
    assert {name: each.networks for name, each in found.items()} == {
        "proxy": ("edge", "app"),
        "web": ("app", "data"),
        "api": ("edge", "app", "data"),
        "job": ("app",),
        "alone": ("app", "data"),
        "db": ("data",),
        "cache": ("data",),
        "watch": ("app", "edge", "data"),
    }
    assert found["web"].reasons[1] == "sidecar connects to cache"


IMAGES = ["nginx", "shop/app", "postgres", "redis", "prom/prometheus"]


@given(st.data())
def test_a_pair_that_talks_is_never_cut(data: st.DataObject) -> None:
    names = [f"s{i}" for i in range(data.draw(st.integers(1, 6)))]
    text = "services:\n"
    for name in names:
        image = data.draw(st.sampled_from(IMAGES))
        calls = data.draw(st.lists(st.sampled_from(names), unique=True, max_size=3))
        port = data.draw(st.sampled_from(["", "    ports: ['80']\n"]))
        urls = "".join(f"      U{i}: http://{c}:80\n" for i, c in enumerate(calls))
        text += f"  {name}:\n    image: {image}\n{port}"
        text += f"    environment:\n{urls}" if urls else ""
    model = stack_of(text)
    talks = connections(model)
    found = tiers(model, talks)
    for each in talks:
        shared = set(found[each.caller].networks) & set(found[each.callee].networks)
        assert shared, (each, text)
