{{ begin() }}
if [ -n "${DPKG_ROOT:-}" ]; then
    echo {{ (package ~ " cannot be installed with --force-script-chrootless") | sh }} >&2
    exit 1
fi
case "${1:-}" in
    install | upgrade) ;;
    # abort-upgrade: services ran on, and the old version has its files again.
    *) exit 0 ;;
esac
{{ make_accounts() }}
{% if services %}

# Notes for postinst: which services run, what they take the place of.
{{ package_notes() }}
{{- make_notes() }}
if make_notes; then
{{ note_for_configuration() }}
fi
{% endif %}
{{ files_preinst() }}
{% if tree and tree.unowned %}
# Bytecode of the version before would be taken for that of the new one: it may be of the kind that is never checked.
{{ drop_bytecode(tree) }}
{% endif %}
{{- run_script(user.pre) }}
exit 0
