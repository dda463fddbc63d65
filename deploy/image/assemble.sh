#!/usr/bin/env bash
# The image without a container engine: cargo builds the static binary, buildah the last stage of the Dockerfile around it.
#   deploy/image/assemble.sh floorcast.oci.tar
# Needs the target (rustup target add x86_64-unknown-linux-musl), its C compiler (Debian: musl-tools) and buildah. What comes out
# is run once, and refused above 20 MiB.
set -euo pipefail

fail() { printf 'assemble: %s\n' "$*" >&2; exit 1; }

[ $# = 1 ] || fail "say where the archive goes: deploy/image/assemble.sh floorcast.oci.tar"
[ ! -e "$1" ] || fail "$1 is there already; remove it, or name another"
archive=$(realpath -- "$1")
cd "$(dirname "$0")/../.."
command -v buildah > /dev/null || fail "buildah is missing; install it (Debian: apt install buildah)"
command -v musl-gcc > /dev/null || fail "musl-gcc is missing; install it (Debian: apt install musl-tools)"
authorities=${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}
[ -r "$authorities" ] || fail "no certificate authorities at $authorities; set SSL_CERT_FILE to a bundle"

target=$(uname -m)-unknown-linux-musl
FLOORCAST_REVISION=$(git rev-parse --short=12 HEAD)
export FLOORCAST_REVISION
cargo build --release --locked --bin floorcast --target "$target"

work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
install -D "${CARGO_TARGET_DIR:-target}/$target/release/floorcast" "$work/build/image/floorcast"
install -D -m 0644 "$authorities" "$work/build/image/etc/ssl/certs/ca-certificates.crt"
bytes=$(du -sb "$work/build/image" | cut -f1)
[ "$bytes" -le $((20 * 1024 * 1024)) ] || fail "$bytes bytes are more than 20 MiB"

images() { buildah --storage-driver vfs --root "$work/images" --runroot "$work/run" "$@"; }
images bud --quiet --isolation chroot --file deploy/image/Dockerfile --build-context "build=$work/build" \
    --build-arg "REVISION=$FLOORCAST_REVISION" --tag floorcast .
container=$(images from floorcast)
images run --isolation chroot "$container" -- /floorcast --version
images push --quiet floorcast "oci-archive:$archive"
printf 'assemble: %s, %s bytes unpacked\n' "$archive" "$bytes"
