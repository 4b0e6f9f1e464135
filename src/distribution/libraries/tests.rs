use super::*;

fn library(distribution: &str, soname: &str) -> Library {
    Libraries::named(distribution).unwrap().find(soname).unwrap_or_else(|| panic!("{distribution} has no {soname}"))
}

#[test]
fn the_libraries_of_manylinux_are_in_every_distribution() {
    // PEP 600 and auditwheel's policies: what a wheel may leave to the system.
    let allowed = "libGL.so.1 libICE.so.6 libSM.so.6 libX11.so.6 libXext.so.6 libXrender.so.1 libanl.so.1 libatomic.so.1 \
        libc.so.6 libdl.so.2 libexpat.so.1 libgcc_s.so.1 libglib-2.0.so.0 libgobject-2.0.so.0 libgthread-2.0.so.0 \
        libm.so.6 libmvec.so.1 libnsl.so.1 libpthread.so.0 libresolv.so.2 librt.so.1 libstdc++.so.6 libutil.so.1 \
        libz.so.1 ld-linux-x86-64.so.2";
    for name in Libraries::names() {
        for soname in allowed.split_whitespace() {
            assert!(!library(name, soname).need().template.is_empty(), "{name}: {soname}");
        }
    }
}

#[test]
fn every_line_of_the_data_is_understood() {
    for name in Libraries::names().chain([SHARED]) {
        let text = text(name).unwrap();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let words = line.split_whitespace().collect::<Vec<_>>();
            let sound = match line.as_bytes().first() {
                Some(b' ') => words.len() > 1 && words[0].starts_with(|c: char| c.is_ascii_digit()),
                Some(b'|') => words.len() > 1,
                _ if name == "symbols" => words.len() == 1,
                _ => {
                    let library = library(name, words[0]);
                    let version =
                        |version: Option<&str>| version.is_none_or(|v| v.starts_with(|c: char| c.is_ascii_digit()));
                    let bounds = version(library.lowest) && version(library.highest);
                    bounds && (library.lowest.is_some() || !library.templates[0].contains("#MINVER#"))
                }
            };
            assert!(sound, "{name}: {line}");
        }
    }
}

#[test]
fn a_symbol_is_looked_up_by_name_and_by_version_node() {
    let c = library("debian-12", "libc.so.6");
    let need = |version| Need { template: "libc6 #MINVER#", version: Some(version) };
    assert_eq!(c.need(), need("2.2.5"));
    assert_eq!(c.node("GLIBC_2.14"), Some(need("2.14")));
    assert_eq!(c.symbol("sysconf", Some("GLIBC_2.2.5")), Some(need("2.34")), "it has more words since");
    assert_eq!(c.node("GLIBC_2.38"), None, "bookworm has 2.36");
    assert_eq!(library("debian-13", "libc.so.6").node("GLIBC_2.38"), Some(need("2.38")));
    assert_eq!(c.symbol("PyLong_FromLong", None), None);
    let glib = library("debian-13", "libglib-2.0.so.0");
    assert_eq!(glib.need().template, "libglib2.0-0t64 #MINVER#");
    assert_eq!(glib.symbol("g_bytes_new", None).unwrap().version, Some("2.32.0"));
}

#[test]
fn only_whole_names_are_found() {
    let libraries = Libraries::named("debian-12").unwrap();
    for soname in ["libc.so", "c.so.6", "libc.so.6 2.2.5", "", "#", "2.14", "|"] {
        assert!(libraries.find(soname).is_none(), "{soname}");
    }
}
