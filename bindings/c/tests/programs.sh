#!/usr/bin/env bash
# Compiles the test programs against the installed library, and runs them: bindings/c/tests/programs.sh FOLDER_OF_LIBRARIES GEMMULE
# Needs gcc, g++, pkg-config, cmake and valgrind. GEMMULE is the command line whose files must be met byte for byte.
set -euo pipefail
libraries=$(cd "$1" && pwd)
gemmule=$(cd "$(dirname "$2")" && pwd)/$(basename "$2")
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$here/../install.sh" "$work/usr" "$libraries"
export PKG_CONFIG_PATH=$work/usr/lib/pkgconfig LD_LIBRARY_PATH=$work/usr/lib
# shellcheck disable=SC2046 # flags are words
gcc -std=c11 -Wall -Wextra -Werror -g -o "$work/program" "$here/program.c" $(pkg-config --cflags --libs gemmule) -lm
# shellcheck disable=SC2046
g++ -std=c++17 -Wall -Wextra -Werror -g -fsanitize=address -o "$work/program-cpp" "$here/program.cpp" $(pkg-config --cflags --libs gemmule) -pthread
# shellcheck disable=SC2046
gcc -std=c11 -g -fsanitize=address,undefined -o "$work/program-asan" "$here/program.c" $(pkg-config --cflags --libs gemmule) -lm
# shellcheck disable=SC2046
gcc -std=c11 -o "$work/program-static" "$here/program.c" $(pkg-config --cflags gemmule) "$work/usr/lib/libgemmule.a" \
    $(pkg-config --static --libs-only-l gemmule | sed 's/-lgemmule//')

cd "$work"
printf '[phantom]\nplanes = 14\nrows = 160\ncolumns = 200\n' > p.toml
"$gemmule" --quiet phantom --params p.toml --seed 3 --days 0,2 -o p > /dev/null
stacks=(p/s0.tif p/s1.tif)
"$gemmule" --quiet detect "${stacks[0]}" --backend cpu -o cli > /dev/null
"$gemmule" --quiet track "${stacks[@]}" --backend cpu -o cli-series > /dev/null
"$gemmule" --quiet stats "$here/../../../fixtures/mixed_models.csv" -o cli-stats > /dev/null
# Byte for byte what the command line writes, through the shared and the static library.
for program in ./program ./program-static; do
    rm -rf c c-series c-stats && mkdir c c-series c-stats && cp cli/labels.tif c/
    "$program" same "${stacks[0]}" c
    cmp c/spines.csv cli/spines.csv && cmp c/dendrites.csv cli/dendrites.csv
    "$program" series c-series "${stacks[@]}"
    for name in tracks links dynamics survival; do cmp c-series/$name.csv cli-series/$name.csv; done
    "$program" stats "$here/../../../fixtures/mixed_models.csv" c-stats
    cmp c-stats/effects.csv cli-stats/effects.csv
done
# The README's own program.
awk '/^```c$/{on=1;next} /^```$/{on=0} on' "$here/../../../README.md" > readme.c
# shellcheck disable=SC2046
cc -o readme readme.c $(pkg-config --cflags --libs gemmule)
ln -s "${stacks[0]}" day0.tif
./readme | grep -q "^spine 1: length_um "
# Without caches per thread, whose chunks count as in use, the allocator tells to the byte what is.
GLIBC_TUNABLES=glibc.malloc.tcache_count=0:glibc.malloc.arena_max=1 ./program cycles "${GEMMULE_CYCLES:-10000}"
# Drivers of GPUs are not what is checked here.
export VK_ICD_FILENAMES=/nonexistent VK_DRIVER_FILES=/nonexistent
./program-asan misuse
./program-asan cycles 20
./program-cpp
# -q: only what it finds. Threads of the pool live as long as the process.
valgrind -q --leak-check=full --show-leak-kinds=definite,indirect --errors-for-leak-kinds=definite,indirect --error-exitcode=9 ./program misuse
valgrind -q --leak-check=full --show-leak-kinds=definite,indirect --errors-for-leak-kinds=definite,indirect --error-exitcode=9 ./program cycles 10
cmake -S "$here/cmake" -B build -DCMAKE_PREFIX_PATH="$work/usr" > /dev/null
cmake --build build > /dev/null
build/program
