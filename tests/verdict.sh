# Counts what a script of tests has found; for scripts that are run by sh in a folder of their
# own. They end with "verdict_end".
passed=0
failed=0

# verdict CODE NAME
verdict() {
    if [ "$1" -eq 0 ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "not so: $2"
    fi
}

# "N passed, N failed", and so the exit code of the script
verdict_end() {
    echo "$passed passed, $failed failed"
    [ "$failed" -eq 0 ]
}
