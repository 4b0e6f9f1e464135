//! What Debian policy asks of a control file beyond what the user has to say: a maintainer, a section, a priority.

use super::Error;
use crate::distribution::{Distribution, PackageFormat};
use crate::project::PackageSettings;

/// How the note begins where no maintainer has an address.
pub const NOBODY: &str = "nobody with an address is known to maintain the package";

/// Debian policy 2.4, in the state of 4.7; `debug` and the like are Debian's own business, and not missed.
const SECTIONS: [&str; 58] = [
    "admin",
    "cli-mono",
    "comm",
    "database",
    "debug",
    "devel",
    "doc",
    "editors",
    "education",
    "electronics",
    "embedded",
    "fonts",
    "games",
    "gnome",
    "gnu-r",
    "gnustep",
    "golang",
    "graphics",
    "hamradio",
    "haskell",
    "httpd",
    "interpreters",
    "introspection",
    "java",
    "javascript",
    "kde",
    "kernel",
    "libdevel",
    "libs",
    "lisp",
    "localization",
    "mail",
    "math",
    "metapackages",
    "misc",
    "net",
    "news",
    "ocaml",
    "oldlibs",
    "otherosfs",
    "perl",
    "php",
    "python",
    "raku",
    "ruby",
    "rust",
    "science",
    "shells",
    "sound",
    "tasks",
    "tex",
    "text",
    "utils",
    "vcs",
    "video",
    "web",
    "x11",
    "xfce",
];

/// Archive areas of Debian (policy, 2.2) and components of Ubuntu, in front of a section.
const AREAS: [&str; 7] = ["main", "contrib", "non-free", "non-free-firmware", "restricted", "universe", "multiverse"];

/// Fields of the control file as they will be, and what the user should know of them.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fields {
    pub maintainer: String,
    pub section: String,
    pub priority: String,
    pub notes: Vec<String>,
}

/// For an rpm, everything as it is.
///
/// # Errors
/// When the section cannot be one: apt and dpkg take it for a word.
pub(super) fn fields(settings: &PackageSettings, distribution: &Distribution) -> Result<Fields, Error> {
    let PackageSettings { maintainer, section, priority, .. } = settings;
    let mut fields = Fields {
        maintainer: maintainer.clone(),
        section: section.clone(),
        priority: priority.clone(),
        notes: Vec::new(),
    };
    if distribution.format == PackageFormat::Deb {
        fields.check_maintainer();
        fields.check_section()?;
        fields.check_priority();
    }
    Ok(fields)
}

impl Fields {
    /// `Maintainer` is mandatory, with an address (policy, 5.6.2). Metadata of applications may have only a name.
    fn check_maintainer(&mut self) {
        let address =
            self.maintainer.split_once('<').and_then(|(name, rest)| Some((name.trim(), rest.strip_suffix('>')?)));
        let known = address.is_some_and(|(name, address)| !name.is_empty() && address.contains('@'));
        let placeholder = self.maintainer.ends_with("@localhost>");
        if known && !placeholder {
            return;
        }
        if !known {
            let words = |text: &str| text.chars().filter(|c| !"<>,".contains(*c)).collect::<String>().trim().to_owned();
            let maintainer = words(&self.maintainer);
            self.maintainer = match maintainer.contains('@') {
                // A bare address is its own name.
                true if !maintainer.contains(' ') => format!("{maintainer} <{maintainer}>"),
                _ if maintainer.is_empty() => "Unknown <unknown@localhost>".to_owned(),
                _ => format!("{maintainer} <unknown@localhost>"),
            };
        }
        if self.maintainer.ends_with("@localhost>") {
            self.notes.push(format!(
                "{NOBODY}, so that it says `{}`; give \
                 `maintainer = \"Name <address>\"` in `[package]`",
                self.maintainer
            ));
        }
    }

    fn check_section(&mut self) -> Result<(), Error> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "-+./".contains(c);
        if self.section.is_empty() || !self.section.chars().all(allowed) {
            return Err(Error::Section { section: self.section.clone() });
        }
        let section = match self.section.split_once('/') {
            Some((area, section)) if AREAS.contains(&area) => section,
            _ => &self.section,
        };
        if !SECTIONS.contains(&section) {
            self.notes.push(format!(
                "`{}` is no section of Debian or Ubuntu; theirs are admin, net, python, ...",
                self.section
            ));
        }
        Ok(())
    }

    /// Policy, 2.5: `extra` is `optional` since 4.0.1.
    fn check_priority(&mut self) {
        if self.priority == "extra" {
            "optional".clone_into(&mut self.priority);
            self.notes.push("the priority `extra` is no more: it is `optional`".to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(maintainer: &str, section: &str, priority: &str) -> Fields {
        let mut fields = Fields {
            maintainer: maintainer.to_owned(),
            section: section.to_owned(),
            priority: priority.to_owned(),
            notes: Vec::new(),
        };
        fields.check_maintainer();
        fields.check_section().unwrap();
        fields.check_priority();
        fields
    }

    #[test]
    fn a_maintainer_has_an_address() {
        for (maintainer, expected, notes) in [
            ("Ada <ada@b.c>", "Ada <ada@b.c>", 0),
            ("Ada", "Ada <unknown@localhost>", 1),
            ("ada@b.c", "ada@b.c <ada@b.c>", 0),
            ("<ada@b.c>", "ada@b.c <ada@b.c>", 0),
            ("Ada <", "Ada <unknown@localhost>", 1),
            ("", "Unknown <unknown@localhost>", 1),
            ("Unknown <unknown@localhost>", "Unknown <unknown@localhost>", 1),
        ] {
            let fields = of(maintainer, "admin", "optional");
            assert_eq!((fields.maintainer.as_str(), fields.notes.len()), (expected, notes), "{maintainer}");
        }
    }

    #[test]
    fn sections_and_priorities_are_those_of_policy() {
        let notes = |section, priority| of("A <a@b.c>", section, priority).notes.len();
        assert_eq!((notes("admin", "optional"), notes("universe/python", "required")), (0, 0));
        assert_eq!((notes("databases", "optional"), notes("main/x/y", "optional")), (1, 1));
        let fields = of("A <a@b.c>", "admin", "extra");
        assert_eq!((fields.priority.as_str(), fields.notes.len()), ("optional", 1));
        let mut fields = of("A <a@b.c>", "admin", "optional");
        "two words".clone_into(&mut fields.section);
        assert!(matches!(fields.check_section(), Err(Error::Section { .. })));
    }
}
