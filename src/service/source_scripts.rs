//! The maintainer scripts of a Debian source package: what debhelper does not know of. Its own snippets, which register and
//! start services, come where `#DEBHELPER#` stands; so accounts and owners are there before them.

use serde::Serialize;

use crate::plan::{BuildPlan, PackagePlan};
use crate::template;

use super::files::Files;
use super::maintainer::UserScripts;
use super::scriptlets::{self, Context};
use super::{Error, accounts, checked, order};

/// A path that is not root's: dpkg unpacks by numbers, and the account may be made only now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Owned {
    pub path: String,
    pub owner: String,
    pub group: String,
    /// Octal, four digits.
    pub mode: String,
}

/// An init script that debhelper does not start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InitScript {
    pub name: String,
    /// In an upgrade, where it runs?
    pub restart: bool,
}

/// What is done beside debhelper's snippets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct SourceParts {
    pub owned: Vec<Owned>,
    /// Units that debhelper does not stop when the package is removed: those that it has not started, and instances.
    pub stopped: Vec<String>,
    /// Instances that are enabled when the package is new.
    pub enabled: Vec<String>,
    /// The links by which instances are enabled, also by an administrator.
    pub links: Vec<String>,
    /// Instances that are started with the package.
    pub started: Vec<String>,
    /// Instances that are restarted in an upgrade, where they run.
    pub restarted: Vec<String>,
    /// Where init scripts are the target's.
    pub scripts: Vec<InitScript>,
}

#[derive(Serialize)]
struct Maintainer<'a> {
    #[serde(flatten)]
    common: Context<'a>,
    user: UserScripts<'a>,
    files: Option<&'a Files>,
    parts: &'a SourceParts,
}

const SCRIPTS: [(&str, &str); 4] = [
    ("preinst", include_str!("../../templates/debian-source/preinst")),
    ("postinst", include_str!("../../templates/debian-source/postinst")),
    ("prerm", include_str!("../../templates/debian-source/prerm")),
    ("postrm", include_str!("../../templates/debian-source/postrm")),
];

/// The line that debhelper puts its snippets in the place of.
const SNIPPETS: &str = "#DEBHELPER#";

/// The maintainer scripts of `package`, by their names; one that would do nothing is not there. `scripts` are the programs of
/// the application, `files` what its files need.
///
/// # Errors
/// When a scriptlet of the user cannot be run by a shell, or has what debhelper would take for a word of its own.
pub fn source_scripts(
    plan: &BuildPlan,
    package: &PackagePlan,
    scripts: &[String],
    files: &Files,
    parts: &SourceParts,
) -> Result<Vec<(&'static str, String)>, Error> {
    let services = checked::services(plan, package, scripts)?;
    let levels = order::levels(plan)?;
    let accounts = accounts::of_package(plan, package)?;
    let common = scriptlets::context(plan, package, &services, &accounts, &levels);
    let user = UserScripts::of(package, &common)?;
    let none = SourceParts::default();
    let context = Maintainer { common, user, files: Some(files), parts };
    let idle = Maintainer { common: context.common.idle(), user: UserScripts::default(), files: None, parts: &none };
    let mut rendered = Vec::new();
    for (name, source) in SCRIPTS {
        let text = render(&context, name, source)?;
        if text != render(&idle, name, source)? {
            check_words(package, name, &text)?;
            rendered.push((name, text));
        }
    }
    Ok(rendered)
}

fn render(context: &Maintainer<'_>, name: &str, source: &str) -> Result<String, Error> {
    let macros = [
        include_str!("../../templates/scriptlets/macros.sh"),
        include_str!("../../templates/maintainer/files.sh"),
        include_str!("../../templates/debian-source/macros"),
    ];
    let source = [macros.concat(), source.to_owned()].concat();
    Ok(template::render(&format!("{name} of {}", context.common.package), &source, context)?)
}

/// dh_installdeb(1), "SUBSTITUTION IN MAINTAINER SCRIPTS": such words are replaced wherever they stand, and nothing quotes them.
fn check_words(package: &PackagePlan, script: &'static str, text: &str) -> Result<(), Error> {
    let known = |word: &&str| {
        let starts = ["ENV.", "DEB_BUILD_", "DEB_HOST_", "DEB_TARGET_"];
        word.chars().all(|c| c.is_ascii_alphanumeric() || "_.+".contains(c))
            && (["DEBHELPER", "PACKAGE"].contains(word) || starts.iter().any(|start| word.starts_with(start)))
    };
    // What stands between two of them; nothing closes the last.
    let between = |line| str::rsplit_once(line, '#').map_or("", |(before, _)| before).split('#').skip(1);
    let lines = text.lines().filter(|line| *line != SNIPPETS);
    let found = lines.flat_map(between).find(known);
    let snippets = text.lines().filter(|line| *line == SNIPPETS).count();
    let found = found.or_else(|| (snippets > 1).then_some("DEBHELPER"));
    match found {
        Some(word) => Err(Error::Scriptlet {
            kind: script.to_owned(),
            package: package.name.clone(),
            reason: format!("has `#{word}#`, which debhelper would replace"),
            hint: "write it otherwise, as in `# PACKAGE #`; debhelper's snippets are put in by themselves".to_owned(),
        }),
        None => Ok(()),
    }
}
