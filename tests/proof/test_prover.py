"""The proof with the real Docker Compose: what it must report, and what it must not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from composerefactor.compose.interpolation import variables
from composerefactor.compose.invocation import Invocation
from composerefactor.proof.engine import Engine
from composerefactor.proof.prover import Prover
from composerefactor.proof.staging import Run

SERVICES = """\
services:
  api:
    image: shop/api:${TAG:-1.0}
    build: ./api
    environment: {LEVEL: "${LEVEL:-info}", MODE: live}
    volumes: ["./data:/data"]
    healthcheck:
      test: ["CMD", "true"]
  db:
    image: postgres:16
    volumes: ["db:/var/lib/postgresql/data"]
volumes:
  db:
"""
ROOT = """\
include:
  - project_directory: .
    env_file: /dev/null
    path: [docker-compose/all.yaml]
"""
WITHOUT_NULL = ROOT.replace("    env_file: /dev/null\n", "")


def is_essential(run: Run) -> bool:
    return run.scenario.essential


def split(module: str = SERVICES, root: str = ROOT) -> dict[str, bytes | None]:
    return {"compose.yaml": root.encode(), "docker-compose/all.yaml": module.encode()}


def test_an_exact_split_is_equal_in_every_scenario(prover_of: Callable[..., Prover]) -> None:
    prover = prover_of({"compose.yaml": SERVICES, ".env": "TAG=2.0\n"})
    proof = prover.check(split())
    assert proof.ok
    assert proof.differences == []
    assert proof.not_covered == []
    # own, raw, and: all set, empty --env-file, from elsewhere; hashes follow
    alone = int(prover.engine.release < (2, 29, 0))  # from a subdirectory
    assert proof.covered == 4 + alone
    assert prover.runs == 6 + 2 * alone
    assert list(proof.recreated.values()) == [[]]


def test_a_thorough_proof_runs_each_scenario_alone(prover_of: Callable[..., Prover]) -> None:
    prover = prover_of({"compose.yaml": SERVICES, ".env": "TAG=2.0\n"}, thorough=True)
    proof = prover.check(split())
    assert (proof.ok, proof.covered, prover.runs) == (True, 7, 14)


def test_later_checks_reuse_the_originals(prover_of: Callable[..., Prover]) -> None:
    prover = prover_of({"compose.yaml": SERVICES})
    assert prover.check(split()).ok
    first = prover.runs
    assert prover.check(split(f"# a comment\n{SERVICES}"), only=is_essential).ok
    again = prover.runs
    assert prover.check(split(f"# a comment\n{SERVICES}")).ok
    assert (again - first, prover.runs - again) == (2, 1)


def test_a_check_leaves_no_trace_for_the_next(prover_of: Callable[..., Prover]) -> None:
    prover = prover_of({"compose.yaml": SERVICES})
    wrong = split(SERVICES.replace("postgres:16", "postgres:17"))
    assert not prover.check(wrong, only=is_essential).ok
    assert prover.check({}, only=is_essential).ok


def test_a_relative_path_that_leads_elsewhere(prover_of: Callable[..., Prover]) -> None:
    short = "include: [docker-compose/all.yaml]\n"
    proof = prover_of({"compose.yaml": SERVICES}).check(split(root=short))
    assert not proof.ok
    [source] = [found for found in proof.differences if found.path[-1] == "source"]
    assert source.service == "api"
    assert '"data", is "docker-compose/data"' in source.message
    assert list(proof.recreated.values()) == [["api"]]


def test_a_health_check_that_slipped_below_networks(prover_of: Callable[..., Prover]) -> None:
    slipped = (
        SERVICES.replace(
            '    healthcheck:\n      test: ["CMD", "true"]\n',
            "    networks:\n      default:\n      healthcheck:\n",
        )
        + "networks: {healthcheck: }\n"
    )
    proof = prover_of({"compose.yaml": SERVICES}).check(split(slipped), only=is_essential)
    words = [found.message for found in proof.differences]
    assert any("service api: healthcheck was removed" in each for each in words)
    assert any("network healthcheck was added" in each for each in words)


def test_an_env_file_that_is_read_twice(prover_of: Callable[..., Prover]) -> None:
    files = {"compose.yaml": SERVICES, ".env": "TAG=2.0\n", "prod.env": "LEVEL=warn\n"}
    entry = Invocation(("compose.yaml",), env_files=("prod.env",))
    prover = prover_of(files, entry)
    assert prover.check(split()).ok
    proof = prover.check(split(root=WITHOUT_NULL))
    assert 'service api: image was "shop/api:1.0", is "shop/api:2.0"' in [
        found.message for found in proof.differences
    ]


def test_the_trap_shows_without_an_env_file_in_the_command(
    prover_of: Callable[..., Prover],
) -> None:
    prover = prover_of({"compose.yaml": SERVICES, ".env": "TAG=2.0\n"})
    proof = prover.check(split(root=WITHOUT_NULL))
    assert {found.scenario for found in proof.differences} == {"empty --env-file"}


def test_a_default_in_place_of_its_variable(prover_of: Callable[..., Prover]) -> None:
    frozen = SERVICES.replace("${LEVEL:-info}", "info")
    proof = prover_of({"compose.yaml": SERVICES}).check(split(frozen))
    assert {found.scenario for found in proof.differences} == {
        "uninterpolated",
        "all variables set",
    }


def test_swapped_variables(prover_of: Callable[..., Prover]) -> None:
    text = "services: {a: {image: a, environment: {A: '${A}', B: '${B}'}}}\n"
    swapped = text.replace("'${A}', B: '${B}'", "'${B}', B: '${A}'")
    proof = prover_of({"compose.yaml": text}).check({"compose.yaml": swapped.encode()})
    assert "all variables set" in {found.scenario for found in proof.differences}


def test_required_variables_get_a_value(prover_of: Callable[..., Prover]) -> None:
    text = SERVICES.replace("${LEVEL:-info}", "${LEVEL:?say which}${OTHER:?too}")
    prover = prover_of({"compose.yaml": text})
    proof = prover.check(split(text))
    assert proof.ok
    assert proof.not_covered == []
    assert proof.assumptions == [
        "values were supplied for required variables that are not set: LEVEL, OTHER",
    ]


def test_a_required_variable_that_the_env_file_sets_is_not_assumed(
    prover_of: Callable[..., Prover],
) -> None:
    text = SERVICES.replace("${LEVEL:-info}", "${LEVEL:?}")
    entry = Invocation(("compose.yaml",), env_files=("prod.env",))
    prover = prover_of({"compose.yaml": text, "prod.env": "LEVEL=warn\n"}, entry)
    own = next(run for run in prover.baseline() if run.scenario.name == "own environment")
    assert own.env == {}
    assert b"LEVEL: warn" in own.result.stdout


def test_values_where_the_project_needs_some(prover_of: Callable[..., Prover]) -> None:
    volumes = "volumes: ['${DIR}:/x', '${STORE}:/y']"
    text = f"services: {{a: {{image: 'a:${{TAG}}', ports: ['${{PORT}}:80'], {volumes}}}}}\n"
    proof = prover_of({"compose.yaml": text}).check(split(text))
    assert proof.ok
    [words] = proof.assumptions
    assert words.endswith("since Docker Compose rejects blanks: DIR, PORT, STORE, TAG")


def test_missing_env_files_are_supplied(
    prover_of: Callable[..., Prover], since: Callable[[str], None]
) -> None:
    since("2.29.7")
    text = SERVICES.replace("    build: ./api\n", "    env_file: [secret.env, conf/other.env]\n")
    proof = prover_of({"compose.yaml": text}).check(split(text))
    assert proof.ok
    assert proof.assumptions == [
        "missing files were treated as empty: conf/other.env, secret.env",
    ]


def test_profiles_that_share_a_container_name(
    prover_of: Callable[..., Prover], since: Callable[[str], None]
) -> None:
    since("2.29.7")
    text = """\
services:
  cpu: {image: a, container_name: worker, profiles: [cpu]}
  gpu: {image: b, container_name: worker, profiles: [gpu]}
"""
    prover = prover_of({"compose.yaml": text}, profiles=("cpu", "gpu"))
    proof = prover.check(split(text))
    assert proof.ok
    assert [each.scenario for each in proof.not_covered] == ["own environment"]
    assert "worker" in proof.not_covered[0].message
    wrong = prover.check(split(text.replace("image: b", "image: c")), only=is_essential)
    assert {found.scenario for found in wrong.differences} == {"profile gpu"}
    assert prover.rejected() == {}


def test_each_profile_is_tried_up_to_a_limit(prover_of: Callable[..., Prover]) -> None:
    names = tuple(f"p{n}" for n in range(10))
    text = "services:\n" + "".join(f"  s{n}: {{image: a, profiles: [{n}]}}\n" for n in names)
    proof = prover_of({"compose.yaml": text}, profiles=names, thorough=True).check({})
    assert proof.ok
    assert [each.scenario for each in proof.not_covered] == ["profile p8", "profile p9"]


def test_an_unused_volume_that_is_dropped(
    prover_of: Callable[..., Prover], since: Callable[[str], None]
) -> None:
    since("2.29.7")
    text = SERVICES + "  unused:\n"
    [found] = prover_of({"compose.yaml": text}).check(split()).differences
    assert (found.scenario, found.message) == ("uninterpolated", "volume unused was removed")


def test_extensions_must_be_kept_unless_they_are_named_as_moved(
    prover_of: Callable[..., Prover],
) -> None:
    text = "x-base: &base {image: a}\nx-note: keep\nservices: {a: *base}\n"
    prover = prover_of({"compose.yaml": text})
    both = prover.check(split(text), only=is_essential).differences
    assert {found.message for found in both} == {"x-base was removed", "x-note was removed"}
    one = prover.check(split(text), moved={"x-base"}, only=is_essential).differences
    assert {found.message for found in one} == {"x-note was removed"}
    assert prover.check(split(text), moved={"x-base", "x-note"}).ok


def test_an_extension_below_the_top_level(prover_of: Callable[..., Prover]) -> None:
    text = "services: {a: {image: a, x-owner: me}}\n"
    changed = split(text.replace("me", "you"))
    [found] = prover_of({"compose.yaml": text}).check(changed, only=is_essential).differences
    assert found.message == 'service a: x-owner was "me", is "you"'


def test_the_order_of_lists_counts_except_where_it_has_no_meaning(
    prover_of: Callable[..., Prover],
) -> None:
    text = "services: {a: {image: a, expose: ['1', '2'], extra_hosts: [a=1.1.1.1, b=1.1.1.1]}}\n"
    prover = prover_of({"compose.yaml": text})
    assert prover.check(split(text.replace("[a=1.1.1.1, b=", "[b=1.1.1.1, a="))).ok
    turned = prover.check(split(text.replace("'1', '2'", "'2', '1'")))
    assert {found.kind for found in turned.differences} == {"model"}
    assert list(turned.recreated.values()) == [["a"]]


def test_secrets_do_not_show(prover_of: Callable[..., Prover]) -> None:
    text = """\
services:
  a:
    image: a
    environment: {DB_PASSWORD: hunter2, URL: "http://me:hunter2@db/x"}
    command: [run, --password, hunter2]
"""
    changed = split(text.replace("hunter2", "hunter3"))
    proof = prover_of({"compose.yaml": text}).check(changed, only=is_essential)
    assert len({found.path for found in proof.differences if found.kind == "model"}) == 3
    shown = str([found.message for found in proof.differences])
    assert "hunter" not in shown
    assert "environment.DB_PASSWORD has a different value" in shown


def test_the_engine_rejects_the_result(
    prover_of: Callable[..., Prover], since: Callable[[str], None]
) -> None:
    since("2.29.7")
    text = "services: {a: {image: a, networks: [n]}, b: {image: b}}\nnetworks: {n: }\n"
    without = split(text.replace("networks: {n: }", ""))
    proof = prover_of({"compose.yaml": text}).check(without, only=is_essential)
    found = proof.differences[0]
    assert found.service == "a"
    assert 'service "a" refers to undefined network n' in found.message


def test_a_project_that_is_rejected(
    prover_of: Callable[..., Prover], since: Callable[[str], None]
) -> None:
    since("2.29.7")
    prover = prover_of({"compose.yaml": "services: {a: {image: a, networks: [n]}}\n"})
    [words] = prover.rejected().values()
    assert "undefined network n" in words
    proof = prover.check({})
    assert not proof.ok
    assert [each.scenario for each in proof.not_covered] == ["own environment"]


@pytest.mark.parametrize(
    ("service", "message", "own"),
    [
        ("image: 'a:${TAG}', networks: [n]", "undefined network n", 1),
        ("image: 'a:${TAG}', depends_on: ['${OTHER}']", "depends on undefined service", 1),
        ("user: '${ID}'", "neither an image nor a build", 2),
    ],
)
def test_no_more_values_are_tried_if_the_message_is_not_about_them(
    prover_of: Callable[..., Prover],
    since: Callable[[str], None],
    service: str,
    message: str,
    own: int,
) -> None:
    since("2.29.7")
    prover = prover_of({"compose.yaml": f"services: {{a: {{{service}}}}}\n"})
    [words] = prover.rejected().values()
    assert message in words
    raw = 1
    assert prover.runs == own + raw
    prover.check({"compose.yaml": b"services: {a: {image: a}}\n"})
    assert prover.runs == own + raw


def test_two_equal_states_run_once(prover_of: Callable[..., Prover]) -> None:
    files = {"compose.yaml": SERVICES, "compose.override.yaml": "services: {db: {image: d}}\n"}
    both = Invocation(("compose.yaml", "compose.override.yaml"))
    prover = prover_of(files, more=[both])
    assert prover.check({}).ok
    assert prover.runs == 2


def test_a_file_above_the_project(prover_of: Callable[..., Prover], tmp_path: Path) -> None:
    (tmp_path / "common.yaml").write_text("services: {base: {image: b, volumes: ['./x:/x']}}\n")
    text = "services: {a: {extends: {file: ../common.yaml, service: base}}}\n"
    prover = prover_of({"compose.yaml": text, "../common.yaml": "services: {base: {image: c}}\n"})
    assert prover.check({}).ok
    changed = {"../common.yaml": b"services: {base: {image: d}}\n"}
    assert not prover.check(changed, only=is_essential).ok


def test_several_files_and_directories(prover_of: Callable[..., Prover]) -> None:
    files = {
        "deploy/base.yml": SERVICES,
        "deploy/prod.yml": "services: {api: {restart: always}}\n",
    }
    entry = Invocation(("deploy/base.yml", "deploy/prod.yml"), directory="deploy", project_name="p")
    prover = prover_of(files, entry)
    proof = prover.check({})
    assert (proof.ok, proof.not_covered) == (True, [])
    change = {"deploy/prod.yml": b"services: {api: {restart: 'no'}}\n"}
    changed = prover.check(change, only=is_essential)
    assert changed.differences[0].path == ("services", "api", "restart")


def test_out_of_time(prover_of: Callable[..., Prover]) -> None:
    prover = prover_of({"compose.yaml": SERVICES}, timeout=0.001)
    assert list(prover.rejected().values()) == ["did not finish within 0.001 seconds"]


def test_progress_counts_to_the_end(compose: Engine, project: Callable[..., Path]) -> None:
    seen: list[tuple[int, int, str]] = []
    with Prover(
        compose,
        project({"compose.yaml": SERVICES}),
        [Invocation(("compose.yaml",))],
        ["compose.yaml"],
        variables_of=lambda _: (),
        profiles_of=lambda _: (),
        progress=lambda *shown: seen.append(shown),
    ) as prover:
        prover.baseline()
    assert [shown[:2] for shown in seen] == [(0, 2), (1, 2), (2, 2), (0, 1), (1, 1)]
    assert {shown[2] for shown in seen} == {"the present project"}


def test_an_interrupt_stops_the_runs(
    compose: Engine, project: Callable[..., Path], tmp_path: Path
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with (
        Prover(
            compose,
            project({"compose.yaml": SERVICES}),
            [Invocation(("compose.yaml",))],
            ["compose.yaml"],
            variables_of=lambda _: (),
            profiles_of=lambda _: (),
            progress=interrupt,
        ) as prover,
        pytest.raises(KeyboardInterrupt),
    ):
        prover.baseline()


def test_a_key_that_an_unseen_override_could_reset(
    prover_of: Callable[..., Prover], since: Callable[[str], None]
) -> None:
    since("2.24.7")
    prover = prover_of({"compose.yaml": SERVICES})
    proof = prover.check(split())
    assert proof.probed == set(prover.entries)
    assert prover.sensitivities(split(), insensitive=proof.probed) == []
    two = {
        "compose.yaml": ROOT.replace("all.yaml]", "all.yaml, docker-compose/more.yaml]").encode(),
        "docker-compose/all.yaml": SERVICES.replace(", MODE: live", "").encode(),
        "docker-compose/more.yaml": b"services: {api: {environment: {MODE: live}}}\n",
    }
    proof = prover.check(two)
    assert proof.ok
    [sensitivity] = prover.sensitivities(two, insensitive=proof.probed)
    assert sensitivity.service == "api"
    assert (
        sensitivity.message
        == "`!reset` of one environment key has a different effect on environment"
    )


def test_the_shell_s_variables_count(compose: Engine, project: Callable[..., Path]) -> None:
    text = "services: {a: {image: 'a:${TAG:?}'}}\n"
    with Prover(
        compose,
        project({"compose.yaml": text}),
        [Invocation(("compose.yaml",))],
        ["compose.yaml"],
        variables_of=lambda _: variables(text),
        profiles_of=lambda _: (),
        environ={"TAG": "shell"},
    ) as prover:
        proof = prover.check(split(text.replace("${TAG:?}", "shell")))
        assert proof.assumptions == []
        assert {found.scenario for found in proof.differences} == {
            "all variables set",
            "uninterpolated",
        }


def test_an_override_that_an_old_engine_rejects(
    prover_of: Callable[..., Prover], compose: Engine
) -> None:
    if compose.release >= (2, 24, 7):
        pytest.skip("later engines merge a second -f file over an included service")
    words = {
        sensitivity.message
        for sensitivity in prover_of({"compose.yaml": SERVICES}).sensitivities(split())
    }
    assert "a plain override is rejected: services.api conflicts with imported resource" in words


MOVED = {"compose.yaml": None, "deploy/compose.yaml": SERVICES.encode()}
ENTRY = Invocation(("compose.yaml",))


def test_another_command_afterwards_is_compared_with_the_one_before(
    prover_of: Callable[..., Prover],
) -> None:
    prover = prover_of({"compose.yaml": SERVICES, ".env": "TAG=2.0\n"}, entry=ENTRY)
    pinned = Invocation(("deploy/compose.yaml",), project_directory=".")
    proof = prover.check(MOVED, entries={ENTRY: pinned})
    assert proof.ok
    assert proof.covered == 4


def test_a_command_that_loses_its_directory_is_seen(prover_of: Callable[..., Prover]) -> None:
    prover = prover_of({"compose.yaml": SERVICES, ".env": "TAG=2.0\n"}, entry=ENTRY)
    proof = prover.check(MOVED, entries={ENTRY: Invocation(("deploy/compose.yaml",))})
    words = "\n".join(found.message for found in proof.differences)
    for lost in ("name", "image", "context", "source"):
        assert lost in words
    assert {found.entry for found in proof.differences} == {ENTRY}
