//! An existing spec file of rpm: names, requirements, configuration files; its scriptlets are named.

use std::collections::BTreeMap;

use super::finding::{Findings, Names, Need, Origin, PackageKey, Shipped};
use super::tree::{Tree, name_of};

/// Sections whose text is no preamble.
const SCRIPTLETS: [&str; 8] = ["pre", "post", "preun", "postun", "pretrans", "posttrans", "verifyscript", "triggerin"];

pub fn read(tree: &Tree, findings: &mut Findings) {
    for (path, text) in tree.named(|name| name.ends_with(".spec")) {
        if is_of_rpm(text) {
            one(tree, path, text, findings);
        }
    }
}

/// PyInstaller's files are called so, too, and are Python, in which a line may begin with `name:` as well.
fn is_of_rpm(text: &str) -> bool {
    let tag = |tag: &str| {
        text.lines().any(|line| line.split_once(':').is_some_and(|(name, _)| name.trim().eq_ignore_ascii_case(tag)))
    };
    let section = text.lines().filter_map(|line| line.strip_prefix('%')?.split_whitespace().next());
    let mut sections = section.filter(|word| matches!(*word, "description" | "install" | "files"));
    tag("name") && tag("version") && sections.next().is_some()
}

fn one(tree: &Tree, path: &str, text: &str, findings: &mut Findings) {
    let mut macros = BTreeMap::new();
    let mut sources = BTreeMap::new();
    let mut section = "";
    for (index, line) in text.lines().enumerate() {
        let at = Origin::new(path, index + 1);
        let trimmed = line.trim();
        if let Some(definition) = trimmed.strip_prefix("%global ").or_else(|| trimmed.strip_prefix("%define ")) {
            if let Some((name, value)) = definition.trim().split_once(char::is_whitespace) {
                macros.insert(name.to_owned(), value.trim().to_owned());
            }
            continue;
        }
        let word = trimmed.strip_prefix('%').and_then(|rest| rest.split_whitespace().next()).unwrap_or_default();
        if is_section(word) && line.starts_with('%') {
            section = word;
            // A package beside the main one has requirements of its own.
            if SCRIPTLETS.contains(&word) {
                scriptlet(text, index, trimmed, at, findings);
            }
            continue;
        }
        match section {
            "" => preamble(trimmed, at, &mut macros, &mut sources, findings),
            "install" => install(tree, trimmed, at, &macros, &sources, findings),
            "files" if trimmed.starts_with("%config") => config(tree, trimmed, at, &macros, findings),
            _ => {}
        }
    }
}

fn is_section(word: &str) -> bool {
    SCRIPTLETS.contains(&word)
        || matches!(
            word,
            "description" | "prep" | "build" | "install" | "check" | "clean" | "files" | "changelog" | "package"
        )
        || word.starts_with("trigger")
}

fn scriptlet(text: &str, index: usize, heading: &str, at: Origin, findings: &mut Findings) {
    let body = text.lines().skip(index + 1).take_while(|line| {
        !line.starts_with('%')
            || !is_section(line.trim_start_matches('%').split_whitespace().next().unwrap_or_default())
    });
    let made_by_omnipack = |line: &&str| {
        let line = line.trim();
        line.is_empty()
            || line.starts_with('#')
            || [
                "%systemd_",
                "systemctl daemon-reload",
                "/sbin/chkconfig",
                "getent",
                "useradd",
                "groupadd",
                "/usr/sbin/useradd",
                "exit 0",
                "%{?systemd_",
            ]
            .iter()
            .any(|start| line.starts_with(start))
    };
    if body.filter(|line| !made_by_omnipack(line)).count() == 0 {
        return;
    }
    let advice =
        "accounts, services and links are made by omnipack; what else it does goes into a script for `[scriptlets]`";
    findings.note(at, heading, advice);
}

fn preamble(
    line: &str,
    at: Origin,
    macros: &mut BTreeMap<String, String>,
    sources: &mut BTreeMap<String, String>,
    findings: &mut Findings,
) {
    let Some((tag, value)) = line.split_once(':') else { return };
    let value = expand(value.trim(), macros);
    let tag = tag.trim().to_lowercase();
    let key = match tag.as_str() {
        "name" => PackageKey::Name,
        "summary" => PackageKey::Summary,
        "license" => PackageKey::License,
        "url" => PackageKey::Url,
        "vendor" => PackageKey::Vendor,
        "epoch" => PackageKey::Epoch,
        "requires" => return requires(&value, &at, findings),
        _ if tag.starts_with("source") => {
            sources.insert(tag, name_of(&value).to_owned());
            return;
        }
        _ => return,
    };
    if !value.contains('%') {
        macros.insert(tag, value.clone());
        findings.package(key, &value, at);
    }
}

/// `%{name}` and `%name`, once through.
fn expand(text: &str, macros: &BTreeMap<String, String>) -> String {
    let mut text = text.to_owned();
    for (name, value) in macros {
        text = text.replace(&format!("%{{{name}}}"), value);
    }
    text
}

/// `a, b >= 1, c` or `a b >= 1`; what concerns Python is bundled.
fn requires(value: &str, at: &Origin, findings: &mut Findings) {
    let mut words = value.split([',', ' ', '\t']).filter(|word| !word.is_empty()).peekable();
    let mut left = Vec::new();
    while let Some(name) = words.next() {
        let comparison = words.next_if(|word| ["<", "<=", "=", ">=", ">"].contains(word));
        let version = if comparison.is_some() { words.next() } else { None };
        let sound = |c: char| c.is_ascii_alphanumeric() || "+-._/()".contains(c);
        let relation = [Some(name), comparison, version].into_iter().flatten().collect::<Vec<_>>().join(" ");
        let python = name.to_lowercase().starts_with("python") || name.starts_with("%") || name.starts_with("py3");
        let sound = name.chars().all(sound) && name.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '/');
        let version_is_sound =
            version.is_none_or(|version| version.chars().all(|c| c.is_ascii_alphanumeric() || ".:~^+-_".contains(c)));
        if python
            || !sound
            || !version_is_sound
            || name.contains("systemd")
            || matches!(name, "shadow-utils" | "chkconfig" | "initscripts")
        {
            left.push(relation);
        } else {
            findings.needs.push(Need { names: Names::Rpm, relation, from: at.clone() });
        }
    }
    let python = left
        .iter()
        .filter(|relation| !relation.contains("systemd") && !relation.contains("shadow-utils"))
        .cloned()
        .collect::<Vec<_>>();
    if !python.is_empty() {
        let advice = "what Python needs is bundled; for a package of the distribution instead, see `system-packages` under `[python]`";
        findings.note(at.clone(), format!("Requires: {}", python.join(", ")), advice);
    }
}

/// `install -m 644 etc/app.conf %{buildroot}/etc/app/app.conf`
fn install(
    tree: &Tree,
    line: &str,
    at: Origin,
    macros: &BTreeMap<String, String>,
    sources: &BTreeMap<String, String>,
    findings: &mut Findings,
) {
    let words = line.split_whitespace().collect::<Vec<_>>();
    if !matches!(words.first().map(|word| name_of(word)), Some("install" | "cp" | "%{__install}")) {
        return;
    }
    let [.., source, destination] = words.as_slice() else { return };
    let Some(destination) = ["%{buildroot}", "$RPM_BUILD_ROOT", "${RPM_BUILD_ROOT}", "%buildroot"]
        .iter()
        .find_map(|root| destination.strip_prefix(root))
    else {
        return;
    };
    let destination = paths(&expand(destination, macros));
    let named = source.trim_start_matches("%{").trim_end_matches('}').trim_start_matches('%').to_lowercase();
    let source = match sources.get(&named) {
        Some(file) => tree.paths().find(|path| name_of(path) == *file).map(str::to_owned),
        None => Some((*source).trim_start_matches("./").to_owned()).filter(|source| tree.has(source)),
    };
    if let Some(source) = source.filter(|source| !source.ends_with(".service")) {
        findings.files.push(Shipped { source, destination, from: at });
    }
}

/// The directories that rpm's own macros stand for.
fn paths(text: &str) -> String {
    const MACROS: [(&str, &str); 9] = [
        ("%{_sysconfdir}", "/etc"),
        ("%{_localstatedir}", "/var"),
        ("%{_sharedstatedir}", "/var/lib"),
        ("%{_bindir}", "/usr/bin"),
        ("%{_sbindir}", "/usr/sbin"),
        ("%{_datadir}", "/usr/share"),
        ("%{_unitdir}", "/usr/lib/systemd/system"),
        ("%{_initddir}", "/etc/rc.d/init.d"),
        ("%{_prefix}", "/usr"),
    ];
    let text = MACROS.iter().fold(text.to_owned(), |text, (name, value)| text.replace(name, value));
    text.replace("//", "/")
}

/// `%config(noreplace) /etc/app/app.conf`: shipped when there is exactly one file of that name.
fn config(tree: &Tree, line: &str, at: Origin, macros: &BTreeMap<String, String>, findings: &mut Findings) {
    let Some(destination) = line.split_whitespace().last().map(|path| paths(&expand(path, macros))) else { return };
    if findings.files.iter().any(|file| file.destination == destination) {
        return;
    }
    let name = name_of(&destination);
    let mut same = tree.paths().filter(|path| name_of(path) == name && !name.is_empty());
    match (same.next(), same.next()) {
        (Some(source), None) if destination.starts_with('/') && !destination.contains(['%', '*']) => {
            let source = source.to_owned();
            findings.files.push(Shipped { source, destination, from: at });
        }
        _ => findings.note(at, line, "ship it as a `[[file]]`, whose `source` is the file in the project"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spec_file_is_read() {
        let text = "%global srcname app\nName: python3-%{srcname}\nVersion: 1\nSummary: An app\nLicense: MIT\nEpoch: 1\nURL: https://e.org/%{name}\n\
                    Source1: %{name}.conf\nRequires: nginx >= 1.20, python3-flask\nRequires: redis systemd\nBuildRequires: gcc\n\
                    %description\nName: x\n%install\ninstall -p -m 644 etc/other.conf %{buildroot}%{_sysconfdir}/app/other.conf\n%post\n%systemd_post a.service\n\
                    %preun\n%systemd_preun a.service\nrm -f /var/x\n%files\n%config(noreplace) %{_sysconfdir}/app/app.conf\n%config /etc/none.conf\n%changelog\n";
        let made_by_pyinstaller = "a = Analysis()\nd = dict(\nname: 'x',\nversion: '1')\n";
        let mut findings = Findings::default();
        let files =
            [("rpm/app.spec", text), ("etc/other.conf", ""), ("etc/app.conf", ""), ("main.spec", made_by_pyinstaller)];
        read(&Tree::of("x", files), &mut findings);
        let package =
            findings.package.iter().map(|(key, said)| (*key, said.value.as_str(), said.from.line)).collect::<Vec<_>>();
        assert_eq!(
            package,
            [
                (PackageKey::Name, "python3-app", 2),
                (PackageKey::Summary, "An app", 4),
                (PackageKey::License, "MIT", 5),
                (PackageKey::Epoch, "1", 6),
                (PackageKey::Url, "https://e.org/python3-app", 7)
            ]
        );
        let needs = findings.needs.iter().map(|need| need.relation.as_str()).collect::<Vec<_>>();
        assert_eq!(needs, ["nginx >= 1.20", "redis"]);
        let files =
            findings.files.iter().map(|file| format!("{} {}", file.source, file.destination)).collect::<Vec<_>>();
        assert_eq!(files, ["etc/other.conf /etc/app/other.conf", "etc/app.conf /etc/app/app.conf"]);
        let notes = findings.notes.iter().map(|note| note.what.as_str()).collect::<Vec<_>>();
        assert_eq!(notes, ["Requires: python3-flask", "%preun", "%config /etc/none.conf"]);
    }
}
