#!/bin/sh
# Runs docs/deployment/moongate-jobs.service under a real systemd, in a container of systemd-nspawn
# on the base that deployment_chroot.sh has made: with its whole sandbox it is ready, runs jobs,
# reloads, is started anew when it hangs, and hands over at the end.
# usage: deployment_systemd.sh MOONGATE FOLDER; as root; ends with "N passed, N failed"
set -u
if [ "${DEPLOYMENT_SYSTEMD:-}" != inside ]; then
    [ "$(id -u)" -eq 0 ] || { echo "skipped: root is needed"; exit 0; }
    command -v systemd-nspawn >/dev/null || { echo "skipped: no systemd-nspawn here"; exit 0; }
    [ -e "$2/base/.whole" ] || { echo "skipped: no base in $2"; exit 0; }
    # what is mounted goes with this process
    exec env DEPLOYMENT_SYSTEMD=inside unshare --mount --propagation private sh "$0" "$@"
fi
. "$(dirname "$0")/verdict.sh"
tests=$(realpath "$(dirname "$0")")
examples=$(realpath "$tests/../docs/deployment")
moongate=$(realpath "$1")
work=$(realpath "$2")
machine=$work/machine
trap 'rm -rf "$machine"' EXIT

# --- a machine -------------------------------------------------------------------------------

rm -rf "$machine"
cp -a "$work/base" "$machine"
cp /etc/resolv.conf "$machine/etc/"
libraries=$(awk -f "$tests/dockerfile.awk" "$examples/Dockerfile" |
    sed -n 's/^RUN .*--no-install-recommends \([^&]*\) &&.*/\1/p' | tail -n 1)
chroot "$machine" env DEBIAN_FRONTEND=noninteractive sh -c "apt-get update -qq &&
    apt-get install -y -qq --no-install-recommends systemd systemd-sysv dbus libnss-systemd \
        curl $libraries" >"$work/apt.log" 2>&1 || {
    tail "$work/apt.log"
    echo "skipped: no systemd for the machine"
    exit 0
}
install -m 755 "$moongate" "$machine/usr/local/bin/moongate"
chroot "$machine" moongate --version >/dev/null 2>&1 ||
    { echo "skipped: $moongate is for another system"; exit 0; }
mkdir -p "$machine/etc/moongate" "$machine/etc/systemd/system/moongate-jobs.service.d"
cat >"$machine/etc/moongate/moongate.lua" <<'LUA'
job "short" { every = "2s", script = "short.lua", max_memory = "256M", max_cpu = "1m" }
job "long" { every = "10s", script = "long.lua" }
LUA
echo 'print "hello"' >"$machine/etc/moongate/short.lua"
echo 'require "tasks".sleep(3600)' >"$machine/etc/moongate/long.lua"
echo 0123456789abcdef0123456789abcdef >"$machine/etc/moongate/page-token"
chmod 600 "$machine/etc/moongate/page-token"
cp "$examples/moongate-jobs.service" "$machine/etc/systemd/system/"
# as it is but for how long one waits here, and a port that nobody else has
cat >"$machine/etc/systemd/system/moongate-jobs.service.d/test.conf" <<'UNIT'
[Service]
WatchdogSec=10
RestartSec=1
UNIT
sed -i 's/127.0.0.1:8280/127.0.0.1:18280/' "$machine/etc/systemd/system/moongate-jobs.service"
cat >"$machine/etc/systemd/system/probe.service" <<'UNIT'
[Unit]
After=moongate-jobs.service
[Service]
Type=oneshot
TimeoutStartSec=180
ExecStart=/bin/sh /root/probe.sh
ExecStopPost=/bin/systemctl --no-block poweroff
[Install]
WantedBy=multi-user.target
UNIT

# --- what is looked at inside ------------------------------------------------------------------

cat >"$machine/root/probe.sh" <<'PROBE'
exec >/root/results 2>/root/errors
trap 'journalctl -u moongate-jobs --no-pager -o cat >/root/journal' EXIT
unit=moongate-jobs

show() {
    systemctl show -p "$1" --value $unit
}

# so WHAT COMMAND...: within 20 s
so() {
    what=$1
    shift
    for _ in $(seq 200); do
        "$@" >/dev/null && echo "ok $what" && return
        sleep 0.1
    done
    echo "not so: $what"
}

is() {
    [ "$(show "$1")" = "$2" ]
}

# said WORDS: in the journal
said() {
    journalctl -u $unit --no-pager -o cat | grep -qF -- "$1"
}

# by_hand WORD...: moongate jobs as the service's user
by_hand() {
    systemd-run --pipe -q -p DynamicUser=yes -p User=$unit -p StateDirectory=moongate \
        -E MOONGATE_STORE=/var/lib/moongate moongate jobs "$@" --config /etc/moongate/moongate.lua
}

so "it is ready, and systemd knows" is ActiveState active
so "it says how many jobs it has" is StatusText "2 jobs"
so "it runs a job" said "-short succeeded"
so "the page answers" curl -fs http://127.0.0.1:18280/readyz
so "it has no capabilities" grep -q '^CapEff:.0*$' "/proc/$(show MainPID)/status"
so "system calls are filtered" grep -q '^Seccomp:.2$' "/proc/$(show MainPID)/status"
so "it is not root" test "$(stat -c %u "/proc/$(show MainPID)")" -ne 0
so "jobs are paused by hand in its store" by_hand pause short
so "and seen to be" sh -c "curl -fs -H 'Authorization: Bearer 0123456789abcdef0123456789abcdef' \
    http://127.0.0.1:18280/metrics | grep -q 'moongate_job_paused{job=\"short\"} 1'"
so "and resumed" by_hand resume short
so "a reload is done" systemctl reload $unit
so "and told" said "the configuration was read again: 2 jobs"
echo 'job "broken" {' >>/etc/moongate/moongate.lua
so "a reload of what is broken fails" sh -c "! systemctl reload $unit"
so "and the service goes on" is ActiveState active
sed -i '$d' /etc/moongate/moongate.lua
so "a long run goes on" said "-long began"
kill -STOP "$(show MainPID)"
so "the watchdog hears when it hangs" said "Watchdog timeout"
so "it is started anew" is NRestarts 1
so "and is ready again" is ActiveState active
so "what was left is carried on" said "is taken up"
so "it stops" systemctl stop $unit
so "it hands over at the end" said "-long: handed over"
so "and ends well" is Result success
PROBE

# ------------------------------------------------------------------------------------------------

chroot "$machine" systemctl enable moongate-jobs probe >/dev/null 2>&1
mkdir -p /run/systemd/nspawn
mount -t tmpfs tmpfs /run/systemd/nspawn
timeout 240 systemd-nspawn -q -D "$machine" --keep-unit --register=no --boot --console=pipe \
    >"$work/boot.log" 2>&1
[ -s "$machine/root/results" ] || tail -n 5 "$work/boot.log"
while read -r line; do
    case $line in
    "ok "*) verdict 0 "$line" ;;
    *) verdict 1 "${line#not so: }" ;;
    esac
done <"$machine/root/results"
[ "$(grep -c . "$machine/root/results")" -ge 20 ]
verdict $? "all was looked at"
[ "$failed" -eq 0 ] || tail -n 40 "$machine/root/errors" "$machine/root/journal"

verdict_end
