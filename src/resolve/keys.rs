//! Under what a wheel that was built is kept: all that decides what comes of the build.

use super::baseline::Key;
use super::build::{Built, build_environment};
use super::fit;
use super::target::Target;
use super::{Resolver, Session};
use crate::exec::Command;

/// By where it is built, for that decides on compilers and the C library.
pub(super) struct Keys {
    /// What is built, and with what in the environment.
    parts: Vec<String>,
    /// In a container of the target, as far as its image is known; `None`: no such container is known.
    pub inside: Option<Key>,
    /// On this machine.
    pub here: Key,
    /// On this machine, without what should have been compiled: an answer only where nothing can compile it.
    pub uncompiled: Key,
}

fn key(parts: &[String], place: &[&str], target: &Target) -> Key {
    Key::new(&parts.iter().map(String::as_str).chain(place.iter().copied()).collect::<Vec<_>>(), target)
}

impl Resolver<'_> {
    /// The keys of what `source` names, for this Python.
    pub(super) fn keys<const N: usize>(&self, source: [&str; N], target: &Target, session: &Session) -> Keys {
        let (slug, around) = (target.slug(), build_environment());
        let parts = source.into_iter().chain([slug.as_str(), around.as_str()]).map(str::to_owned).collect::<Vec<_>>();
        Keys {
            inside: self.inside_key(&parts, target, session),
            here: key(&parts, &["here", self.own_glibc(), ""], target),
            uncompiled: key(&parts, &["uncompiled", "", ""], target),
            parts,
        }
    }

    /// The key of what a container has built, now that its image is known.
    pub(super) fn key_after(&self, keys: &Keys, target: &Target, session: &Session) -> Option<Key> {
        self.inside_key(&keys.parts, target, session)
    }

    fn inside_key(&self, parts: &[String], target: &Target, session: &Session) -> Option<Key> {
        let identity = session.workshop.identity()?;
        let image = self.image_of(&session.workshop).unwrap_or_default();
        Some(key(parts, &["inside", &target.glibc.to_string(), identity, &image], target))
    }

    /// What was built earlier: for the target itself before what was built here for it.
    pub(super) fn recall_for(&self, keys: &Keys, target: &Target, session: &Session) -> Option<Built> {
        let inside = keys.inside.as_ref().and_then(|key| self.recall_key(key));
        if inside.is_some() || session.workshop.is_required() {
            return inside;
        }
        // One that has to be compiled in a container after all is no answer where there is one.
        let no_container = || !session.workshop.may_be_entered().unwrap_or(false);
        let here = self.recall_key(&keys.here);
        let here = here.filter(|built| fit::too_new(built, target).is_none() || no_container());
        let alone = || no_container() && self.target_python(target).is_none();
        here.or_else(|| self.recall_key(&keys.uncompiled).filter(|_| alone()))
    }

    /// `glibc 2.36`: what is compiled here may need it. Empty where the C library is another.
    fn own_glibc(&self) -> &str {
        self.glibc.get_or_init(|| {
            let asked = Command::new("getconf").arg("GNU_LIBC_VERSION").run_checked();
            asked.map(|output| output.stdout_text().trim().to_owned()).unwrap_or_default()
        })
    }
}
