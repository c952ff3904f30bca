#!/bin/sh
# The tests talk to a real PostgreSQL, and try the native reader where it can be built. Install Debian's packages when the
# machine has none and we may.
set -eu
may=no
if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then may=yes; fi
wanted=
if ! ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; then
  if [ "$may" = no ]; then
    echo "The tests need PostgreSQL's server programs (Debian: apt-get install postgresql)." >&2
    exit 1
  fi
  wanted="postgresql"
fi
if [ "$may" = yes ]; then
  command -v "${CXX:-g++}" >/dev/null 2>&1 || wanted="$wanted g++"
  [ -e /usr/include/simdjson.h ] || wanted="$wanted libsimdjson-dev"
fi
if [ -z "$wanted" ]; then exit 0; fi
apt-get update -qq
# shellcheck disable=SC2086 -- a list
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $wanted
