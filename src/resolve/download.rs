//! Fetching files into the cache: in parallel, hashed on the way, tried again when the network hiccups.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use url::Url;

use super::Error;
use super::cache::{Cache, copy_hashed, digest};
use super::credentials::Credentials;
use super::index::{Indexes, without_credentials};

const ATTEMPTS: u32 = 4;

/// What a download has to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// `https://`, `http://` or `file://`.
    pub url: String,
    pub file_name: String,
    /// Allowed digests, lower-case hex; empty: whatever comes.
    pub sha256: Vec<String>,
}

/// A file in the cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    pub path: PathBuf,
    pub sha256: String,
}

/// What a URL gave when its digest was not known beforehand.
#[derive(Debug, Serialize, Deserialize)]
struct Seen {
    sha256: String,
}

/// How new a file has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness<'a> {
    /// As it is at its address now; without network, as it was when it was last fetched.
    Anew,
    /// It is told by its digest, in lower-case hex, and never changes.
    Sha256(&'a str),
}

pub struct Downloader<'a> {
    pub cache: &'a Cache,
    pub credentials: &'a Credentials,
    pub agent: ureq::Agent,
    pub offline: bool,
}

/// An HTTP client that trusts what the machine trusts, or the bundle that its environment names.
///
/// # Errors
/// When the bundle cannot be read.
pub fn agent(indexes: &Indexes) -> Result<ureq::Agent, Error> {
    let roots = match &indexes.ca_bundle {
        Some(bundle) => {
            let pem = fs_err::read(bundle)?;
            let certificates = parse_pem(&pem).filter_map(|item| match item {
                Ok(PemItem::Certificate(certificate)) => Some(certificate),
                _ => None,
            });
            RootCerts::new_with_certs(&certificates.collect::<Vec<Certificate>>())
        }
        None => RootCerts::PlatformVerifier,
    };
    let config = ureq::Agent::config_builder()
        .tls_config(TlsConfig::builder().root_certs(roots).build())
        .user_agent(concat!("omnipack/", env!("CARGO_PKG_VERSION")))
        .timeout_connect(Some(Duration::from_secs(30)))
        .timeout_recv_response(Some(Duration::from_secs(60)))
        .build();
    Ok(config.into())
}

impl Downloader<'_> {
    /// The file from the cache, or fetched into it. `kind` is the part of the cache: `wheels` or `sdists`.
    ///
    /// # Errors
    /// When it cannot be had, or is not what was wanted.
    pub fn fetch(&self, kind: &str, wanted: &Wanted) -> Result<Fetched, Error> {
        let name = &wanted.file_name;
        let kept =
            |sha256: &String| self.cache.find(kind, sha256, name).map(|path| Fetched { path, sha256: sha256.clone() });
        if let Some(fetched) = wanted.sha256.iter().find_map(kept) {
            return Ok(fetched);
        }
        let key = digest([without_credentials(&wanted.url)]);
        let remote = !wanted.url.starts_with("file:");
        if remote && wanted.sha256.is_empty() {
            let seen = self.cache.recall::<Seen>("urls", &key);
            if let Some(fetched) = seen.and_then(|(seen, _)| kept(&seen.sha256)) {
                return Ok(fetched);
            }
        }
        if remote && self.offline {
            return Err(Error::Offline { what: name.clone() });
        }
        let _guard = self.cache.lock(&key)?;
        if let Some(fetched) = wanted.sha256.iter().find_map(kept) {
            return Ok(fetched);
        }
        let scratch = self.cache.scratch()?;
        let file = scratch.path().join("download");
        let sha256 = self.receive(&wanted.url, &file)?;
        if !wanted.sha256.is_empty() && !wanted.sha256.contains(&sha256) {
            let expected = wanted.sha256.join(" or ");
            return Err(Error::HashMismatch { file: name.clone(), expected, got: sha256 });
        }
        let path = self.cache.keep(kind, &sha256, name, &file)?;
        if remote && wanted.sha256.is_empty() {
            self.cache.remember("urls", &key, &Seen { sha256: sha256.clone() })?;
        }
        Ok(Fetched { path, sha256 })
    }

    /// A file of a repository's metadata. Its name in the cache is the last part of its address.
    ///
    /// # Errors
    /// As [`Self::fetch`].
    pub fn fetch_metadata(&self, url: &str, freshness: Freshness<'_>) -> Result<Fetched, Error> {
        const KIND: &str = "metadata";
        let path = url.split(['?', '#']).next().unwrap_or(url);
        let file_name = path.rsplit('/').next().filter(|name| !name.is_empty()).unwrap_or("index").to_owned();
        let sha256 = match freshness {
            Freshness::Sha256(sha256) => vec![sha256.to_owned()],
            Freshness::Anew => Vec::new(),
        };
        let anew = sha256.is_empty() && !self.offline;
        let wanted = Wanted { url: url.to_owned(), file_name, sha256 };
        if !anew {
            return self.fetch(KIND, &wanted);
        }
        let key = digest([without_credentials(url)]);
        let _guard = self.cache.lock(&key)?;
        let scratch = self.cache.scratch()?;
        let file = scratch.path().join("download");
        let sha256 = self.receive(url, &file)?;
        let path = self.cache.keep(KIND, &sha256, &wanted.file_name, &file)?;
        self.cache.remember("urls", &key, &Seen { sha256: sha256.clone() })?;
        Ok(Fetched { path, sha256 })
    }

    fn receive(&self, url: &str, file: &Path) -> Result<String, Error> {
        let failed = |reason: String, help: &str| Error::Download {
            url: without_credentials(url),
            reason,
            help: help.to_owned(),
        };
        let parsed = Url::parse(url).map_err(|error| failed(error.to_string(), "check the index or the lock file"))?;
        if parsed.scheme() == "file" {
            let path = parsed
                .to_file_path()
                .map_err(|()| failed("it names no local file".to_owned(), "write it as file:///path"))?;
            return write_hashed(&mut fs_err::File::open(path)?, file).map_err(Error::Io);
        }
        let mut login = self.credentials.find(&parsed);
        let mut asked = false;
        let mut attempt = 1;
        loop {
            let error = match self.attempt(&parsed, login.as_ref(), file) {
                Ok(sha256) => return Ok(sha256),
                Err(error) => error,
            };
            match &error {
                ureq::Error::StatusCode(401 | 403) if !asked => {
                    asked = true;
                    if let Some(found) = self.credentials.ask_keyring(&parsed) {
                        login = Some(found);
                        continue;
                    }
                }
                error if is_transient(error) && attempt < ATTEMPTS => {
                    std::thread::sleep(Duration::from_millis(250 << attempt));
                    attempt += 1;
                    continue;
                }
                _ => {}
            }
            return Err(failed(crate::exec::mask_credentials(&error.to_string()), help_for(&error)));
        }
    }

    fn attempt(
        &self,
        url: &Url,
        login: Option<&super::credentials::Login>,
        file: &Path,
    ) -> Result<String, ureq::Error> {
        let mut request = self.agent.get(without_credentials(url.as_str()));
        if let Some(login) = login {
            request = request.header("Authorization", login.basic());
        }
        let mut response = request.header("Accept-Encoding", "identity").call()?;
        write_hashed(&mut response.body_mut().as_reader(), file).map_err(ureq::Error::Io)
    }
}

fn write_hashed(reader: &mut dyn std::io::Read, file: &Path) -> std::io::Result<String> {
    let mut writer = std::io::BufWriter::new(fs_err::File::create(file)?);
    let sha256 = copy_hashed(reader, &mut writer)?;
    writer.flush()?;
    Ok(sha256)
}

fn is_transient(error: &ureq::Error) -> bool {
    match error {
        ureq::Error::StatusCode(code) => matches!(code, 408 | 425 | 429 | 500..=599),
        ureq::Error::Io(_) | ureq::Error::Timeout(_) | ureq::Error::ConnectionFailed | ureq::Error::Protocol(_) => true,
        _ => false,
    }
}

fn help_for(error: &ureq::Error) -> &'static str {
    match error {
        ureq::Error::StatusCode(401 | 403) => {
            "the index wants a login: put it into netrc, the keyring, `UV_INDEX_<NAME>_USERNAME` and `_PASSWORD`, or the index URL in the environment"
        }
        ureq::Error::StatusCode(404) => {
            "the file is gone from the index: resolve again with `--refresh`, or update the lock"
        }
        ureq::Error::Rustls(_) | ureq::Error::Tls(_) => {
            "the certificate is not trusted here: name your authority's bundle with SSL_CERT_FILE"
        }
        _ => "check the network and the proxy settings; what is in the cache can be used with `--offline`",
    }
}
