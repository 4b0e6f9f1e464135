//! Calls of fpm in Makefiles, shell scripts and workflows (<https://fpm.readthedocs.io/en/latest/cli-reference.html>).

use super::finding::{Findings, Names, Need, Origin, PackageKey, Shipped, joined_lines};
use super::tree::{Tree, name_of};

/// Options that take a value and matter to nothing here: versions come from the application, or are decided.
const IGNORED: [&str; 21] = [
    "-v",
    "--version",
    "-a",
    "--architecture",
    "-p",
    "--package",
    "-C",
    "--chdir",
    "--rpm-dist",
    "--deb-dist",
    "--workdir",
    "--rpm-digest",
    "--deb-compression",
    "--rpm-compression",
    "--log",
    "--python-bin",
    "--python-pip",
    "--virtualenv-pypi",
    "--category",
    "--rpm-user",
    "--rpm-group",
];

pub fn read(tree: &Tree, findings: &mut Findings) {
    for (path, text) in tree.texts().filter(|(path, _)| may_call(path)) {
        for (line, command) in joined_lines(text) {
            let words = split(&command);
            let Some(start) = words.iter().position(|word| name_of(word) == "fpm") else { continue };
            let arguments = words.get(start + 1..).unwrap_or_default();
            // `gem install fpm` is no call.
            if arguments
                .iter()
                .any(|word| matches!(word.as_str(), "-s" | "-t") || word.starts_with("-s") && word.len() > 2)
            {
                one(tree, arguments, &Origin::new(path, line), findings);
            }
        }
    }
}

fn may_call(path: &str) -> bool {
    let name = name_of(path);
    let script = [".sh", ".mk", ".yml", ".yaml"].iter().any(|end| name.ends_with(end)) || !name.contains('.');
    script || name.starts_with("Dockerfile")
}

/// Words in quotes or apart by blanks, up to a comment; nothing is expanded.
fn split(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let (mut open, mut inside) = (None, false);
    for character in text.chars() {
        match (open, character) {
            (Some(quote), other) if quote == other => open = None,
            (None, '"' | '\'') => {
                open = Some(character);
                if !inside {
                    words.push(String::new());
                    inside = true;
                }
            }
            (None, blank) if blank.is_whitespace() => inside = false,
            (None, '#') if !inside => break,
            (_, other) => {
                if !inside {
                    words.push(String::new());
                    inside = true;
                }
                words.last_mut().into_iter().for_each(|word| word.push(other));
            }
        }
    }
    words
}

fn one(tree: &Tree, arguments: &[String], at: &Origin, findings: &mut Findings) {
    let (mut target, mut source) = (String::new(), String::new());
    let mut rest = arguments.iter();
    let mut options: Vec<(String, String)> = Vec::new();
    let mut others: Vec<String> = Vec::new();
    while let Some(word) = rest.next() {
        if !word.starts_with('-') || word == "-" {
            others.push(word.clone());
            continue;
        }
        let short = word.len() > 2 && !word.starts_with("--") && word.is_char_boundary(2);
        let (option, value) = match word.split_once('=') {
            Some((option, value)) if word.starts_with("--") => (option.to_owned(), Some(value.to_owned())),
            _ if short => (word[..2].to_owned(), Some(word[2..].to_owned())),
            _ => (word.clone(), None),
        };
        let value =
            if is_switch(&option) { String::new() } else { value.or_else(|| rest.next().cloned()).unwrap_or_default() };
        match option.as_str() {
            "-s" => source = value,
            "-t" => target = value,
            _ => options.push((option, value)),
        }
    }
    let names = if target == "deb" { Names::Deb } else { Names::Rpm };
    for (option, value) in options {
        self::option(tree, &option, &value, names, at, findings);
    }
    if source == "dir" {
        others
            .iter()
            .filter_map(|word| word.split_once('='))
            .for_each(|(from, to)| shipped(tree, from, to, at, findings));
    }
}

/// Options without a value.
fn is_switch(option: &str) -> bool {
    option.starts_with("--no-")
        || matches!(
            option,
            "-f" | "--force"
                | "--verbose"
                | "--debug"
                | "--rpm-auto-add-directories"
                | "--deb-use-file-permissions"
                | "--rpm-sign"
        )
}

fn option(tree: &Tree, option: &str, value: &str, names: Names, at: &Origin, findings: &mut Findings) {
    let plain = !value.contains(['$', '`']);
    let key = match option {
        "-n" | "--name" => PackageKey::Name,
        "--iteration" => PackageKey::Release,
        "--epoch" => PackageKey::Epoch,
        "--license" => PackageKey::License,
        "--description" => PackageKey::Summary,
        "--url" => PackageKey::Url,
        "--vendor" => PackageKey::Vendor,
        "-m" | "--maintainer" => PackageKey::Maintainer,
        "--prefix" | "--virtualenv-install-location" => PackageKey::Prefix,
        "-d" | "--depends" => return depends(value, names, at, findings),
        "--config-files" | "--deb-systemd" | "--deb-init" | "--rpm-init" if tree.has(value) => {
            // A unit or a script is found by itself.
            return;
        }
        _ if IGNORED.contains(&option) || is_switch(option) => return,
        _ => {
            let advice = match option {
                "--after-install" | "--before-install" | "--after-remove" | "--before-remove" | "--after-upgrade"
                | "--before-upgrade" => {
                    "accounts and services are made by omnipack; what else the script does goes into `[scriptlets]`"
                }
                "--config-files" => "what lies below /etc and is shipped as a `[[file]]` is configuration by itself",
                "--rpm-os" => "packages are for Linux",
                "--directories" => "say it as `[[directory]]`",
                _ => "it has no counterpart, or another one: see `omnipack help config`",
            };
            return findings.note(at.clone(), format!("fpm {option} {value}"), advice);
        }
    };
    let filled_in = value.contains(['%', '@', '{']) && key != PackageKey::Maintainer;
    if plain && !filled_in {
        findings.package(key, value, at.clone());
    }
}

fn depends(value: &str, names: Names, at: &Origin, findings: &mut Findings) {
    let name = value.split([' ', '(', '<', '>', '=']).next().unwrap_or_default();
    let sound = |c: char| c.is_ascii_alphanumeric() || "+-._ ()<>=:~".contains(c);
    if name.is_empty()
        || name.starts_with("python")
        || !value.chars().all(sound)
        || !name.starts_with(|c: char| c.is_ascii_alphanumeric())
    {
        return findings.note(
            at.clone(),
            format!("fpm --depends {value}"),
            "what Python needs is bundled; add to `[relations] requires` what runs need",
        );
    }
    findings.needs.push(Need { names, relation: value.trim().to_owned(), from: at.clone() });
}

/// `etc/app.conf=/etc/app/`
fn shipped(tree: &Tree, from: &str, to: &str, at: &Origin, findings: &mut Findings) {
    let source = from.trim_start_matches("./");
    if !tree.has(source) || !to.starts_with('/') || to.contains('$') {
        return findings.note(
            at.clone(),
            format!("fpm {from}={to}"),
            "ship it as a `[[file]]`, if the virtualenv has it not",
        );
    }
    if source.ends_with(".service") {
        return;
    }
    let destination = if to.ends_with('/') { format!("{to}{}", name_of(source)) } else { to.to_owned() };
    findings.files.push(Shipped { source: source.to_owned(), destination, from: at.clone() });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_of_fpm_are_read() {
        let makefile = "deps:\n\tgem install fpm\nrpm:\n\tfpm -s virtualenv -t rpm -n \"app\" -v $(VERSION) --iteration 2 \\\n\t\t--depends redis -d 'python3 >= 3.6' --prefix /opt/app \\\n\
                        \t\t--after-install post.sh --config-files /etc/app.conf --maintainer 'A <a@b.c>' -f requirements.txt\n\
                        deb:\n\tfpm -sdir -tdeb --depends=libpq5 --name app etc/app.conf=/etc/app/ build/=/opt\n";
        let old = "# fpm -s dir -t rpm -n commented\n\techo fpm # fpm -s dir -t rpm -n behind\n";
        let mut findings = Findings::default();
        read(
            &Tree::of(
                "x",
                [
                    ("Makefile", makefile),
                    ("etc/app.conf", ""),
                    ("README.md", "fpm -s dir -t rpm -n no"),
                    ("old.sh", old),
                ],
            ),
            &mut findings,
        );
        let package = findings.package.iter().map(|(key, said)| (*key, said.value.as_str())).collect::<Vec<_>>();
        assert_eq!(
            package,
            [
                (PackageKey::Name, "app"),
                (PackageKey::Release, "2"),
                (PackageKey::Prefix, "/opt/app"),
                (PackageKey::Maintainer, "A <a@b.c>"),
                (PackageKey::Name, "app")
            ]
        );
        assert_eq!(
            findings.needs.iter().map(|need| (need.names, need.relation.as_str())).collect::<Vec<_>>(),
            [(Names::Rpm, "redis"), (Names::Deb, "libpq5")]
        );
        assert_eq!(findings.files[0].destination, "/etc/app/app.conf");
        let notes = findings.notes.iter().map(|note| note.what.as_str()).collect::<Vec<_>>();
        assert_eq!(
            notes,
            [
                "fpm --depends python3 >= 3.6",
                "fpm --after-install post.sh",
                "fpm --config-files /etc/app.conf",
                "fpm build/=/opt"
            ]
        );
    }
}
