#!/usr/bin/env bash
# The image without a container engine: cargo builds the static binary, buildah the last stage of the Dockerfile around it.
#   deploy/image/assemble.sh floorcast.oci.tar          # what is released
#   deploy/image/assemble.sh floorcast.oci.tar ROOT     # of a folder that holds /floorcast and all it needs; nothing is built
# Needs buildah; the first also the target (rustup target add x86_64-unknown-linux-musl) and its C compiler (Debian: musl-tools).
# What comes out is run once; what is released is refused above 20 MiB, or if it is not static. The same program, authorities and
# revision make the same archive to the byte: its moments are SOURCE_DATE_EPOCH, or the commit's.
set -euo pipefail

fail() { printf 'assemble: %s\n' "$*" >&2; exit 1; }

[ $# = 1 ] || [ $# = 2 ] || fail "say where the archive goes: deploy/image/assemble.sh floorcast.oci.tar"
[ ! -e "$1" ] || fail "$1 is there already; remove it, or name another"
archive=$(realpath -- "$1")
root=${2:+$(realpath -- "$2")}
[ $# = 1 ] || [ -x "$root/floorcast" ] || fail "$2 holds no program floorcast"
cd "$(dirname "$0")/../.."
command -v buildah > /dev/null || fail "buildah is missing; install it (Debian: apt install buildah)"
FLOORCAST_REVISION=${FLOORCAST_REVISION:-$(git rev-parse --short=12 HEAD)}
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git show -s --format=%ct HEAD 2> /dev/null || echo 0)}
export FLOORCAST_REVISION SOURCE_DATE_EPOCH

# The folder that becomes the image.
build() {
    command -v musl-gcc > /dev/null || fail "musl-gcc is missing; install it (Debian: apt install musl-tools)"
    local authorities target program bytes
    authorities=${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}
    [ -r "$authorities" ] || fail "no certificate authorities at $authorities; set SSL_CERT_FILE to a bundle"
    target=$(uname -m)-unknown-linux-musl
    deploy/image/build.sh --target "$target"
    program=${CARGO_TARGET_DIR:-target}/$target/release/floorcast
    ! ldd "$program" 2> /dev/null | grep -q '=>' || fail "$program is not static"
    install -D "$program" "$1/floorcast"
    install -D -m 0644 "$authorities" "$1/etc/ssl/certs/ca-certificates.crt"
    bytes=$(du -sb "$1" | cut -f1)
    [ "$bytes" -le $((20 * 1024 * 1024)) ] || fail "$bytes bytes are more than 20 MiB"
}

work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
mkdir "$work/build"
if [ -n "$root" ]; then cp -a -- "$root" "$work/build/image"; else build "$work/build/image"; fi

images() { buildah --storage-driver vfs --root "$work/images" --runroot "$work/run" "$@"; }
images bud --quiet --isolation chroot --file deploy/image/Dockerfile --build-context "build=$work/build" \
    --build-arg "REVISION=$FLOORCAST_REVISION" --timestamp "$SOURCE_DATE_EPOCH" --tag floorcast .
container=$(images from floorcast)
images run --isolation chroot "$container" -- /floorcast --version
# An archive of buildah's own tells when it was written.
images push --quiet floorcast "oci:$work/layout:latest"
tar --create --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner --mode='u=rwX,go=rX' \
    --directory "$work/layout" --file "$archive" .
printf 'assemble: %s, %s bytes unpacked\n' "$archive" "$(du -sb "$work/build/image" | cut -f1)"
