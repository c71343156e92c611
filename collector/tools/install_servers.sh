#!/usr/bin/env bash
# Installs what the tests run: Debian's redis-server, rabbitmq-server and prometheus-alertmanager, and chromium for the
# API's page, where missing.
# Only the programs are used: the tests start their own servers on free ports, and the system's services may be stopped
# and disabled.
set -euo pipefail

missing=()
command -v redis-server >/dev/null || missing+=(redis-server)
command -v rabbitmq-server >/dev/null || [[ -x /usr/lib/rabbitmq/bin/rabbitmq-server ]] || missing+=(rabbitmq-server)
command -v prometheus-alertmanager >/dev/null || command -v alertmanager >/dev/null || missing+=(prometheus-alertmanager)
command -v chromium >/dev/null || missing+=(chromium)
((${#missing[@]})) || exit 0

fail() {
  echo "celery-otel: $1" >&2
  echo "celery-otel: install ${missing[*]} in your system's way, or test what needs none: make test-unit" >&2
  exit 1
}

command -v apt-get >/dev/null || fail "there is no apt-get to install ${missing[*]} with"
as_root=()
if [[ $(id -u) != 0 ]]; then
  command -v sudo >/dev/null || fail "installing ${missing[*]} needs root, and there is no sudo"
  as_root=(sudo)
fi

echo "celery-otel: installing ${missing[*]}" >&2
"${as_root[@]}" apt-get update --quiet --quiet || fail "apt-get update failed"
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
  apt-get install --quiet --quiet --yes --no-install-recommends "${missing[@]}" || fail "apt-get install failed"
