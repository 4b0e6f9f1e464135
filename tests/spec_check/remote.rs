//! Repositories at addresses, from a server on the loopback interface.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use base64::Engine;
use omnipack::resolve::Options;

use crate::repository::{Rpm, make, open, requires};

/// Serves the files of a directory; with a login, to `me` with `s3cret` only. A path with `flaky` in it fails the first time.
pub struct Server {
    pub port: u16,
    paths: Arc<Mutex<Vec<String>>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Login {
    None,
    Wanted,
}

impl Server {
    pub fn start(directory: &Path, login: Login) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let paths = Arc::new(Mutex::new(Vec::new()));
        let (directory, asked) = (directory.to_path_buf(), Arc::clone(&paths));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                answer(stream, &directory, login, &asked);
            }
        });
        Self { port, paths }
    }

    pub fn url(&self, user: &str, path: &str) -> String {
        format!("http://{user}127.0.0.1:{}/{path}", self.port)
    }

    /// How often files were asked for whose path ends so, with the right login.
    pub fn asked(&self, end: &str) -> usize {
        self.paths.lock().unwrap().iter().filter(|path| path.ends_with(end)).count()
    }
}

fn answer(mut stream: TcpStream, directory: &Path, login: Login, asked: &Mutex<Vec<String>>) -> Option<()> {
    let mut lines = BufReader::new(stream.try_clone().ok()?).lines();
    let request = lines.next()?.ok()?;
    let headers = lines.map_while(Result::ok).take_while(|line| !line.is_empty()).collect::<Vec<_>>();
    let path = request.split(' ').nth(1)?.trim_start_matches('/').to_owned();
    let secret = base64::engine::general_purpose::STANDARD.encode("me:s3cret");
    let known = headers.iter().any(|line| line.eq_ignore_ascii_case(&format!("authorization: Basic {secret}")));
    let (status, body) = if login == Login::Wanted && !known {
        ("401 Unauthorized", Vec::new())
    } else {
        let first = !asked.lock().unwrap().contains(&path);
        asked.lock().unwrap().push(path.clone());
        match fs_err::read(directory.join(PathBuf::from(&path))) {
            _ if first && path.contains("flaky") => ("503 Service Unavailable", Vec::new()),
            Ok(body) => ("200 OK", body),
            Err(_) => ("404 Not Found", Vec::new()),
        }
    };
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(&body).ok()?;
    stream.flush().ok()
}

fn options(cache: &Path, offline: bool) -> Options {
    Options { cache: cache.to_path_buf(), offline, ..Options::default() }
}

#[test]
fn what_is_told_by_its_digest_is_fetched_once() {
    let directory = tempfile::tempdir().unwrap();
    let repository = directory.path().join("flaky/os");
    let file = "/opt/a/odd".to_owned();
    make(&repository, &[Rpm { files: vec![file], ..Rpm::new("a", "1-1", &["b = 2"]) }], &[]);
    let server = Server::start(directory.path(), Login::None);
    let cache = tempfile::tempdir().unwrap();
    for address in ["flaky/os", "flaky/os/", "flaky/os/repodata/", "flaky/os/repodata/repomd.xml"] {
        let repositories = open(&server.url("", address), options(cache.path(), false)).unwrap();
        assert!(repositories.satisfies(&requires("b = 2")).unwrap().is_satisfied(), "{address}");
    }
    // The first time the server was not well.
    assert_eq!((server.asked("repomd.xml"), server.asked("-primary.xml.gz")), (5, 2));
    assert_eq!(server.asked("-filelists.xml.gz"), 0);

    let fresh = open(&server.url("", "flaky/os"), options(cache.path(), false)).unwrap();
    assert!(fresh.satisfies(&requires("/opt/a/odd")).unwrap().is_satisfied());
    assert!(!fresh.satisfies(&requires("/opt/a/other")).unwrap().is_satisfied());
    assert_eq!(server.asked("-filelists.xml.gz"), 2);

    // Without network, everything is as it was.
    let asked = server.asked("");
    let offline = open(&server.url("", "flaky/os"), options(cache.path(), true)).unwrap();
    assert!(offline.satisfies(&requires("/opt/a/odd")).unwrap().is_satisfied());
    assert_eq!(server.asked(""), asked);
    let error = open(&server.url("", "flaky/other"), options(cache.path(), true)).unwrap_err();
    assert!(error.to_string().contains("--offline"), "{error}");

    // A repository that changes is read anew.
    make(&repository, &[Rpm::new("a", "2-1", &["b = 3"])], &[]);
    let changed = open(&server.url("", "flaky/os"), options(cache.path(), false)).unwrap();
    assert!(changed.satisfies(&requires("b = 3")).unwrap().is_satisfied());
}

#[test]
fn a_login_is_used_and_never_shown() {
    let directory = tempfile::tempdir().unwrap();
    make(&directory.path().join("os"), &[Rpm::new("a", "1-1", &[])], &["--checksum", "sha512"]);
    let server = Server::start(directory.path(), Login::Wanted);
    let cache = tempfile::tempdir().unwrap();
    let repositories = open(&server.url("me:s3cret@", "os"), options(cache.path(), false)).unwrap();
    assert!(repositories.satisfies(&requires("a")).unwrap().is_satisfied());
    assert_eq!(repositories.labels(), [server.url("", "os")]);
    for address in [server.url("me:wr0ng@", "os"), server.url("me:s3cret@", "elsewhere")] {
        let error = open(&address, options(cache.path(), false)).unwrap_err().to_string();
        assert!(
            error.contains("repodata/repomd.xml") && !error.contains("wr0ng") && !error.contains("s3cret"),
            "{error}"
        );
    }
    let refused = open("ftp://127.0.0.1/os", options(cache.path(), false)).unwrap_err();
    assert!(refused.is_usage() && refused.to_string().contains("`ftp:`"), "{refused}");
}
