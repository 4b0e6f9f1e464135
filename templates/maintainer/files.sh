{#- What the maintainer scripts do for configuration files, for directories that are links now and back, for
    capabilities, and on dpkg's triggers. Each macro may come to nothing.

    The way of dpkg-maintscript-helper(1), with its names (.dpkg-remove, .dpkg-backup, .dpkg-bak, .dpkg-staging-dir):
    preinst moves aside, postinst settles, and postrm moves back when dpkg gives up. What was moved is in a list, since
    what to move is found out on the machine: the program itself wants to be told, takes paths for patterns, and gives up
    where somebody else has a file in the directory. -#}
{%- macro files_functions() %}
base={{ notes_directory | sh }}
package={{ package | sh }}
moved=$base/files/$package
warn() { printf 'warning: %s\n' "$*" >&2; }
is_there() { [ -e "$1" ] || [ -L "$1" ]; }
{% endmacro -%}
{%- macro forget_function() %}
# Directories above $1 that are empty and that no package has.
drop_directories() {
    above=${1%/*}
    while [ -n "$above" ] && [ ! -L "$above" ] && ! dpkg-query -S "$above" >/dev/null 2>&1 && rmdir "$above" 2>/dev/null; do
        above=${above%/*}
    done
}
keepers=$base/kept/$package
forget_moved() {
    rm -f "$moved"
    if [ -e "$keepers" ]; then
        while IFS= read -r kept; do ! is_there "$kept" || printf '%s\n' "$kept"; done <"$keepers" >"$keepers.new"
        if [ -s "$keepers.new" ]; then mv -f "$keepers.new" "$keepers"; else rm -f "$keepers" "$keepers.new"; fi
    fi
    for directory in "$base/files" "$base/kept" "$base"; do
        [ ! -d "$directory" ] || rmdir "$directory" 2>/dev/null || :
    done
}
{% endmacro -%}
{%- macro link_function() %}
# Where the link $1 of this version leads; fails when it has no such link.
link_of() {
    case $1 in
        {% for link in files.links %}
        {{ link.path | sh }}) printf '%s\n' {{ link.target | sh }} ;;
        {% endfor %}
        *) return 1 ;;
    esac
}
{% endmacro -%}
{%- macro owner_function() %}
# Is $1 in another package, too? dpkg-query takes a pattern.
is_of_others() {
    dpkg-query -S "$(printf '%s\n' "$1" | sed 's/[][\\*?]/\\&/g')" 2>/dev/null |
        sed -n '/^diversion by /d; s/: \/.*//p' | tr -d ' ' | tr , '\n' | sed 's/:.*//' | grep -qvxF "$package"
}
{% endmacro -%}
{%- macro restore_functions() %}
# What preinst moved away goes back to where it was.
restore() {
    path=${1#* }
    case $1 in
        "conffile "* | "renamed "*)
            for suffix in remove backup; do
                if [ -e "$path.dpkg-$suffix" ] && ! is_there "$path"; then mv -fT "$path.dpkg-$suffix" "$path"; fi
            done
            ;;
        "link "*)
            [ -L "$path.dpkg-backup" ] || return 0
            [ -L "$path" ] || [ ! -d "$path" ] || rmdir "$path" 2>/dev/null || :
            if is_there "$path"; then
                warn "$path is in the way of the link that is kept as $path.dpkg-backup"
            else
                mv -fT "$path.dpkg-backup" "$path"
            fi
            ;;
        "directory "*)
            aside=$path path=${path%.dpkg-backup*}
            [ -d "$aside" ] || return 0
            if [ -L "$path" ]; then rm -f "$path"; fi
            if [ -d "$path" ]; then
                rm -f "$path/.dpkg-staging-dir"
                merge "$path" "$aside"
            fi
            if is_there "$path"; then
                warn "$path is in the way of the directory that is kept as $aside"
            else
                mv -fT "$aside" "$path"
            fi
            ;;
    esac
}
# What is in $1 goes into $2 where nothing has its name there, and so does $1.
merge() {
    find "$1" -xdev -mindepth 1 ! -type d -exec sh -c '
        from=$1 to=$2
        shift 2
        for path; do
            place=$to${path#"$from"}
            if [ -e "$place" ] || [ -L "$place" ]; then continue; fi
            mkdir -p "${place%/*}" && mv -T "$path" "$place"
        done' sh "$1" "$2" {} + || :
    find "$1" -xdev -depth -type d -exec rmdir {} \; 2>/dev/null || :
}
{% endmacro -%}
{%- macro files_preinst() %}
{% if files %}
case "${1:-}" in
    install | upgrade)
{{ files_functions() }}
{{- link_function() }}
{{- owner_function() }}
{{- restore_functions() }}
newline='
'
{# A configuration file that moved to another package of the build is taken over by dpkg. #}
stays() { case $1 in ''{% for path in files.conffiles + files.elsewhere %} | {{ path | sh }}{% endfor %}) ;; *) return 1 ;; esac }
is_data() { case $1 in ''{% for path in files.data %} | {{ path | sh }}{% endfor %}) ;; *) return 1 ;; esac }
record() {
    (umask 077 && mkdir -p "$base/files") 2>/dev/null && { printf '%s\n' "$@" >>"$moved"; } 2>/dev/null
}
# Of an installation that was cut off, and that this one takes the place of.
if [ -e "$moved" ]; then
    tac "$moved" | while IFS= read -r line; do
        path=${line#* }
        case $line in
            "conffile "* | "renamed "*) if stays "$path"; then restore "$line"; continue; fi ;;
            "directory "*) if ! link_of "${path%.dpkg-backup*}" >/dev/null; then restore "$line"; continue; fi ;;
            "link "*)
                if link_of "$path" >/dev/null; then
                    # A directory that was unpacked there makes way like any other.
                    if is_there "$path"; then rm -f "$path.dpkg-backup"; else restore "$line"; fi
                    continue
                fi
                ;;
        esac
        printf '%s\n' "$line"
    done >"$moved.new"
    tac "$moved.new" >"$moved"
    rm -f "$moved.new"
fi
listed=$newline$(dpkg-query -L "$package" 2>/dev/null)$newline
# Lines of a path, the digest that it came with, and maybe `obsolete`.
conffiles=$(dpkg-query -W -f='${Conffiles}\n' "$package" 2>/dev/null)
{% if files.renames %}
# Has $1 another path now, which the old version did not have?
is_renamed() {
    case $1 in
        {% for rename in files.renames %}
        {{ rename.from | sh }}) renamed={{ rename.to | sh }} ;;
        {% endfor %}
        *) return 1 ;;
    esac
    case $conffiles in *" $renamed "*) return 1 ;; esac
}
{% endif %}
# Was the configuration file $1 of the old version changed? Not when it has the digest $2.
is_edited() { [ "$(md5sum <"$1" 2>/dev/null | cut -c 1-32)" != "$2" ]; }
digest_of() {
    printf '%s\n' "$conffiles" | while IFS= read -r line; do
        line=${line% obsolete} line=${line% remove-on-upgrade} line=${line# }
        if [ "${line% *}" = "$1" ]; then printf '%s\n' "${line##* }"; fi
    done
}
# The files of the old version that lie in the directory $1: all but configuration files that were changed.
files_in() {
    set -f
    IFS=$newline
    for path in $listed; do
        case $path in "$1"/*) ;; *) continue ;; esac
        digest=$(case $conffiles in *" $path "*) digest_of "$path" ;; esac)
        if [ -z "$digest" ] || ! is_edited "$path" "$digest"; then
            record "file $path"
            [ ! -L "$path.dpkg-backup" ] || record "file $path.dpkg-backup"
        else
            record "edited $path"
        fi
    done
}
# A directory where this version has a link: dpkg would leave it as it is.
make_way() {
    [ -d "$1" ] && [ ! -L "$1" ] && [ ! -e "$1/.dpkg-staging-dir" ] || return 0
    aside=$1.dpkg-backup number=0
    while is_there "$aside"; do number=$((number + 1)) aside=$1.dpkg-backup.$number; done
    if ! record "directory $aside" || ! (files_in "$1") || ! mv -T "$1" "$aside" 2>/dev/null; then
        warn "$1 cannot be moved, and stays a directory; $package has a link to $(link_of "$1") there"
        return 0
    fi
    # dpkg looks for files of the old version through a link, and would remove others by their names.
    mkdir "$1" && : >"$1/.dpkg-staging-dir"
}
# A link of the old version that leads to a directory: dpkg would put a directory's files where it leads. It had no files
# below it; where the old version had a directory with files, the link is the administrator's.
set_link_aside() {
    [ -L "$1" ] && [ -d "$1" ] || return 0
    case $(readlink "$1") in /*) return 0 ;; esac
    case $listed in *"$newline$1/"*) return 0 ;; esac
    if link_of "$1" >/dev/null || is_data "$1" || is_there "$1.dpkg-backup" || is_of_others "$1"; then return 0; fi
    record "link $1" && mv -fT "$1" "$1.dpkg-backup"
}
if [ -n "${2:-}" ]; then
    (
        set -f
        IFS=$newline
        for path in $listed; do set_link_aside "$path"; done
    )
fi
{% for link in files.links %}
make_way {{ link.path | sh }}
{% endfor %}
# A configuration file that this version does not have: one that nobody changed goes, any other is kept.
drop_conffile() {
    if stays "$1" || is_of_others "$1"; then return 0; fi
    # Of a version that was only unpacked there may be the new file alone.
    if [ ! -f "$1" ]; then
        [ ! -e "$1.dpkg-new" ] || record "conffile $1"
        return 0
    fi
    kind=conffile suffix=remove
    if is_edited "$1" "$2"; then
        suffix=backup
        {% if files.renames %}
        if is_renamed "$1"; then kind=renamed; fi
        {% endif %}
    fi
    record "$kind $1" && mv -fT "$1" "$1.dpkg-$suffix"
}
printf '%s\n' "$conffiles" | while IFS= read -r line; do
    line=${line% obsolete} line=${line% remove-on-upgrade} line=${line# }
    case $line in /*) drop_conffile "${line% *}" "${line##* }" ;; esac
done
{% if files.renames and files.packages %}
# What was another package's of the same build under its old path, wherever that package's scripts have put it.
claim() {
    digest=$(digest_of "$1")
    for file in "$1" "$1.dpkg-backup"; do
        if [ -n "$digest" ] && [ -f "$file" ] && is_edited "$file" "$digest" && is_renamed "$1"; then record "claimed $1"; fi
    done
}
{% for name in files.packages %}
conffiles=$(dpkg-query -W -f='${Conffiles}\n' {{ name | sh }} 2>/dev/null)
{% for rename in files.renames %}
claim {{ rename.from | sh }}
{% endfor %}
{% endfor %}
{% endif %}
;;
esac
{% endif %}
{% endmacro -%}
{%- macro files_postinst() %}
{% if files %}
if [ "${1:-}" = configure ]; then
{{ files_functions() }}
{{- forget_function() }}
if [ -e "$moved" ]; then
{{ link_function() }}
{{- owner_function() }}
{{- restore_functions() }}
{% if files.renames %}
newline='
'
renamed=$newline
# An old configuration file $1 that was changed takes the place of the new one $2.
rename() {
    old=$1.dpkg-backup
    if grep -qxF "claimed $1" "$moved"; then
        [ -e "$old" ] || old=$1
        [ -e "$old" ] || old=$1.dpkg-bak
    elif ! grep -qxF "renamed $1" "$moved"; then
        return 0
    fi
    [ -e "$old" ] || return 0
    case $renamed in
        *"$newline$2$newline"*) keep "$old" "$1" ;;
        *)
            renamed=$renamed$2$newline
            echo "Preserving changes to $2 (renamed from $1)..."
            mkdir -p "${2%/*}"
            if is_there "$2"; then mv -fT "$2" "$2.dpkg-new"; fi
            mv -fT "$old" "$2"
            drop_directories "$1"
            ;;
    esac
}
{% endif %}
# The file $1, which was the configuration file $2.
keep() {
    echo "Obsolete conffile $2 has been modified: it is kept as $2.dpkg-bak"
    mv -fT "$1" "$2.dpkg-bak"
    purge_later "$2.dpkg-bak"
}
purge_later() {
    if (umask 077 && mkdir -p "$base/kept") 2>/dev/null; then
        grep -qsxF "$1" "$keepers" || printf '%s\n' "$1" >>"$keepers"
    fi
}
# The directory that was moved to $1 is a link now. Files of the old version go with it; those of other packages go where
# the link leads, so that they keep their paths; whatever else there is stays aside.
settle_directory() {
    aside=$1 path=${1%.dpkg-backup*}
    target=$(link_of "$path") || { restore "directory $1"; return 0; }
    if [ -d "$path" ] && [ ! -L "$path" ]; then
        rm -f "$path/.dpkg-staging-dir"
        staged=$path.dpkg-staged
        rm -rf "$staged"
        mv -T "$path" "$staged" && ln -s "$target" "$path" && merge "$staged" "$path"
        [ ! -d "$staged" ] || warn "what was put into $path in the meantime is kept in $staged"
    elif ! is_there "$path"; then
        ln -s "$target" "$path"
    fi
    [ -d "$aside" ] || return 0
    sed -n 's/^file //p' "$moved" | while IFS= read -r file; do
        case $file in
            "$path"/*)
                old=$aside${file#"$path"}
                if [ -L "$old" ] || [ ! -d "$old" ]; then rm -f "$old"; fi
                ;;
        esac
    done
    find "$aside" -xdev -type d -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || :
    find "$aside" -xdev ! -type d | while IFS= read -r old; do
        file=$path${old#"$aside"}
        if ! is_there "$file" && is_of_others "$file" && mkdir -p "${file%/*}"; then mv -T "$old" "$file"; fi
    done
    find "$aside" -xdev -depth -type d -exec rmdir {} \; 2>/dev/null || :
    [ -d "$aside" ] || return 0
    kept=$path.dpkg-bak number=0
    while is_there "$kept"; do number=$((number + 1)) kept=$path.dpkg-bak.$number; done
    sed -n 's/^edited //p' "$moved" | while IFS= read -r file; do
        case $file in "$path"/*) purge_later "$kept${file#"$path"}" ;; esac
    done
    mv -T "$aside" "$kept" && warn "$package has a link now in the place of a directory; what else was in it is kept in $kept"
}
{% for rename in files.renames %}
rename {{ rename.from | sh }} {{ rename.to | sh }}
{% endfor %}
while IFS= read -r line; do
    path=${line#* }
    case $line in
        "conffile "* | "renamed "*)
            if [ -e "$path.dpkg-backup" ]; then keep "$path.dpkg-backup" "$path"; fi
            rm -f "$path.dpkg-remove" "$path.dpkg-new"
            drop_directories "$path"
            ;;
        "link "*) rm -f "$path.dpkg-backup" ;;
        "directory "*) settle_directory "$path" ;;
    esac
done <"$moved"
fi
forget_moved
{% if files.capabilities %}
# The archive of a Debian package cannot hold capabilities. A file that dpkg replaces has lost them.
set_capabilities() {
    [ -f "$2" ] && [ ! -L "$2" ] || return 0
    setcap "$1" "$2" 2>/dev/null || warn "the capabilities $1 of $2 could not be set (setcap is in libcap2-bin)"
}
{% for file in files.capabilities %}
set_capabilities {{ file.text | sh }} {{ file.path | sh }}
{% endfor %}
{% endif %}
fi
{% endif %}
{% endmacro -%}
{%- macro files_prerm() %}
{% endmacro -%}
{%- macro files_postrm() %}
{% if files %}
{{ files_functions() }}
{{- forget_function() }}
case "${1:-}" in
    abort-install | abort-upgrade)
{{ restore_functions() }}
if [ -e "$moved" ]; then
    # What lies in a directory is moved back after that one.
    tac "$moved" | while IFS= read -r line; do restore "$line"; done
fi
forget_moved
;;
    {% if files.ghosts %}
    remove)
        # dpkg does not know of these.
        drop_ghost() { [ ! -d "$1" ] || [ -L "$1" ] || rmdir "$1" 2>/dev/null || :; }
        {% for path in files.ghosts %}
        drop_ghost {{ path | sh }}
        {% endfor %}
        ;;
    {% endif %}
    purge)
{% if files.purged %}
{{ owner_function() }}
# Data, logs and caches of programs go. What a link leads to stays, and what is mounted.
purge_directory() {
    if [ ! -d "$1" ] || [ -L "$1" ] || is_of_others "$1"; then return 0; fi
    find "$1" -xdev ! -type d -exec rm -f {} + 2>/dev/null || :
    find "$1" -xdev -depth -type d -exec rmdir {} \; 2>/dev/null || :
}
{% for path in files.purged %}
purge_directory {{ path | sh }}
{% endfor %}
{% endif %}
{% if files.conffiles %}
purge_conffile() { for suffix in bak old dist new remove backup; do rm -f "$1.dpkg-$suffix"; done; }
{% for path in files.conffiles %}
purge_conffile {{ path | sh }}
{% endfor %}
{% endif %}
if [ -e "$keepers" ]; then
    while IFS= read -r kept; do
        rm -f "$kept" "$kept.dpkg-new" "$kept.dpkg-dist" "$kept.dpkg-old"
        drop_directories "$kept"
    done <"$keepers"
fi
forget_moved
;;
esac
{% endif %}
{% endmacro -%}
{%- macro run_triggers() %}
{% if files %}
{% if files.triggers %}
# Runs what it reads by the program $@.
run_text() {
    file=
    for directory in /tmp /var/tmp /run /; do
        file=$(mktemp "$directory/omnipack.XXXXXXXX" 2>/dev/null) && break
    done
    [ -n "$file" ] || return 1
    cat >"$file"
    code=0
    "$@" "$file" </dev/null || code=$?
    rm -f "$file"
    return "$code"
}
# Was the trigger $1 activated? Who is configured has not heard of earlier ones: $2 says whether there is what it waits for.
is_due() {
    case "$state:$names" in
        triggered:*" $1 "*) return 0 ;;
        configure:*) [ "$2" = always ] || [ -e "$1" ] ;;
        *) return 1 ;;
    esac
}
is_installed() {
    case "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" in
        installed | triggers-* | half-configured | unpacked) return 0 ;;
    esac
    return 1
}
version_of() { dpkg-query -W -f='${Version}' "$1" 2>/dev/null; }
state=${1:-} names=" ${2:-} "
{% for trigger in files.triggers %}
{% if trigger.gone %}
if [ "$state" = triggered ] && is_due {{ trigger.name | sh }} path && ! is_installed {{ trigger.package | sh }}; then
{% elif trigger.package %}
if is_due {{ trigger.name | sh }} always && is_installed {{ trigger.package | sh }}{% if trigger.comparison %} &&
    dpkg --compare-versions "$(version_of {{ trigger.package | sh }})" {{ trigger.comparison[0] | sh }} {{ trigger.comparison[1] | sh }}{% endif %}; then
{% else %}
if is_due {{ trigger.name | sh }} {{ "path" if trigger.path else "always" }}; then
{% endif %}
    run_text {{ trigger.interpreter }} <<'{{ trigger.delimiter }}' || echo {{ ("warning: the script of " ~ package ~ " for the trigger on " ~ trigger.on ~ " failed with exit code") | sh }} "$?" >&2
{{ trigger.text }}
{{ trigger.delimiter }}
fi
{% endfor %}
{% endif %}
{% endif %}
{% endmacro -%}
