//! Wheels that no tool should make: each is refused with an error that names the wheel and what is wrong with it.

use omnipack::resolve::WheelRole;
use omnipack::stage::{Error, lay_out};

use crate::support::{Builder, lock, locked, opt_plan};

/// The message for a wheel with these bytes under this file name.
fn refusal(file_name: &str, bytes: &[u8]) -> String {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(file_name);
    fs_err::write(&path, bytes).unwrap();
    let wheel = locked(&path, WheelRole::Dependency);
    let error = lay_out(&opt_plan(), &lock(vec![wheel]), dir.path()).map(|_| ()).unwrap_err();
    let Error::Layout(layout) = &error else { panic!("{error}") };
    assert!(miette::Diagnostic::code(layout).is_some() && miette::Diagnostic::help(layout).is_some());
    let message = error.to_string();
    assert!(message.contains(file_name), "{message}");
    message
}

fn refused(builder: &Builder, expected: &str) {
    let message = refusal(&builder.file_name(), &builder.bytes());
    assert!(message.contains(expected), "`{expected}` is not in: {message}");
}

/// Replaces a name by one of the same length, in headers and directory alike.
fn renamed(mut bytes: Vec<u8>, from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut found = 0;
    for at in 0..bytes.len() - from.len() {
        if bytes[at..].starts_with(from) {
            bytes[at..at + from.len()].copy_from_slice(to);
            found += 1;
        }
    }
    assert!(found > 0);
    bytes
}

/// Offset of the central directory's line of the member `name`.
fn directory_line(bytes: &[u8], name: &[u8]) -> usize {
    (0..bytes.len())
        .find(|at| bytes[*at..].starts_with(b"PK\x01\x02") && bytes[at + 46..].starts_with(name))
        .expect("no such member")
}

#[test]
fn a_sound_wheel_is_not_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = Builder::new("sound").file("sound.py", "").file("SOUND.py", "").write(dir.path());
    lay_out(&opt_plan(), &lock(vec![locked(&path, WheelRole::Application)]), dir.path()).unwrap();
}

#[test]
fn members_that_leave_the_tree() {
    refused(&Builder::new("bad").file("../evil.py", ""), "`../evil.py` would land outside");
    refused(&Builder::new("bad").file("a/../../evil.py", ""), "would land outside");
    refused(&Builder::new("bad").file("/etc/evil", ""), "`/etc/evil` would land outside");
    refused(&Builder::new("bad").file("bad-1.0.data/data/../../evil", ""), "would land outside");
    refused(&Builder::new("bad").file("a\nb.py", ""), "would land outside");
}

#[test]
fn links_that_leave_the_tree() {
    refused(&Builder::new("bad").member("a/link", "../../etc/passwd", 0o120_777), "leaves the tree");
    refused(&Builder::new("bad").member("link", "/etc/passwd", 0o120_777), "it points to `/etc/passwd`");
    let through = Builder::new("bad").member("d/e/link", "..", 0o120_777).file("d/e/link/x.py", "");
    let dir = tempfile::tempdir().unwrap();
    let wheel = locked(&through.write(dir.path()), WheelRole::Dependency);
    let error = lay_out(&opt_plan(), &lock(vec![wheel]), dir.path()).map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("link/x.py") && error.contains("not a directory"), "{error}");
}

#[test]
fn names_that_are_twice_there_or_no_utf8() {
    let twice = Builder::new("bad").file("first.py", "1").file("other.py", "2");
    let bytes = renamed(twice.bytes(), b"other.py", b"first.py");
    let message = refusal(&twice.file_name(), &bytes);
    assert!(message.contains("`first.py` is there twice"), "{message}");
    let by_spelling = Builder::new("bad").file("a/b.py", "1").file("a//b.py", "2");
    refused(&by_spelling, "`a/b.py` is there twice");
    let latin = Builder::new("bad").file("caf\u{e9}1.py", "");
    let bytes = renamed(latin.bytes(), "caf\u{e9}1.py".as_bytes(), b"caf\xe9-1.py");
    let message = refusal(&latin.file_name(), &bytes);
    assert!(message.contains("not UTF-8"), "{message}");
}

#[test]
fn sizes_that_cannot_be() {
    let bomb = Builder::new("bad").file("bomb.py", "print()\n");
    let mut bytes = bomb.bytes();
    let line = directory_line(&bytes, b"bomb.py");
    bytes[line + 24..line + 28].copy_from_slice(&0xf000_0000_u32.to_le_bytes());
    let message = refusal(&bomb.file_name(), &bytes);
    assert!(message.contains("`bomb.py` declares 4026531840 bytes"), "{message}");
}

#[test]
fn members_that_share_bytes() {
    let pair = Builder::new("bad").file("one.py", "print(1)\n").file("two.py", "print(2)\n");
    let mut bytes = pair.bytes();
    let (one, two) = (directory_line(&bytes, b"one.py"), directory_line(&bytes, b"two.py"));
    let offset: [u8; 4] = bytes[one + 42..one + 46].try_into().unwrap();
    bytes[two + 42..two + 46].copy_from_slice(&offset);
    let message = refusal(&pair.file_name(), &bytes);
    assert!(message.contains("share the same bytes"), "{message}");
}

#[test]
fn encrypted_members_unknown_methods_and_devices() {
    let wheel = Builder::new("bad").file("member.py", "print()\n");
    let mut encrypted = wheel.bytes();
    let line = directory_line(&encrypted, b"member.py");
    encrypted[line + 8] |= 1;
    let message = refusal(&wheel.file_name(), &encrypted);
    assert!(message.contains("`member.py` is encrypted"), "{message}");
    let mut bzip2 = wheel.bytes();
    bzip2[line + 10] = 12;
    let message = refusal(&wheel.file_name(), &bzip2);
    assert!(message.contains("is compressed with"), "{message}");
    let mut device = wheel.bytes();
    device[line + 38..line + 42].copy_from_slice(&(0o020_644_u32 << 16).to_le_bytes());
    let message = refusal(&wheel.file_name(), &device);
    assert!(message.contains("neither a file, a directory nor"), "{message}");
}

#[test]
fn metadata_that_is_missing_or_does_not_match() {
    let mut wheel = Builder::new("bad");
    wheel.record = false;
    refused(&wheel, "it has no `bad-1.0.dist-info/RECORD`");
    let mut wheel = Builder::new("bad");
    wheel.wheel = None;
    refused(&wheel, "it has no `bad-1.0.dist-info/WHEEL`");
    wheel.wheel = Some("Wheel-Version: 2.0\n".into());
    refused(&wheel, "a wheel of version 2.0");
    wheel.wheel = Some("Tag: py3-none-any\n".into());
    refused(&wheel, "it has no Wheel-Version");
    let mut wheel = Builder::new("bad");
    wheel.metadata = None;
    refused(&wheel, "METADATA");
    wheel.metadata = Some("Name: good\nVersion: 1.0\n".into());
    refused(&wheel, "Name in its METADATA says `good`, but `bad` was expected");
    wheel.metadata = Some("Name: bad\nVersion: 1.1\n".into());
    refused(&wheel, "Version in its METADATA says `1.1`");
    let wheel = Builder::new("bad");
    assert!(refusal("other-1.0-py3-none-any.whl", &wheel.bytes()).contains("the `*.dist-info` directory says"));
    refused(&Builder::new("bad").file("more-1.0.dist-info/WHEEL", ""), "more than one `*.dist-info`");
    assert!(refusal("bad-1.0-py3-none-any.whl", b"<html>not found</html>").contains("no readable zip archive"));
    let whole = Builder::new("bad").file("a.py", "print()").bytes();
    assert!(refusal("bad-1.0-py3-none-any.whl", &whole[..whole.len() / 2]).contains("no readable zip archive"));
}

#[test]
fn unknown_schemes_and_entry_points_that_are_code() {
    refused(&Builder::new("bad").file("bad-1.0.data/etc/x", ""), "scheme");
    let entry = |line: &str| {
        Builder::new("bad").file("bad-1.0.dist-info/entry_points.txt", &format!("[console_scripts]\n{line}\n"))
    };
    refused(&entry("run = os:system('x');a"), "is no Python name");
    refused(&entry("../run = a:b"), "its name is no file name");
    refused(&entry("run = a"), "it names no function");
}

#[test]
fn editable_installs() {
    refused(&Builder::new("bad").file("__editable___bad_1_0_finder.py", ""), "editable install");
    refused(&Builder::new("bad").file("_bad.pth", "/home/me/src/bad\n"), "_bad.pth names /home/me/src/bad");
    refused(&Builder::new("bad").file("_bad_editable_loader.py", ""), "editable install");
    let dir = tempfile::tempdir().unwrap();
    let mut wheel = locked(&Builder::new("bad").write(dir.path()), WheelRole::Application);
    wheel.direct_url = Some(r#"{"url": "file:///x", "dir_info": {"editable": true}}"#.into());
    let error = lay_out(&opt_plan(), &lock(vec![wheel]), dir.path()).map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("editable install (its direct_url.json says so)"), "{error}");
}
