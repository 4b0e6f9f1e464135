use super::*;
use crate::stage::EntryFlags;

fn version(major: u32, minor: u32) -> ToolVersion {
    ToolVersion { major, minor, patch: 0 }
}

fn platform() -> Platform {
    Platform { machine: "x86_64".into(), architecture: "amd64".into(), glibc: version(2, 17) }
}

fn wheel(name: &str) -> Origin {
    Origin::Wheel { name: name.into(), version: "1.0".into() }
}

fn facts(path: &str, owner: &str, needed: &[&str], versions: &[(&str, &str)]) -> ElfFacts {
    let version_needs = versions.iter().map(|(file, version)| ((*file).into(), (*version).into())).collect::<Vec<_>>();
    ElfFacts {
        path: TargetPath::new(&format!("/opt/app/lib/python3.9/site-packages/{path}")).unwrap(),
        origin: wheel(owner),
        machine: "x86_64".into(),
        bits: 64,
        soname: None,
        needed: needed.iter().map(|name| (*name).into()).collect(),
        search_path: Vec::new(),
        glibc: versions.iter().filter_map(|(_, version)| glibc_version(version)).max(),
        version_needs,
        executable: false,
        gnu_hash_only: false,
        x86_level: None,
    }
}

fn requirements(elf: Vec<ElfFacts>, entries: &[Entry], format: PackageFormat) -> Result<Vec<Relation>, Error> {
    let platform = platform();
    let target = Target { title: "CentOS Linux 7", format, platform: &platform, python: version(3, 9) };
    native_requirements(&Findings { elf, leaks: Vec::new() }, entries, &target)
}

fn names(elf: Vec<ElfFacts>) -> Vec<String> {
    names_with(elf, &[])
}

fn names_with(elf: Vec<ElfFacts>, entries: &[Entry]) -> Vec<String> {
    let relations = requirements(elf, entries, PackageFormat::Rpm).unwrap();
    relations.into_iter().map(|relation| relation.name).collect()
}

#[test]
fn each_library_and_symbol_version_is_a_requirement_with_its_reason() {
    let mut elf = facts("a/x.so", "a", &["libc.so.6", "libz.so.1", "_private.so"], &[("libc.so.6", "GLIBC_2.14")]);
    elf.gnu_hash_only = true;
    let relations = requirements(vec![elf], &[], PackageFormat::Rpm).unwrap();
    let names = relations.iter().map(|relation| relation.name.as_str()).collect::<Vec<_>>();
    assert_eq!(names, ["libc.so.6()(64bit)", "libc.so.6(GLIBC_2.14)(64bit)", "libz.so.1()(64bit)", "rtld(GNU_HASH)"]);
    assert_eq!(relations[0].reason, "a-1.0 (a/x.so)");
}

#[test]
fn code_of_32_bits_has_no_marker() {
    let mut elf = facts("a/x.so", "a", &["libc.so.6"], &[("libc.so.6", "GLIBC_2.1")]);
    (elf.machine, elf.bits) = ("i686".into(), 32);
    let platform = Platform { machine: "i386".into(), ..platform() };
    let target = Target { title: "x", format: PackageFormat::Rpm, platform: &platform, python: version(3, 9) };
    let findings = Findings { elf: vec![elf], leaks: Vec::new() };
    let names = native_requirements(&findings, &[], &target).unwrap().into_iter().map(|relation| relation.name);
    assert_eq!(names.collect::<Vec<_>>(), ["libc.so.6", "libc.so.6(GLIBC_2.1)"]);
}

#[test]
fn a_search_path_is_followed_inside_the_tree() {
    for search in ["$ORIGIN/../a.libs", "${ORIGIN}/../a.libs/.", "/opt/app/lib/python3.9/site-packages/a.libs"] {
        let mut user = facts("a/x.so", "a", &["libq.so.1"], &[("libq.so.1", "Q_1")]);
        user.search_path = vec!["/elsewhere".into(), search.into()];
        let library = facts("a.libs/libq.so.1", "a", &[], &[]);
        assert_eq!(names(vec![user.clone(), library]), [""; 0], "{search}");
        assert_eq!(names(vec![user]), ["libq.so.1()(64bit)", "libq.so.1(Q_1)(64bit)"], "{search}");
    }
}

#[test]
fn links_to_files_and_directories_are_followed() {
    let link = |path: &str, target: &str| Entry {
        path: TargetPath::new(&format!("/opt/app/{path}")).unwrap(),
        mode: 0o777,
        owner: "root".into(),
        group: "root".into(),
        kind: EntryKind::Symlink(target.into()),
        flags: EntryFlags::default(),
        origin: Origin::Generated,
    };
    let mut user = facts("a/x.so", "a", &["libz.so.1"], &[]);
    user.search_path = vec!["/opt/app/lib64/python3.9/site-packages/b".into()];
    let library = facts("b/libz.so.1.2", "b", &[], &[]);
    let entries = [link("lib64", "lib"), link("lib/python3.9/site-packages/b/libz.so.1", "libz.so.1.2")];
    assert_eq!(names_with(vec![user.clone(), library.clone()], &entries), [""; 0]);
    assert_eq!(names_with(vec![user.clone(), library.clone()], &entries[1..]), ["libz.so.1()(64bit)"]);
    let circle = [link("lib64", "lib64"), link("x", "x")];
    assert_eq!(names_with(vec![user, library], &circle), ["libz.so.1()(64bit)"]);
}

#[test]
fn a_name_alone_counts_within_a_wheel_and_for_what_no_system_has() {
    let user = |owner: &str, needed: &str| facts("u/x.so", owner, &[needed], &[]);
    let library = |name: &str| ElfFacts { soname: Some(name.into()), ..facts("b/other-name.so", "b", &[], &[]) };
    assert_eq!(names(vec![user("b", "libz.so.1"), library("libz.so.1")]), [""; 0]);
    assert_eq!(names(vec![user("a", "libz.so.1"), library("libz.so.1")]), ["libz.so.1()(64bit)"]);
    assert_eq!(names(vec![user("a", "libarrow.so.1500"), library("libarrow.so.1500")]), [""; 0]);
}

#[test]
fn code_for_another_machine_neither_needs_nor_helps() {
    let mut foreign = facts("a/libq.so", "a", &["libfoo.so.9", "libc.so.6"], &[("libc.so.6", "GLIBC_2.39")]);
    foreign.machine = "aarch64".into();
    assert_eq!(names(vec![foreign.clone()]), [""; 0]);
    let user = facts("a/x.so", "a", &["libq.so"], &[]);
    assert_eq!(names(vec![foreign, user]), ["libq.so()(64bit)"]);
}

#[test]
fn a_newer_glibc_names_wheel_file_and_version() {
    let elf = vec![
        facts("a/old.so", "a", &["libc.so.6"], &[("libc.so.6", "GLIBC_2.17")]),
        facts("b/new.so", "b", &["libc.so.6"], &[("libc.so.6", "GLIBC_2.4"), ("libc.so.6", "GLIBC_2.34")]),
    ];
    let error = requirements(elf, &[], PackageFormat::Rpm).unwrap_err();
    assert_eq!(
        error.to_string(),
        "CentOS Linux 7 has glibc 2.17, and native code in the package needs 2.34:\n  \
         b 1.0: /opt/app/lib/python3.9/site-packages/b/new.so needs GLIBC_2.34"
    );
}

#[test]
fn libpython_has_to_be_that_of_the_target() {
    let user = |library: &str| vec![facts("a/x.so", "a", &[library], &[])];
    assert_eq!(names(user("libpython3.9.so.1.0")), ["libpython3.9.so.1.0()(64bit)"]);
    assert_eq!(names(user("libpython3.so")), ["libpython3.so()(64bit)"]);
    let error = requirements(user("libpython3.6m.so.1.0"), &[], PackageFormat::Rpm).unwrap_err().to_string();
    assert!(error.contains("libpython3.6m.so.1.0, and the package runs on Python 3.9"), "{error}");
    let bundled = facts("b/libpython3.6m.so.1.0", "b", &[], &[]);
    assert_eq!(names([user("libpython3.6m.so.1.0"), vec![bundled]].concat()), [""; 0]);
}

#[test]
fn a_deb_needs_the_newest_glibc_and_knows_no_other_library() {
    let elf = vec![
        facts("a/x.so", "a", &["libc.so.6", "libm.so.6"], &[("libc.so.6", "GLIBC_2.14")]),
        facts("b/x.so", "b", &["libc.so.6"], &[("libc.so.6", "GLIBC_2.2.5")]),
    ];
    let relations = requirements(elf, &[], PackageFormat::Deb).unwrap();
    assert_eq!(relations.len(), 1);
    assert_eq!(relations[0].name, "libc6");
    assert_eq!(relations[0].comparison, Some((Comparison::GreaterOrEqual, "2.14".to_owned())));
    let other = vec![facts("a/x.so", "a", &["libz.so.1"], &[])];
    assert!(matches!(requirements(other, &[], PackageFormat::Deb), Err(Error::DebianLibrary { .. })));
}

#[test]
fn any_native_code_decides_the_architecture() {
    assert_eq!(architecture(&Findings::default(), &platform()), Architecture::Independent);
    let elf = vec![facts("a/x.so", "a", &[], &[])];
    let native = architecture(&Findings { elf, leaks: Vec::new() }, &platform());
    assert_eq!(native, Architecture::Native("amd64".to_owned()));
}
