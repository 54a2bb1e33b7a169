"""The programs other than Docker Compose that read Compose files: one function for each.

============= ================================================================================
platforms     Coolify, Dockge, Komodo, Portainer ...; Swarm, kompose and bake
image_updates what updates images: Dependabot, Renovate, updatecli
path_filters  CI systems that run for changes of some paths; who reviews them (CODEOWNERS)
linters       pre-commit, yamllint, .prettierignore; Visual Studio Code, dev containers
commands      scp, rsync, tar, sed, grep and the like; patches
provisioning  Ansible, Terraform, Vagrant, Dockerfiles, mounts; uploads and downloads
_patterns     patterns for paths, lists of them; whether a copy has its modules with it
============= ================================================================================
"""
