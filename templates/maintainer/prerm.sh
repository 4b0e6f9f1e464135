{{ begin() }}
{{ only_inside() }}
{{ files_prerm() }}
case "${1:-}" in
    remove | upgrade | deconfigure) ;;
    # failed-upgrade: the old version's prerm failed, which is no reason to keep it.
    *) exit 0 ;;
esac
{{- run_script(user.preun) }}
{% if services %}

{# Deconfigured because another package breaks this one, it still has all its files, and is soon configured again. #}
# Services run on in an upgrade. They stop where their files go, or something that they depend on.
case "$1:${5:-}" in
    remove:* | deconfigure:removing)
        {{ package_notes() }}
{{ make_notes() }}
        {{ is_of_another() }}
        {{ stop_and_note_services() }}
        ;;
esac
{% endif %}
{% if tree and tree.unowned %}

# Bytecode made on this machine belongs to no package and would keep directories from going.
if [ "$1" = remove ]; then
    {{ drop_bytecode(tree) }}
fi
{% endif %}
exit 0
