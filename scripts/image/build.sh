#!/bin/sh
# build.sh ARCHITECTURE VERSION - compiles /source and lays out the root of the image in /root-of-image. A step of the
# Dockerfile.
set -eu
# shellcheck source=scripts/image/architecture.sh
. "$(dirname "$0")/architecture.sh"
version=$2

declared=$(sed -nE 's/^project\(rucio-policy-webhook VERSION ([0-9.]+) .*/\1/p' /source/CMakeLists.txt)
if [ "$version" != "$declared" ]; then
    echo "$0: VERSION is '$version', but CMakeLists.txt says '$declared'; give --build-arg VERSION=$declared" >&2
    exit 1
fi

# Only the libraries of that architecture, whatever pkg-config takes for the usual place.
export PKG_CONFIG_LIBDIR="/usr/lib/$triplet/pkgconfig:/usr/share/pkgconfig"
cmake -S /source -B /build -G Ninja -DCMAKE_BUILD_TYPE=Release -DRPW_BUILD_TESTS=OFF \
    -DCMAKE_SYSTEM_NAME=Linux "-DCMAKE_SYSTEM_PROCESSOR=$machine" "-DCMAKE_C_COMPILER=$triplet-gcc"
cmake --build /build --target rucio-policy-webhook
"$triplet-strip" /build/rucio-policy-webhook

python3 "$(dirname "$0")/assemble.py" /root-of-image /build/rucio-policy-webhook /source/LICENSE \
    "$architecture" "$triplet" "$version"
