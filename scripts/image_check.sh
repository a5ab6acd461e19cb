#!/usr/bin/env bash
# Builds the image and runs it against the sandbox, where there is an engine: Docker, or podman (Debian: podman runc).
# Without Docker Hub the base is made from Debian's own packages (debootstrap, as root) and tagged like the real one.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

image=localhost/discord-music-ai-bot:check
base=docker.io/library/python:3.12-slim

skip() {
    echo "SKIPPED: the image is neither built nor run: $1"
    exit 0
}

if docker info > /dev/null 2>&1; then
    engine=(docker)
elif command -v podman > /dev/null; then
    engine=(podman)
    if command -v runc > /dev/null; then
        engine+=(--runtime runc)  # crun fails on some kernels
    fi
    export BUILDAH_ISOLATION=chroot
else
    skip 'neither a Docker engine nor podman is here'
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Debian's Python in the place of the official image's; the bot needs 3.11, which bookworm has.
make_base() {
    echo "Making a stand-in for $base with debootstrap"
    local mirror
    mirror=$(sed -n 's/^URIs: *\([^ ]*\).*/\1/p; s/^deb  *\(http[^ ]*\).*/\1/p' \
        /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list 2> /dev/null | head -n 1 || true)
    debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates bookworm "$work/base" \
        ${mirror:+"$mirror"} > "$work/debootstrap.log" 2>&1 || { tail -n 5 "$work/debootstrap.log"; return 1; }
    ln -s python3 "$work/base/usr/bin/python"
    tar -C "$work/base" -c . | "${engine[@]}" import - "$base" > /dev/null
}

if ! "${engine[@]}" image inspect "$base" > /dev/null 2>&1 \
    && ! "${engine[@]}" pull --quiet "$base" > /dev/null 2>&1; then
    if ! command -v debootstrap > /dev/null || [ "$(id -u)" -ne 0 ]; then
        skip "$base cannot be pulled, and debootstrap (as root) is not here to make a base"
    fi
    make_base
fi

build=("${engine[@]}" build --tag "$image")
if [ "${engine[0]}" = podman ]; then
    # HEALTHCHECK is not part of the OCI format. pip in the build finds packages as pip out here does.
    build+=(--format docker --pull-never --volume /etc/ssl/certs:/etc/ssl/certs:ro)
    [ -f /etc/pip.conf ] && build+=(--volume /etc/pip.conf:/etc/pip.conf:ro)
fi
"${build[@]}" .

make --no-print-directory .venv/.sandbox
GRPC_VERBOSITY=NONE .venv/bin/python scripts/image_check.py "$image" "${engine[@]}"
