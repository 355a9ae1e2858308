#!/usr/bin/env bash
# Builds the C library and installs it: library, header, pkg-config file, CMake package.
#
#   bindings/c/install.sh PREFIX            builds with `cargo build --release` first
#   bindings/c/install.sh PREFIX FOLDER     takes the libraries that lie in FOLDER (target/debug)
set -euo pipefail
prefix=${1:?usage: install.sh PREFIX [FOLDER]}
here=$(cd "$(dirname "$0")" && pwd)
from=${2:-}
if [ -z "$from" ]; then
    (cd "$here/../.." && cargo build --locked --release -p gemmule-c)
    from=${CARGO_TARGET_DIR:-$here/../../target}/release
fi
version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$here/Cargo.toml" | head -1)
major=${version%%.*}
mkdir -p "$prefix/include" "$prefix/lib/pkgconfig" "$prefix/lib/cmake/gemmule"
prefix=$(cd "$prefix" && pwd)

install -m 644 "$here/include/gemmule.h" "$prefix/include/"
install -m 644 "$from/libgemmule_c.a" "$prefix/lib/libgemmule.a"
if [ -f "$from/libgemmule_c.dylib" ]; then
    shared=libgemmule.$major.dylib
    install -m 755 "$from/libgemmule_c.dylib" "$prefix/lib/$shared"
    ln -sf "$shared" "$prefix/lib/libgemmule.dylib"
else
    shared=libgemmule.so.$major
    install -m 755 "$from/libgemmule_c.so" "$prefix/lib/libgemmule.so.$version"
    ln -sf "libgemmule.so.$version" "$prefix/lib/$shared"
    ln -sf "$shared" "$prefix/lib/libgemmule.so"
fi

cat > "$prefix/lib/pkgconfig/gemmule.pc" <<EOF
# Where this file lies: the folder can be moved.
prefix=\${pcfiledir}/../..
libdir=\${prefix}/lib
includedir=\${prefix}/include

Name: gemmule
Description: Dendritic spines in 3D stacks
Version: $version
Libs: -L\${libdir} -lgemmule
Libs.private: -lstdc++ -lgcc_s -lutil -lrt -lpthread -lm -ldl -lc
Cflags: -I\${includedir}
EOF

cat > "$prefix/lib/cmake/gemmule/gemmule-config.cmake" <<EOF
get_filename_component(_gemmule_prefix "\${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)
if(NOT TARGET gemmule::gemmule)
  add_library(gemmule::gemmule SHARED IMPORTED)
  set_target_properties(gemmule::gemmule PROPERTIES
    IMPORTED_LOCATION "\${_gemmule_prefix}/lib/$shared"
    INTERFACE_INCLUDE_DIRECTORIES "\${_gemmule_prefix}/include")
endif()
EOF
cat > "$prefix/lib/cmake/gemmule/gemmule-config-version.cmake" <<EOF
set(PACKAGE_VERSION "$version")
if(PACKAGE_FIND_VERSION VERSION_GREATER PACKAGE_VERSION)
  set(PACKAGE_VERSION_COMPATIBLE FALSE)
else()
  set(PACKAGE_VERSION_COMPATIBLE TRUE)
  if(PACKAGE_FIND_VERSION VERSION_EQUAL PACKAGE_VERSION)
    set(PACKAGE_VERSION_EXACT TRUE)
  endif()
endif()
EOF
echo "gemmule $version: $prefix"
