#!/bin/sh
# What compose.yaml needs before its services start: `all` gives new volumes to the users who write them and draws what
# is secret; `show` says to the operator what was drawn. A secret is drawn once: to have a new one, remove its volume.
#
# Each service gets a volume with its own secrets, and the API only the hash of its tokens. Runs in any POSIX shell with
# head, base64, tr and sha256sum. VOLUMES is for trying it out elsewhere.
set -eu
umask 077

volumes=${VOLUMES:-/volumes}
operator=$volumes/operator-secrets

# 256 random bits that no file, URL or header has to quote.
drawn() { head -c 32 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=\n'; }

# A file is there whole or not at all.
written() { cat > "$1.new" && mv "$1.new" "$1"; }

drawn_once() { [ -s "$1" ] || drawn | written "$1"; }

# As `celery-otel-api token` writes it.
token_line() { echo "$1:$2:$(tr -d '\n' < "$3" | sha256sum | cut -d ' ' -f 1)"; }

draw_secrets() {
  drawn_once "$operator/api-token"
  drawn_once "$volumes/prometheus-secrets/api-token"
  {
    token_line operator control+read+results "$operator/api-token"
    token_line prometheus metrics "$volumes/prometheus-secrets/api-token"
  } | written "$volumes/api-secrets/tokens"
  drawn_once "$volumes/grafana-secrets/admin-password"
  drawn_once "$operator/flower-password"
  echo "operator:$(cat "$operator/flower-password")" | written "$volumes/flower-secrets/logins"
}

# Nobody but root can give files away: tried out by somebody else, they stay theirs.
give() {
  owner=$1
  shift
  for volume in "$@"; do
    [ "$(id -u)" != 0 ] || chown -R "$owner" "$volumes/$volume"
  done
}

prepare() {
  draw_secrets
  # The numbers are those of `user` in compose.yaml and of the Dockerfiles.
  give 10001:10001 collector-queue jaeger-data worker-data beat-data flower-data api-secrets flower-secrets
  give 65534:65534 prometheus-secrets
  give 472:0 grafana-secrets
}

show() {
  [ -s "$operator/api-token" ] || {
    echo "Nothing was drawn yet: start the services first, by docker compose up." >&2
    exit 1
  }
  echo "The API's page, http://127.0.0.1:8000:    token $(cat "$operator/api-token")"
  echo "Grafana, http://127.0.0.1:3000:           admin, $(cat "$volumes/grafana-secrets/admin-password")"
  echo "Flower, http://127.0.0.1:5555/flower:     operator, $(cat "$operator/flower-password")"
}

case ${1:-} in
  all) prepare ;;
  show) show ;;
  *)
    echo "prepare_volumes.sh all | show" >&2
    exit 2
    ;;
esac
