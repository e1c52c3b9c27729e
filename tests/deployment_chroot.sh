#!/bin/sh
# Does what docs/deployment/Dockerfile says, in folders that debootstrap makes, and starts the
# scheduler there as the container would: not root, its root read-only, as process 1. Says how
# large the image is.
# usage: deployment_chroot.sh FOLDER; as root, with debootstrap and a Debian mirror; ends with
# "N passed, N failed"
set -u
if [ "${DEPLOYMENT_CHROOT:-}" != inside ]; then
    [ "$(id -u)" -eq 0 ] || { echo "skipped: root is needed"; exit 0; }
    for tool in debootstrap unshare chroot; do
        command -v "$tool" >/dev/null || { echo "skipped: no $tool here"; exit 0; }
    done
    # what is mounted goes with this process
    exec env DEPLOYMENT_CHROOT=inside unshare --mount --propagation private sh "$0" "$@"
fi
. "$(dirname "$0")/verdict.sh"
root=$(realpath "$(dirname "$0")/..")
mkdir -p "$1"
work=$(realpath "$1")
dockerfile=$root/docs/deployment/Dockerfile
sources=/etc/apt/sources.list.d/debian.sources
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH

give_up() {
    verdict 1 "$1"
    verdict_end
    exit 1
}

# --- the base --------------------------------------------------------------------------------

# The mirror that this machine uses, as apt knows it; else debootstrap's own.
mirror=$(sed -n 's/^URIs: *\([^ ]*\).*/\1/p' $sources 2>/dev/null | head -n 1)

if [ ! -e "$work/base/.whole" ]; then
    rm -rf "$work/base"
    debootstrap --variant=minbase bookworm "$work/base" ${mirror:+"$mirror"} >"$work/debootstrap.log" 2>&1 ||
        { tail "$work/debootstrap.log"; give_up "debootstrap makes a base"; }
    if [ -e $sources ]; then
        cp $sources "$work/base/etc/apt/sources.list.d/"
        : >"$work/base/etc/apt/sources.list"
    fi
    rm -rf "$work/base/var/cache/apt/archives"/*.deb "$work/base/var/lib/apt/lists"/*
    : >"$work/base/.whole"
fi

# --- instructions ----------------------------------------------------------------------------

# enter STAGE: its folder with what a builder gives it
enter() {
    stage=$work/stage-$1
    rm -rf "$stage"
    cp -a "$work/base" "$stage"
    rm -f "$stage/.whole"
    mount -t proc proc "$stage/proc"
    mount --bind /dev "$stage/dev"
    cp /etc/resolv.conf "$stage/etc/resolv.conf"
    folder=/
    : >"$work/env"
}

leave() {
    umount "$stage/proc" "$stage/dev"
}

# path NAME: in the stage, by its folder
path() {
    case $1 in
    /*) echo "$stage$1" ;;
    *) echo "$stage$folder/$1" ;;
    esac
}

# copy FROM TO: as COPY does: what is in a folder, or a file
copy() {
    to=$(path "$2")
    if [ -d "$1" ]; then
        mkdir -p "$to" && cp -a "$1/." "$to"
    else
        case $2 in
        */) mkdir -p "$to" ;;
        *) mkdir -p "$(dirname "$to")" ;;
        esac
        cp -a "$1" "$to"
    fi
}

# step WORD REST: one instruction; what is only about the start is kept in variables
step() {
    case $1 in
    RUN) # an environment of its own, as a builder's
        xargs env -i PATH="$PATH" DEBIAN_FRONTEND=noninteractive chroot "$stage" \
            /bin/sh -c "cd $folder && $2" <"$work/env" >"$work/run.log" 2>&1 ||
            { tail -n 20 "$work/run.log"; return 1; }
        ;;
    COPY)
        case $2 in
        --from=*)
            from=$work/stage-$(echo "$2" | sed 's/^--from=\([^ ]*\).*/\1/')
            set -- COPY "$(echo "$2" | sed 's/^--from=[^ ]* *//')"
            copy "$from/${2% *}" "${2##* }"
            ;;
        *) copy "$root/${2% *}" "${2##* }" ;;
        esac
        ;;
    WORKDIR) folder=$2 && mkdir -p "$stage$folder" ;;
    ENV) echo "$2" | tr ' ' '\n' | grep . >>"$work/env" ;;
    VOLUME) volume=$2 && mkdir -p "$stage$volume" ;;
    USER) user=$2 ;;
    ENTRYPOINT) entry=$(echo "$2" | tr -d '[]",') ;;
    CMD) command=$(echo "$2" | tr -d '[]",') ;;
    STOPSIGNAL) stop=${2#SIG} ;;
    HEALTHCHECK) ;;
    *) return 1 ;;
    esac
}

awk -f "$root/tests/dockerfile.awk" "$dockerfile" | tr -s ' ' >"$work/instructions"
stage=
while read -r word rest; do
    if [ "$word" = FROM ]; then
        [ -z "$stage" ] || leave
        name=${rest##* AS }
        [ "$name" != "$rest" ] || name=final
        enter "$name"
    else
        step "$word" "$rest" </dev/null || give_up "$word $rest"
        verdict 0 "$word $rest"
        printf '%s %s\n' "$word" "$(echo "$rest" | cut -c 1-60)"
    fi
done <"$work/instructions"
leave

size() {
    du -sm --one-file-system "$1" | cut -f 1
}
echo "the image: $(size "$stage") MiB, its base $(size "$work/base") MiB, moongate" \
    "$(du -sh "$stage/usr/bin/moongate" | cut -f 1)"
# what moongate adds to the base, with the libraries and the time zones
[ $(($(size "$stage") - $(size "$work/base"))) -le 60 ]
verdict $? "the image is no more than 60 MiB larger than its base"

# --- the container -----------------------------------------------------------------------------

mount --bind "$stage" "$stage"
mkdir -p "$work/volume"
rm -rf "$work/volume"/* "$work/pid"
chown "$user" "$work/volume"
chmod 700 "$work/volume"
cat >"$stage/etc/moongate/moongate.lua" <<'LUA'
job "hello" { every = "2s", script = "hello.lua", max_memory = "256M" }
LUA
cat >"$stage/etc/moongate/hello.lua" <<'LUA'
print(require "clock".date(require "run".slot, "Europe/Berlin").zone)
LUA
mount -o remount,bind,ro "$stage"
mount --bind "$work/volume" "$stage$volume"
mount -t tmpfs tmpfs "$stage/tmp"
mount --bind /dev "$stage/dev"

# inside WORD...: a command as process 1 of a container
inside() {
    # shellcheck disable=SC2046
    unshare --pid --fork --kill-child --mount sh -c 'mount -t proc proc "$0/proc" && exec "$@"' \
        "$stage" env -i PATH="$PATH" $(cat "$work/env") chroot --userspec="$user" "$stage" \
        sh -c 'cd "$0" && exec "$@"' "$folder" "$@"
}

inside sh -c '! touch /etc/moongate/x 2>/dev/null && ! touch /usr/x 2>/dev/null && touch /tmp/x'
verdict $? "nothing but the volume and /tmp can be written"
[ "$(inside id -u)" = "${user%:*}" ]
verdict $? "it is not root"
# shellcheck disable=SC2086
inside $entry run --sim -e 'print "hello"' >"$work/said" 2>&1 && grep -qx hello "$work/said"
code=$?
[ $code -eq 0 ] || cat "$work/said"
verdict $code "it runs a script with the simulator"

# shellcheck disable=SC2086
inside $entry $command --sim --store "$volume" >"$work/said" 2>&1 &
carrier=$!
for _ in $(seq 300); do
    [ "$(grep -c ' succeeded ' "$work/said")" -ge 2 ] && break
    sleep 0.1
done
[ "$(grep -c ' succeeded ' "$work/said")" -ge 2 ]
verdict $? "the scheduler runs what is due"
# the process 1 of its name space: the child of unshare
scheduler=$(cat "/proc/$carrier/task/$carrier/children" 2>/dev/null | tr -d ' ')
for _ in 1 2 3; do
    case $(readlink "/proc/$scheduler/exe") in
    */moongate) break ;;
    esac
    scheduler=$(cat "/proc/$scheduler/task/$scheduler/children" | cut -d ' ' -f 1)
done
kill -s "$stop" "$scheduler"
wait $carrier
code=$?
[ $code -eq 0 ] || cat "$work/said"
verdict $code "SIG$stop ends it well: exit code $code"
[ -n "$(ls "$work/volume/jobs/slots/hello" 2>/dev/null)" ]
verdict $? "its slots are in the volume"
grep -q 'CES*T' "$work/volume"/runs/*/events.jsonl
verdict $? "it knows time zones"
tail -n 5 "$work/said"

# the base stays, for the next time
umount -R "$stage"
rm -rf "$work"/stage-* "$work/volume"

verdict_end
