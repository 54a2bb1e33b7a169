"""The override file of a combined scenario stays cheap for Docker Compose."""

from __future__ import annotations

from composerefactor.proof.engine import Engine, Result
from composerefactor.proof.probes import MAX_TAGGED, constant_probe, render

SERVICE = '  s{}:\n    environment:\n      A: "1"\n      B: "2"\n    image: busybox\n'


def test_few_services_have_tags_and_all_have_plain_values(compose: Engine) -> None:
    services = "".join(map(SERVICE.format, range(10 * MAX_TAGGED + 1)))
    config = Result(0, f"name: shop\nservices:\n{services}".encode(), "")
    probe = constant_probe(config, config, compose)
    tagged = [name for name, body in probe.items() if "!reset" in render({name: body})]
    assert (len(tagged), tagged[0], len(probe)) == (19, "s0", 10 * MAX_TAGGED + 1)
    assert all(body["environment"]["B"] == "composerefactor" for body in probe.values())
    few = constant_probe(Result(0, config.stdout[:150], ""), config, compose)
    assert all("!reset" in render({name: body}) for name, body in few.items())
