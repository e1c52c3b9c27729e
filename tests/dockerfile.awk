# The instructions of a Dockerfile, one a line: continued lines are joined, comments are not there.
/^[ \t]*#/ || (!open && /^[ \t]*$/) { next }
{
    open = sub(/\\[ \t]*$/, "")
    gsub(/[ \t]+/, " ")
    printf "%s%s", $0, open ? " " : "\n"
}
