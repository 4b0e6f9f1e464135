//! Metadata that is damaged, or made to do harm.

use std::path::Path;

use omnipack::exec::Command;
use omnipack::resolve::Options;
use sha2::{Digest, Sha256};

use crate::repository::{make, metadata_file, open, opened, release, requires};
use crate::support::expect_success;

fn error(directory: &Path) -> String {
    match open(directory.to_str().unwrap(), Options::default()) {
        Ok(repositories) => panic!("{} packages were read", repositories.len()),
        Err(error) => error.to_string(),
    }
}

/// A repository whose `primary.xml` is `text`, and whose `repomd.xml` says so.
fn with_primary(directory: &Path, text: &[u8], name: &str) {
    let digest = Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let data = format!(
        "<data type=\"primary\"><checksum type=\"sha256\">{digest}</checksum><location href=\"repodata/{name}\"/></data>"
    );
    with_repomd(directory, &format!("<repomd xmlns=\"http://linux.duke.edu/metadata/repo\">{data}</repomd>"));
    fs_err::write(directory.join("repodata").join(name), text).unwrap();
}

fn with_repomd(directory: &Path, text: &str) {
    fs_err::create_dir_all(directory.join("repodata")).unwrap();
    fs_err::write(directory.join("repodata/repomd.xml"), text).unwrap();
}

fn package(inside: &str) -> String {
    format!(
        "<metadata packages=\"99999999999999999999999999\"><package type=\"rpm\"><name>a</name><arch>noarch</arch>\
         <version epoch=\"99999999999999999999999999\" ver=\"1\" rel=\"1\"/><format>{inside}</format></package></metadata>"
    )
}

#[test]
fn a_file_that_was_changed_or_cut_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    make(directory.path(), &release(), &[]);
    let primary = metadata_file(directory.path(), "primary.xml");
    let whole = fs_err::read(&primary).unwrap();
    fs_err::write(&primary, &whole[..whole.len() / 2]).unwrap();
    let cut = error(directory.path());
    assert!(cut.contains("is not what repomd.xml says: sha256 expected"), "{cut}");
    fs_err::remove_file(&primary).unwrap();
    let gone = error(directory.path());
    assert!(gone.contains("primary.xml.gz") && gone.contains("No such file"), "{gone}");
    // Cut before its digest was taken.
    with_primary(directory.path(), &whole[..whole.len() / 2], "cut.xml.gz");
    let cut = error(directory.path());
    assert!(cut.contains("cut.xml.gz cannot be used"), "{cut}");

    let lists = tempfile::tempdir().unwrap();
    make(lists.path(), &release(), &[]);
    fs_err::write(metadata_file(lists.path(), "filelists.xml"), "changed").unwrap();
    let repositories = opened(lists.path());
    assert!(repositories.satisfies(&requires("python3dist(flask) >= 2")).unwrap().is_satisfied());
    let error = repositories.satisfies(&requires("/usr/share/shadow/odd&name")).unwrap_err();
    assert!(error.to_string().contains("filelists.xml.gz is not what repomd.xml says"), "{error}");
}

#[test]
fn xml_that_does_harm_is_refused() {
    let bomb = "<?xml version=\"1.0\"?><!DOCTYPE a [<!ENTITY b \"cccccccccc\"><!ENTITY d \"&b;&b;&b;&b;\">]>";
    let deep = format!("{}{}", "<a>".repeat(100_000), "</a>".repeat(100_000));
    let long = format!("<metadata><package type=\"rpm\"><name>{}</name></package></metadata>", "a".repeat(20 << 20));
    let attribute = format!("<metadata packages=\"{}\"></metadata>", "1".repeat(20 << 20));
    for (text, expected) in [
        (format!("{bomb}{}", package("&d;")), "document type"),
        (package("<file>&d;</file>"), "the entity `&d;`"),
        (package("<rpm:provides><rpm:entry name=\"&d;\"/></rpm:provides>"), "it is no XML"),
        (deep, "nested more than"),
        (long, "more than 16 MiB"),
        (attribute, "more than 16 MiB"),
        (package("<file>/a</file>").replace("</metadata>", ""), "ends in the middle"),
        (package("<file>/a</fil>"), "it is no XML"),
        ("\u{0}\u{1}\u{2}<".to_owned(), "it is no XML"),
        (package("<file>\u{0}</file>").replace('\u{0}', "&#0;"), "it is no XML"),
    ] {
        let directory = tempfile::tempdir().unwrap();
        with_primary(directory.path(), text.as_bytes(), "primary.xml");
        let error = error(directory.path());
        assert!(error.contains("primary.xml cannot be used") && error.contains(expected), "{expected}: {error}");
        assert!(error.len() < 500, "{expected}: {} characters", error.len());
    }
}

#[test]
fn numbers_may_be_as_large_as_they_like() {
    let directory = tempfile::tempdir().unwrap();
    let entry = "<rpm:entry name=\"b\" flags=\"EQ\" epoch=\"99999999999999999999999999\" ver=\"88888888888888888888888888888\"/>";
    with_primary(directory.path(), package(&format!("<rpm:provides>{entry}</rpm:provides>")).as_bytes(), "primary.xml");
    let repositories = opened(directory.path());
    let satisfied = |text: &str| repositories.satisfies(&requires(text)).unwrap().is_satisfied();
    assert!(satisfied("b > 99999999999999999999999998:1"));
    assert!(!satisfied("b > 100000000000000000000000000:1"));
    assert!(satisfied("b = 99999999999999999999999999:88888888888888888888888888888"));
}

/// What unpacks to much more than it says, or than it is.
#[test]
fn what_unpacks_to_too_much_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let text = format!("<metadata>{}</metadata>", " ".repeat(64 << 20));
    let file = directory.path().join("repodata/primary.xml");
    with_primary(directory.path(), text.as_bytes(), "primary.xml");
    expect_success(&Command::new("zstd").args(["-q", "--rm"]).arg(&file));
    let packed = fs_err::read(directory.path().join("repodata/primary.xml.zst")).unwrap();
    assert!(packed.len() < 100_000);
    with_primary(directory.path(), &packed, "primary.xml.zst");
    assert!(error(directory.path()).contains("more than 16 MiB"));

    let many = format!("<metadata>{}</metadata>", "<!-- -->".repeat(1 << 20));
    with_primary(directory.path(), many.as_bytes(), "primary.xml");
    let repomd = fs_err::read_to_string(directory.path().join("repodata/repomd.xml")).unwrap();
    with_repomd(directory.path(), &repomd.replace("</data>", "<open-size>1000</open-size></data>"));
    assert!(error(directory.path()).contains("larger than repomd.xml says"));
}

#[test]
fn repomd_is_not_believed() {
    let data = |inside: &str| format!("<repomd><data type=\"primary\">{inside}</data></repomd>");
    for (text, expected) in [
        ("<repomd></repomd>".to_owned(), "names no `primary` data"),
        ("<html><body>Sign in</body></html>".to_owned(), "not the `repomd.xml` of a repository"),
        ("Not found".to_owned(), "not the `repomd.xml` of a repository"),
        (data("<location href=\"../../../etc/passwd\"/>"), "not below the repository"),
        (data("<location href=\"/etc/passwd\"/>"), "not below the repository"),
        (data("<location href=\"http://evil.example/x\"/>"), "not below the repository"),
        (data("<location/>"), "not below the repository"),
        (data("<open-size>99999999999999999999999999</open-size>"), "is no size of a file"),
        (data("<open-size>-1</open-size>"), "is no size of a file"),
        (data("<checksum type=\"crc\">1</checksum><location href=\"repodata/repomd.xml\"/>"), "`crc`"),
        (
            data("<checksum type=\"sha256\">../../x</checksum><location href=\"repodata/repomd.xml\"/>"),
            "expected ../../x",
        ),
        (data("<location href=\"repodata/none.xml\"/>"), "none.xml"),
    ] {
        let directory = tempfile::tempdir().unwrap();
        with_repomd(directory.path(), &text);
        let error = error(directory.path());
        assert!(error.contains(expected), "{text}: {error}");
    }
}

#[test]
fn lists_are_read_or_said_to_be_none() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("list");
    for (text, expected) in [
        ("".to_owned(), "there is nothing in it"),
        ("Last metadata expiration check: 0:00:01 ago.\n".to_owned(), "there is nothing in it"),
        ("<?xml version=\"1.0\"?>".to_owned(), "line 1"),
        (
            "a = 1\nError: Failed to download metadata for repo\n".to_owned(),
            "line 2, `Error: Failed to download metadata",
        ),
        ("a = 1\nb maybe 2\n".to_owned(), "line 2"),
        ("a\u{1b}[31m x\n".to_owned(), "a\\u{1b}[31m x"),
        ("a".repeat(20 << 20), "more than 16 MiB"),
    ] {
        fs_err::write(&file, &text).unwrap();
        let error = error(&file);
        assert!(error.contains(expected) && error.len() < 400, "{expected}: {error}");
    }
    let sound = "# comment\n\npackage p-0:1-1.noarch\np = 1-1\nb = 2\nb = 4\npackage q-0:1-1.i686\nc\n";
    fs_err::write(&file, sound).unwrap();
    let repositories = opened(&file);
    let satisfied = |text: &str| repositories.satisfies(&requires(text)).unwrap().is_satisfied();
    assert!(satisfied("(b >= 2 with b < 3)") && satisfied("p = 1") && !satisfied("c") && !satisfied("b = 3"));
    fs_err::write(&file, "package q-0:1-1.i686\nc\n").unwrap();
    assert!(error(&file).contains("for i686, and none for x86_64"));
}
