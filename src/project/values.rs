//! What a single value may be: each function reads one kind of text and says what is wrong with it.

use std::str::FromStr;

use url::Url;

use super::CompressionSetting;
use super::error::Fault;
use crate::distribution::Algorithm;

type Checked<T> = Result<T, Fault>;

/// One line of text for a header: no control characters.
pub(super) fn line(text: &str) -> Checked<String> {
    match text.chars().find(|character| character.is_control()) {
        None => Ok(text.trim().to_owned()),
        Some(character) => {
            let message = format!("there is a control character ({}) in it", character.escape_default());
            Err(Fault::new(message, "it has to be one line of text"))
        }
    }
}

/// One line that is not empty.
pub(super) fn phrase(text: &str) -> Checked<String> {
    let text = line(text)?;
    if text.is_empty() { Err(Fault::new("it is empty", "leave the key out for the default")) } else { Ok(text) }
}

/// File name of a shared library, as `DT_NEEDED` has it: `libpq.so.5`.
pub(super) fn library(text: &str) -> Checked<String> {
    let good = |character: char| character.is_ascii_alphanumeric() || "+-._".contains(character);
    if !text.is_empty() && text.chars().all(good) && text.contains(".so") {
        return Ok(text.to_owned());
    }
    let message = format!("`{}` is not the name of a shared library", text.escape_debug());
    Err(Fault::new(message, "as the dynamic linker calls it: `\"libpq.so.5\" = \"libpq5 (>= 13)\"`"))
}

/// A trigger of dpkg: an absolute path or a name (deb-triggers(5): printable ASCII without blanks).
pub(super) fn dpkg_trigger(text: &str) -> Checked<String> {
    if text.starts_with('/') {
        return target_path(text);
    }
    let good = text.len() > 1
        && text.chars().all(|character| character.is_ascii_alphanumeric() || "+-._:@".contains(character));
    if good && text.starts_with(|first: char| first.is_ascii_alphanumeric()) {
        return Ok(text.to_owned());
    }
    let message = format!("`{}` is not the name of a dpkg trigger", text.escape_debug());
    Err(Fault::new(message, "an absolute path, or a name such as `ldconfig`"))
}

/// Text of some lines: tabs and newlines are the only control characters.
pub(super) fn text(text: &str) -> Checked<String> {
    let bad = text.chars().find(|character| character.is_control() && !matches!(character, '\n' | '\t' | '\r'));
    match bad {
        None => Ok(text.replace("\r\n", "\n").trim().to_owned()),
        Some(character) => {
            let message = format!("there is a control character ({}) in it", character.escape_default());
            Err(Fault::new(message, "only newlines and tabs may be in it"))
        }
    }
}

/// Name of a package or of a part of one: what rpm and dpkg both take (Debian policy 5.6.1 has no capitals and no
/// `_`; that is for the format to refuse).
pub(super) fn package_name(text: &str) -> Checked<String> {
    let good = |character: char| character.is_ascii_alphanumeric() || "+-._".contains(character);
    if text.starts_with(|first: char| first.is_ascii_alphanumeric()) && text.chars().all(good) && text.len() <= 128 {
        return Ok(text.to_owned());
    }
    let help = "letters, digits and `+`, `-`, `.`, `_`, with a letter or digit first";
    Err(Fault::new(format!("`{}` is not a package name", text.escape_debug()), help))
}

/// Part of a unit's or an init script's name (systemd.unit(5), less what a shell or a file system dislikes).
pub(super) fn service_name(text: &str) -> Checked<String> {
    let good = |character: char| character.is_ascii_alphanumeric() || "-._".contains(character);
    if text.starts_with(|first: char| first.is_ascii_alphanumeric()) && text.chars().all(good) && text.len() <= 128 {
        return Ok(text.to_owned());
    }
    let help = "letters, digits and `-`, `.`, `_`, with a letter or digit first";
    Err(Fault::new(format!("`{}` is not a service name", text.escape_debug()), help))
}

/// Name of a user or a group: what useradd(8) and systemd (<https://systemd.io/USER_NAMES/>, strict mode) take.
pub(super) fn account(text: &str) -> Checked<String> {
    let good = |character: char| character.is_ascii_alphanumeric() || "-_".contains(character);
    let first = |first: char| first.is_ascii_alphabetic() || first == '_';
    if text.starts_with(first) && text.chars().all(good) && text.len() <= 31 {
        return Ok(text.to_owned());
    }
    let help = "at most 31 letters, digits, `-` and `_`, with a letter or `_` first";
    Err(Fault::new(format!("`{}` is not a name for a user or group", text.escape_debug()), help))
}

/// Name of an account to create.
pub(super) fn new_account(text: &str) -> Checked<String> {
    let name = account(text)?;
    if name == "root" {
        return Err(Fault::new("`root` is on every system", "declare only accounts that the package has to create"));
    }
    Ok(name)
}

/// Absolute path on the target, without `.`, `..`, doubled slashes or one at its end.
pub(super) fn target_path(path: &str) -> Checked<String> {
    let path = line(path)?;
    if !path.starts_with('/') {
        return Err(Fault::new(format!("`{path}` is not an absolute path"), "a path on the target starts with `/`"));
    }
    let trimmed = path.trim_end_matches('/');
    let mut parts = trimmed.split('/').skip(1);
    if parts.any(|part| matches!(part, "" | "." | "..")) {
        return Err(Fault::new(format!("`{path}` is not a plain path"), "write it without `.`, `..` and `//`"));
    }
    Ok(if trimmed.is_empty() { "/".to_owned() } else { trimmed.to_owned() })
}

/// Directories that belong to the system as a whole (file-hierarchy(7)).
const SYSTEM_DIRECTORIES: [&str; 29] = [
    "/",
    "/bin",
    "/boot",
    "/dev",
    "/etc",
    "/home",
    "/lib",
    "/lib64",
    "/media",
    "/mnt",
    "/opt",
    "/proc",
    "/root",
    "/run",
    "/sbin",
    "/srv",
    "/sys",
    "/tmp",
    "/usr",
    "/usr/bin",
    "/usr/lib",
    "/usr/lib64",
    "/usr/local",
    "/usr/sbin",
    "/usr/share",
    "/var",
    "/var/lib",
    "/var/log",
    "/var/tmp",
];

/// A directory of the package's own.
pub(super) fn own_directory(path: &str) -> Checked<String> {
    let path = target_path(path)?;
    if SYSTEM_DIRECTORIES.contains(&path.as_str()) {
        let help = "take a directory of the application's own, such as `/opt/app` or `/var/log/app`";
        return Err(Fault::new(format!("`{path}` belongs to the system"), help));
    }
    Ok(path)
}

/// An absolute path or nothing.
pub(super) fn optional_path(path: &str) -> Checked<String> {
    if path.is_empty() { Ok(String::new()) } else { target_path(path) }
}

/// A file mode of three or four octal digits.
pub(super) fn mode(text: &str) -> Checked<u32> {
    let digits = (3..=4).contains(&text.len()) && text.bytes().all(|byte| (b'0'..=b'7').contains(&byte));
    let value = if digits { u32::from_str_radix(text, 8).ok() } else { None };
    value.ok_or_else(|| {
        Fault::new(
            format!("`{}` is not an octal mode", text.escape_debug()),
            "three or four digits from 0 to 7: `\"0640\"`",
        )
    })
}

/// File capabilities as cap_from_text(3) reads them: `cap_chown,cap_net_raw=ep`, clauses apart by spaces.
pub(super) fn capabilities(text: &str) -> Checked<String> {
    let clause = |clause: &str| {
        let (names, flags) = clause.split_once(['=', '+'])?;
        let name = |name: &str| {
            let rest = name.strip_prefix("cap_").unwrap_or_default();
            !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
        };
        let sound = names.split(',').all(name) && !flags.is_empty() && flags.bytes().all(|flag| b"eip".contains(&flag));
        sound.then_some(())
    };
    let clauses = text.split_whitespace().map(clause).collect::<Option<Vec<()>>>().unwrap_or_default();
    if clauses.is_empty() {
        let message = format!("`{}` are no file capabilities", text.escape_debug());
        return Err(Fault::new(message, "write `cap_net_bind_service=ep`; capabilities(7) lists the names"));
    }
    Ok(text.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// A umask, four digits.
pub(super) fn umask(text: &str) -> Checked<String> {
    match mode(text) {
        Ok(value) if value <= 0o777 => Ok(format!("{value:04o}")),
        _ => Err(Fault::new(format!("`{}` is not a umask", text.escape_debug()), "octal digits from `0000` to `0777`")),
    }
}

/// PEP 440.
pub(super) fn version(text: &str) -> Checked<String> {
    match pep440_rs::Version::from_str(text) {
        Ok(version) => Ok(version.to_string()),
        Err(error) => {
            let message = format!("`{}` is not a version: {error}", text.escape_debug());
            Err(Fault::new(message, "write it after PEP 440: `1.2.3`, `1.2rc1`, `1.2.post1`"))
        }
    }
}

/// Release of a package: neither format allows `-` in it.
pub(super) fn release(text: &str) -> Checked<String> {
    let good = |character: char| character.is_ascii_alphanumeric() || "._+~".contains(character);
    if text.starts_with(|first: char| first.is_ascii_alphanumeric()) && text.chars().all(good) {
        return Ok(text.to_owned());
    }
    let help = "letters, digits and `.`, `_`, `+`, `~`, such as `1`";
    Err(Fault::new(format!("`{}` is not a release", text.escape_debug()), help))
}

/// `3.11`
pub(super) fn python_series(text: &str) -> Checked<String> {
    let part = |part: &str| !part.is_empty() && part.len() <= 3 && part.bytes().all(|byte| byte.is_ascii_digit());
    match text.split_once('.') {
        Some((major, minor)) if part(major) && part(minor) => Ok(text.to_owned()),
        _ => Err(Fault::new(
            format!("`{}` is not a Python series", text.escape_debug()),
            "write major and minor: `\"3.11\"`; the distribution decides on the patch release",
        )),
    }
}

/// The name of a package of the target: `python3-lxml`, `python3dist(lxml)`.
pub(super) fn system_package(text: &str) -> Checked<String> {
    let sound = |c: char| c.is_ascii_alphanumeric() || "._+-()[]".contains(c);
    if text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.chars().all(sound) {
        return Ok(text.to_owned());
    }
    let help = "write a name alone, `\"python3-lxml\"`: which version is needed is known from the requirements";
    Err(Fault::new(format!("`{}` is not the name of a package", text.escape_debug()), help))
}

/// `fast`, `zstd:9`; levels are those of the algorithm.
pub(super) fn compression(text: &str) -> Checked<CompressionSetting> {
    let (word, level) = match text.split_once(':') {
        Some((word, level)) => (word, Some(level)),
        None => (text, None),
    };
    let (algorithm, levels) = match (word, level) {
        ("fast", None) => return Ok(CompressionSetting::Fast),
        ("balanced", None) => return Ok(CompressionSetting::Balanced),
        ("small", None) => return Ok(CompressionSetting::Small),
        ("gzip", _) => (Algorithm::Gzip, 1..=9),
        ("xz", _) => (Algorithm::Xz, 0..=9),
        ("zstd", _) => (Algorithm::Zstd, 1..=22),
        _ => {
            let help = "`fast`, `balanced`, `small`, or `gzip`, `xz`, `zstd` with a level: `zstd:9`";
            return Err(Fault::new(format!("`{}` is no compression", text.escape_debug()), help));
        }
    };
    let Some(level) = level else { return Ok(CompressionSetting::Exact { algorithm, level: None }) };
    match level.parse::<i32>() {
        Ok(number) if levels.contains(&number) => Ok(CompressionSetting::Exact { algorithm, level: Some(number) }),
        _ => {
            let message = format!("{word} has no level `{}`", level.escape_debug());
            Err(Fault::new(message, format!("levels go from {} to {}", levels.start(), levels.end())))
        }
    }
}

/// `Name <mail@host>`, which Debian's control file wants (policy 5.6.2).
pub(super) fn maintainer(text: &str) -> Checked<String> {
    let text = line(text)?;
    let parts = text.split_once('<').and_then(|(name, rest)| Some((name.trim(), rest.strip_suffix('>')?)));
    match parts {
        Some((name, mail)) if !name.is_empty() && mail.contains('@') && !mail.contains(['<', '>', ' ']) => Ok(text),
        _ => Err(Fault::new(
            format!("`{text}` is not a maintainer"),
            "write name and address: `Ada Lovelace <ada@example.org>`",
        )),
    }
}

/// A home page.
pub(super) fn web_address(text: &str) -> Checked<String> {
    // The parser of addresses drops control characters without a word.
    let text = line(text)?;
    match Url::parse(&text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => Ok(text),
        _ => Err(Fault::new(format!("`{}` is not a web address", text.escape_debug()), "it starts with `https://`")),
    }
}

/// Address of a further source of a spec file, whose last part is the name of the file.
pub(super) fn source_address(text: &str) -> Checked<String> {
    let text = line(text)?;
    let name = text.rsplit('/').next().unwrap_or_default();
    let good = |character: char| character.is_ascii_alphanumeric() || "._+-".contains(character);
    if !name.starts_with(|first: char| first.is_ascii_alphanumeric()) || !name.chars().all(good) {
        let message = format!("`{}` does not end with the name of a file", text.escape_debug());
        let help =
            "letters, digits and `._+-`; what answers under another name: `https://example.org/get?id=1#/data.tar`";
        return Err(Fault::new(message, help));
    }
    match Url::parse(&text) {
        Ok(url) if matches!(url.scheme(), "http" | "https" | "ftp") && !text.contains(char::is_whitespace) => Ok(text),
        _ => Err(Fault::new(format!("`{}` is not an address", text.escape_debug()), "it starts with `https://`")),
    }
}

/// What `BuildRequires` of a spec file can name: a package, a path or a capability.
pub(super) fn build_requirement(text: &str) -> Checked<String> {
    let text = phrase(text)?;
    let sound = |c: char| c.is_ascii_alphanumeric() || " ._+-()[]/<>=:~^,".contains(c);
    let start = |c: char| c.is_ascii_alphanumeric() || "_/(".contains(c);
    if text.starts_with(start) && text.chars().all(sound) {
        return Ok(text);
    }
    let message = format!("`{}` is nothing that a spec file can require", text.escape_debug());
    Err(Fault::new(message, "write a package, a path or a capability: `gcc >= 8`"))
}

/// Address of a package index. A password would end up in the repository, in logs and in the lock.
pub(super) fn index(text: &str) -> Checked<String> {
    let help = "an address such as `https://pypi.example.org/simple`";
    match Url::parse(text) {
        Ok(url) if url.password().is_some() => Err(Fault::new(
            "there is a password in the address",
            "take it out, and give it in the environment, in ~/.netrc or in the keyring",
        )),
        Ok(url) if matches!(url.scheme(), "http" | "https" | "file") => Ok(text.to_owned()),
        _ => Err(Fault::new("this is not the address of a package index", help)),
    }
}

/// SHA-256 in lower-case hexadecimal.
pub(super) fn sha256(text: &str) -> Checked<String> {
    if text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(text.to_ascii_lowercase());
    }
    Err(Fault::new("this is not a SHA-256", "64 hexadecimal digits, as `sha256sum` prints them"))
}

/// Name of an environment variable (POSIX 8.1), which every service manager takes.
pub(super) fn variable(text: &str) -> Checked<String> {
    let good = |character: char| character.is_ascii_alphanumeric() || character == '_';
    if !text.starts_with(|first: char| first.is_ascii_digit()) && !text.is_empty() && text.chars().all(good) {
        return Ok(text.to_owned());
    }
    let message = format!("`{}` is not the name of an environment variable", text.escape_debug());
    Err(Fault::new(message, "letters, digits and `_`, with no digit first"))
}

/// A systemd unit with its suffix (systemd.unit(5)).
pub(super) fn unit(text: &str) -> Checked<String> {
    const SUFFIXES: [&str; 9] =
        ["service", "socket", "target", "mount", "automount", "path", "timer", "slice", "device"];
    let good = |character: char| character.is_ascii_alphanumeric() || ":-_.\\@".contains(character);
    match text.rsplit_once('.') {
        Some((name, suffix)) if !name.is_empty() && name.chars().all(good) && SUFFIXES.contains(&suffix) => {
            Ok(text.to_owned())
        }
        _ => Err(Fault::new(
            format!("`{}` is not the name of a unit", text.escape_debug()),
            "write it with its kind: `redis.service`, `network-online.target`",
        )),
    }
}

/// A command line for no shell: words and quotes, nothing that only a shell understands.
pub(super) fn command(text: &str) -> Checked<String> {
    let text = phrase(text)?;
    let mut quote = None;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match (quote, character) {
            (None, '\'' | '"') => quote = Some(character),
            (Some(open), _) if open == character => quote = None,
            (None | Some('"'), '\\') => drop(characters.next()),
            (None, '|' | '&' | ';' | '<' | '>' | '`' | '$') | (Some('"'), '`' | '$') => {
                let message = format!("`{character}` is for a shell, and no shell runs this command");
                let help = "in single quotes it stands for itself; what needs a shell goes into a script";
                return Err(Fault::new(message, help));
            }
            _ => {}
        }
    }
    match quote {
        None => Ok(text),
        Some(open) => Err(Fault::new(format!("the quote {open} is not closed"), "close it, or put a `\\` before it")),
    }
}

/// How a service is told to read its configuration again: nothing, a signal, or a command line in which the word
/// `$MAINPID` stands for the process.
pub(super) fn reload(text: &str) -> Checked<String> {
    if text.is_empty() {
        return Ok(String::new());
    }
    let is_process = |word: &&str| matches!(*word, "$MAINPID" | "${MAINPID}");
    let others = text.split(' ').filter(|word| !is_process(word)).collect::<Vec<_>>();
    command(&others.join(" ")).map(|_| text.to_owned())
}

/// An extra (PEP 508).
pub(super) fn extra(text: &str) -> Checked<String> {
    match pep508_rs::ExtraName::from_str(text) {
        Ok(extra) => Ok(extra.to_string()),
        Err(_) => {
            Err(Fault::new(format!("`{}` is not an extra", text.escape_debug()), "letters, digits and `-`, `.`, `_`"))
        }
    }
}

/// A command in `<prefix>/bin`.
pub(super) fn script(text: &str) -> Checked<String> {
    if text.is_empty() || text.contains('/') || matches!(text, "." | "..") || line(text).is_err() {
        let message = format!("`{}` is not the name of a command", text.escape_debug());
        return Err(Fault::new(message, "name a file in `<prefix>/bin`, without the directory"));
    }
    Ok(text.to_owned())
}

/// Interpreter of a scriptlet: a program, or rpm's own Lua.
pub(super) fn interpreter(text: &str) -> Checked<String> {
    if text == "<lua>" { Ok(text.to_owned()) } else { phrase(text).and_then(|text| target_path(&text)) }
}
