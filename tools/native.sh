#!/bin/sh
# Build the native reader of records. Everything works without it, so a machine that cannot build it is told, and no more.
set -u
cd "$(dirname "$0")/.."
CXX=${CXX:-g++}
if ! command -v "$CXX" >/dev/null 2>&1 || ! printf '#include <simdjson.h>\n' | "$CXX" -M -x c++ - >/dev/null 2>&1; then
  echo "native reader: not built, for want of a C++ compiler and simdjson (Debian: g++ libsimdjson-dev); msgspec reads instead" >&2
elif ! make --no-print-directory -s -j2 -C native CXX="$CXX"; then
  echo "native reader: does not build here; msgspec reads instead" >&2
fi
