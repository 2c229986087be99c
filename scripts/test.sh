#!/bin/bash
# npm test: sets up what is missing, checks, builds, and runs every test. Goes on past failures, so that one run tells all;
# the last line is the sum.
set -uo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root" || exit 1
. scripts/setup.sh
set_up npm debian debian-test

results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT
failed_phases=()

phase() {
  local name=$1
  shift
  printf '\n== %s: %s\n' "$name" "$*"
  "$@" || failed_phases+=("$name")
}

reporters=(--reporter=default --reporter=./scripts/test-record.mjs)
phase check npm run --silent check
phase docs node scripts/docs.mjs --check
phase build npm run --silent build
phase unit env SLIPWAY_TEST_RECORD="$results/unit.json" npx vitest run --project unit "${reporters[@]}"
phase e2e env SLIPWAY_TEST_RECORD="$results/e2e.json" npx vitest run --project e2e --passWithNoTests "${reporters[@]}"

echo
node scripts/test-summary.mjs "$results" "${failed_phases[@]}"
