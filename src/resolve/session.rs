//! What one resolution knows of the outside: indexes, credentials, an HTTP client.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use super::Error;
use super::cache::Cache;
use super::credentials::Credentials;
use super::download::{Downloader, agent};
use super::index::{Indexes, Surroundings};
use super::workshop::Workshop;
use crate::project::PythonSettings;

pub struct Session {
    pub indexes: Indexes,
    pub resolver: crate::project::Resolver,
    /// Where wheels are built.
    pub workshop: Arc<Workshop>,
    netrc: Option<PathBuf>,
    credentials: Credentials,
    agent: OnceLock<ureq::Agent>,
}

impl Session {
    /// With this machine alone to build on.
    ///
    /// # Errors
    /// When a directory of `find-links` is not there.
    pub fn new(settings: &PythonSettings) -> Result<Self, Error> {
        Self::within(settings, &Arc::default())
    }

    /// # Errors
    /// When a directory of `find-links` is not there.
    pub fn within(settings: &PythonSettings, workshop: &Arc<Workshop>) -> Result<Self, Error> {
        let variable = |name: &str| std::env::var(name).ok();
        let around = Surroundings { variable: &variable, home: etcetera::home_dir().ok() };
        for link in &settings.find_links {
            if !link.contains("://") && !std::path::Path::new(link).is_dir() {
                return Err(Error::Input {
                    file: link.clone(),
                    reason: "`find-links` names it, and it is not a directory".to_owned(),
                    help: "correct `find-links` under [python]".to_owned(),
                });
            }
        }
        let indexes = Indexes::new(settings, &around);
        let credentials = Credentials::new(&indexes, &around);
        let netrc = (around.variable)("NETRC").map(PathBuf::from);
        let netrc = netrc.or_else(|| Some(around.home.as_ref()?.join(".netrc")));
        Ok(Self {
            indexes,
            resolver: settings.resolver,
            workshop: Arc::clone(workshop),
            netrc: netrc.filter(|path| path.is_file()),
            credentials,
            agent: OnceLock::new(),
        })
    }

    /// The file with logins that programs look for by themselves.
    #[must_use]
    pub fn netrc(&self) -> Option<PathBuf> {
        self.netrc.clone()
    }

    /// See [`Credentials::logins`].
    #[must_use]
    pub fn logins(&self) -> Vec<(String, String)> {
        self.credentials.logins()
    }

    /// # Errors
    /// When the certificates cannot be read.
    pub fn downloader<'a>(&'a self, cache: &'a Cache, offline: bool) -> Result<Downloader<'a>, Error> {
        let agent = match self.agent.get() {
            Some(agent) => agent.clone(),
            None => {
                let made = agent(&self.indexes)?;
                self.agent.get_or_init(|| made).clone()
            }
        };
        Ok(Downloader { cache, credentials: &self.credentials, agent, offline })
    }
}
