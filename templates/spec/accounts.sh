{% for account in accounts %}
getent group {{ account.group | sh }} >/dev/null || groupadd -r {{ account.group | sh }}
{% for group in account.groups %}
getent group {{ group | sh }} >/dev/null || groupadd -r {{ group | sh }}
{% endfor %}
getent passwd {{ account.name | sh }} >/dev/null || useradd -r -g {{ account.group | sh }}{% if account.groups %} -G {{ account.groups | join(",") | sh }}{% endif %} -d {{ account.home | sh }} -s {{ account.shell | sh }} -c {{ account.comment | sh }} {{ account.name | sh }}
{% endfor %}
