use super::*;
use crate::stage::EntryFlags;

fn version(major: u32, minor: u32) -> ToolVersion {
    ToolVersion { major, minor, patch: 0 }
}

fn platform() -> Platform {
    Platform { machine: "x86_64".into(), architecture: "amd64".into(), glibc: version(2, 17), baseline: None }
}

static NO_MAP: BTreeMap<String, Option<Relation>> = BTreeMap::new();

fn target<'a>(
    platform: &'a Platform,
    format: PackageFormat,
    library_map: &'a BTreeMap<String, Option<Relation>>,
) -> Target<'a> {
    let (title, name) = match format {
        PackageFormat::Rpm => ("CentOS Linux 7", "centos-7"),
        PackageFormat::Deb => ("Debian 12", "debian-12"),
    };
    Target {
        title,
        name,
        format,
        platform,
        python: Some(version(3, 9)),
        libraries: Some("debian-12"),
        library_map,
        newer_cpu: &[],
    }
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
        symbols: None,
        executable: false,
        gnu_hash_only: false,
        x86_level: None,
    }
}

fn requirements(elf: Vec<ElfFacts>, entries: &[Entry], format: PackageFormat) -> Result<Vec<Relation>, Error> {
    let glibc = if format == PackageFormat::Deb { version(2, 36) } else { version(2, 17) };
    let platform = Platform { glibc, ..platform() };
    let target = target(&platform, format, &NO_MAP);
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
    let target = target(&platform, PackageFormat::Rpm, &NO_MAP);
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

/// The error of a package with these files, each with the level that it asks for.
fn cpu_error(baseline: Option<Isa>, files: &[(&str, u8)], newer_cpu: &[String]) -> Option<Error> {
    let elf = files.iter().map(|(path, level)| ElfFacts { x86_level: Some(*level), ..facts(path, "fast", &[], &[]) });
    let platform = Platform { baseline, ..platform() };
    let target = Target { newer_cpu, ..target(&platform, PackageFormat::Rpm, &NO_MAP) };
    native_requirements(&Findings { elf: elf.collect(), leaks: Vec::new() }, &[], &target).err()
}

#[test]
fn a_newer_processor_names_wheel_file_and_levels() {
    let files = [("fast/a.so", 2), ("fast/b.so", 3), ("fast/c.so", 4)];
    let error = cpu_error(Some(Isa::X86_64V2), &files, &[]).unwrap();
    assert_eq!(
        error.to_string(),
        "CentOS Linux 7 runs on processors that have no more than x86-64-v2, and native code in the package needs \
         x86-64-v4:\n  fast 1.0: /opt/app/lib/python3.9/site-packages/fast/b.so needs x86-64-v3\n  \
         fast 1.0: /opt/app/lib/python3.9/site-packages/fast/c.so needs x86-64-v4"
    );
    let help = error.help().unwrap().to_string();
    assert!(help.contains("[python]\nnewer-cpu = [\"fast/b.so\", \"fast/c.so\"]"), "{help}");
    assert!(help.contains("[distribution.centos-7.cpu-baseline]\nx86_64 = \"x86-64-v4\""), "{help}");
    assert!(cpu_error(Some(Isa::X86_64V4), &files, &[]).is_none());
    assert!(cpu_error(None, &files, &[]).is_none(), "nothing is known of this machine");
    let unheard_of = cpu_error(Some(Isa::X86_64V4), &[("fast/d.so", 7)], &[]).unwrap();
    assert!(unheard_of.to_string().contains("needs x86-64-v7"), "{unheard_of}");
}

#[test]
fn code_that_is_taken_where_it_fits_may_need_more() {
    let named = |file: &str, globs: &[&str]| {
        let globs = globs.iter().map(|glob| (*glob).to_owned()).collect::<Vec<_>>();
        cpu_error(Some(Isa::X86_64), &[(file, 3)], &globs).is_none()
    };
    assert!(named("fast/kernel_avx2.so", &["other.so", "fast/*_avx2.so"]) && named("fast/k.so", &["k.so"]));
    assert!(named("fast/k.so", &["/opt/app/**/k.so"]) && named("fast/deep/k.so", &["fast/**"]));
    assert!(
        !named("fast/deep/k.so", &["fast/*"])
            && !named("fast/ok.so", &["k.so"])
            && !named("fast/k.so", &["/fast/k.so"])
    );
    // glibc takes what lies there by the processor; more than the directory says is too much.
    assert!(named("fast.libs/glibc-hwcaps/x86-64-v3/libk.so", &[]) && named("glibc-hwcaps/x86-64-v4/libk.so", &[]));
    assert!(!named("glibc-hwcaps/x86-64-v2/libk.so", &[]) && !named("glibc-hwcaps/libk.so", &[]));
    assert!(!named("x86-64-v3/libk.so", &[]));
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

/// A file with its symbols, as `name` or `name@NODE`.
fn with_symbols(mut elf: ElfFacts, symbols: &[&str]) -> ElfFacts {
    let parts = symbols.iter().map(|symbol| match symbol.split_once('@') {
        Some((name, node)) => (name, Some(node)),
        None => (*symbol, None),
    });
    elf.symbols = Some(parts.collect());
    elf
}

fn debian(elf: Vec<ElfFacts>) -> Vec<String> {
    let relations = requirements(elf, &[], PackageFormat::Deb).unwrap();
    relations.iter().map(ToString::to_string).collect()
}

#[test]
fn a_deb_needs_each_package_once_in_the_highest_version() {
    let elf = vec![
        with_symbols(facts("a/x.so", "a", &["libc.so.6", "libm.so.6"], &[]), &["memcpy@GLIBC_2.14", "PyInit_x"]),
        with_symbols(facts("b/x.so", "b", &["libz.so.1", "libc.so.6"], &[]), &["crc32_z@ZLIB_1.2.9", "inflate"]),
        with_symbols(facts("c/x.so", "c", &["libm.so.6"], &[]), &["exp@GLIBC_2.29"]),
    ];
    let relations = requirements(elf, &[], PackageFormat::Deb).unwrap();
    let shown = relations.iter().map(|relation| (relation.to_string(), relation.reason.as_str()));
    let shown = shown.collect::<Vec<_>>();
    let expected = [("libc6 >= 2.29", "c-1.0 (c/x.so)"), ("zlib1g >= 1:1.2.11.dfsg", "b-1.0 (b/x.so)")];
    assert_eq!(shown.iter().map(|(text, reason)| (text.as_str(), *reason)).collect::<Vec<_>>(), expected);
}

#[test]
fn the_relations_of_a_deb_follow_the_templates_of_the_distribution() {
    let needs =
        |library: &str, symbols: &[&str]| debian(vec![with_symbols(facts("a/x.so", "a", &[library], &[]), symbols)]);
    // `shlibs` only; symbols of version 0; an epoch; alternatives; a second template.
    assert_eq!(needs("libbz2.so.1.0", &["BZ2_bzDecompress"]), ["libbz2-1.0"]);
    assert_eq!(needs("libpq.so.5", &["PQexec"]), ["libpq5"]);
    assert_eq!(needs("ld-linux-x86-64.so.2", &["__tls_get_addr@GLIBC_2.3"]), ["libc6 >= 2.3"]);
    assert_eq!(needs("libgcc_s.so.1", &["_Unwind_Resume@GCC_3.0"]), ["libgcc-s1 >= 3.0"]);
    let private = needs("libc.so.6", &["__libc_dynlink@GLIBC_PRIVATE", "memcpy@GLIBC_2.14"]);
    assert!(private.contains(&"libc6 >= 2.14".to_owned()), "{private:?}");
    // Without symbols the lowest version of the library, with versions alone what these are in.
    assert_eq!(needs("libstdc++.so.6", &[]), ["libstdc++6 >= 4.1.1"]);
    let versions = facts("a/x.so", "a", &["libc.so.6"], &[("libc.so.6", "GLIBC_2.34")]);
    assert_eq!(debian(vec![versions]), ["libc6 >= 2.34"]);
    let feature = facts("a/x.so", "a", &["libc.so.6"], &[("libc.so.6", "GLIBC_ABI_DT_RELR")]);
    assert_eq!(debian(vec![with_symbols(feature, &["memcpy@GLIBC_2.14"])]), ["libc6 >= 2.36"]);
}

#[test]
fn an_unknown_library_names_wheel_and_file_and_the_line_to_write() {
    let elf = vec![
        facts("a/x.so", "a", &["libodd.so.9", "_private.so", "libc.so.6"], &[]),
        facts("b/x.so", "b", &["libodd.so.9"], &[]),
    ];
    let error = requirements(elf.clone(), &[], PackageFormat::Deb).unwrap_err();
    assert_eq!(
        error.to_string(),
        "which packages of Debian 12 have these shared libraries is not known:\n  \
         libodd.so.9, for a 1.0: /opt/app/lib/python3.9/site-packages/a/x.so"
    );
    let help = miette::Diagnostic::help(&error).unwrap().to_string();
    assert!(help.contains("[library-map.debian-12]\n  \"libodd.so.9\" = \"package (>= version)\""), "{help}");
}

#[test]
fn what_the_user_says_of_a_library_takes_the_place_of_what_would_be_required() {
    let odd = Relation {
        kind: RelationKind::Requires,
        name: "odd9".to_owned(),
        comparison: Some((crate::plan::Comparison::GreaterOrEqual, "9.1".to_owned())),
        reason: "configuration".to_owned(),
    };
    let map = BTreeMap::from([("libodd.so.9".to_owned(), Some(odd)), ("libcuda.so.1".to_owned(), None)]);
    let elf = facts("a/x.so", "a", &["libodd.so.9", "libcuda.so.1", "libz.so.1"], &[("libodd.so.9", "ODD_9")]);
    let platform = platform();
    for (format, expected) in [
        (PackageFormat::Rpm, ["libz.so.1()(64bit)", "odd9 >= 9.1"]),
        (PackageFormat::Deb, ["odd9 >= 9.1", "zlib1g >= 1:1.2.13.dfsg"]),
    ] {
        let findings = Findings { elf: vec![elf.clone()], leaks: Vec::new() };
        let relations = native_requirements(&findings, &[], &target(&platform, format, &map)).unwrap();
        assert_eq!(relations.iter().map(ToString::to_string).collect::<Vec<_>>(), expected);
        assert_eq!(relations.iter().find(|relation| relation.name == "odd9").unwrap().reason, "a-1.0 (a/x.so)");
    }
}

#[test]
fn any_native_code_decides_the_architecture() {
    assert_eq!(architecture(&Findings::default(), &platform()), Architecture::Independent);
    let elf = vec![facts("a/x.so", "a", &[], &[])];
    let native = architecture(&Findings { elf, leaks: Vec::new() }, &platform());
    assert_eq!(native, Architecture::Native("amd64".to_owned()));
}
