"""All attributes of Compose: their values, how two files merge them, which are paths, their order.

Everything that depends on the kind of an attribute is derived from the table below. A row has the
path, the values, the merge and options. In a path, ``*`` is a name that the project chooses, or an
item of a list. The order of the rows is the usual order in a file.

Values:

* ``text``, ``number``, ``boolean``, ``null``
* ``duration``: text, a number with a unit
* ``mapping``; ``pairs``: a mapping, or a list of ``KEY=VALUE``; ``names``: a mapping, or a list of
  its names
* ``texts``, ``scalars``, ``mappings``, ``items``: a list of texts, of texts and numbers, of
  mappings, of texts and mappings

Merges:

* ``replaced``: the later file wins, and null changes nothing
* ``cleared``: the later file wins, and null removes the value if it is allowed
* ``keys``: key by key
* ``pairs``: key by key, in whichever form either file has
* ``appended``: the items of the later file follow those of the earlier
* ``unique``: the same, but an item replaces the one with the same key, which ``by`` names
* ``driver``: key by key if both files have the same driver, else replaced
* ``subnets``: by subnet, which loses items if there are several
* ``-``: not on its own, since the list or mapping around it is merged as a whole

Options:

* ``by=KEY``: what tells two items of a ``unique`` list apart
* ``parts``: a value may be spread over several files: the result is the same in all releases
* ``main=KEY``: the key without which the others are not readable on their own
* ``distinct``: Docker Compose may reject a list that has the same text twice
* ``short=SEPARATOR``: the separator of the short form of items
* ``variables``: the keys are names of variables, which the container or the build can read
* ``path=BASE``: a path relative to BASE: to the ``project`` directory, or for an extended service
  to the directory of its file (only these are resolved); to the build ``context``; to the project
  directory of the start ``command``, whichever file contains it; or on the ``host``
* ``remote``: a URL, or something else that is no path, is possible too
* ``since=VERSION``: a release whose schema has the attribute, if the one of v2.24.1 has not; no
  earlier release is known to have it

Sources: the JSON schema of the Compose specification for names and values; the Compose
specification (merge) and Docker Compose v2.24.1 to v5.6.1 (observed) for merges and paths; the
reference of Docker and the schemas in 20 releases for ``since``. Docker Compose rejects a key that
is not in the table, unless it begins with ``x-``.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from msgspec import Struct

Path = tuple[str, ...]

_SERVICE = """
extends                             text|mapping     -
extends.service                     text             -
extends.file                        text             -         path=project
image                               text             replaced
build                               text|mapping     keys      parts main=context
build.context                       text             replaced  path=project remote
build.dockerfile                    text             replaced  path=context
build.dockerfile_inline             text             replaced
build.target                        text             replaced
build.args                          pairs            pairs     parts variables
build.additional_contexts           pairs            pairs     path=project remote
build.secrets                       items            appended
build.secrets.*.source              text             -
build.secrets.*.target              text             -
build.secrets.*.uid                 text             -
build.secrets.*.gid                 text             -
build.secrets.*.mode                text|number      -
build.ssh                           pairs            keys      path=project
build.cache_from                    texts            appended
build.cache_to                      texts            appended
build.no_cache                      boolean|text     replaced
build.no_cache_filter               text|texts       appended  since=5.6.1
build.pull                          boolean|text     replaced
build.network                       text             replaced
build.extra_hosts                   pairs            appended
build.isolation                     text             replaced
build.privileged                    boolean|text     replaced
build.entitlements                  texts            appended  since=2.27.0
build.shm_size                      number|text      replaced
build.ulimits                       mapping          keys
build.ulimits.*                     number|text|mapping keys
build.ulimits.*.soft                number|text      replaced
build.ulimits.*.hard                number|text      replaced
build.platforms                     texts            appended
build.tags                          texts            unique    by=name
build.provenance                    text|boolean     replaced  since=2.39.0
build.sbom                          text|boolean     replaced  since=2.39.0
build.labels                        pairs            pairs     parts
pull_policy                         text             replaced
pull_refresh_after                  duration         replaced  since=2.34.0
platform                            text             replaced
runtime                             text             replaced
provider                            mapping          keys      since=2.35.0
provider.type                       text             replaced
provider.options                    mapping          keys
container_name                      text             replaced
hostname                            text             replaced
domainname                          text             replaced
profiles                            texts            unique    by=text parts distinct
restart                             text             replaced
scale                               number|text      replaced
attach                              boolean|text     replaced
init                                boolean|text     replaced
user                                text             replaced
group_add                           scalars          appended  parts distinct
userns_mode                         text             replaced
privileged                          boolean|text     replaced
entrypoint                          null|text|texts  cleared
command                             null|text|texts  cleared
working_dir                         text             replaced
stdin_open                          boolean|text     replaced
tty                                 boolean|text     replaced
env_file                            text|items       unique    by=path parts path=project
env_file.*.path                     text             -
env_file.*.required                 boolean|text     -
env_file.*.format                   text             -         since=2.30.0
environment                         pairs            pairs     parts variables
secrets                             items            unique    by=target parts
secrets.*.source                    text             -
secrets.*.target                    text             -
secrets.*.uid                       text             -
secrets.*.gid                       text             -
secrets.*.mode                      text|number      -
configs                             items            unique    by=target parts
configs.*.source                    text             -
configs.*.target                    text             -
configs.*.uid                       text             -
configs.*.gid                       text             -
configs.*.mode                      text|number      -
credential_spec                     mapping          keys
credential_spec.file                text             replaced  path=host
credential_spec.registry            text             replaced
credential_spec.config              text             replaced
models                              names            keys      distinct since=2.38.0
models.*                            null|mapping     keys
models.*.endpoint_var               text             replaced
models.*.model_var                  text             replaced
expose                              scalars          unique    by=text parts distinct
ports                               scalars|items    unique    by=binding parts short=:
ports.*.name                        text             -         since=2.25.0
ports.*.mode                        text             -
ports.*.host_ip                     text             -
ports.*.target                      number|text      -
ports.*.published                   number|text      -
ports.*.protocol                    text             -
ports.*.app_protocol                text             -         since=2.25.0
volumes                             items            unique    by=target parts short=: path=project
volumes.*.type                      text             -
volumes.*.source                    text             -
volumes.*.target                    text             -
volumes.*.read_only                 boolean|text     -
volumes.*.consistency               text             -
volumes.*.bind                      mapping          -
volumes.*.bind.propagation          text             -
volumes.*.bind.create_host_path     boolean|text     -
volumes.*.bind.recursive            text             -         since=2.30.1
volumes.*.bind.selinux              text             -
volumes.*.volume                    mapping          -
volumes.*.volume.labels             pairs            -         since=2.35.0
volumes.*.volume.nocopy             boolean|text     -
volumes.*.volume.subpath            text             -         since=2.25.0
volumes.*.tmpfs                     mapping          -
volumes.*.tmpfs.size                number|text      -
volumes.*.tmpfs.mode                number|text      -
volumes.*.image                     mapping          -         since=2.35.0
volumes.*.image.subpath             text             -
volumes_from                        texts            appended  parts distinct
devices                             items            unique    by=target parts path=host
devices.*.source                    text             -         since=2.30.1
devices.*.target                    text             -         since=2.30.1
devices.*.permissions               text             -         since=2.30.1
device_cgroup_rules                 texts            appended  parts distinct
gpus                                text|mappings    appended  since=2.30.0
gpus.*.driver                       text             -
gpus.*.count                        text|number      -
gpus.*.capabilities                 texts            -
gpus.*.device_ids                   texts            -
gpus.*.options                      pairs            -
network_mode                        text             replaced
networks                            names            keys      parts distinct
networks.*                          null|mapping     keys
networks.*.aliases                  texts            unique    by=text
networks.*.ipv4_address             text             replaced
networks.*.ipv6_address             text             replaced
networks.*.link_local_ips           texts            unique    by=text
networks.*.mac_address              text             replaced
networks.*.interface_name           text             replaced  since=2.36.0
networks.*.driver_opts              mapping          keys      since=2.27.1
networks.*.priority                 number           replaced
networks.*.gw_priority              number           replaced  since=2.33.1
mac_address                         text             replaced
dns                                 text|texts       unique    by=text parts
dns_opt                             texts            unique    by=text parts distinct
dns_search                          text|texts       unique    by=text parts
extra_hosts                         pairs            appended
links                               texts            unique    by=text parts distinct
external_links                      texts            appended  parts distinct
depends_on                          names            keys      parts distinct
depends_on.*                        mapping          keys
depends_on.*.condition              text             replaced
depends_on.*.required               boolean          replaced
depends_on.*.restart                boolean|text     replaced
read_only                           boolean|text     replaced
tmpfs                               text|texts       unique    by=name parts
cap_drop                            texts            unique    by=name parts distinct
cap_add                             texts            unique    by=name parts distinct
security_opt                        texts            appended  parts distinct path=command
use_api_socket                      boolean          replaced  since=2.38.1
ipc                                 text             replaced
pid                                 text|null        replaced
uts                                 text             replaced
isolation                           text             replaced
cgroup                              text             replaced
cgroup_parent                       text             replaced
sysctls                             pairs            pairs     parts
ulimits                             mapping          keys      parts
ulimits.*                           number|text|mapping keys
ulimits.*.soft                      number|text      replaced
ulimits.*.hard                      number|text      replaced
storage_opt                         mapping          keys
shm_size                            number|text      replaced
cpus                                number|text      replaced
cpu_count                           text|number      replaced
cpu_percent                         text|number      replaced
cpu_shares                          number|text      replaced
cpu_quota                           number|text      replaced
cpu_period                          number|text      replaced
cpu_rt_period                       number|text      replaced
cpu_rt_runtime                      number|text      replaced
cpuset                              text             replaced
mem_limit                           number|text      replaced
mem_reservation                     text|number      replaced
mem_swappiness                      number|text      replaced
memswap_limit                       number|text      replaced
oom_kill_disable                    boolean|text     replaced
oom_score_adj                       text|number      replaced
pids_limit                          number|text      replaced
blkio_config                        mapping          keys
blkio_config.weight                 number|text      replaced
blkio_config.weight_device          mappings         appended
blkio_config.weight_device.*.path   text             -         path=host
blkio_config.weight_device.*.weight number|text      -
blkio_config.device_read_bps        mappings         appended
blkio_config.device_read_bps.*.path text             -         path=host
blkio_config.device_read_bps.*.rate number|text      -
blkio_config.device_read_iops       mappings         appended
blkio_config.device_read_iops.*.path text             -         path=host
blkio_config.device_read_iops.*.rate number|text      -
blkio_config.device_write_bps       mappings         appended
blkio_config.device_write_bps.*.path text             -         path=host
blkio_config.device_write_bps.*.rate number|text      -
blkio_config.device_write_iops      mappings         appended
blkio_config.device_write_iops.*.path text             -         path=host
blkio_config.device_write_iops.*.rate number|text      -
stop_signal                         text             replaced
stop_grace_period                   duration         replaced
pre_start                           mappings         appended  since=5.6.1
pre_start.*.command                 null|text|texts  -
pre_start.*.image                   text             -
pre_start.*.user                    text             -
pre_start.*.privileged              boolean|text     -
pre_start.*.working_dir             text             -
pre_start.*.environment             pairs            -         variables
pre_start.*.per_replica             boolean|text     -
post_start                          mappings         appended  since=2.30.0
post_start.*.command                null|text|texts  -
post_start.*.user                   text             -
post_start.*.privileged             boolean|text     -
post_start.*.working_dir            text             -
post_start.*.environment            pairs            -         variables
pre_stop                            mappings         appended  since=2.30.0
pre_stop.*.command                  null|text|texts  -
pre_stop.*.user                     text             -
pre_stop.*.privileged               boolean|text     -
pre_stop.*.working_dir              text             -
pre_stop.*.environment              pairs            -         variables
healthcheck                         mapping          keys      parts main=test
healthcheck.test                    text|texts       cleared
healthcheck.interval                duration         replaced
healthcheck.timeout                 duration         replaced
healthcheck.retries                 number|text      replaced
healthcheck.start_period            duration         replaced
healthcheck.start_interval          duration         replaced
healthcheck.disable                 boolean|text     replaced
deploy                              null|mapping     keys      parts
deploy.mode                         text             replaced
deploy.replicas                     number|text      replaced
deploy.endpoint_mode                text             replaced
deploy.placement                    mapping          keys
deploy.placement.constraints        texts            appended
deploy.placement.preferences        mappings         appended
deploy.placement.preferences.*.spread text             -
deploy.placement.max_replicas_per_node number|text      replaced
deploy.resources                    mapping          keys      parts
deploy.resources.limits             mapping          keys      parts
deploy.resources.limits.cpus        number|text      replaced
deploy.resources.limits.memory      text             replaced
deploy.resources.limits.pids        number|text      replaced
deploy.resources.reservations       mapping          keys      parts
deploy.resources.reservations.cpus  number|text      replaced
deploy.resources.reservations.memory text             replaced
deploy.resources.reservations.generic_resources mappings         appended
deploy.resources.reservations.generic_resources.*.discrete_resource_spec mapping          -
deploy.resources.reservations.generic_resources.*.discrete_resource_spec.kind text             -
deploy.resources.reservations.generic_resources.*.discrete_resource_spec.value number|text      -
deploy.resources.reservations.devices mappings         appended
deploy.resources.reservations.devices.*.driver text             -
deploy.resources.reservations.devices.*.count text|number      -
deploy.resources.reservations.devices.*.capabilities texts            -
deploy.resources.reservations.devices.*.device_ids texts            -
deploy.resources.reservations.devices.*.options pairs            -
deploy.restart_policy               mapping          keys      parts
deploy.restart_policy.condition     text             replaced
deploy.restart_policy.delay         duration         replaced
deploy.restart_policy.max_attempts  number|text      replaced
deploy.restart_policy.window        duration         replaced
deploy.update_config                mapping          keys      parts
deploy.update_config.parallelism    number|text      replaced
deploy.update_config.delay          duration         replaced
deploy.update_config.failure_action text             replaced
deploy.update_config.monitor        duration         replaced
deploy.update_config.max_failure_ratio number|text      replaced
deploy.update_config.order          text             replaced
deploy.rollback_config              mapping          keys      parts
deploy.rollback_config.parallelism  number|text      replaced
deploy.rollback_config.delay        duration         replaced
deploy.rollback_config.failure_action text             replaced
deploy.rollback_config.monitor      duration         replaced
deploy.rollback_config.max_failure_ratio number|text      replaced
deploy.rollback_config.order        text             replaced
deploy.labels                       pairs            pairs     parts
logging                             mapping          driver
logging.driver                      text             replaced
logging.options                     mapping          keys
label_file                          text|texts       appended  path=project since=2.32.2
labels                              pairs            pairs     parts
annotations                         pairs            pairs     parts
develop                             null|mapping     keys
develop.watch                       mappings         appended
develop.watch.*.path                text             -         path=project
develop.watch.*.action              text             -
develop.watch.*.target              text             -
develop.watch.*.ignore              text|texts       -
develop.watch.*.include             text|texts       -         since=2.34.0
develop.watch.*.initial_sync        boolean          -         since=2.40.0
develop.watch.*.exec                mapping          -         since=2.32.2
develop.watch.*.exec.command        null|text|texts  -
develop.watch.*.exec.user           text             -
develop.watch.*.exec.privileged     boolean|text     -
develop.watch.*.exec.working_dir    text             -
develop.watch.*.exec.environment    pairs            -         variables
"""

_TOP = """
version                             text             replaced
name                                text             replaced
include                             items            -
include.*.path                      text|texts       -         path=project remote
include.*.project_directory         text             -         path=project
include.*.env_file                  text|texts       -         path=project
services                            mapping          keys
networks                            mapping          keys
networks.*                          null|mapping     keys
networks.*.name                     text             replaced
networks.*.driver                   text             replaced
networks.*.driver_opts              mapping          keys
networks.*.ipam                     mapping          keys
networks.*.ipam.driver              text             replaced
networks.*.ipam.config              mappings         subnets
networks.*.ipam.config.*.subnet     text             -
networks.*.ipam.config.*.ip_range   text             -
networks.*.ipam.config.*.gateway    text             -
networks.*.ipam.config.*.aux_addresses mapping          -
networks.*.ipam.options             mapping          keys
networks.*.external                 boolean|text|mapping replaced
networks.*.external.name            text             -
networks.*.internal                 boolean|text     replaced
networks.*.enable_ipv4              boolean|text     replaced  since=2.33.1
networks.*.enable_ipv6              boolean|text     replaced
networks.*.attachable               boolean|text     replaced
networks.*.labels                   pairs            pairs
volumes                             mapping          keys
volumes.*                           null|mapping     keys
volumes.*.name                      text             replaced
volumes.*.driver                    text             replaced
volumes.*.driver_opts               mapping          keys
volumes.*.driver_opts.device        text             replaced  path=project
volumes.*.external                  boolean|text|mapping replaced
volumes.*.external.name             text             -
volumes.*.labels                    pairs            pairs
secrets                             mapping          keys
secrets.*                           mapping          keys
secrets.*.name                      text             replaced
secrets.*.file                      text             replaced  path=project
secrets.*.environment               text             replaced
secrets.*.external                  boolean|text|mapping replaced
secrets.*.external.name             text             -
secrets.*.driver                    text             replaced
secrets.*.driver_opts               mapping          keys
secrets.*.template_driver           text             replaced
secrets.*.labels                    pairs            pairs
configs                             mapping          keys
configs.*                           mapping          keys
configs.*.name                      text             replaced
configs.*.file                      text             replaced  path=project
configs.*.content                   text             replaced
configs.*.environment               text             replaced
configs.*.external                  boolean|text|mapping replaced
configs.*.external.name             text             -
configs.*.template_driver           text             replaced
configs.*.labels                    pairs            pairs
models                              mapping          keys      since=2.38.0
models.*                            mapping          keys
models.*.name                       text             replaced
models.*.model                      text             replaced
models.*.context_size               number           replaced
models.*.runtime_flags              texts            appended
jobs                                mapping          keys      since=5.6.1
"""


class Attribute(Struct, frozen=True):
    """One row of the table; the docstring of the module has the words.

    Attributes:
        path: The keys from the service, or from the top of the file.
        values: The values that are allowed.
        merge: How Docker Compose merges the values of two files.
        options: The options with their values; ``""`` for those without one.
    """

    path: Path
    values: frozenset[str]
    merge: str
    options: Mapping[str, str]

    @property
    def name(self) -> str:
        """The path with dots, without the names that the project chooses."""
        return ".".join(key for key in self.path if key != "*")

    @property
    def has_pairs(self) -> bool:
        """True if the value may be a list of ``KEY=VALUE``."""
        return "pairs" in self.values

    @property
    def needs_text(self) -> bool:
        """True if a number or boolean needs quotes."""
        return self.values <= {"text", "duration", "null"}

    @property
    def needs_text_items(self) -> bool:
        """True if a number or boolean in the list needs quotes."""
        has_texts = not self.values.isdisjoint({"texts", "items", "names"})
        return has_texts and "scalars" not in self.values

    @property
    def needs_list(self) -> bool:
        """True if a single text must be written as a list with one item."""
        return self.values <= {"texts", "scalars", "items", "names"}


def _read_table(text: str) -> Mapping[Path, Attribute]:
    """Return the rows of *text* by their path, in order."""
    table = {}
    for line in text.strip().splitlines():
        place, values, merge, *options = line.split()
        path = tuple(place.split("."))
        by_name = {name: value for name, _, value in (o.partition("=") for o in options)}
        table[path] = Attribute(path, frozenset(values.split("|")), merge, by_name)
    return MappingProxyType(table)


SERVICE = _read_table(_SERVICE)
"""The attributes of a service, by their path from the service."""

TOP = _read_table(_TOP)
"""The other attributes, by their path from the top of the file."""


def find_attribute(table: Mapping[Path, Attribute], path: Path) -> Attribute | None:
    """Return the row of *table* for *path*, which has names and positions where the row has ``*``.

    None if Docker Compose knows no such attribute.
    """
    row: Path = ()
    for key in path:
        row = (*row, key) if (*row, key) in table else (*row, "*")
    return table.get(row)


def keys_below(table: Mapping[Path, Attribute], path: Path) -> tuple[str, ...]:
    """Return the keys that Docker Compose knows in the mapping at *path*, in the usual order."""
    return tuple(row[-1] for row in table if row[:-1] == path and row[-1] != "*")


def _merged(*merges: str) -> frozenset[Path]:
    """Return the attributes of a service that are merged in one of *merges*."""
    return frozenset(row.path for row in SERVICE.values() if row.merge in merges)


SERVICE_ORDER = keys_below(SERVICE, ())
"""The keys of a service in the usual order; for ``AddKey.order``."""

DEPLOY_ORDER = keys_below(SERVICE, ("deploy",))
"""The keys of ``deploy`` in the usual order; for ``AddKey.order``."""

VERSION_1_KEYS = frozenset({"net", "log_driver", "log_opt", "volume_driver", "dockerfile"})
"""Keys of a service that only version 1 of the Compose file format had."""

_IN_PARTS = frozenset(row.path for row in SERVICE.values() if "parts" in row.options)

KEY_VALUE = _merged("pairs") & _IN_PARTS
"""Lists of ``KEY=VALUE`` or mappings. The order of the pairs has no meaning."""

NAMED = frozenset(path for path in _merged("keys") & _IN_PARTS if "names" in SERVICE[path].values)
"""Lists of names, or mappings by name. The order of the names has no meaning."""

MAPPINGS = _merged("keys") & _IN_PARTS - NAMED
"""Mappings that Docker Compose merges key by key."""

APPENDED = _merged("appended", "unique") & _IN_PARTS
"""Lists to which a later file appends: items can be shared if all lists begin with them."""

REPLACED = frozenset(path[0] for path in _merged("replaced", "cleared") if len(path) == 1)
"""Attributes that a later file replaces as a whole."""

CLEARED = _merged("cleared")
"""Attributes that a later file replaces as a whole, and that null removes."""

MAIN_KEYS: Mapping[Path, str] = MappingProxyType(
    {row.path: row.options["main"] for row in SERVICE.values() if "main" in row.options}
)
"""The main key of a mapping: without it, the other keys are not readable on their own."""
