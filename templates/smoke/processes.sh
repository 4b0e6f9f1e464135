# A line for each process: number, program, command line; TAB between. Runs in any /bin/sh.
for directory in /proc/[0-9]*; do
    words=$(tr '\000\n\t' '   ' <"$directory/cmdline" 2>/dev/null) || continue
    [ -n "$words" ] || continue
    program=$(readlink "$directory/exe" 2>/dev/null) || program=
    printf '%s\t%s\t%s\n' "${directory#/proc/}" "$program" "$words"
done
