#!/bin/sh
# As MariaDB/mariadb-docker, docker-entrypoint.sh: root gives away the data and becomes mysql; the
# server of the first start has no network.
set -e
case "$1" in -*) set -- mariadbd "$@" ;; esac
if [ "$1" = mariadbd ]; then
  if [ "$(id -u)" = 0 ]; then
    mkdir -p /var/lib/mysql /run/mysqld
    find /var/lib/mysql ! -user mysql -exec chown mysql: '{}' +
    find /run/mysqld -maxdepth 0 ! -user mysql -exec chown mysql: '{}' +
    exec gosu mysql "$0" "$@"
  fi
  if [ ! -d /var/lib/mysql/mysql ]; then
    file=${MARIADB_ROOT_PASSWORD_FILE:-$MYSQL_ROOT_PASSWORD_FILE}
    password=${MARIADB_ROOT_PASSWORD:-$MYSQL_ROOT_PASSWORD}
    [ -z "$file" ] || password=$(cat "$file")
    [ -n "$password" ] || { echo "[ERROR] Database is uninitialized" >&2; exit 1; }
    mariadb-install-db --datadir=/var/lib/mysql --auth-root-authentication-method=normal --skip-test-db
    mariadbd --skip-networking --socket=/run/mysqld/mysqld.sock &
    first=$!
    until mariadb-admin --no-defaults -uroot --socket=/run/mysqld/mysqld.sock ping --silent; do sleep 1; done
    mariadb --no-defaults -uroot --socket=/run/mysqld/mysqld.sock -e "
      CREATE USER root@'%' IDENTIFIED BY '$password'; GRANT ALL ON *.* TO root@'%' WITH GRANT OPTION;
      ALTER USER root@localhost IDENTIFIED BY '$password';
      CREATE DATABASE IF NOT EXISTS \`${MARIADB_DATABASE:-${MYSQL_DATABASE:-app}}\`"
    kill "$first"; wait "$first" || :
  fi
fi
exec "$@"
