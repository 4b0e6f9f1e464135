//! Every tag of the header against what rpmbuild writes for the same package, with the differences that are meant.

mod rpm_support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use omnipack::distribution::Algorithm;
use omnipack::exec::Command;
use omnipack::package::{Architecture, ChangelogEntry, Package};
use omnipack::plan::{Comparison, Compression, RelationKind};
use omnipack::project::{ConfigFile, ScriptletKind, Trigger, TriggerWhen};
use omnipack::service::Scriptlet;
use rpm_support::*;

/// Tags that differ, and why.
const EXPECTED_DIFFERENCES: &[(&str, &str)] = &[
    // Digests over the compressed payload and header: the compressors differ in job size, the headers in what follows.
    ("Payloaddigest", "another compressor's bytes"),
    ("Payloaddigestalt", "optional, read by nothing on installation; would hash the whole payload a second time"),
    ("Sha1header", "follows from the header"),
    ("Sha256header", "follows from the header"),
    ("Sigmd5", "no MD5: nothing needs it, and FIPS forbids it"),
    ("Sigsize", "follows from the header"),
    // What names the build.
    ("Rpmversion", "made by omnipack"),
    ("Platform", "the vendor is not known"),
    ("Optflags", "nothing is compiled"),
    ("Buildhost", "always localhost"),
    // rpmbuild heeds these and writes them into source packages only; here a reader of the binary package sees them too.
    ("Excludearch", "also in the binary package"),
    ("Exclusivearch", "also in the binary package"),
    ("Excludeos", "also in the binary package"),
    ("Exclusiveos", "also in the binary package"),
    // Optional file tags, which rpm uses for multilib conflicts and `rpm -q --fileclass` only.
    ("Filecolors", "no multilib"),
    ("Fileclass", "libmagic's opinion"),
    ("Classdict", "libmagic's opinion"),
    // What a spec file cannot set.
    ("Filemtimes", "source date instead of clock; all files have it"),
];

fn script(text: &str, interpreter: &[&str]) -> Scriptlet {
    Scriptlet { interpreter: interpreter.iter().map(|word| (*word).to_owned()).collect(), text: text.to_owned() }
}

fn trigger(on: &str, when: TriggerWhen, script: &str) -> Trigger {
    Trigger { on: on.to_owned(), when, script: script.to_owned(), interpreter: "/bin/sh".to_owned(), package: None }
}

fn sample() -> Package {
    let mut package = package("compared");
    package.architecture = Architecture::Native("x86_64".to_owned());
    package.evr.epoch = 2;
    package.compression = Compression { algorithm: Algorithm::Zstd, level: 3 };
    package.entries = sorted(vec![
        directory("/opt/compared"),
        directory("/opt/compared/bin"),
        entry_with_mode("/opt/compared/bin/run", 0o755, "#!/bin/sh\n"),
        hardlink("/opt/compared/bin/also", "/opt/compared/bin/run"),
        symlink("/opt/compared/link", "bin/run"),
        file("/opt/compared/a file with spaces", "spaces"),
        flagged(file("/etc/compared.conf", "key = 1\n"), |flags| flags.config = ConfigFile::Noreplace),
        flagged(file("/etc/compared.default", "key = 2\n"), |flags| flags.config = ConfigFile::Replace),
        flagged(file("/var/log/compared.log", ""), |flags| flags.ghost = true),
        flagged(file("/usr/share/doc/compared/README", "read me"), |flags| flags.doc = true),
        flagged(file("/usr/share/licenses/compared/LICENSE", "be free"), |flags| flags.license = true),
        flagged(entry_with_mode("/opt/compared/bin/port", 0o750, "binds low ports"), |flags| {
            flags.capabilities = Some("cap_net_bind_service=ep".into());
        }),
        owned(directory("/var/lib/compared"), "daemon", "games"),
    ]);
    relate(&mut package);
    script_all(&mut package);
    package.changelog = vec![ChangelogEntry {
        date: 1_704_110_400,
        author: "A Person <a@example.org> - 1.2-3".to_owned(),
        text: "- first".to_owned(),
    }];
    package.rpm.prefixes = vec!["/opt/compared".to_owned()];
    package.rpm.exclude_arch = vec!["s390".to_owned()];
    package.rpm.exclusive_arch = vec!["x86_64".to_owned(), "aarch64".to_owned()];
    package.rpm.exclude_os = vec!["solaris".to_owned()];
    package.rpm.exclusive_os = vec!["linux".to_owned()];
    package
}

fn entry_with_mode(path: &str, mode: u32, content: &str) -> omnipack::stage::Entry {
    let mut entry = file(path, content);
    entry.mode = mode;
    entry
}

fn owned(mut entry: omnipack::stage::Entry, owner: &str, group: &str) -> omnipack::stage::Entry {
    entry.owner = owner.into();
    entry.group = group.into();
    entry
}

fn relate(package: &mut Package) {
    use RelationKind as Kind;
    package.relations = vec![
        relation(Kind::Requires, "python(abi)", Some((Comparison::Equal, "3.9"))),
        relation(Kind::Requires, "(nginx if httpd)", None),
        relation(Kind::Requires, "/usr/sbin/iptables", None),
        relation(Kind::RequiresPre, "shadow-utils", Some((Comparison::GreaterOrEqual, "1:4.6~rc1"))),
        relation(Kind::Recommends, "logrotate", None),
        relation(Kind::Suggests, "vim", Some((Comparison::Less, "9"))),
        relation(Kind::Supplements, "nginx", None),
        relation(Kind::Enhances, "httpd", None),
        relation(Kind::Conflicts, "other", Some((Comparison::LessOrEqual, "1.0"))),
        relation(Kind::Obsoletes, "old-compared", Some((Comparison::Less, "2:1.2-3"))),
        relation(Kind::Provides, "bundled(python3dist(flask))", Some((Comparison::Equal, "2.0.3"))),
    ];
}

fn script_all(package: &mut Package) {
    let scripts = [
        (ScriptletKind::Pretrans, script("print('pretrans')", &["<lua>"])),
        (ScriptletKind::Pre, script("getent passwd daemon >/dev/null || exit 0", &["/bin/sh"])),
        (ScriptletKind::Post, script("echo \"100% of $HOME\"\nexit 0", &["/bin/bash", "-e"])),
        (ScriptletKind::Preun, script("exit 0", &["/bin/sh"])),
        (ScriptletKind::Postun, script("exit 0", &["/bin/sh"])),
        (ScriptletKind::Posttrans, script("exit 0", &["/bin/sh"])),
        (ScriptletKind::Verify, script("exit 0", &["/bin/sh"])),
    ];
    package.scriptlets = scripts.into_iter().collect();
    package.triggers = vec![
        trigger("nginx >= 1.20", TriggerWhen::In, "echo in"),
        trigger("httpd", TriggerWhen::Un, "echo un"),
        trigger("apache < 2", TriggerWhen::Postun, "echo postun"),
    ];
}

const SPEC: &str = r#"
Name: compared
Epoch: 2
Version: 1.2
Release: 3
Summary: A test
License: MIT
URL: https://example.org/
Vendor: Example
Packager: A Person <a@example.org>
Group: Applications/System
Prefix: /opt/compared
ExcludeArch: s390
ExclusiveArch: x86_64 aarch64
ExcludeOS: solaris
ExclusiveOS: linux
Requires: python(abi) = 3.9
Requires: (nginx if httpd)
Requires: /usr/sbin/iptables
Requires(pre): shadow-utils >= 1:4.6~rc1
Recommends: logrotate
Suggests: vim < 9
Supplements: nginx
Enhances: httpd
Conflicts: other <= 1.0
Obsoletes: old-compared < 2:1.2-3
Provides: bundled(python3dist(flask)) = 2.0.3
%description
A longer text
of two lines
%install
cd %{buildroot}
mkdir -p opt/compared/bin etc var/log var/lib/compared usr/share/doc/compared usr/share/licenses/compared
printf '#!/bin/sh\n' > opt/compared/bin/run
ln opt/compared/bin/run opt/compared/bin/also
ln -s bin/run opt/compared/link
printf 'binds low ports' > opt/compared/bin/port
printf spaces > 'opt/compared/a file with spaces'
printf 'key = 1\n' > etc/compared.conf
printf 'key = 2\n' > etc/compared.default
: > var/log/compared.log
printf 'read me' > usr/share/doc/compared/README
printf 'be free' > usr/share/licenses/compared/LICENSE
%pretrans -p <lua>
print('pretrans')
%pre
getent passwd daemon >/dev/null || exit 0
%post -p "/bin/bash -e"
echo "100%% of $HOME"
exit 0
%preun
exit 0
%postun
exit 0
%posttrans
exit 0
%verifyscript
exit 0
%triggerin -- nginx >= 1.20
echo in
%triggerun -- httpd
echo un
%triggerpostun -- apache < 2
echo postun
%files
%defattr(644,root,root,755)
%dir /opt/compared
%dir /opt/compared/bin
%attr(755,root,root) /opt/compared/bin/run
%attr(755,root,root) /opt/compared/bin/also
%attr(750,root,root) %caps(cap_net_bind_service=ep) /opt/compared/bin/port
/opt/compared/link
"/opt/compared/a file with spaces"
%config(noreplace) /etc/compared.conf
%config /etc/compared.default
%ghost /var/log/compared.log
%doc /usr/share/doc/compared/README
%license /usr/share/licenses/compared/LICENSE
%dir %attr(755,daemon,games) /var/lib/compared
%changelog
* Mon Jan 01 2024 A Person <a@example.org> - 1.2-3
- first
"#;

fn rpmbuild(directory: &Path) -> PathBuf {
    let spec = directory.join("compared.spec");
    fs_err::write(&spec, SPEC).unwrap();
    fs_err::write(directory.join("none.attr"), "%__none_path ^/nothing$\n").unwrap();
    let top = format!("_topdir {}", directory.display());
    Command::new("rpmbuild")
        .args(["-bb", "--target", "x86_64-linux", "--define", &top])
        .args(["--define", "_binary_payload w3.zstdio", "--define", "__os_install_post %{nil}"])
        .args(["--define", "source_date_epoch_from_changelog 0", "--define", "use_source_date_epoch_as_buildtime 1"])
        // No dependency generators, which would look into the files.
        .args(["--define", &format!("_fileattrsdir {}", directory.display())])
        .args(["--define", "debug_package %{nil}", "--define", "_build_id_links none"])
        .env("SOURCE_DATE_EPOCH", DATE.to_string())
        .arg(&spec)
        .run_checked()
        .unwrap();
    directory.join("RPMS/x86_64/compared-1.2-3.x86_64.rpm")
}

/// Every tag of the header with its values, as rpm itself reads them.
fn tags(path: &Path) -> BTreeMap<String, String> {
    let xml = query(path, &["--xml"]);
    let tags = xml.split("<rpmTag name=\"").skip(1).map(|tag| {
        let (name, values) = tag.split_once("\">").unwrap();
        (name.to_owned(), values.split("</rpmTag>").next().unwrap().trim().to_owned())
    });
    tags.collect()
}

#[test]
fn every_tag_is_as_rpmbuild_writes_it() {
    let directory = tempfile::tempdir().unwrap();
    let theirs = tags(&rpmbuild(directory.path()));
    let (_directory, path) = build(&sample());
    check_digests(&path);
    let ours = tags(&path);
    assert!(ours.len() > 60 && theirs.len() > 60, "rpm shows too few tags: {} and {}", ours.len(), theirs.len());

    let names: std::collections::BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
    let mut wrong = Vec::new();
    for name in names {
        let expected = EXPECTED_DIFFERENCES.iter().any(|(known, _)| known == name);
        if ours.get(name) != theirs.get(name) && !expected {
            wrong.push(format!("{name}\n  ours   {:?}\n  theirs {:?}", ours.get(name), theirs.get(name)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let same = EXPECTED_DIFFERENCES.iter().map(|(name, _)| *name).filter(|name| ours.get(*name) == theirs.get(*name));
    assert_eq!(same.collect::<Vec<_>>(), Vec::<&str>::new(), "these do not differ at all");
}
