
# ---- The rest is the same in every script. ----

usage() {
  cat <<END
usage: $0 [--running] [--keep] [--timeout SECONDS]

Starts a copy of the project under its own project name, with free ports and empty volumes, checks
it, and removes it. Running containers are not touched.

  --running   check the running project; nothing is started, restarted or removed
  --keep      keep the copy running, to look at it
  --timeout   the time limit for all services to become healthy (default: $timeout)

Exit codes: 0 no check failed, 1 a check failed, 2 usage error, 130 interrupted.
END
}

report() {
  printf '%s  %s%s\n' "$1" "$2" "${3:+: $3}"
  case $1 in
    PASS) passed=$((passed + 1)) ;;
    FAIL) failed=$((failed + 1)) ;;
    *) skipped=$((skipped + 1)) ;;
  esac
}

docker_compose() {
  if [ "$engine" = plugin ]; then docker compose "$@"; else docker-compose "$@"; fi
}

# Runs a command with a time limit; its output goes to $work/log.
bounded() {
  "$@" >"$work/log" 2>&1 </dev/null &
  child=$!
  left=$timeout
  while kill -0 "$child" 2>/dev/null; do
    if [ "$left" -le 0 ]; then
      kill "$child" 2>/dev/null
      echo "not finished after $timeout s" >>"$work/log"
      return 1
    fi
    sleep 1
    left=$((left - 1))
  done
  wait "$child"
}

# The last line that Docker Compose wrote when it created or started containers. Its errors about the
# files are not shown: they may quote a value.
reason() { tail -n 1 "$work/log" | cut -c 1-200; }

# Writes one line per container: service, state, health, exit code, restart policy, name.
read_states() {
  ids=$(docker ps --all --quiet --filter "label=com.docker.compose.project=$project" \
    --filter label=com.docker.compose.oneoff=False)
  : >"$work/states"
  # shellcheck disable=SC2086 # one word per id
  if [ -n "$ids" ]; then docker inspect --format "$state" $ids >"$work/states"; fi
}
state='{{index .Config.Labels "com.docker.compose.service"}} {{.State.Status}}'
state="$state {{if .State.Health}}{{.State.Health.Status}}{{else}}none{{end}}"
state="$state {{.State.ExitCode}} {{or .HostConfig.RestartPolicy.Name \"no\"}} {{.Name}}"

# Sets outcome (PASS, FAIL, SKIP, WAIT) and detail for the containers of a service.
assess_service() {
  outcome='' detail=''
  while read -r service status health code policy _; do
    [ "$service" = "$1" ] || continue
    assess_container "$status" "$health" "$code" "$policy" "$(is_one_off "$service")"
    case $outcome:$result in
      FAIL:* | WAIT:PASS | WAIT:SKIP | SKIP:PASS) ;;
      *) outcome=$result detail=$why ;;
    esac
  done <"$work/states"
  if [ -z "$outcome" ]; then outcome=WAIT detail='it has no container'; fi
}

# Sets result and why: assess_container STATE HEALTH EXIT_CODE RESTART_POLICY ONE_OFF
assess_container() {
  result=WAIT
  case $1:$2 in
    running:healthy) result=PASS why='it is healthy' ;;
    running:none)
      if [ "$5" = yes ]; then why='it has not finished'; else result=PASS why='it is running (no health check)'; fi
      ;;
    running:*) why="its health check reports $2" ;;
    exited:*)
      why="it exited with code $3"
      if [ "$3" != 0 ]; then
        result=FAIL
      elif [ "$5" != no ]; then
        result=PASS
      elif [ "$4" = no ]; then
        result=SKIP
      else
        result=FAIL
      fi
      ;;
    dead:*) result=FAIL why='it is dead' ;;
    *) why="it is $1" ;;
  esac
}

# Waits until each of the given services has an outcome.
wait_for_services() {
  left=$timeout
  while :; do
    read_states
    waiting=''
    for each in "$@"; do
      assess_service "$each"
      if [ "$outcome" = WAIT ]; then waiting=1; fi
    done
    if [ -z "$waiting" ] || [ "$left" -le 0 ]; then break; fi
    sleep 2
    left=$((left - 2))
  done
}

check_services() {
  # shellcheck disable=SC2086 # one word per service
  wait_for_services $services
  sleep "$pause" # so that a program that fails immediately is noticed
  read_states
  for each in $services; do
    assess_service "$each"
    if [ "$outcome" = WAIT ]; then outcome=FAIL detail="$detail after $timeout s"; fi
    report "$outcome" "$each" "$detail"
  done
}

started() { case " $services " in *" $1 "*) return 0 ;; *) return 1 ;; esac; }

# The first container of a service.
container() { sed -n "s|^$1 .* /*||p" "$work/states" | head -n 1; }

# The host's address and port behind a container's port: ADDRESS:PORT.
address() {
  docker inspect --format "$bindings" "$1" 2>/dev/null |
    sed -n "s|^$2/tcp ||p" | sed 's|^ |127.0.0.1 |; s|^0\.0\.0\.0 |127.0.0.1 |; s|^:: |127.0.0.1 |' |
    sed 's|^\(.*:.*\) |[\1] |; s| |:|' | head -n 1
}
# shellcheck disable=SC2016 # variables of docker's templates
bindings='{{range $port, $all := .NetworkSettings.Ports}}{{range $all}}'
# shellcheck disable=SC2016
bindings="$bindings"'{{$port}} {{.HostIp}} {{.HostPort}}{{println}}{{end}}{{end}}'

# Prints the HTTP status of a URL, or "none" if it does not speak HTTP.
status() {
  if command -v curl >/dev/null 2>&1; then
    found=$(curl --silent --insecure --noproxy '*' --output /dev/null --max-time 10 --write-out '%{http_code}' "$1")
  else
    found=$(wget -S -O /dev/null -T 10 --no-check-certificate "$1" 2>&1 |
      sed -n 's|.*HTTP/[0-9.]* \([0-9][0-9][0-9]\).*|\1|p' | head -n 1)
  fi
  case $found in '' | 000) echo none ;; *) echo "$found" ;; esac
}

# endpoint SERVICE PORT SCHEME PATH EXPECTS
endpoint() {
  what="$1 answers on port $2"
  if ! started "$1"; then return; fi
  if ! command -v curl >/dev/null 2>&1 && ! command -v wget >/dev/null 2>&1; then
    report SKIP "$what" 'neither curl nor wget is installed'
    return
  fi
  at=$(address "$(container "$1")" "$2")
  if [ -z "$at" ]; then
    report SKIP "$what" 'the port is not published'
    return
  fi
  tries=$((answer_within / 2 + 1))
  if [ "$5" = maybe ]; then tries=2; fi
  while :; do
    found=$(status "$3://$at$4")
    if [ "$5" = ok ]; then worst=399; else worst=499; fi
    if [ "$found" != none ] && [ "$found" -le "$worst" ]; then
      report PASS "$what" "$4 returned $found"
      return
    fi
    tries=$((tries - 1))
    if [ "$tries" -le 0 ]; then break; fi
    sleep 2
  done
  case $found:$5 in
    none:maybe) report SKIP "$what" 'it does not speak HTTP' ;;
    none:*) report FAIL "$what" "no HTTP answer from $3://$at$4" ;;
    *) report FAIL "$what" "$3://$at$4 returned $found" ;;
  esac
}

# host SERVICE OTHER: does the name of OTHER lead to a container, within SERVICE?
host() {
  if ! started "$1" || ! started "$2" || ! grep -q "^$1 running" "$work/states"; then return; fi
  docker exec "$(container "$1")" getent hosts "$2" >/dev/null 2>&1 </dev/null
  case $? in
    0) report PASS "$1 finds $2" ;;
    12[67]) report SKIP "$1 finds $2" 'the image has no getent to ask with' ;;
    *) report FAIL "$1 finds $2" "the name leads nowhere: is $2 running, on a network of $1?" ;;
  esac
}

# in_service SERVICE SCRIPT: runs SCRIPT in the first container with DO, VALUE, PLACE and ARGUMENTS set.
in_service() {
  DO=$phase
  ARGUMENTS=$(docker inspect --format "$arguments" "$(container "$1")")
  export DO VALUE PLACE ARGUMENTS
  docker exec --env DO --env VALUE --env PLACE --env ARGUMENTS "$(container "$1")" sh -c "$2" \
    2>/dev/null </dev/null
}
arguments='{{range .Config.Entrypoint}}{{println .}}{{end}}{{range .Config.Cmd}}{{println .}}{{end}}'

# Both are called twice, to write and to read: store SERVICE CLIENT, volume SERVICE PATH.
store() { check_value "$1" "$1 keeps its data ($2)" "$(client "$2")"; }

volume() {
  PLACE=$2
  # shellcheck disable=SC2016 # expanded by the shell in the container
  check_value "$1" "$1 keeps $2" \
    'if [ "$DO" = write ]; then printf %s "$VALUE" > "$PLACE/.smoke-test"; else cat "$PLACE/.smoke-test"; fi'
}

# check_value SERVICE TITLE SCRIPT: in the phase "write" writes the value, in the phase "read" checks it.
check_value() {
  number=$((number + 1))
  if ! started "$1"; then return; fi
  if [ "$phase" = write ]; then
    in_service "$1" "$3" >/dev/null
    echo $? >"$work/written-$number"
    stores="$stores $1"
    return
  fi
  case $(cat "$work/written-$number"):$2 in
    0:*)
      if [ "$(in_service "$1" "$3" | head -n 1)" = "$VALUE" ]; then
        report PASS "$2" 'the value survived recreating the container'
      else
        report FAIL "$2" 'the value was lost when the container was recreated'
      fi
      ;;
    77:*) report SKIP "$2" 'the container has no credentials that work' ;;
    12[67]:* | *:"$1 keeps /"*) report SKIP "$2" 'a shell in the container cannot write a value' ;;
    *) report FAIL "$2" 'the value could not be written' ;;
  esac
}

check_data() {
  VALUE="smoke$$" PLACE='' phase=write number=0 stores=''
  data
  if [ "$number" = 0 ]; then return; fi
  # shellcheck disable=SC2086 # one word per service
  stores=$(printf '%s\n' $stores | sort -u)
  # shellcheck disable=SC2086 # one word per service
  if ! bounded compose up --detach --no-deps --force-recreate --renew-anon-volumes $stores; then
    report FAIL 'the data stores can be recreated' "$(reason)"
    return
  fi
  # shellcheck disable=SC2086
  wait_for_services $stores
  phase=read number=0
  data
}

clean() {
  code=$?
  trap - EXIT
  if [ -n "$begun" ] && [ -n "$keep" ]; then
    echo "The copy is still running. Commands to inspect and remove it:"
    echo "  docker compose -p $project ps"
    echo "  docker compose -p $project down --volumes"
  elif [ -n "$begun" ]; then
    docker_compose -p "$project" down --volumes --rmi local --remove-orphans --timeout 0 \
      >"$work/log" 2>&1 || echo "The copy could not be removed: docker compose -p $project down --volumes" >&2
  fi
  rm -rf "$work"
  exit "$code"
}

main() {
  mode=isolated keep='' begun='' passed=0 failed=0 skipped=0
  while [ $# -gt 0 ]; do
    case $1 in
      --running) mode=running ;;
      --keep) keep=1 ;;
      --timeout) shift; timeout=${1:-} ;;
      -h | --help) usage; exit 0 ;;
      *) usage >&2; exit 2 ;;
    esac
    shift
  done
  case $timeout in '' | *[!0-9]*) usage >&2; exit 2 ;; esac
  cd "$(dirname "$0")/$directory" || exit 2
  work=$(mktemp -d) || exit 2
  trap clean EXIT
  trap 'exit 130' INT TERM HUP
  run
  echo
  echo "$passed passed, $failed failed, $skipped skipped"
  [ "$failed" = 0 ]
}

run() {
  engine=plugin
  docker compose version >/dev/null 2>&1 || engine=standalone
  if ! docker info >/dev/null 2>&1; then
    report FAIL 'the Docker daemon answers' 'docker info fails'
    return
  fi
  if ! compose config --quiet >"$work/log" 2>&1; then
    report FAIL 'the Compose files are valid' 'run docker compose config --quiet for details'
    return
  fi
  report PASS 'the Compose files are valid'
  if [ "$mode" = isolated ]; then
    isolation="$work/isolation.yml"
    write_isolation >"$isolation"
    project="smoke-test-$$"
    if ! compose config --quiet >"$work/log" 2>&1; then
      report FAIL 'a copy can be started' 'it needs Docker Compose v2.24.6 or later'
      return
    fi
    if [ -n "$(docker ps --all --quiet --filter "label=com.docker.compose.project=$project")" ]; then
      report FAIL 'a copy can be started' "the project $project already exists"
      return
    fi
    services=$(compose config --services | tr '\n' ' ')
    not_copied
    begun=1
    if ! compose up --no-start >"$work/log" 2>&1 </dev/null || ! bounded compose up --detach; then
      report FAIL 'the project starts' "$(reason)"
    else
      report PASS 'the project starts'
    fi
  else
    services=$(compose config --services | tr '\n' ' ')
    project=$(compose config | sed -n 's/^name: //p' | tr -d '"')
  fi
  check_services
  hosts
  endpoints
  if [ "$mode" = isolated ]; then
    check_data
  else
    report SKIP 'data survives' 'a running project is not restarted'
  fi
}

main "$@"
