"""The model of a Compose project: files, services and what their attributes mean.

================ ====================================================================
files            names of Compose files; one file with its sections and lines; files by path
invocation       how a project is started: ``-f`` files, directory, env files, profiles
project          every file that the start commands read, and what they refer to
services         the services of one start command, merged over files, extends, include
merge            how Docker Compose merges definitions: which, in which order, which values count
definitions      places in the definitions of a service, and values with their place
service_values   the values of a service as structs, merged as Docker Compose does
origins          which place sets each line of a merged service, and what it overrides
attributes       the table of all attributes: how each is merged, values, paths, usual order
remarks          what comments say: groups of services, generated files, blocks that stay
ignore_comments  comments that switch off a rule, a transform or a reader
interpolation    the syntax of ``${NAME:-default}``: find, expand and mask variables
references       what one service refers to, and what an include names
dependencies     references between services, start order, cycles and connected groups
hosts            host names in the values of variables and in commands
image_references image references and their parts
short_forms      ports and mounts in both forms; one form for all spellings, to compare them
sizes            sizes of memory and durations: ``512M`` in bytes and back, ``1m30s`` in seconds
ports            published ports: who reaches them, which conflict
paths            the paths in a file; which are remote, absolute or outside
resources        mounts, networks and subnets; the file that declares a resource
dotenv           the syntax of env files, to read and to write; lines are added in ``edit``
env_files        env files that provide the variables of a project
secrets          names of credentials, and values that are none
secret_spans     the recogniser of secrets in texts
masking          mask secrets in everything that is shown
one_off          services that complete a task and exit
repeats          definitions that a file repeats and could share
================ ====================================================================
"""
