//! `Procfile`: `web: gunicorn app:app` (<https://devcenter.heroku.com/articles/procfile>).

use super::finding::{Candidate, CommandText, Findings, Origin, Trust};
use super::tree::Tree;

/// `Procfile.dev` and the like are for other machines.
pub fn read(tree: &Tree, findings: &mut Findings) {
    let Some((path, text)) = tree.text("Procfile").map(|text| ("Procfile", text)) else { return };
    for (index, line) in text.lines().enumerate() {
        let Some((name, command)) = entry(line) else { continue };
        let origin = Origin::new(path, index + 1);
        if name == "release" {
            let advice = "it ran before each release: do so by hand after an upgrade, or in `[scriptlets] post`";
            findings.note(origin, format!("release: {command}"), advice);
            continue;
        }
        findings.services.push(Candidate::new(Trust::Procfile, origin, name, CommandText::Shell(command.to_owned())));
    }
}

/// The grammar is `^([A-Za-z0-9_-]+):\s*(.+)$`.
fn entry(line: &str) -> Option<(&str, &str)> {
    let (name, command) = line.trim_end().split_once(':')?;
    let good = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let command = command.trim();
    (!name.is_empty() && name.chars().all(good) && !command.is_empty()).then_some((name, command))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_become_services_and_release_becomes_advice() {
        let text = "# comment: no\nweb: gunicorn a.wsgi --log-file -\nworker:   celery -A a worker\nrelease: python manage.py migrate\nbad line\n";
        let mut findings = Findings::default();
        read(&Tree::of("x", [("Procfile", text), ("Procfile.dev", "web: other")]), &mut findings);
        let names = findings.services.iter().map(|one| (one.name.as_str(), one.from.line)).collect::<Vec<_>>();
        assert_eq!(names, [("web", 2), ("worker", 3)]);
        assert_eq!(findings.services[0].command, CommandText::Shell("gunicorn a.wsgi --log-file -".to_owned()));
        assert_eq!(findings.notes[0].what, "release: python manage.py migrate");
    }
}
