//! A compiler that fails at once: what can do without its extension does, what cannot stops quickly. That it was asked says
//! that there is something to compile, which names of files do not.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use fs_err as fs;

use super::Error;
use super::cache::Cache;
use crate::exec::Command;
use crate::scratch::Scratch;

/// Found by its name, for it may lie where a name has spaces, which setuptools takes for the end of the program.
const NAME: &str = "omnipack-no-compiler";

const SCRIPT: &str = include_str!("no-compiler.sh");

/// In the place of all compilers that builds ask the environment for.
#[derive(Debug)]
pub(super) struct NoCompiler {
    scratch: Scratch,
}

impl NoCompiler {
    /// # Errors
    /// When it cannot be written.
    pub(super) fn new(cache: &Cache) -> Result<Self, Error> {
        let scratch = cache.scratch()?;
        let path = scratch.path().join(NAME);
        fs::write(&path, SCRIPT)?;
        fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755))?;
        Ok(Self { scratch })
    }

    /// Did a build want something compiled?
    pub(super) fn was_asked(&self) -> bool {
        self.scratch.path().join("asked").exists()
    }

    pub(super) fn forbid(&self, command: Command) -> Result<Command, Error> {
        let set = command.parts().env.iter().find(|(name, _)| name == "PATH").map(|(_, value)| value.clone());
        let path = set.or_else(|| std::env::var_os("PATH")).unwrap_or_default();
        let paths = std::iter::once(PathBuf::from(self.scratch.path())).chain(std::env::split_paths(&path));
        let path = std::env::join_paths(paths).map_err(std::io::Error::other)?;
        let programs = ["CC", "CXX", "FC", "F77", "CARGO", "RUSTC"];
        Ok(programs.iter().fold(command.env("PATH", path), |command, name| command.env(name, NAME)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_fails_and_is_known_to_have_been_asked() {
        let directory = tempfile::tempdir().unwrap();
        let none = NoCompiler::new(&Cache::new(directory.path().join("a cache"))).unwrap();
        let run = |script: &str| none.forbid(Command::new("sh").args(["-c", script])).unwrap().run().unwrap().code;
        assert_eq!(run("command -v $CC"), 0);
        assert!(!none.was_asked());
        assert_eq!(run("$CC -c x.c"), 1);
        assert!(none.was_asked());
    }
}
