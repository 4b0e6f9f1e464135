//! What is left on a machine when packages are gone: what must not be, and what is meant to stay.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::smoke::snapshot::{Process, is_at_or_below};
use crate::smoke::{Error, Snapshot};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Known {
    wrong: Vec<String>,
    machine: Vec<String>,
    data: Vec<String>,
    config: Vec<String>,
}

/// systemd's note of when a timer last ran, by the name of its unit (systemd.timer(5), `Persistent=`).
const STAMP: &str = "/var/lib/systemd/timers/stamp-";

/// What was new on the machine after the removal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Leftovers {
    /// Nobody will ever take these away, sorted.
    pub wrong: Vec<String>,
    /// Data, logs and edited configuration.
    pub kept: Vec<String>,
    /// Processes that still run from the packages' files.
    pub processes: Vec<String>,
}

/// Compares the machine after the removal with that before the installation. `files` were the packages' own, `foreign`
/// belong to packages that came with them and are still installed.
///
/// # Errors
/// Never in practice: the list of known paths is part of omnipack.
pub fn compare(
    before: &Snapshot,
    after: &Snapshot,
    files: &[String],
    foreign: &BTreeSet<String>,
) -> Result<Leftovers, Error> {
    let known: Known = toml::from_str(include_str!("leftovers.toml")).map_err(std::io::Error::other)?;
    let mut left = Leftovers::default();
    let runlevels = before.paths.iter().filter_map(|path| runlevel_link(path)).collect::<BTreeSet<_>>();
    let renumbered = |path: &str| runlevel_link(path).is_some_and(|link| runlevels.contains(&link));
    let is_foreign = |path: &str| {
        let timer = path.strip_prefix(STAMP).map(|timer| format!("/usr/lib/systemd/system/{timer}"));
        foreign.contains(&timer.unwrap_or_else(|| canonical(path)))
    };
    let new = after.new_paths(before).filter(|path| !is_foreign(path) && !renumbered(path));
    for path in new {
        match known.fate(path) {
            Fate::Ignored => {}
            Fate::Kept => left.kept.push(path.to_owned()),
            Fate::Wrong => left.wrong.push(path.to_owned()),
        }
    }
    // A directory is kept for the sake of what is kept in it.
    left.wrong.retain(|path| !left.kept.iter().any(|kept| is_at_or_below(kept, path)));
    left.kept = outermost(left.kept);
    left.wrong = outermost(left.wrong);
    let own = files.iter().map(String::as_str).collect::<BTreeSet<_>>();
    let new = after.processes.iter().filter(|(pid, process)| before.processes.get(pid) != Some(*process));
    let theirs = new.filter(|(_, process)| uses(process, &own));
    left.processes = theirs.map(|(pid, process)| format!("{pid}: {}", process.command)).collect();
    Ok(left)
}

enum Fate {
    Ignored,
    Kept,
    Wrong,
}

impl Known {
    fn fate(&self, path: &str) -> Fate {
        let name = path.rsplit('/').next().unwrap_or_default();
        // Bytecode is nobody's data, wherever it lies.
        let is_wrong = self.wrong.iter().any(|pattern| covers(pattern, path));
        if is_wrong || name == "__pycache__" || path.contains("/__pycache__/") {
            return Fate::Wrong;
        }
        if self.machine.iter().any(|pattern| covers(pattern, path)) {
            return Fate::Ignored;
        }
        let kept = self.data.iter().any(|pattern| covers(pattern, path))
            || self.config.iter().any(|pattern| matches(pattern, name));
        if kept { Fate::Kept } else { Fate::Wrong }
    }
}

/// Does the process run one of the packages' files, by itself or through an interpreter?
fn uses(process: &Process, own: &BTreeSet<&str>) -> bool {
    let program = process.program.trim_end_matches(" (deleted)");
    own.contains(program) || process.command.split(' ').take(3).any(|word| own.contains(word))
}

/// Directory, letter and script of a link in a runlevel: `/etc/rc2.d/S01cron` is (`/etc/rc2.d`, `S`, `cron`). The number
/// of every script may change when one comes or goes (insserv(8)).
fn runlevel_link(path: &str) -> Option<(&str, &str, &str)> {
    let (directory, name) = path.rsplit_once('/')?;
    let parent = directory.rsplit('/').next()?;
    let is_runlevel = matches!(parent.as_bytes(), [b'r', b'c', b'0'..=b'6' | b'S', b'.', b'd']);
    let (letter, rest) = name.split_at_checked(1)?;
    let (number, script) = rest.split_at_checked(2)?;
    let is_link = matches!(letter, "S" | "K") && number.bytes().all(|digit| digit.is_ascii_digit());
    (is_runlevel && is_link).then_some((directory, letter, script))
}

/// With the directories that are links into `/usr` on merged systems as links.
pub fn canonical(path: &str) -> String {
    let merged = ["/bin", "/sbin", "/lib", "/lib64"].iter().any(|link| is_at_or_below(path, link));
    if merged { format!("/usr{path}") } else { path.to_owned() }
}

/// Is the path, or a directory above it, what the pattern says?
fn covers(pattern: &str, path: &str) -> bool {
    let depth = pattern.split('/').count();
    let head = path.split('/').take(depth).collect::<Vec<_>>();
    head.len() == depth && pattern.split('/').zip(head).all(|(pattern, part)| matches(pattern, part))
}

/// `*` stands for any characters.
fn matches(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(text) = text.strip_prefix(head) else { return false };
    let mut ends = text.char_indices().map(|(at, _)| at).chain([text.len()]);
    ends.any(|at| matches(rest, text.get(at..).unwrap_or_default()))
}

/// A tree is named by the directory above all of it.
fn outermost(paths: Vec<String>) -> Vec<String> {
    let mut named: Vec<String> = Vec::new();
    for path in paths {
        if !named.iter().any(|known| is_at_or_below(&path, known)) {
            named.push(path);
        }
    }
    named
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(new: &[&str]) -> Leftovers {
        let paths = new.iter().map(|path| (*path).to_owned()).collect();
        let after = Snapshot { paths, ..Snapshot::default() };
        compare(&Snapshot::default(), &after, &[], &["/usr/lib/other".to_owned()].into()).unwrap()
    }

    #[test]
    fn what_the_machine_writes_by_itself_is_nobodys() {
        let ignored =
            left(&["/var/lib/rpm/Packages", "/var/log/dnf.log", "/tmp/systemd-private-1-x/tmp", "/lib/other"]);
        assert_eq!(ignored, Leftovers::default());
    }

    #[test]
    fn data_and_edited_configuration_stay_and_are_named_by_their_outermost_directory() {
        let kept =
            left(&["/etc/app", "/var/lib/app", "/var/lib/app/a", "/var/lib/app/a/b", "/etc/app/app.conf.rpmsave"]);
        assert_eq!(kept.kept, ["/etc/app/app.conf.rpmsave", "/var/lib/app"]);
        assert!(kept.wrong.is_empty());
    }

    #[test]
    fn everything_else_is_wrong() {
        let paths =
            ["/etc/systemd/system/multi-user.target.wants/app.service", "/opt/app", "/opt/app/x", "/run/app.pid"];
        assert_eq!(left(&paths).wrong, [paths[0], paths[1], paths[3]]);
        assert_eq!(left(&["/var/lib/app/__pycache__"]).wrong.len(), 1);
        assert_eq!(left(&["/var/lib-other"]).wrong.len(), 1);
    }

    #[test]
    fn what_omnipack_or_a_timer_noted_is_wrong_among_data() {
        let paths = [
            "/var/lib/omnipack-transaction",
            "/var/lib/omnipack-transaction/was.app",
            "/var/lib/systemd/timers",
            "/var/lib/systemd/timers/stamp-app.timer",
            "/var/lib/systemd/random-seed",
        ];
        let left = left(&paths);
        assert_eq!((left.wrong, left.kept), (vec![paths[0].to_owned(), paths[3].to_owned()], Vec::new()));
        let after = Snapshot { paths: [paths[3].to_owned()].into(), ..Snapshot::default() };
        let foreign = ["/usr/lib/systemd/system/app.timer".to_owned()].into();
        let left = compare(&Snapshot::default(), &after, &[], &foreign).unwrap();
        assert_eq!(left, Leftovers::default(), "the timer of a package that is still there");
    }

    #[test]
    fn the_link_of_another_script_may_have_a_new_number() {
        let before = Snapshot { paths: ["/etc/rc2.d/S01cron".to_owned()].into(), ..Snapshot::default() };
        let paths = ["/etc/rc2.d/S02cron", "/etc/rc2.d/S01app", "/etc/rc2.d/K01cron"].map(str::to_owned).into();
        let after = Snapshot { paths, ..Snapshot::default() };
        let left = compare(&before, &after, &[], &BTreeSet::new()).unwrap();
        assert_eq!(left.wrong, ["/etc/rc2.d/K01cron", "/etc/rc2.d/S01app"]);
    }

    #[test]
    fn a_process_is_known_by_its_program_or_its_script() {
        let process = |program: &str, command: &str| Process { program: program.into(), command: command.into() };
        let own = ["/opt/app/bin/app", "/opt/app/bin/python3"].into();
        assert!(uses(&process("/usr/bin/python3.9", "/opt/app/bin/python3 /opt/app/bin/app --x"), &own));
        assert!(uses(&process("/opt/app/bin/python3 (deleted)", "app"), &own));
        assert!(!uses(&process("/usr/bin/sleep", "sleep 3"), &own));
    }
}
