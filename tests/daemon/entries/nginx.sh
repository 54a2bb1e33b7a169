#!/bin/sh
# As nginxinc/docker-nginx, entrypoint/: nothing fails where /etc/nginx cannot be written.
set -e
if [ "$1" = nginx ]; then
  touch /etc/nginx/conf.d/default.conf 2>/dev/null || echo "can not modify default.conf (read-only file system?)"
fi
exec "$@"
