//! The programs that the command line names, looked at before any work: one that is not used would be passed over in silence.

use std::path::Path;

use super::{Error, Resolver, python, uv};
use crate::distribution::ToolVersion;

impl Resolver<'_> {
    /// Looks at what `--python` and `--uv` name. `wanted`: the Pythons of the targets.
    ///
    /// # Errors
    /// When one of them does not run, or is something else.
    pub fn check_programs(&self, wanted: &[ToolVersion]) -> Result<(), Error> {
        for path in &self.options.pythons {
            let found = python::probe(path).ok_or_else(|| unusable("--python", path, "no CPython"))?;
            if !wanted.iter().any(|series| (series.major, series.minor) == (found.version.major, found.version.minor)) {
                let series = wanted.iter().map(|version| format!("{}.{}", version.major, version.minor));
                let series = series.collect::<std::collections::BTreeSet<_>>().into_iter().collect::<Vec<_>>();
                self.warn_once(format!(
                    "`--python {}` is CPython {}, and the targets have {}: nothing is compiled with it",
                    path.display(),
                    found.version,
                    series.join(", ")
                ));
            }
        }
        match &self.options.uv {
            Some(path) if uv::version(path).is_none() => Err(unusable("--uv", path, "no uv")),
            _ => Ok(()),
        }
    }
}

fn unusable(option: &'static str, path: &Path, other: &str) -> Error {
    let reason = match which::which(path) {
        Err(_) => "there is no such program".to_owned(),
        Ok(_) => format!("it is {other}, or does not run"),
    };
    Error::Program { option, program: path.display().to_string(), reason }
}
