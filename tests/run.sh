#!/bin/sh
# Runs the Check suites, Lua specs (together, by `moongate test`) and scripts named, looks for secrets in all that they wrote,
# and sums up: "N passed, N failed".
# usage: run.sh MOONGATE SUITE... SPEC.lua... SCRIPT.sh...
set -u
moongate=$1
shift
passed=0
failed=0
log=$(mktemp)
all=$(mktemp)
# nothing of the user's is touched, and what is made once per user is made once here
XDG_STATE_HOME=$(mktemp -d)
XDG_CONFIG_HOME=$XDG_STATE_HOME # a configuration of the user's would count
export XDG_STATE_HOME XDG_CONFIG_HOME
trap 'rm -rf "$log" "$all" "$XDG_STATE_HOME"' EXIT

# add NAME EXIT-CODE PASSED FAILED; an exit code without a failed test counts as one
add() {
    p=${3:-0} f=${4:-0}
    if [ "$2" -ne 0 ] && [ "$f" -eq 0 ]; then
        f=1
    fi
    if [ "$2" -eq 0 ] && [ "$p" -eq 0 ]; then
        f=$((f + 1)) # a suite that ran nothing
    fi
    passed=$((passed + p))
    failed=$((failed + f))
    printf '%-28s %4d passed, %d failed\n' "$1" "$p" "$f"
    if [ "$f" -ne 0 ]; then
        sed 's/^/    /' "$log"
    fi
    grep '^skipped' "$log"
    cat "$log" >>"$all"
}

specs=
for suite in "$@"; do
    case $suite in
    *.lua) specs="$specs $suite" ;;
    esac
done
if [ -n "$specs" ]; then
    "$moongate" test ${SPEC_OPTIONS:-} $specs >"$log" 2>&1
    code=$?
    add specs $code $(sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed.*$/\1 \2/p' "$log" | tail -n 1)
fi

for suite in "$@"; do
    name=$(basename "$suite")
    case $suite in
    *.lua) ;; # above
    *.sh)
        sh "$suite" "$moongate" >"$log" 2>&1
        code=$?
        add "$name" $code $(sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' "$log" | tail -n 1)
        ;;
    *)
        MOONGATE=$moongate "$suite" >"$log" 2>&1
        code=$?
        add "$name" $code $(sed -n 's/^[0-9]*%: Checks: \([0-9]*\), Failures: \([0-9]*\), Errors: \([0-9]*\)$/\1 \2 \3/p' "$log" |
            awk '{n += $1; f += $2 + $3} END {print n - f, f}')
        ;;
    esac
done
# the secrets of the suites' own servers, and how each token of the simulator begins
secrets='s3cret-of-this-test|top/secret|eyJ0eXAi|Authorization: Bearer'
if grep -aqE "$secrets" "$all"; then
    failed=$((failed + 1))
    echo "a secret is in what the tests wrote:"
    grep -anE "$secrets" "$all" | head -n 5
else
    passed=$((passed + 1))
fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
