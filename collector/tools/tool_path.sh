#!/usr/bin/env bash
# Prints the path of one of the Go programs: otelcol, prometheus, promtool or jaeger; for more than one machine also
# otelcol-scale or victoria-metrics. All else goes to standard error.
#
# A program on the PATH is taken when it has what our configuration uses; it is asked to try, not for its version.
# Otherwise ours is built, once for each state of its module files, into a cache outside the tree: CELERY_OTEL_CACHE,
# by default ~/.cache/celery-otel.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cache=${CELERY_OTEL_CACHE:-$HOME/.cache/celery-otel}/tools

say() { echo "celery-otel: $*" >&2; }
fail() { say "$*"; exit 1; }

# --- ready-made ones -------------------------------------------------------------------------------------------------

fits_otelcol() { "$1" validate --config "$root/otel-collector.yaml" >/dev/null 2>&1; }
fits_otelcol-scale() { "$1" validate --config "$root/collector/scale/agent.yaml" >/dev/null 2>&1; }
fits_promtool() { "$1" check config "$root/collector/prometheus/prometheus.yml" >/dev/null 2>&1; }
fits_jaeger() { "$1" validate --config "$root/collector/jaeger.yaml" >/dev/null 2>&1; }
fits_prometheus() {
  local help feature
  help=$("$1" --help 2>&1) || return 1
  for feature in created-timestamp-zero-ingestion exemplar-storage; do
    [[ $help == *"$feature"* ]] || return 1
  done
}

ready_made() {
  local candidate path
  for candidate in "$@"; do
    path=$(command -v "$candidate") && "fits_$name" "$path" && echo "$path" && return
  done
  return 1
}

# --- ours ------------------------------------------------------------------------------------------------------------

build_otelcol() { go_build "$1/otelcol" -trimpath -tags grpcnotrace -ldflags "-s -w" .; }
build_scale() { go_build "$1/otelcol-scale" -trimpath -tags grpcnotrace -ldflags "-s -w" .; }
build_prometheus() {
  go_build "$1/" -trimpath -tags remove_all_sd -ldflags "-s -w" \
    github.com/prometheus/prometheus/cmd/prometheus github.com/prometheus/prometheus/cmd/promtool
}
build_jaeger() { go_build "$1/" -trimpath -tags grpcnotrace -ldflags "-s -w" github.com/jaegertracing/jaeger/cmd/jaeger; }

build_victoriametrics() {
  CGO_ENABLED=0 go_build "$1/" -trimpath -ldflags "-s -w" github.com/VictoriaMetrics/VictoriaMetrics/app/victoria-metrics
}

# What the module files say is built, whatever else the user has set; the stamp of the repository's state would fail
# the build in a checkout of another owner's.
build() {
  local module=$1 folder=$2 target=$3
  export GOFLAGS="${GOFLAGS:-} -mod=readonly -buildvcs=false" GOWORK=off
  cd "$module"
  "build_$folder" "$target"
}

go_build() {
  local output=$1
  shift
  say "building $name: takes 5 to 10 minutes on 2 cores the first time"
  go build -v -o "$output" "$@" 2>&1 | progress >&2
}

# go names each module that it downloads and each package that it compiles: too many lines to show, too few minutes to
# hide. What is neither is a message, and is shown.
progress() {
  awk -v name="$name" '
    /^go: downloading / { if (++modules % 100 == 0) print "celery-otel: " name ": " modules " modules downloaded"; fflush(); next }
    /^[^ #:]+$/ { if (++packages % 100 == 0) print "celery-otel: " name ": " packages " packages compiled"; fflush(); next }
    { print; fflush() }'
}

digest() {
  # What decides the program: the module's files, and how it is built.
  (cd "$1" && for file in *.go go.mod go.sum; do [[ ! -f $file ]] || sha256sum -- "$file"; done
    declare -f build "build_$2") | sha256sum | cut -c1-16
}

ours() {
  local module=$1 folder=$2 target
  target=$cache/$folder-$(digest "$module" "$folder")
  if [[ ! -x $target/$name ]]; then
    command -v go >/dev/null || fail "Go is needed to build $name: install it from https://go.dev/dl, then try again"
    mkdir -p "$cache"
    build_once "$module" "$folder" "$target"
  fi
  echo "$target/$name"
}

# One build at a time; who had to wait finds it done. The folder appears whole or not at all.
build_once() (
  module=$1 folder=$2 target=$3
  exec 9>"$cache/.lock"
  flock --nonblock 9 || { say "waiting for another build to end"; flock 9; }
  [[ ! -x $target/$name ]] || exit 0
  unfinished=$(mktemp -d "$cache/.building-XXXXXX")
  trap 'rm -rf "$unfinished"' EXIT
  (build "$module" "$folder" "$unfinished")
  [[ -x $unfinished/$name ]] || fail "the build of $name made no program: see the messages above"
  chmod 755 "$unfinished"
  mv -T "$unfinished" "$target"
  say "built $target/$name"
)

name=${1:-}
case $name in
  otelcol) ready_made otelcol-contrib otelcol || ours "$root/collector/distribution" otelcol ;;
  prometheus | promtool) ready_made "$name" || ours "$root/collector/tools/prometheus" prometheus ;;
  jaeger) ready_made jaeger || ours "$root/collector/tools/jaeger" jaeger ;;
  otelcol-scale) ready_made otelcol-contrib || ours "$root/collector/scale" scale ;;
  victoria-metrics) ours "$root/collector/tools/victoriametrics" victoriametrics ;;
  *) fail "unknown tool '$name': NAME is one of otelcol, prometheus, promtool, jaeger, otelcol-scale, victoria-metrics" ;;
esac
