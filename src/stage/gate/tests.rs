use std::io::Write;
use std::sync::Arc;

use super::*;

fn wheel() -> Origin {
    Origin::Wheel { name: Arc::from("app"), version: Arc::from("1") }
}

fn path() -> TargetPath {
    TargetPath::new("/opt/app/lib/a.txt").unwrap()
}

fn whole(scanner: &Scanner, bytes: &[u8]) -> Vec<Hit> {
    without_texts(scanner.file(&path(), &wheel()).whole(bytes).unwrap())
}

fn chunked(scanner: &Scanner, bytes: &[u8], chunk: usize) -> Vec<Hit> {
    let mut scan = scanner.file(&path(), &wheel());
    for part in bytes.chunks(chunk) {
        scan.feed(part).unwrap();
    }
    without_texts(scan.finish())
}

fn without_texts(hits: Vec<Hit>) -> Vec<Hit> {
    hits.into_iter().map(|hit| Hit { text: String::new(), ..hit }).collect()
}

#[test]
fn the_path_is_shown_and_no_credential() {
    let scanner = Scanner::new().directory(Path::new("/var/tmp/omnipack-x1")).credential("ci", "s3cret-and-long");
    let text = b"see '/var/tmp/omnipack-x1/a b', https://ci:s3cret-and-long@example.org";
    let hits = scanner.file(&path(), &wheel()).whole(text).unwrap();
    let texts = hits.iter().map(|hit| (hit.kind, hit.text.as_str())).collect::<Vec<_>>();
    assert_eq!(texts, [(LeakKind::BuildPath, "/var/tmp/omnipack-x1/a"), (LeakKind::Credential, "")]);
}

fn build_path(offset: u64) -> Vec<Hit> {
    vec![Hit { kind: LeakKind::BuildPath, offset, text: String::new(), member: None }]
}

#[test]
fn a_directory_is_found_at_any_place_in_chunks_of_any_size() {
    let scanner = Scanner::new().directory(Path::new("/var/tmp/omnipack-x1"));
    for at in [0, 1, 255, 4000] {
        let mut text = vec![b'x'; at];
        text.extend_from_slice(b"/var/tmp/omnipack-x1/src");
        text.resize(5000, b'y');
        assert_eq!(whole(&scanner, &text), build_path(at as u64));
        for chunk in [1, 7, 19, 300, 4096, 10_000] {
            assert_eq!(chunked(&scanner, &text, chunk), build_path(at as u64), "at {at}, chunks of {chunk}");
        }
    }
}

#[test]
fn a_longer_name_is_another_directory() {
    let scanner = Scanner::new().directory(Path::new("/home/me/shop"));
    for harmless in ["/home/me/shopping/x", "/home/me/shop2", "/home/me/shop-old", "/home/me/sho"] {
        assert_eq!(whole(&scanner, harmless.as_bytes()), [], "{harmless}");
    }
    for leak in ["/home/me/shop", "/home/me/shop/", "/home/me/shop\0x", "'/home/me/shop'", "/home/me/shop x"] {
        assert_eq!(whole(&scanner, leak.as_bytes()).len(), 1, "{leak}");
    }
    assert_eq!(whole(&scanner, b"/home/me/shopping then /home/me/shop").len(), 1);
}

#[test]
fn a_path_with_blanks_is_found_as_a_url_too() {
    let scanner = Scanner::new().directory(Path::new("/home/me/my shop"));
    assert_eq!(whole(&scanner, br#"{"url": "file:///home/me/my%20shop"}"#).len(), 1);
}

#[test]
fn a_home_counts_only_where_the_text_goes_on_into_it() {
    let home = tempfile::tempdir().unwrap();
    fs_err::create_dir_all(home.path().join("projects/shop")).unwrap();
    fs_err::create_dir_all(home.path().join(".cargo/registry/src")).unwrap();
    let scanner = Scanner::new().home(home.path());
    let home = home.path().display();
    for harmless in [
        format!("{home}"),
        format!("{home}fs/x"),
        format!("{home}/"),
        format!("{home}/elsewhere/x"),
        format!("{home}/.cargo/registry/src/serde-1.0/lib.rs"),
    ] {
        assert_eq!(whole(&scanner, harmless.as_bytes()), [], "{harmless}");
    }
    for leak in [
        format!("{home}/projects/shop/setup.py"),
        format!("in {home}/projects/gone:12"),
        format!("\"{home}/.cargo/registry\""),
    ] {
        let hits = whole(&scanner, leak.as_bytes());
        assert!(matches!(&hits[..], [Hit { kind: LeakKind::HomeDirectory, .. }]), "{leak}: {hits:?}");
    }
}

#[test]
fn what_was_fetched_may_name_a_home_but_not_the_cache() {
    let home = tempfile::tempdir().unwrap();
    fs_err::create_dir_all(home.path().join("src")).unwrap();
    let cache = home.path().join("cache-of-omnipack");
    let scanner = Scanner::new().home(home.path()).directory(&cache).fetched([wheel()]);
    assert_eq!(whole(&scanner, format!("{}/src/a.c", home.path().display()).as_bytes()), []);
    assert_eq!(whole(&scanner, format!("{}/a", cache.display()).as_bytes()).len(), 1);
    let own = scanner.file(&path(), &Origin::User).whole(format!("{}/src/a.c", home.path().display()).as_bytes());
    assert_eq!(own.unwrap().len(), 1);
}

#[test]
fn a_general_directory_is_not_found_inside_other_paths() {
    // `/usr` stands for a project that lies directly below the root; `/usr/bin` exists everywhere.
    let scanner = Scanner::new().directory(Path::new("/usr"));
    assert_eq!(whole(&scanner, b"lib/usr/bin/x and ${prefix}/usr/bin/x"), []);
    assert_eq!(whole(&scanner, b"/usr and /usr/ and /usr/no-such-thing/x"), []);
    assert_eq!(whole(&scanner, b"see /usr/bin/x").len(), 1);
    assert_eq!(whole(&scanner, b"-I/usr/bin/x").len(), 1);
    assert_eq!(whole(&scanner, b"file:///usr/bin/x").len(), 1);
}

#[test]
fn what_is_too_general_is_ignored_with_a_reason() {
    let scanner = Scanner::new().home(Path::new("/")).directory(Path::new("relative")).credential("me", "password");
    let reasons = scanner.ignored().iter().map(|ignored| ignored.what.as_str()).collect::<Vec<_>>();
    assert_eq!(reasons, ["/", "relative", "the password of an index"]);
    assert_eq!(whole(&scanner, b"my password is relative / nothing"), []);
    assert_eq!(whole(&scanner, b"https://me:password@host/").len(), 1);
}

#[test]
fn a_token_may_stand_alone() {
    let scanner = Scanner::new().credential("glpat-4711-Xy", "").credential("a", "b").credential("", "");
    assert_eq!(whole(&scanner, b"https://glpat-4711-Xy@host/").len(), 1);
    assert_eq!(whole(&scanner, b"a:b@c and YTpi"), []);
}

#[test]
fn a_credential_is_found_in_each_of_its_forms() {
    let scanner = Scanner::new().credential("ci", "tok/en-4711");
    for leak in ["//ci:tok/en-4711@h", "//ci:tok%2Fen-4711@h", "Basic Y2k6dG9rL2VuLTQ3MTE=", "PASSWORD=tok/en-4711"] {
        let hits = whole(&scanner, leak.as_bytes());
        assert!(matches!(&hits[..], [Hit { kind: LeakKind::Credential, .. }]), "{leak}: {hits:?}");
    }
}

fn zip_of(name: &str, content: &[u8]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
    writer.start_file("first", options).unwrap();
    writer.write_all(b"harmless").unwrap();
    writer.start_file(name, options).unwrap();
    writer.write_all(content).unwrap();
    writer.finish().unwrap().into_inner()
}

fn gzip_of(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn archives_are_opened_also_within_archives() {
    let scanner = Scanner::new().directory(Path::new("/var/tmp/omnipack-x1"));
    let text = [&b"x".repeat(70_000)[..], b"/var/tmp/omnipack-x1/a", &b"y".repeat(70_000)].concat();
    for (file, member) in [
        (zip_of("data/a.txt", &text), "data/a.txt"),
        (gzip_of(&text), "gzip"),
        (zip_of("in.zip", &zip_of("a.txt", &text)), "in.zip: a.txt"),
        (zip_of("in.gz", &gzip_of(&text)), "in.gz: gzip"),
    ] {
        let mut expected = build_path(70_000);
        expected[0].member = Some(member.to_owned());
        assert_eq!(whole(&scanner, &file), expected);
        assert_eq!(chunked(&scanner, &file, 1000), expected);
    }
}

#[test]
fn a_bomb_does_not_take_forever_and_damage_is_no_failure() {
    let scanner = Scanner::new().directory(Path::new("/var/tmp/omnipack-x1"));
    let bomb = gzip_of(&vec![0; 300 << 20]);
    assert_eq!(whole(&scanner, &bomb), []);
    let mut damaged = zip_of("a", &b"/var/tmp/omnipack-x1/".repeat(1000));
    damaged.truncate(damaged.len() / 2);
    assert_eq!(chunked(&scanner, &damaged, 50), []);
}

#[test]
fn allowed_paths_may_say_anything() {
    let scanner = Scanner::new().directory(Path::new("/var/tmp/omnipack-x1")).allow(["/opt/app/**/*.txt"]);
    assert_eq!(whole(&scanner, b"/var/tmp/omnipack-x1"), []);
    let other = TargetPath::new("/opt/app/lib/a.py").unwrap();
    assert_eq!(scanner.file(&other, &wheel()).whole(b"/var/tmp/omnipack-x1").unwrap().len(), 1);
}

#[test]
fn globs_stop_at_slashes() {
    for (glob, text, expected) in [
        ("/a/*.txt", "/a/b.txt", true),
        ("/a/*.txt", "/a/b/c.txt", false),
        ("/a/**", "/a/b/c.txt", true),
        ("/a/?", "/a/b", true),
        ("/a/?", "/a/bc", false),
        ("/a", "/a/b", false),
    ] {
        assert_eq!(glob_matches(glob.as_bytes(), text.as_bytes()), expected, "{glob} {text}");
    }
}

#[test]
fn the_error_names_file_wheel_and_member() {
    let leak = Leak {
        path: path(),
        origin: wheel(),
        kind: LeakKind::BuildPath,
        offset: 12,
        text: "/home/a/b".to_owned(),
        member: Some("a.zip".to_owned()),
    };
    let error = check(&[leak]).unwrap_err().to_string();
    assert_eq!(
        error,
        "1 packed file names this build:\n  /opt/app/lib/a.txt (from app 1): a directory of the build, `/home/a/b`, at byte 12, in its member `a.zip`"
    );
    assert!(check(&[]).is_ok());
}
