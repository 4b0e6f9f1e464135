# Every path of the file systems that packages write to, each ended by a NUL.
command -v find >/dev/null 2>&1 || exit 4
set -- /
for directory in /run /tmp /var /opt /usr /etc /srv /home; do
    mountpoint -q "$directory" 2>/dev/null && set -- "$@" "$directory"
done
find "$@" -xdev -print0
