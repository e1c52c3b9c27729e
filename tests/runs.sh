#!/bin/sh
# moongate runs, on the runs of real processes: what is told of them, how they are watched and
# ended, and what becomes of their journals when those are damaged.
# usage: runs.sh MOONGATE; ends with "N passed, N failed"
set -u
. "$(dirname "$0")/verdict.sh"
moongate=$(realpath "$1")
work=$(mktemp -d)
server=
carrier=
trap 'kill -9 $server $carrier 2>/dev/null; rm -rf "$work"' EXIT
cd "$work" || exit 1
MOONGATE_STORE=$work/store
export MOONGATE_STORE
runs=$MOONGATE_STORE/runs

# is CODE WHAT COMMAND...: it ends with this code; what it said is in the file `said`
is() {
    code=$1 what=$2
    shift 2
    "$@" >said 2>&1
    got=$?
    [ $got -eq "$code" ] || cat said
    verdict $((got != code)) "$what: exit code $got"
}

# says WORDS...: each of them is in what the last command said
says() {
    for words in "$@"; do
        grep -qF -e "$words" said || {
            cat said
            false
        }
        verdict $? "it says '$words'"
    done
}

# until_says WORDS COMMAND...: within 10 s
until_says() {
    words=$1
    shift
    for _ in $(seq 100); do
        "$@" >said 2>&1
        grep -qF -e "$words" said && break
        sleep 0.1
    done
    says "$words"
}

# state ID STATE
state() {
    "$moongate" runs list --all >said 2>&1
    grep -q "^$1  *$2 " said || {
        cat said
        false
    }
    verdict $? "run $1 is $2"
}

is 0 "a store without runs" "$moongate" runs
says "no runs in folder $work/store"

"$moongate" sim --listen 127.0.0.1:0 --clock 100x >profile 2>server.err &
server=$!
for _ in $(seq 50); do
    grep -qs ready profile && break
    sleep 0.1
done
sed /ready/d profile >environment
. ./environment

cat >quick.lua <<'END'
local workspaces = require "workspaces"
workspaces.create("first", {display_name = "First"})
workspaces.ensure("first", {display_name = "Another"})
print "\27]0;title\7done"
END
cat >slow.lua <<'END'
require "gateways".create("gw-" .. arg[1], {units = 1})
END
cat >wrong.lua <<'END'
require "workspaces".create("odd", {})
pcall(require "workspaces".create, "in valid", {})
pcall(require "arm".request, {method = "PUT", path = "/nowhere", body = {}})
require "run".exit(3)
END

is 0 "a run" "$moongate" run --run-id quick quick.lua "$(printf 'a\033[31m')"
is 3 "a run with an exit code" "$moongate" run --run-id wrong wrong.lua

# what is told
is 0 "list" "$moongate" runs
says "quick  succeeded  quick.lua a\\x1b[31m" "wrong  failed"
is 0 "list as JSON" "$moongate" runs list --limit 1 --output json
says '"total":2' '"id":"wrong"' '"exit_code":3'
is 0 "show" "$moongate" runs show quick
says "run quick: succeeded" "steps     2: 2 done" "create workspace 'first': created" \
    "ensure workspace 'first': changed" "create by PUT, client request id" ", request id"
is 0 "show of one resource" "$moongate" runs show wrong odd
says "create workspace 'odd': created"
is 1 "show of none" "$moongate" runs show wrong other
says "no step of that name"
is 0 "logs" "$moongate" runs logs quick
says "workspace 'first' created" "title" "succeeded in"
is 0 "replay" "$moongate" runs replay quick --dry
says "from the journal: created" "2 steps: 2 from the journal"

# what is wrong
is 2 "an unknown word" "$moongate" runs shwo
says "did you mean 'show'?"
is 2 "a run that is not there" "$moongate" runs show nope
says "there is no run 'nope'"
is 2 "logs of one that is not there" "$moongate" runs logs nope
is 2 "a name that is no id" "$moongate" runs show ../quick
is 2 "show without a run" "$moongate" runs show
is 2 "prune without a choice" "$moongate" runs prune
says "--older TIME" "--keep N"
is 2 "replay without --dry" "$moongate" runs replay quick
is 2 "an option of another word" "$moongate" runs list --older 3d
is 2 "no store" "$moongate" runs --store none
is 1 "scripts do not reach other runs" "$moongate" run --store none -e 'require "core.runs"'
says "core.runs is for \`moongate runs\` and \`moongate jobs\` alone"

# the page
is 0 "report" "$moongate" runs report wrong --html page.html
grep -q '<svg ' page.html && grep -q "workspace 'odd'" page.html
verdict $? "the page has a picture"
! grep -qiE '<script|src=|href=|url\(|@import' page.html
verdict $? "the page loads nothing"
sed -n '/<style>/,/<\/style>/p' page.html | sed '1s/^.*<style>//' | sed 's/<\/style>.*$//' |
    perl -0pe 's/\n\z//' >style.css
policy=$(sed -n "s/.*style-src 'sha256-\([^']*\)'.*/\1/p" page.html)
[ "$(openssl dgst -sha256 -binary style.css | base64)" = "$policy" ]
verdict $? "the policy names the page's own style"
"$moongate" run --run-id escaped -e '
    require "workspaces".create("third", {display_name = "T"})
    print("<b>&bold</b>")' '<script>alert(1)</script>' >/dev/null 2>&1
"$moongate" runs report escaped --html page.html >/dev/null
grep -q '&lt;script&gt;alert(1)' page.html && grep -q '&lt;b&gt;&amp;bold' page.html &&
    ! grep -qE '<script|<b>' page.html
verdict $? "what others wrote is text in the page"
is 1 "a page that cannot be written" "$moongate" runs report quick --html nowhere/page.html
says "nowhere"

# watching a run, and ending it
is 0 "a run goes on alone" "$moongate" run --detach --run-id slow --lease 1s slow.lua slow
until_says "Activating" "$moongate" runs list
state slow running
says "gateway 'gw-slow' Activating"
"$moongate" runs attach slow >attached 2>&1 &
watcher=$!
for _ in $(seq 50); do
    grep -qs started attached && break
    sleep 0.1
done
kill -INT $watcher
wait $watcher
verdict $? "who watches can leave"
grep -q "left run slow, which goes on" attached
verdict $? "and is told that the run goes on"
state slow running
"$moongate" runs attach slow >attached 2>&1 &
watcher=$!
is 0 "cancel" "$moongate" runs cancel slow
says "run slow is canceled"
wait $watcher
verdict $(($? != 1)) "attach ends with the run's exit code"
grep -q "the run was canceled" attached
verdict $? "attach shows the end"
state slow canceled
is 0 "cancel again" "$moongate" runs cancel slow
is 1 "what has succeeded cannot be canceled" "$moongate" runs cancel quick
is 3 "attach to what has ended" "$moongate" runs attach wrong

# one that dies
"$moongate" run --run-id dead --lease 1s slow.lua dead >/dev/null 2>&1 &
carrier=$!
until_says "gw-dead" "$moongate" runs show dead
kill -9 $carrier
wait $carrier 2>/dev/null
carrier=
until_says " died " "$moongate" runs
is 0 "replay of a run that died" "$moongate" runs replay dead --dry
says "gateway 'gw-dead'" "1 steps: 1"
is 1 "attach to a run that died" "$moongate" runs attach dead
says "carry it on: moongate resume dead"
is 0 "prune leaves what may be carried on" "$moongate" runs prune --older 1ms --dry-run
says "3 runs would be removed"
state dead died

# journals that are not whole
printf '{"v":1,"n":' >>"$runs/dead/journal.jsonl"
is 0 "a torn tail" "$moongate" runs show dead
says "11 bytes, is not whole" "gateway 'gw-dead'"
cp "$runs/quick/journal.jsonl" whole
sed '3s/"status":20/"status":21/' whole >"$runs/quick/journal.jsonl"
is 1 "a damaged journal" "$moongate" runs show quick
says "line 3 of the journal is damaged" "create workspace 'first'"
is 1 "a report of a damaged journal" "$moongate" runs report quick --html page.html
grep -q "line 3 of the journal is damaged" page.html
verdict $? "the page says so"
cp whole "$runs/quick/journal.jsonl"
echo '{"version":1,"script":7}' >"$runs/wrong/run.json"
state wrong damaged
is 0 "a damaged run does not hide the others" "$moongate" runs
says "run.json is not what moongate writes there" "quick"
printf 'no event\n{"event":"output"' >>"$runs/quick/events.jsonl"
is 0 "a damaged log" "$moongate" runs logs quick
says "1 lines of the log of run quick are no events" "its last line is not whole"

mkdir -p "$runs/odd/run.json"
touch "$runs/file"
is 1 "a run that cannot be looked at" "$moongate" runs
says "unknown" "quick"
is 1 "it is not removed" "$moongate" runs prune --keep 0 --unfinished --dry-run
says "run odd stays"
rm -r "$runs/odd" "$runs/file"

# ending what nobody carries, and making room
is 0 "cancel of a run that died" "$moongate" runs cancel dead
state dead canceled
is 2 "it is not carried on any more" "$moongate" resume dead
is 0 "prune keeps the newest" "$moongate" runs prune --keep 100
says "0 runs removed"
is 0 "prune by age" "$moongate" runs prune --older 1d
says "0 runs removed"
is 0 "a run goes on" "$moongate" run --detach --run-id other --lease 1s slow.lua other
is 0 "prune" "$moongate" runs prune --keep 0
says "quick  succeeded" "dead  canceled" "4 runs removed"
[ "$(ls "$runs" | tr '\n' ' ')" = "other wrong " ]
verdict $? "what is carried or unfinished stays"
is 0 "prune of what is unfinished" "$moongate" runs prune --keep 0 --unfinished
says "wrong  damaged" "1 run removed"
state other running
is 0 "the end" "$moongate" runs cancel other

verdict_end
