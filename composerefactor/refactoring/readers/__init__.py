"""The programs other than Docker Compose that read Compose files: one function for each.

============= ================================================================================
engines       programs that get Compose files instead of Docker Compose: Swarm, kompose, bake
platforms     what deploys projects: Coolify, Dockge, doco-cd, Dokploy, Komodo, Portainer
image_updates what updates images: Dependabot, Renovate, updatecli
path_filters  CI systems that run for changes of some paths: GitHub, GitLab, Bitbucket
codeowners    who reviews changes
linters       pre-commit, yamllint and files such as .prettierignore
editors       Visual Studio Code, dev containers
commands      scp, rsync, tar, sed, grep and the like; patches
provisioning  Ansible, Terraform, Vagrant, Dockerfiles, mounts of containers
transfers     uploads in CI jobs, downloads by URL
_copies       whether what is copied has its modules with it
_patterns     patterns for paths, and lists of them
============= ================================================================================
"""
