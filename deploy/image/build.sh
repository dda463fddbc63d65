#!/bin/sh
# The program as it is released: none of the builder's own paths gets into it, so that the same commit, toolchain and target make
# the same bytes wherever they are built (.ci/reproducible proves it).
#   deploy/image/build.sh                                     # into target/release, or CARGO_TARGET_DIR
#   deploy/image/build.sh --target x86_64-unknown-linux-musl
set -eu
cd "$(dirname "$0")/../.."
target=${CARGO_TARGET_DIR:-$PWD/target}
crates=${CARGO_HOME:-$HOME/.cargo}/registry/src
case "$PWD$target$crates" in
    *[[:space:]]*) echo "build: $PWD, $target or $crates has a space, which RUSTFLAGS cannot hold; build elsewhere" >&2; exit 1 ;;
esac
# Of two prefixes that fit rustc takes the later: what is generated lies in the target directory, and that mostly in the source's.
RUSTFLAGS="${RUSTFLAGS:-} --remap-path-prefix=$crates=/crates --remap-path-prefix=$PWD=/floorcast --remap-path-prefix=$target=/target"
# Static, the places that hold an address are told in 20 KiB instead of 1.1 MiB (DT_RELR: Rust's musl, 1.2.5, knows it). Linked to glibc
# the program would then ask for 2.36; a linker that cannot do it for its target says so and goes on.
case "$* $(rustc -vV)" in
    *-linux-musl*) RUSTFLAGS="$RUSTFLAGS -C link-arg=-Wl,-z,pack-relative-relocs" ;;
esac
# A revision that differs is a difference: outside git it is named, or "unknown" for everybody.
FLOORCAST_REVISION=${FLOORCAST_REVISION:-$(git rev-parse --short=12 HEAD 2> /dev/null || echo unknown)}
export RUSTFLAGS FLOORCAST_REVISION
exec cargo build --release --locked --bin floorcast "$@"
