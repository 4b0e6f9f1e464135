//! An existing `debian/` directory: the control file, what is installed, scripts, and how dh-virtualenv is called.

use super::finding::{Findings, Names, Need, Origin, PackageKey, Shipped, joined_lines};
use super::tree::{Tree, name_of};

/// The directory that dh-virtualenv installs below by default
/// (<https://dh-virtualenv.readthedocs.io/en/latest/usage.html>).
const INSTALL_ROOT: &str = "/opt/venvs";

pub fn read(tree: &Tree, findings: &mut Findings) {
    let Some(control) = tree.text("debian/control") else { return };
    let package = self::control(control, findings);
    for (path, text) in tree.texts().filter(|(path, _)| path.starts_with("debian/") && path.matches('/').count() == 1) {
        let name = name_of(path);
        if name.contains("cron.") {
            let advice =
                "say it as a `[[service]]` with a `schedule`, such as `schedule = \"*:0/5\"` for every five minutes";
            findings.note(Origin::new(path, 0), "a job of cron", advice);
        }
        match name.rsplit_once('.').map_or(name, |(_, end)| end) {
            "install" => install(tree, path, text, findings),
            "dirs" => findings.directories.extend(lines(text).map(|(line, path_on_target)| {
                super::finding::Said::new(format!("/{}", path_on_target.trim_matches('/')), Origin::new(path, line))
            })),
            "logrotate" => {
                let destination = format!("/etc/logrotate.d/{package}");
                findings.files.push(Shipped { source: path.to_owned(), destination, from: Origin::new(path, 0) });
            }
            "default" => {
                let destination = format!("/etc/default/{package}");
                findings.files.push(Shipped { source: path.to_owned(), destination, from: Origin::new(path, 0) });
            }
            "postinst" | "prerm" | "postrm" | "preinst" => script(path, text, findings),
            "triggers" if !text.contains("/usr/bin/python") => {
                findings.note(
                    Origin::new(path, 0),
                    "triggers of dpkg",
                    "say them as `[[trigger]]`, or `activate` under `[deb]`",
                );
            }
            _ => {}
        }
    }
    if let Some(rules) = tree.text("debian/rules") {
        self::rules(rules, &package, findings);
    }
}

fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line.trim()));
    lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
}

/// Fields of the source and of the first binary package (Debian policy 5.2). Gives the name of the latter.
fn control(text: &str, findings: &mut Findings) -> String {
    const FILE: &str = "debian/control";
    let mut package = String::new();
    let mut fields: Vec<(usize, String, String)> = Vec::new();
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.starts_with('#')) {
        match (line.starts_with([' ', '\t']), fields.last_mut(), line.split_once(':')) {
            // Further lines of a description are no part of its synopsis (policy 5.6.13).
            (true, Some((_, key, _)), _) if key == "description" => {}
            (true, Some((_, _, value)), _) => value.push_str(line),
            (false, _, Some((key, value))) => fields.push((index + 1, key.to_lowercase(), value.trim().to_owned())),
            _ => {}
        }
    }
    for (line, key, value) in fields {
        let at = Origin::new(FILE, line);
        match key.as_str() {
            "package" if package.is_empty() => {
                findings.package(PackageKey::Name, &value, at);
                package = value;
            }
            "package" => {
                findings.note(
                    at,
                    format!("Package: {value}"),
                    "a package besides the main one: see `[[meta-package]]`",
                );
                break;
            }
            "maintainer" => findings.package(PackageKey::Maintainer, &value, at),
            "section" => findings.package(PackageKey::Section, value.rsplit('/').next().unwrap_or_default(), at),
            "homepage" => findings.package(PackageKey::Url, &value, at),
            "description" => findings.package(PackageKey::Summary, &value, at),
            "depends" | "pre-depends" => depends(&value, &at, findings),
            "build-depends" | "build-depends-arch" | "build-depends-indep" => build_depends(&value, &at, findings),
            _ => {}
        }
    }
    package
}

fn depends(value: &str, at: &Origin, findings: &mut Findings) {
    let mut left = Vec::new();
    for relation in value.split(',').map(str::trim).filter(|relation| !relation.is_empty()) {
        let name = relation.split([' ', '(']).next().unwrap_or_default();
        // Every Debian has dpkg, in a later version than anything asks for.
        let sound = |c: char| c.is_ascii_alphanumeric() || "+-. ()<>=:~".contains(c);
        if relation.starts_with("${") || matches!(name, "lsb-base" | "adduser" | "init-system-helpers" | "dpkg") {
            continue;
        }
        if name.starts_with("python") || relation.contains('|') || !relation.chars().all(sound) || name.contains(':') {
            left.push(relation);
        } else {
            let relation = relation.split_whitespace().collect::<Vec<_>>().join(" ");
            findings.needs.push(Need { names: Names::Deb, relation, from: at.clone() });
        }
    }
    if !left.is_empty() {
        let advice =
            "what Python needs is bundled; add what else is needed to `[distribution.debian.relations] requires`";
        findings.note(at.clone(), format!("Depends: {}", left.join(", ")), advice);
    }
}

/// What builds need besides debhelper and Python, which are omnipack's matter.
fn build_depends(value: &str, at: &Origin, findings: &mut Findings) {
    for relation in value.split(',').map(|relation| relation.split_whitespace().collect::<Vec<_>>().join(" ")) {
        let name = relation.split([' ', '(', ':', '[']).next().unwrap_or_default();
        let own = ["debhelper", "dh-", "python", "cdbs"].iter().any(|start| name.starts_with(start));
        if !own && name.starts_with(|c: char| c.is_ascii_alphanumeric()) {
            findings.build_requires.push(super::finding::Said::new(relation, at.clone()));
        }
    }
}

/// `etc/app.conf etc/app/` (dh_install(1)).
fn install(tree: &Tree, path: &str, text: &str, findings: &mut Findings) {
    for (line, words) in lines(text) {
        let at = Origin::new(path, line);
        let words = words.split_whitespace().collect::<Vec<_>>();
        let (sources, destination) = match words.as_slice() {
            [sources @ .., destination] if !sources.is_empty() => {
                (sources.to_vec(), (*destination).trim_matches('/').to_owned())
            }
            [only] => {
                (vec![*only], only.rsplit_once('/').map(|(directory, _)| directory.to_owned()).unwrap_or_default())
            }
            _ => continue,
        };
        for source in sources {
            if tree.has(source) && !source.ends_with(".service") {
                let destination = format!("/{destination}/{}", name_of(source));
                findings.files.push(Shipped { source: source.to_owned(), destination, from: at.clone() });
            } else if !source.ends_with(".service") {
                findings.note(at.clone(), words.join(" "), "ship it as a `[[file]]`, which can be a whole directory");
            }
        }
    }
}

/// Maintainer scripts that do more than what dh_make and debhelper write.
fn script(path: &str, text: &str, findings: &mut Findings) {
    let own = |line: &str| {
        let line = line.trim();
        let usual = [
            "#",
            "set -",
            "case ",
            "esac",
            "exit ",
            ";;",
            "abort-",
            "configure)",
            "*)",
            "echo \"p",
            "remove",
            "purge",
            "upgrade",
            "if",
            "fi",
            "adduser",
            "addgroup",
        ];
        !line.is_empty() && !usual.iter().any(|start| line.starts_with(start))
    };
    if text.lines().any(own) {
        let advice = "accounts, services and bytecode are omnipack's matter; what else it does goes into a script for `[scriptlets]`";
        findings.note(Origin::new(path, 0), format!("the script {}", name_of(path)), advice);
    }
}

/// `dh $@ --with python-virtualenv`, `dh_virtualenv --python ...`
fn rules(text: &str, package: &str, findings: &mut Findings) {
    const FILE: &str = "debian/rules";
    let lines = joined_lines(text);
    let called = lines.iter().find(|(_, line)| line.contains("python-virtualenv") || line.contains("dh_virtualenv "));
    let Some((line, _)) = called else { return };
    let root = lines.iter().find_map(|(line, text)| {
        let (_, value) = text.split_once("DH_VIRTUALENV_INSTALL_ROOT")?;
        Some((*line, value.trim_start_matches([' ', ':', '?', '=']).trim().to_owned()))
    });
    let (line, root) = root.unwrap_or((*line, INSTALL_ROOT.to_owned()));
    if root.starts_with('/') && !root.contains('$') && !package.is_empty() {
        findings.package(PackageKey::Prefix, &format!("{root}/{package}"), Origin::new(FILE, line));
    }
    for (line, text) in lines.iter().filter(|(_, text)| text.contains("dh_virtualenv")) {
        let words =
            text.split_whitespace().skip_while(|word| !word.starts_with("dh_virtualenv")).skip(1).collect::<Vec<_>>();
        let mut rest = words.iter();
        while let Some(word) = rest.next() {
            let (option, value) = word.split_once('=').unwrap_or((word, ""));
            let takes = [
                "--python",
                "-p",
                "--extra-index-url",
                "--index-url",
                "-i",
                "--requirements",
                "-r",
                "--extras",
                "--preinstall",
            ];
            let value = if value.is_empty() && takes.contains(&option) {
                rest.next().copied().unwrap_or_default()
            } else {
                value
            };
            options(option, value.trim_matches(['\'', '"']), Origin::new(FILE, *line), findings);
        }
    }
}

fn options(option: &str, value: &str, at: Origin, findings: &mut Findings) {
    match option {
        "--extra-index-url" | "--index-url" | "-i" => findings.index_urls.push(super::finding::Said::new(value, at)),
        // Decided by the target, or done anyway.
        "--builtin-venv" | "--no-test" | "--setuptools" | "--upgrade-pip" | "--use-system-packages" | "" => {}
        _ if option.starts_with('-') => {
            let advice = match option {
                "--python" | "-p" => {
                    "each target has its own Python; `version` under `[python]` asks for another series"
                }
                "--requirements" | "-r" => "say it in `requirements` under `[python]`",
                "--extras" => "say them in `extras` under `[python]`",
                _ => "it has no counterpart, or is not needed",
            };
            findings.note(at, format!("dh_virtualenv {option} {value}"), advice);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_debian_directory_with_dh_virtualenv_is_read() {
        let control = "Source: app\nSection: web\nMaintainer: Ada <ada@example.org>\nHomepage: https://e.org\n\nPackage: app-server\nArchitecture: any\n\
                       Depends: ${misc:Depends}, dpkg (>= 1.16.1), redis-server (>= 5),\n python3-lxml, nginx | apache2\nDescription: Does it\n Long.\n\nPackage: app-doc\n";
        let rules = "#!/usr/bin/make -f\nexport DH_VIRTUALENV_INSTALL_ROOT=/srv\n%:\n\tdh $@ --with python-virtualenv\noverride_dh_virtualenv:\n\
                     \tdh_virtualenv --python /usr/bin/python3.8 \\\n\t  --extra-index-url https://pypi.example.org/simple --upgrade-pip\n";
        let files = [
            ("debian/control", control),
            ("debian/rules", rules),
            ("debian/install", "etc/app.conf etc/app\nbuild/x usr/share\n"),
            ("etc/app.conf", ""),
            ("debian/app-server.postinst", "#!/bin/sh\nset -e\ncase \"$1\" in\nconfigure)\n  chown x /y\n;;\nesac\n"),
            ("debian/app-server.prerm", "#!/bin/sh\nset -e\n#DEBHELPER#\nexit 0\n"),
            ("debian/dirs", "var/lib/app\n"),
            ("debian/app-server.logrotate", ""),
        ];
        let mut findings = Findings::default();
        read(&Tree::of("x", files), &mut findings);
        let package = findings.package.iter().map(|(key, said)| (*key, said.value.as_str())).collect::<Vec<_>>();
        assert_eq!(
            package,
            [
                (PackageKey::Section, "web"),
                (PackageKey::Maintainer, "Ada <ada@example.org>"),
                (PackageKey::Url, "https://e.org"),
                (PackageKey::Name, "app-server"),
                (PackageKey::Summary, "Does it"),
                (PackageKey::Prefix, "/srv/app-server")
            ]
        );
        assert_eq!(
            findings.needs.iter().map(|need| need.relation.as_str()).collect::<Vec<_>>(),
            ["redis-server (>= 5)"]
        );
        assert_eq!(
            (findings.index_urls[0].value.as_str(), findings.directories[0].value.as_str()),
            ("https://pypi.example.org/simple", "/var/lib/app")
        );
        let files = findings.files.iter().map(|file| file.destination.as_str()).collect::<Vec<_>>();
        assert_eq!(files, ["/etc/logrotate.d/app-server", "/etc/app/app.conf"]);
        let notes = findings.notes.iter().map(|note| note.what.as_str()).collect::<Vec<_>>();
        assert_eq!(
            notes,
            [
                "Depends: python3-lxml, nginx | apache2",
                "Package: app-doc",
                "the script app-server.postinst",
                "build/x usr/share",
                "dh_virtualenv --python /usr/bin/python3.8"
            ]
        );
    }
}
