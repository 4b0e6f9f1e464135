//! Dockerfiles and Containerfiles: what the last stage runs, as whom, with what
//! (<https://docs.docker.com/reference/dockerfile/>).

use std::collections::BTreeMap;

use super::finding::{Candidate, CommandText, Findings, Names, Need, Origin, Said, Trust, joined_lines};
use super::tree::{Tree, name_of};

/// Packages that building needs, or that any system has.
const NOT_AT_RUN_TIME: [&str; 27] = [
    "build-essential",
    "gcc",
    "g++",
    "make",
    "cmake",
    "curl",
    "wget",
    "git",
    "pkg-config",
    "pkgconf",
    "software-properties-common",
    "apt-utils",
    "apt-transport-https",
    "ca-certificates",
    "gnupg",
    "gnupg2",
    "rust",
    "rustc",
    "cargo",
    "unzip",
    "xz-utils",
    "netcat",
    "vim",
    "nano",
    "sudo",
    "tini",
    "dumb-init",
];

#[derive(Default)]
struct Stage {
    entrypoint: Option<(usize, CommandText)>,
    command: Option<(usize, CommandText)>,
    user: Option<String>,
    environment: BTreeMap<String, String>,
    exposed: Vec<String>,
    working_directory: Option<(usize, String)>,
}

pub fn read(tree: &Tree, findings: &mut Findings) {
    let is_file = |name: &str| matches!(name, "Dockerfile" | "Containerfile");
    // The one nearest to the top is the one that is deployed.
    let Some((path, text)) = tree.named(is_file).min_by_key(|(path, _)| (path.matches('/').count(), path.len())) else {
        return;
    };
    let mut stage = Stage::default();
    for (line, instruction) in instructions(text) {
        let (keyword, rest) = instruction.split_once(char::is_whitespace).unwrap_or((&instruction, ""));
        let rest = rest.trim();
        let at = || Origin::new(path, line);
        match keyword.to_ascii_uppercase().as_str() {
            "FROM" => stage = Stage::default(),
            "ENTRYPOINT" => {
                stage.entrypoint = Some((line, command(rest)));
                // An ENTRYPOINT resets what came before it.
                stage.command = None;
            }
            "CMD" => stage.command = Some((line, command(rest))),
            "USER" => stage.user = rest.split(':').next().map(str::to_owned),
            "ENV" => environment(rest, &at(), &mut stage.environment, findings),
            "EXPOSE" => stage.exposed.extend(rest.split_whitespace().map(str::to_owned)),
            "WORKDIR" => stage.working_directory = Some((line, rest.to_owned())),
            "RUN" => {
                packages(rest, &at(), findings);
                python_packages(rest, &at(), findings);
            }
            "VOLUME" => findings.note(
                at(),
                format!("VOLUME {rest}"),
                "data of a service belongs below /var/lib/<package>, which is made for it; tell the application that path",
            ),
            "HEALTHCHECK" if !rest.eq_ignore_ascii_case("none") => findings.note(
                at(),
                format!("HEALTHCHECK {rest}"),
                "say it as `[service.check]`, which `omnipack smoke` uses",
            ),
            _ => {}
        }
    }
    take(stage, path, findings);
}

/// Instructions with the numbers of their first lines; comments inside of them are no part of them.
fn instructions(text: &str) -> Vec<(usize, String)> {
    let kept = text.lines().map(|line| if line.trim_start().starts_with('#') { "" } else { line.trim_end() });
    // A comment between two lines does not end the instruction.
    let mut joined = String::new();
    let mut goes_on = false;
    for line in kept {
        joined.push_str(line);
        if line.is_empty() && goes_on {
            joined.push('\\');
        } else {
            goes_on = line.ends_with('\\');
        }
        joined.push('\n');
    }
    let lines = joined_lines(&joined).into_iter().map(|(line, text)| (line, text.trim().to_owned()));
    lines.filter(|(_, text)| !text.is_empty()).collect()
}

/// The exec form is JSON.
fn command(text: &str) -> CommandText {
    match serde_json::from_str::<Vec<String>>(text) {
        Ok(words) => CommandText::Words(words),
        Err(_) => CommandText::Shell(text.to_owned()),
    }
}

/// `NAME=value NAME2="value"`, or `NAME value`.
fn environment(rest: &str, from: &Origin, into: &mut BTreeMap<String, String>, findings: &mut Findings) {
    let mut pairs = Vec::new();
    match rest.split_once(char::is_whitespace) {
        Some((name, value)) if !name.contains('=') => pairs.push((name.to_owned(), value.trim().to_owned())),
        _ => {
            // Read as assignments before a command.
            if let Ok(line) = super::words::shell(&format!("{rest} :"), into) {
                pairs.extend(line.environment);
            } else {
                findings.note(from.clone(), format!("ENV {rest}"), "say what the service needs of it in `environment`");
            }
        }
    }
    for (name, value) in pairs {
        if is_secret(&name) {
            let advice =
                "secrets belong into a file of the machine: `environment-file = \"/etc/<package>/<service>.env\"`";
            findings.note(from.clone(), format!("ENV {name}"), advice);
        } else if !is_of_images(&name) && !value.contains('$') {
            into.insert(name, value);
        }
    }
}

/// Does the name look like that of a secret?
#[must_use]
pub fn is_secret(name: &str) -> bool {
    let name = name.to_uppercase();
    ["SECRET", "PASSWORD", "PASSWD", "TOKEN", "API_KEY", "PRIVATE_KEY", "CREDENTIAL"]
        .iter()
        .any(|part| name.contains(part))
}

/// Variables that matter while an image is built, or that a package needs otherwise.
fn is_of_images(name: &str) -> bool {
    const STARTS: [&str; 8] = ["PIP", "POETRY", "UV_", "PDM", "DEBIAN_", "PYTHON", "VIRTUAL_ENV", "APP_HOME"];
    matches!(name, "PATH" | "HOME" | "LANG" | "LC_ALL" | "TERM" | "SHELL" | "USER")
        || STARTS.iter().any(|start| name.starts_with(start))
}

/// `apt-get install`, `dnf install` and the like.
fn packages(rest: &str, from: &Origin, findings: &mut Findings) {
    for part in rest.split("&&").flat_map(|part| part.split(';')) {
        let words = part.split_whitespace().collect::<Vec<_>>();
        let Some(install) = words.iter().position(|word| *word == "install") else { continue };
        let names = match words
            .iter()
            .map(|word| name_of(word))
            .find(|word| ["apt-get", "apt", "dnf", "yum", "microdnf"].contains(word))
        {
            Some("apt-get" | "apt") => Names::Deb,
            Some(_) => Names::Rpm,
            None => continue,
        };
        let sound = |c: char| c.is_ascii_alphanumeric() || "+-._".contains(c);
        let (mut taken, mut left) = (Vec::new(), Vec::new());
        for word in words.iter().skip(install + 1).filter(|word| !word.starts_with(['-', '$', '\\'])) {
            let name = word.split(['=', '/']).next().unwrap_or_default();
            let builds = NOT_AT_RUN_TIME.contains(&name) || ["-dev", "-devel"].iter().any(|end| name.ends_with(end));
            let python = name.starts_with("python");
            if name.is_empty()
                || !name.chars().all(sound)
                || !name.starts_with(|c: char| c.is_ascii_alphanumeric())
                || builds
                || python
            {
                left.push(*word);
            } else {
                taken.push(name);
            }
        }
        // Libraries become requirements by themselves, where native code needs them.
        for name in taken {
            findings.needs.push(Need { names, relation: name.to_owned(), from: from.clone() });
        }
        if !left.is_empty() {
            let advice = "for building or for Python only, as it seems; add to `[relations] requires` what runs need";
            findings.note(from.clone(), format!("packages that are not required: {}", left.join(" ")), advice);
        }
    }
}

/// `pip install gunicorn==21.2`, `python -m pip install`, `uv pip install`: names only, no files and no addresses.
fn python_packages(rest: &str, from: &Origin, findings: &mut Findings) {
    for part in rest.split("&&").flat_map(|part| part.split(';')) {
        let words = part.split_whitespace().collect::<Vec<_>>();
        let is_pip = |word: &str| matches!(name_of(word), "pip" | "pip3");
        let Some(pip) = words.windows(2).position(|pair| is_pip(pair[0]) && pair[1] == "install") else { continue };
        let mut option = "";
        for word in words.iter().skip(pip + 2) {
            let is_value =
                matches!(option, "-r" | "--requirement" | "-c" | "--constraint" | "-e" | "-i" | "--index-url")
                    || option.ends_with("-index-url");
            option = word;
            let requirement = word.trim_matches(['"', '\'']);
            let end = requirement.find(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c)));
            let (name, after) = requirement.split_at(end.unwrap_or(requirement.len()));
            let is_name = !name.starts_with(['-', '.']) && !name.is_empty() && !after.starts_with(['/', ':', '+']);
            if is_name && !is_value {
                findings.in_image.push(Said::new(crate::project::normalised(name), from.clone()));
            }
        }
    }
}

fn take(stage: Stage, path: &str, findings: &mut Findings) {
    let joined = match (stage.entrypoint, stage.command) {
        (None, None) => return,
        (None, Some(command)) => command,
        (Some((line, CommandText::Words(mut words))), command) => {
            // A shell form CMD is no argument of an ENTRYPOINT worth to be followed.
            if let Some((_, CommandText::Words(more))) = command {
                words.extend(more);
            }
            (line, CommandText::Words(words))
        }
        (Some(entrypoint), _) => entrypoint,
    };
    let mut candidate = Candidate::new(Trust::Dockerfile, Origin::new(path, joined.0), "", joined.1);
    candidate.user = stage.user;
    candidate.environment = stage.environment;
    if !stage.exposed.is_empty() {
        candidate.comments.push(format!("{path} exposes {}", stage.exposed.join(", ")));
        candidate.name = "server".to_owned();
    }
    if let Some((line, directory)) = stage.working_directory {
        candidate.comments.push(format!(
            "there it runs in {directory} ({path}, line {line}); an installed application has its code in its virtualenv"
        ));
        candidate.directory = Some(directory);
    }
    findings.services.push(candidate);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Findings {
        let mut findings = Findings::default();
        read(&Tree::of("x", [("docker/old/Dockerfile", "FROM a\nCMD old"), ("Dockerfile", text)]), &mut findings);
        findings
    }

    #[test]
    fn the_last_stage_says_what_runs() {
        let text = "FROM python:3.11 AS build\nUSER other\nCMD [\"no\"]\nFROM python:3.11-slim\n# c\nRUN apt-get update && \\\n  # why\n  \
                    apt-get install -y --no-install-recommends libpq5 redis-tools gcc libpq-dev \\\n && rm -rf /var/lib/apt\n\
                    ENV PYTHONUNBUFFERED=1 APP_MODE=\"pro d\" \\\n  SECRET_KEY=abc\nENV OTHER one two\nEXPOSE 8000/tcp\nUSER app:app\n\
                    ENTRYPOINT [\"gunicorn\"]\nCMD [\"-b\", \"0.0.0.0:8000\", \"a:app\"]\n";
        let findings = of(text);
        let [service] = findings.services.as_slice() else { panic!("{:?}", findings.services) };
        let words = ["gunicorn", "-b", "0.0.0.0:8000", "a:app"].map(str::to_owned).to_vec();
        assert_eq!((&service.command, service.from.line), (&CommandText::Words(words), 15));
        assert_eq!((service.user.as_deref(), service.environment["APP_MODE"].as_str()), (Some("app"), "pro d"));
        assert_eq!(service.environment["OTHER"], "one two");
        assert_eq!(service.environment.len(), 2);
        let needs = findings.needs.iter().map(|need| (need.relation.as_str(), need.from.line)).collect::<Vec<_>>();
        assert_eq!(needs, [("libpq5", 6), ("redis-tools", 6)]);
        assert!(findings.notes.iter().any(|note| note.what.contains("gcc libpq-dev")), "{:?}", findings.notes);
        assert!(findings.notes.iter().any(|note| note.what == "ENV SECRET_KEY"), "{:?}", findings.notes);
    }

    #[test]
    fn the_shell_form_is_for_a_shell() {
        let findings = of("FROM a\nWORKDIR /app\nVOLUME /data\nCMD gunicorn a:app --bind 0.0.0.0:$PORT");
        assert_eq!(findings.services[0].command, CommandText::Shell("gunicorn a:app --bind 0.0.0.0:$PORT".to_owned()));
        assert_eq!(findings.notes.len(), 1);
        for text in ["", "CMD", "ENV", "ENV =", "FROM\nENTRYPOINT [", "RUN apt-get install", "EXPOSE", "\\", "CMD []"] {
            of(text);
        }
    }
}
