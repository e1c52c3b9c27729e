#!/bin/sh
# Prints the comments of the form "module.function(arguments) ..." that stand above the
# functions of native modules, one a line: the reference is made of them.
set -eu
awk '
/^\/\* [a-z]+[.:][a-z_]+\(/ { text = ""; open = 1 }
open {
    line = $0
    sub(/^ *\/?\*+ ?/, "", line)
    ends = sub(/ *\*\/ *$/, "", line)
    text = text (text == "" ? "" : " ") line
    if (ends) { print text; open = 0 }
}' "$@"
