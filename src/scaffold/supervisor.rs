//! `[program:NAME]` of supervisor's configuration (<http://supervisord.org/configuration.html>).

use super::finding::{Candidate, CommandText, Findings, Origin, Trust};
use super::python_ini;
use super::tree::Tree;

pub fn read(tree: &Tree, findings: &mut Findings) {
    for (path, text) in tree.named(|name| name.ends_with(".conf") || name.ends_with(".ini")) {
        if !text.contains("[program:") {
            continue;
        }
        let Some(ini) = python_ini(text) else { continue };
        for (section, values) in ini.get_map_ref() {
            let Some(name) = section.strip_prefix("program:") else { continue };
            let value = |key: &str| {
                values
                    .get(key)
                    .cloned()
                    .flatten()
                    .map(|value| value.split(" ;").next().unwrap_or_default().trim().to_owned())
            };
            let line = text.lines().position(|line| line.trim() == format!("[{section}]")).map_or(0, |index| index + 1);
            let Some(command) = value("command").filter(|command| !command.is_empty()) else { continue };
            // No shell runs the command, but nothing else is quoted otherwise.
            let command = CommandText::Unit(command);
            let mut candidate = Candidate::new(Trust::Supervisor, Origin::new(path, line), name.trim(), command);
            candidate.user = value("user");
            if let Some(directory) = value("directory") {
                candidate.comments.push(format!("there it runs in {directory}"));
                candidate.directory = Some(directory);
            }
            if let Some(log) = value("stdout_logfile").filter(|path| path.contains('/') && !path.starts_with("/dev/")) {
                candidate.comments.push(format!("there it prints into {log}, here into the journal (`journalctl -u`)"));
            }
            for pair in value("environment").iter().flat_map(|text| text.split(',')) {
                if let Some((name, value)) = pair.split_once('=') {
                    let value = value.trim().trim_matches(['"', '\'']);
                    candidate.environment.insert(name.trim().to_owned(), value.to_owned());
                }
            }
            findings.services.push(candidate);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_become_services() {
        let text = "[supervisord]\nnodaemon=true\n\n[program:app-worker]\ncommand=celery -A app worker ; c\nuser=app\nenvironment=A=\"1\",B=2\n[program:none]\n";
        let mut findings = Findings::default();
        read(&Tree::of("x", [("conf/supervisor.conf", text), ("nginx.conf", "server {}")]), &mut findings);
        let [one] = findings.services.as_slice() else { panic!("{:?}", findings.services) };
        assert_eq!((one.name.as_str(), one.from.line, one.user.as_deref()), ("app-worker", 4, Some("app")));
        assert_eq!(one.command, CommandText::Unit("celery -A app worker".to_owned()));
        assert_eq!(one.environment.len(), 2);
    }
}
