//! Owners, capabilities, directories that are made while a program runs, and what a purge leaves.

use crate::support::{Project, assert_part, file, part, write};

#[test]
fn owners_are_right_at_the_first_installation_and_an_override_stays() {
    let project = Project::new();
    let config = [
        "[[user]]\nname = \"omnidemo\"\n[[directory]]\npath = \"/var/log/demo\"\nowner = \"omnidemo\"\ngroup = \"omnidemo\"\nmode = \"0750\"\n",
        &file("app.conf", "/etc/demo/app.conf", "group = \"omnidemo\"\nmode = \"0640\""),
        &file("app.conf", "/opt/demo/tool", "owner = \"omnidemo\"\nmode = \"4755\""),
    ]
    .concat();
    let fill = |root: &std::path::Path| write(root, "app.conf", "key");
    project.version("1.0", &config, fill).version("2.0", &config, fill);
    let said = project.run(
        "stats() { stat -c '%U:%G %a %n' /etc/demo/app.conf /opt/demo/tool /var/log/demo /var/lib/omnidemo; }\n\
         title first; install 1.0; stats\n\
         dpkg-statoverride --update --add root omnidemo 0700 /opt/demo/tool; dpkg-statoverride --update --add root root 0600 /etc/demo/app.conf\n\
         title override; install 2.0; stats\n",
    );
    let directories = ["omnidemo:omnidemo 750 /var/log/demo", "omnidemo:omnidemo 750 /var/lib/omnidemo"];
    let first = ["root:omnidemo 640 /etc/demo/app.conf", "omnidemo:root 4755 /opt/demo/tool"];
    assert_part(&said, "first", &[first, directories].concat());
    let overridden = ["root:root 600 /etc/demo/app.conf", "root:omnidemo 700 /opt/demo/tool"];
    assert_part(&said, "override", &[overridden, directories].concat());
}

#[test]
fn capabilities_are_set_at_every_version_and_survive_a_failure() {
    let project = Project::new();
    let config = file("tool", "/opt/demo/bin/tool", "mode = \"0755\"\ncapabilities = \"cap_net_bind_service=ep\"");
    let fill = |text: &'static str| move |root: &std::path::Path| write(root, "tool", text);
    project.version("1.0", &config, fill("1")).version("2.0", &config, fill("2"));
    project.variant("clash", "2.0", &[config, file("tool", "/opt/demo/zzz", "")].concat(), fill("3"));
    let said = project.run(
        "title first; install 1.0; getcap /opt/demo/bin/tool; title second; install 2.0; getcap /opt/demo/bin/tool\n\
         handmade other /opt/demo/zzz; title failed; install clash; getcap /opt/demo/bin/tool; cat /opt/demo/bin/tool; echo\n\
         title missing; mv /usr/sbin/setcap /usr/sbin/nosetcap; install 1.0; getcap /opt/demo/bin/tool\n",
    );
    let set = "/opt/demo/bin/tool cap_net_bind_service=ep";
    assert_part(&said, "first", &[set]);
    assert_part(&said, "second", &[set]);
    assert!(part(&said, "failed").ends_with(&format!("{set}\n2")), "{said}");
    let warning = "warning: the capabilities cap_net_bind_service=ep of /opt/demo/bin/tool could not be set (setcap is in libcap2-bin)";
    assert_part(&said, "missing", &[warning]);
    assert!(project.control("1.0", "control").contains("\nDepends: libcap2-bin"), "the relation");
}

#[test]
fn a_removal_keeps_what_programs_made_and_a_purge_does_not() {
    let project = Project::new();
    let config = [
        "[[user]]\nname = \"omnidemo\"\n[[directory]]\npath = \"/var/log/demo\"\n[[directory]]\npath = \"/srv/demo\"\n",
        "[[directory]]\npath = \"/run/demo\"\nghost = true\n[[directory]]\npath = \"/var/cache/demo/ghost\"\nghost = true\n",
        &file("app.conf", "/etc/demo/app.conf", ""),
    ]
    .concat();
    project.version("1.0", &config, |root| write(root, "app.conf", "key"));
    let said = project.run(
        "install 1.0; title ghosts; ls -d /run/demo /var/cache/demo/ghost 2>/dev/null\n\
         mkdir -p /run/demo /var/cache/demo/ghost /var/log/demo/deep; touch /var/log/demo/deep/log /var/lib/omnidemo/state /srv/demo/data /etc/demo/app.conf.dpkg-old\n\
         mkdir /elsewhere; touch /elsewhere/file; ln -s /elsewhere /var/log/demo/link\n\
         title removed; dpkg --remove demo-cli demo >/dev/null 2>&1; left /run/demo /var/log/demo /var/lib/omnidemo /var/cache/demo /srv/demo /etc/demo /opt/demo\n\
         title purged; purge demo >/dev/null; left /run/demo /var/log/demo /var/lib/omnidemo /var/cache/demo /srv/demo /etc/demo /opt/demo /elsewhere\n",
    );
    let removed = [
        "/etc/demo",
        "/etc/demo/app.conf",
        "/etc/demo/app.conf.dpkg-old",
        "/srv/demo",
        "/srv/demo/data",
        "/var/lib/omnidemo",
        "/var/lib/omnidemo/state",
        "/var/log/demo",
        "/var/log/demo/deep",
        "/var/log/demo/deep/log",
        "/var/log/demo/link",
    ];
    let found = part(&said, "removed").lines().filter(|line| !line.starts_with("/var/cache")).collect::<Vec<_>>();
    assert_eq!(found, removed, "{said}");
    assert_part(&said, "purged", &["/elsewhere", "/elsewhere/file", "/srv/demo", "/srv/demo/data"]);
}
