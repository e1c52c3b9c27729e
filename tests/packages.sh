#!/bin/sh
# Makes sure of the packages that building and testing moongate takes: installs what is
# missing with apt, or names it where there is no apt.
# usage: packages.sh [fuzz | bench | conformance | browser], which also wants what those take
set -u

need=""
want() { # PACKAGE, and a command that succeeds when it is there
    package=$1
    shift
    "$@" >/dev/null 2>&1 || need="$need $package"
}

want gcc sh -c 'command -v "${CC:-cc}"'
want libc6-dev test -e /usr/include/stdio.h
want pkg-config sh -c 'command -v pkg-config'
want liblua5.4-dev pkg-config --exists lua5.4
want libcurl4-openssl-dev pkg-config --exists libcurl
want libcjson-dev pkg-config --exists libcjson
want libssl-dev pkg-config --exists libssl
want libevent-dev pkg-config --exists libevent_openssl
want libsqlite3-dev pkg-config --exists sqlite3
want zlib1g-dev pkg-config --exists zlib
want libexpat1-dev pkg-config --exists expat
want libyaml-dev pkg-config --exists yaml-0.1
want libedit-dev pkg-config --exists libedit
want check pkg-config --exists check
want tzdata test -e /usr/share/zoneinfo/Europe/Berlin
want python3 sh -c 'python3 -c "import zoneinfo"'
if [ "${1:-}" = fuzz ]; then
    want clang sh -c 'command -v clang'
    want libclang-rt-14-dev sh -c 'ls /usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.fuzzer-*'
fi
if [ "${1:-}" = conformance ]; then
    want npm sh -c 'command -v npm'
    want curl sh -c 'command -v curl'
    want openssl sh -c 'command -v openssl'
    want python3-azure /usr/bin/python3 -c 'import azure.mgmt.resource, azure.identity'
    want azure-cli sh -c 'command -v az'
fi
if [ "${1:-}" = browser ]; then
    want npm sh -c 'command -v npm'
    want chromium sh -c 'command -v chromium'
fi
if [ "${1:-}" = bench ]; then
    want wrk sh -c 'command -v wrk'
fi
[ -z "$need" ] && exit 0

if ! command -v apt-get >/dev/null; then
    echo "moongate needs these packages (Debian's names), and there is no apt-get:$need" >&2
    exit 1
fi
sudo=""
if [ "$(id -u)" -ne 0 ]; then
    sudo=sudo
    if ! command -v sudo >/dev/null; then
        echo "moongate needs these packages, and you are not root and have no sudo:$need" >&2
        exit 1
    fi
fi
echo "To build and test moongate these packages are missing, installing them with apt-get:$need"
# shellcheck disable=SC2086
$sudo env DEBIAN_FRONTEND=noninteractive sh -c "apt-get update -qq && apt-get install -y -qq --no-install-recommends $need" ||
    { echo "installing failed; install them yourself:$need" >&2; exit 1; }
