#!/usr/bin/env bash
# Calls the library from Java by JNA: bindings/c/tests/java.sh FOLDER_OF_LIBRARIES. Needs javac, java and jna.jar (apt: libjna-java).
set -euo pipefail
library=$(cd "$1" && pwd)/libgemmule_c.so
here=$(cd "$(dirname "$0")" && pwd)
jar=/usr/share/java/jna.jar
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
javac -cp "$jar" -d "$work" "$here/Smoke.java"
java -Djna.nosys=false -cp "$jar:$work" Smoke "$library"
