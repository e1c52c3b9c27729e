#!/bin/sh
# The manual page: well-formed, and with all that --help and the sources know; and the files
# of the reference: all of them, or those of before.
# usage: doc.sh MOONGATE
set -u
moongate=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
passed=0
failed=0

# check WHAT: whether the last command was fine
check() {
    if [ "$?" -eq 0 ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED $1"
    fi
}

"$moongate" doc --man >"$folder/moongate.1"
check "moongate doc --man"

if command -v mandoc >/dev/null; then
    mandoc -Tlint -Wwarning "$folder/moongate.1"
    check "mandoc -Tlint"
elif command -v man >/dev/null; then
    [ -z "$(man --warnings -l "$folder/moongate.1" 2>&1 >/dev/null | tee /dev/stderr)" ]
    check "man --warnings"
else
    echo "skipped: neither mandoc nor man is there to look at the page"
fi

# as it is read: without the backslashes of roff
sed 's/\\-/-/g' "$folder/moongate.1" >"$folder/text"

# words FILE...: each must be in the page
words() {
    while read -r word; do
        grep -qF -- "$word" "$folder/text" || echo "the page lacks $word"
    done >"$folder/lacks"
    cat "$folder/lacks"
    [ ! -s "$folder/lacks" ]
}

for command in run resume runs jobs sim test doctor profiles login logout export doc "sim --record x" "jobs start"; do
    "$moongate" $command --help | sed -n 's/^  \(--*[a-z][a-z-]*\).*/\1/p' >"$folder/options"
    [ -s "$folder/options" ] && words <"$folder/options"
    check "options of $command"
done

root=$(dirname "$0")/..
cat "$root"/engine/auth/settings.c "$root"/engine/run/settings.c "$root"/engine/run/config.c \
    "$root"/engine/cli/command.c |
    grep -oE '"(AZURE|ARM|MOONGATE)_[A-Z_]+"' | tr -d '"' >"$folder/variables"
[ -s "$folder/variables" ] && words <"$folder/variables"
check "variables of the environment"

"$moongate" doc --html "$folder/pages" && grep -q '</html>' "$folder/pages/kind-api.html" &&
    [ -z "$(find "$folder/pages" -name '*.part')" ]
check "moongate doc --html"

echo old >"$folder/pages/index.html"
mkdir "$folder/pages/kind-api.html.part" # cannot be written to
! "$moongate" doc --html "$folder/pages" 2>"$folder/said" &&
    grep -q 'kind-api.html.part: Is a directory' "$folder/said" &&
    [ "$(cat "$folder/pages/index.html")" = old ] &&
    [ -z "$(find "$folder/pages" -type f -name '*.part')" ]
check "what fails half-way leaves the pages of before"

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
