//! Init scripts that the project has already: the program, the user and the process file are found by how such scripts are
//! written; what else they do is for their reader.

use std::collections::BTreeMap;

use super::finding::{Candidate, CommandText, Findings, Origin, Trust};
use super::tree::{Tree, in_debian, name_of};
use super::words;

pub fn read(tree: &Tree, findings: &mut Findings) {
    for (path, text) in tree.texts() {
        let sh = text.starts_with("#!");
        let init = text.contains("### BEGIN INIT INFO") || text.lines().any(|line| line.starts_with("# chkconfig:"));
        // The template of dh_make is nobody's service.
        if sh && init && !path.ends_with(".ex") {
            one(path, text, findings);
        }
    }
}

fn one(path: &str, text: &str, findings: &mut Findings) {
    let name = init_name(path, text);
    let (variables, lines) = variables(text);
    let value = |names: &[&str]| names.iter().find_map(|name| variables.get(*name)).filter(|value| !value.is_empty());
    let program = value(&["DAEMON", "EXEC", "exec", "prog_path", "PROGRAM", "BIN", "DAEMON_PATH"]);
    let Some(program) = program else {
        let advice = "write a `[[service]]` by hand: its `command` is the program that the script starts";
        return findings.note(Origin::new(path, 0), "an init script whose program is not found", advice);
    };
    let arguments = value(&["DAEMON_ARGS", "DAEMON_OPTS", "ARGS", "OPTIONS", "OPTS"]).map_or("", String::as_str);
    let line = lines.get(program).copied().unwrap_or(0);
    let command = CommandText::Unit(format!("{program} {arguments}").trim().to_owned());
    let mut candidate = Candidate::new(Trust::InitScript, Origin::new(path, line), &name, command);
    candidate.user = value(&["DAEMON_USER", "DAEMONUSER", "RUN_AS", "RUNAS", "USER", "SERVICE_USER"]).cloned();
    candidate.installed_as = Some(name);
    if let Some(file) = value(&["PIDFILE", "pidfile", "PID_FILE"]) {
        candidate.comments.push(format!(
            "the script keeps its process in {file}: it must not put itself into the background here, so take out an option for that"
        ));
    }
    findings.services.push(candidate);
}

fn init_name(path: &str, text: &str) -> String {
    let provides = text.lines().find_map(|line| line.strip_prefix("# Provides:"));
    let provided = provides.and_then(|names| names.split_whitespace().next()).filter(|name| !name.contains('$'));
    let name = name_of(path);
    let stem = ["init", "init.d", "sh"].iter().find_map(|end| name.strip_suffix(&format!(".{end}"))).unwrap_or(name);
    let stem = if in_debian(path) { stem.split('.').next().unwrap_or(stem) } else { stem };
    provided.unwrap_or(stem).to_owned()
}

/// `NAME=value` at the beginning of lines, with earlier ones filled in; and the line of each value.
fn variables(text: &str) -> (BTreeMap<String, String>, BTreeMap<String, usize>) {
    let (mut known, mut lines) = (BTreeMap::new(), BTreeMap::new());
    for (index, line) in text.lines().enumerate() {
        let Some((name, value)) = line.split_once('=') else { continue };
        let sound = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !sound {
            continue;
        }
        if let Ok(read) = words::shell(&format!(": {value}"), &known) {
            let value = read.words.get(1..).unwrap_or_default().join(" ");
            lines.entry(value.clone()).or_insert(index + 1);
            known.insert(name.to_owned(), value);
        }
    }
    (known, lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_and_its_user_are_found() {
        let text = "#!/bin/sh\n### BEGIN INIT INFO\n# Provides:          app-web\n### END INIT INFO\nNAME=app\nDAEMON=/usr/bin/$NAME-web\n\
                    DAEMON_ARGS=\"--port 8000\"\nPIDFILE=/var/run/$NAME.pid\nUSER=app\nstart-stop-daemon --start --exec $DAEMON -- $DAEMON_ARGS\n";
        let mut findings = Findings::default();
        let odd = "#!/bin/sh\n# chkconfig: 345 1 2\nrun() { $1; }\n";
        read(
            &Tree::of("x", [("debian/app.init", text), ("rc/odd", odd), ("plain.sh", "#!/bin/sh\nDAEMON=x\n")]),
            &mut findings,
        );
        let [one] = findings.services.as_slice() else { panic!("{:?}", findings.services) };
        assert_eq!((one.name.as_str(), one.from.line, one.user.as_deref()), ("app-web", 6, Some("app")));
        assert_eq!(one.command, CommandText::Unit("/usr/bin/app-web --port 8000".to_owned()));
        assert!(one.comments[0].contains("/var/run/app.pid"));
        assert_eq!((findings.notes[0].from.file.as_str(), findings.notes.len()), ("rc/odd", 1));
    }
}
