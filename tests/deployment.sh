#!/bin/sh
# The examples of docs/deployment: each is read by a tool of its own kind where there is one, the
# Dockerfile by us, and every moongate that they call takes the options that they give it.
# usage: deployment.sh MOONGATE; ends with "N passed, N failed"
set -u
. "$(dirname "$0")/verdict.sh"
moongate=$(realpath "$1")
tests=$(realpath "$(dirname "$0")")
root=$(dirname "$tests")
examples=$root/docs/deployment
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
HOME=$work
export HOME

# has TOOL WHAT-FOR
has() {
    command -v "$1" >/dev/null && return 0
    echo "skipped $2: no $1 here"
    return 1
}

# --- the unit --------------------------------------------------------------------------------

unit=$examples/moongate-jobs.service

# value NAME: of a setting of the unit
value() {
    sed -n "s/^$1=//p" "$unit"
}

grace=$(sed -n 's/^ExecStart=.* --grace \([0-9]*\)s.*/\1/p' "$unit")
[ -n "$grace" ] && [ "$(value TimeoutStopSec)" -gt "$grace" ]
verdict $? "the unit waits longer at the end than --grace"
[ "$(value KillMode)" = mixed ]
verdict $? "the unit leaves the runs to the scheduler at first"
[ "$(value Type)" = notify ] && [ "$(value WatchdogSec)" -gt 0 ]
verdict $? "the unit hears when the scheduler is ready, and that it lives"

if has systemd-analyze "the check of the unit"; then
    sed "s#/usr/local/bin/moongate#$moongate#" "$unit" >moongate-jobs.service
    systemd-analyze verify --man=no "$work/moongate-jobs.service" >said 2>&1 && [ ! -s said ]
    code=$?
    [ $code -eq 0 ] || cat said
    verdict $code "systemd-analyze verify finds nothing"
    systemd-analyze security --offline=yes --threshold=20 "$work/moongate-jobs.service" >said 2>&1
    code=$?
    tail -n 1 said
    verdict $code "its exposure level is 2.0 at most"
fi

# --- the Dockerfile ---------------------------------------------------------------------------

awk -f "$tests/dockerfile.awk" "$examples/Dockerfile" | tr -s ' ' >instructions
awk '$1 == "FROM" { stage++ } { print stage, $0 }' instructions >stages
last=$(tail -n 1 stages | cut -d ' ' -f 1)

# final WORD: the last such instruction of the last stage, without the word
final() {
    sed -n "s/^$last $1 *//p" stages | tail -n 1
}

known='FROM|RUN|COPY|ENV|VOLUME|WORKDIR|USER|STOPSIGNAL|HEALTHCHECK|ENTRYPOINT|CMD'
[ "$last" -eq 2 ] && [ "$(grep -cvE "^[0-9]+ ($known) " stages)" -eq 0 ]
verdict $? "the Dockerfile has two stages of instructions that are known"
! sed -n 's/^FROM \([^ ]*\).*/\1/p' instructions | grep -vE '^[a-z0-9./-]+:[a-z0-9.-]+$' | grep .
verdict $? "each base has a tag"
final USER | grep -qE '^[1-9][0-9]*:[1-9][0-9]*$'
verdict $? "its user is a number, and not root"
for word in ENTRYPOINT CMD; do
    final $word | grep -qE '^\["[^"]+"(, "[^"]+")*\]$'
    verdict $? "$word is a list: no shell is between the signals and moongate"
done
! grep -iE '^(ENV|ARG) .*(secret|token|password|key)' instructions
verdict $? "no secret is built in"
! grep 'apt-get install' instructions |
    grep -v -e --no-install-recommends.*'rm -rf /var/lib/apt/lists'
verdict $? "packages come without others, and no lists of them stay"
sources=$(sed -n 's/^COPY \([^-].*\) [^ ]*$/\1/p' instructions)
for source in $sources; do
    [ -e "$root/$source" ] && grep -qxF "!${source%/}" "$examples/.dockerignore"
    verdict $? "what is copied is there, and is not ignored: $source"
done
for stage in $(sed -n 's/^COPY --from=\([^ ]*\) .*/\1/p' instructions); do
    grep -qE "^FROM [^ ]+ AS $stage\$" instructions
    verdict $? "the stage $stage is there"
done

# Everything that the build wants (see packages.sh) is installed for it, and all that moongate is
# linked to is in the image.
for package in $(sed -n 's/^want \(gcc\|pkg-config\|[^ ]*-dev\) .*/\1/p' "$tests/packages.sh"); do
    grep -q "^1 RUN .* $package " stages
    verdict $? "the build gets $package"
done
if grep -q __asan_init "$moongate"; then
    echo "skipped: which libraries the image needs (this is built with sanitizers)"
elif has objdump "which libraries the image needs" && has dpkg "which packages have them"; then
    for library in $(objdump -p "$moongate" | awk '$1 == "NEEDED" { print $2 }') libcurl.so.4; do
        package=$(dpkg -S "*/$library" 2>/dev/null | sed 's/[:,].*//' | head -n 1)
        case $library:$package in
        libc.so* | libm.so* | ld-*) continue ;;
        esac
        grep -q "^2 RUN .* ${package:-of-no-package} " stages
        verdict $? "the image has $library, of ${package:-no package}"
    done
fi

# --- manifests and workflows -------------------------------------------------------------------

python=
for candidate in python3 /usr/bin/python3; do
    "$candidate" -c 'import yaml' 2>/dev/null && python=$candidate && break
done
if [ -n "$python" ]; then
    "$python" "$tests/deployment_yaml.py" "$examples" >said 2>errors
    code=$?
    [ $code -eq 0 ] || cat errors
    verdict $code "the YAML is read"
    while read -r line; do
        case $line in
        "ok "*) verdict 0 "$line" ;;
        *) verdict 1 "${line#not so: }" ;;
        esac
    done <said

    # The CronJob's script knows its slot by the Job's name.
    mkdir bin
    printf '#!/bin/sh\nprintf "%%s|" "$@"\n' >bin/moongate
    chmod +x bin/moongate
    "$python" "$tests/deployment_yaml.py" "$examples" script >slot.sh
    PATH=$work/bin:$PATH JOB=access-report-29410980 sh -eu slot.sh >said
    grep -q -- '|--run-id|access-report-29410980|--slot|2025-12-02T07:00:00Z|access_report|$' said
    code=$?
    [ $code -eq 0 ] || cat said
    verdict $code "the CronJob tells its run and its slot"
else
    echo "skipped the manifests and workflows: no python3 with yaml here"
fi
if has yamllint "the style of the YAML"; then
    yamllint --strict -c "$tests/deployment.yamllint" "$examples" >said 2>&1
    code=$?
    [ $code -eq 0 ] || cat said
    verdict $code "yamllint finds nothing"
fi
if has kubectl "kustomize"; then
    kubectl kustomize "$examples/kubernetes" >said 2>&1 &&
        grep -q '^  name: moongate-[a-z0-9]*$' said && grep -q 'contoso.azurecr.io/moongate:' said
    verdict $? "kustomize makes the ConfigMap and names the image"
fi
"$moongate" jobs check --config "$examples/kubernetes/moongate.lua" >said 2>&1
code=$?
[ $code -eq 0 ] || cat said
verdict $code "the configuration of the cluster is a good one"
"$moongate" run --sim-world "$root/scripts/worlds/contoso.lua" --read-only \
    "$examples/kubernetes/idle_gateways.lua" >said 2>&1
code=$?
[ $code -eq 0 ] || cat said
verdict $code "its own script runs"

# --- commands ----------------------------------------------------------------------------------

# Every "moongate WORD ..." of the files, a line each.
commands() {
    for file in "$unit" "$examples"/*.yml "$examples"/kubernetes/* "$examples/Dockerfile" \
        "$root/docs/jobs.md" "$root/docs/deployment.md"; do
        [ -e "$file" ] || continue
        awk '{ open = sub(/\\$/, ""); printf "%s%s", $0, open ? " " : "\n" }' "$file" |
            sed 's#/usr/local/bin/##g' |
            grep -oE 'moongate (run|jobs|runs|resume|doctor|profiles)( [^|;&<>#`]*)?' |
            sed 's/ \.\.\..*//'
    done
    # the arguments of a container, and of the image
    printf 'moongate '
    sed -n '/^ *args:$/,/^ *env:$/s/^ *- *//p' "$examples/kubernetes/deployment.yaml" |
        sed 's/ #.*//' | tr -d '"' | tr '\n' ' '
    printf '\nmoongate %s\n' "$(final CMD | tr -d '[]",')"
}

# help_of WORD...: what it says of its options, asked for once
help_of() {
    cache=help.$(echo "$*" | tr ' ' .)
    [ -e "$cache" ] || "$moongate" "$@" --help >"$cache" 2>&1 || return 1
    cat "$cache"
}

# takes_value OPTION: whether a word follows it; the help is in the file `help`
takes_value() {
    grep -qE "^ +$1 [A-Z]" help
}

# wrong_option WORD...: names the first option that the command does not have; or nothing
wrong_option() {
    words=$1
    [ "$1" = jobs ] && [ "${2:-}" = start ] && words="jobs start" && shift
    shift
    help_of $words >help || { echo "(no help of $words)"; return; }
    while [ $# -gt 0 ]; do
        case $1 in
        -e) return ;; # code follows
        --*)
            grep -qE "^ +${1%%=*}(\[| |\$)" help || { echo "$1 of $words"; return; }
            case $1 in
            *=*) ;;
            *) ! takes_value "$1" || shift ;;
            esac
            ;;
        *.lua) [ "$words" = run ] && return ;; # options of one's own script follow
        *)
            [ "$words" = run ] && [ -e "$root/scripts/$1.lua" ] &&
                words="run $1" && help_of $words >help
            ;;
        esac
        [ $# -eq 0 ] || shift
    done
}

commands >found
while read -r command; do
    set -f
    # shellcheck disable=SC2086
    wrong=$(wrong_option ${command#moongate })
    set +f
    [ -z "$wrong" ]
    verdict $? "an option is there: $wrong in: $command"
done <found
[ "$(grep -c . found)" -ge 12 ]
verdict $? "the commands were found"
[ -n "$(wrong_option run --slott now x.lua)" ] && [ -n "$(wrong_option jobs start --graze 9s)" ] &&
    [ -n "$(wrong_option run --slot now scale_by_time --hour 1)" ]
verdict $? "an option that is not there is found"

# --- the guide ----------------------------------------------------------------------------------

# What the configuration may say of a job, and what Prometheus is told, is in the guide.
"$moongate" jobs --help | awk '/^a job may say$/ { on = 1; next } /^$/ { on = 0 }
    on { row = $0; sub(/^ */, "", row); print substr(row, 1, 26) "|" substr(row, 28) }' >fields
while IFS='|' read -r field text; do
    field=$(echo "$field" | sed 's/ *$//')
    grep -qxF "| \`$field\` | $text |" "$root/docs/jobs.md"
    verdict $? "docs/jobs.md tells of $field what the help tells"
done <fields
[ "$(grep -c . fields)" -ge 20 ]
verdict $? "the fields were found"
# Its examples of a configuration are good ones.
awk '/^```lua$/ { on = 1; n++; next } /^```$/ { on = 0 } on { print > ("example." n ".lua") }' \
    "$root/docs/jobs.md"
for example in example.*.lua; do
    grep -q '^job ' "$example" ||
        {
            echo 'job "x" { every = "1h", script = "access_report",'
            cat "$example"
            echo '}'
        } >"whole.$example"
    [ -e "whole.$example" ] || cp "$example" "whole.$example"
    "$moongate" jobs check --config "whole.$example" >said 2>&1
    code=$?
    [ $code -eq 0 ] || cat said
    verdict $code "$example of docs/jobs.md is a good configuration"
done
metrics=$(grep -ohE '"(moongate|process)_[a-z_]+"' "$root/stdlib/jobs_page_metrics.lua" |
    tr -d '"' | sort -u)
[ -n "$metrics" ]
verdict $? "the metrics were found"
for metric in $metrics; do
    grep -q "\`$metric\`" "$root/docs/jobs.md"
    verdict $? "docs/jobs.md tells of $metric"
done

verdict_end
