//! The control members of a .deb: what dpkg reads of a package before it unpacks it.

mod deb_support;

use std::os::unix::fs::PermissionsExt;

use deb_support::*;
use omnipack::exec::Command;
use omnipack::package::Architecture;
use omnipack::plan::{Comparison, RelationKind, Role};
use omnipack::project::{MultiArch, ScriptletKind, Trigger, TriggerWhen};
use omnipack::service::Scriptlet;

#[test]
fn the_control_file_has_every_field_once_and_in_order() {
    let mut package = sample("fields");
    package.source = "app".to_owned();
    package.evr.epoch = 2;
    package.architecture = Architecture::Native("amd64".to_owned());
    package.deb.multi_arch = Some(MultiArch::Same);
    package.description = "First.\n\n.hidden\n  verbatim\n\ttab\nPackage: evil\n.\n".to_owned();
    let versioned = |comparison| Some((comparison, "1:2.0~rc1-1"));
    package.relations = vec![
        relation(RelationKind::Requires, "libc6", versioned(Comparison::Greater)),
        relation(RelationKind::Requires, "libc6", versioned(Comparison::LessOrEqual)),
        relation(RelationKind::Requires, "aa | bb (>= 2) | cc", None),
        relation(RelationKind::RequiresPre, "passwd", None),
        relation(RelationKind::Recommends, "logrotate", versioned(Comparison::GreaterOrEqual)),
        relation(RelationKind::Suggests, "python3:any", None),
        relation(RelationKind::Supplements, "nothing", None),
        relation(RelationKind::Enhances, "nginx", None),
        relation(RelationKind::Conflicts, "old", versioned(Comparison::Less)),
        relation(RelationKind::Obsoletes, "older", versioned(Comparison::Less)),
        relation(RelationKind::Provides, "www", versioned(Comparison::Equal)),
        relation(RelationKind::Replaces, "replaced", None),
        relation(RelationKind::Breaks, "broken", None),
    ];
    package.relations.push(package.relations[0].clone());
    let (_directory, path) = build(&package);
    assert_eq!(path.file_name().unwrap(), "fields_1.2-3_amd64.deb", "no epoch in the name");
    let expected = "\
Package: fields
Source: app
Version: 2:1.2-3
Architecture: amd64
Maintainer: A Person <a@example.org>
Installed-Size: SIZE
Pre-Depends: passwd
Depends: libc6 (>> 1:2.0~rc1-1), libc6 (<= 1:2.0~rc1-1), aa | bb (>= 2) | cc
Recommends: logrotate (>= 1:2.0~rc1-1)
Suggests: python3:any
Enhances: nginx
Conflicts: old (<< 1:2.0~rc1-1)
Breaks: older (<< 1:2.0~rc1-1), broken
Replaces: older (<< 1:2.0~rc1-1), replaced
Provides: www (= 1:2.0~rc1-1)
Section: admin
Priority: optional
Multi-Arch: same
Homepage: https://example.org/
Description: A test
 First.
 .
  .hidden
   verbatim
 \ttab
 Package: evil
  .
";
    let size = field(&path, "Installed-Size");
    let expected = expected.replace("SIZE", &size);
    assert_eq!(control_file(&path, "control").unwrap(), expected);
    // dpkg-deb prints what it has parsed.
    assert_eq!(dpkg_deb(&["--field"], &path), expected);
    let root = Root::new();
    let output = root.run(["--ignore-depends=passwd,libc6,aa", "--force-bad-version", "-i", path.to_str().unwrap()]);
    assert!(output.code == 0, "{}", output.stderr_text());
}

#[test]
fn a_maintainer_has_name_and_address() {
    let maintainer = |text: &str| {
        let mut package = package("maintained");
        package.maintainer = text.to_owned();
        let (_directory, path) = build(&package);
        field(&path, "Maintainer")
    };
    assert_eq!(maintainer("Ada\nX: y <ada@example.org>"), "Ada X: y <ada@example.org>");
    assert_eq!(maintainer("Ada Lovelace"), "Ada Lovelace <unknown@localhost>");
    assert_eq!(maintainer("ada@example.org"), "ada@example.org <ada@example.org>");
}

#[test]
fn a_package_for_all_architectures_serves_all() {
    let multi_arch = |setting: Option<MultiArch>, architecture: Architecture| {
        let mut package = package("multi");
        package.deb.multi_arch = setting;
        package.architecture = architecture;
        let (_directory, path) = build(&package);
        let control = control_file(&path, "control").unwrap();
        control.lines().find_map(|line| line.strip_prefix("Multi-Arch: ")).unwrap_or_default().to_owned()
    };
    let native = || Architecture::Native("arm64".to_owned());
    assert_eq!(multi_arch(None, Architecture::Independent), "foreign");
    assert_eq!(multi_arch(None, native()), "");
    assert_eq!(multi_arch(Some(MultiArch::No), Architecture::Independent), "");
    assert_eq!(multi_arch(Some(MultiArch::Allowed), native()), "allowed");
    assert_eq!(multi_arch(Some(MultiArch::Same), native()), "same");
    assert_eq!(
        multi_arch(Some(MultiArch::Same), Architecture::Independent),
        "foreign",
        "dpkg refuses `same` for `all`"
    );
}

const TRIGGERS: &str = "activate-noawait /usr/share/icons
activate-noawait ldconfig
interest-noawait /etc/cdhboot
interest-noawait /usr/share/doc/nginx
interest-noawait perl-major-upgrade
";

#[test]
fn scripts_triggers_and_conffiles_are_what_was_meant() {
    let mut package = sample("scripts");
    let text = "echo '%{nothing} 100%% `id` é' >> \"$DPKG_ROOT/ran\"";
    package.scriptlets.insert(ScriptletKind::Pre, shell(text));
    package.scriptlets.insert(ScriptletKind::Post, shell("#!/bin/bash -e\nexit 0\n"));
    let python = vec!["/usr/bin/python3".to_owned(), "-I".to_owned()];
    package.scriptlets.insert(ScriptletKind::Preun, Scriptlet { interpreter: python, text: "pass\n\n".to_owned() });
    package.deb.activate = vec!["ldconfig".to_owned(), "/usr/share/icons".to_owned()];
    package.triggers = ["nginx >= 1:1.20", "/etc/cdhboot", "trigger:perl-major-upgrade"]
        .map(|on| Trigger {
            on: on.to_owned(),
            when: TriggerWhen::In,
            script: "exit 0".to_owned(),
            interpreter: "/bin/sh".to_owned(),
            package: None,
        })
        .to_vec();
    let (directory, path) = build(&package);
    let script = |name: &str| control_file(&path, name);
    assert_eq!(script("preinst").unwrap(), format!("#!/bin/sh\n{text}\n"));
    assert_eq!(script("postinst").unwrap(), "#!/bin/bash -e\nexit 0\n");
    assert_eq!(script("prerm").unwrap(), "#!/usr/bin/python3 -I\npass\n\n");
    assert_eq!(script("postrm"), None);
    assert_eq!(script("triggers").unwrap(), TRIGGERS);
    assert_eq!(script("conffiles").unwrap(), "/etc/app/app.conf\n/etc/app/with space.conf\n");
    let out = directory.path().join("control");
    Command::new("dpkg-deb").arg("--control").arg(&path).arg(&out).run_checked().unwrap();
    let mode = |name: &str| fs_err::metadata(out.join(name)).unwrap().permissions().mode() & 0o7777;
    assert_eq!((mode("preinst"), mode("md5sums")), (0o755, 0o644));

    package.role = Role::Meta;
    let (_directory, path) = build(&package);
    let interests = TRIGGERS.lines().filter(|line| line.starts_with("interest")).collect::<Vec<_>>().join("\n");
    assert_eq!(control_file(&path, "triggers").unwrap().trim_end(), interests, "the main package activates");
}
