//! A server on this machine's loopback that stands for the places on the internet that workflows talk to.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// A request that was answered.
#[derive(Debug, Clone)]
pub struct Request {
    pub method: String,
    pub path: String,
    /// In lower case up to the colon.
    pub headers: Vec<String>,
    pub body: Vec<u8>,
}

/// Gives the files of a directory to `GET`, takes whatever is sent with `PUT` and `POST`, and remembers everything.
pub struct Served {
    port: u16,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Served {
    pub fn start(directory: &Path) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (directory, seen) = (directory.to_owned(), Arc::clone(&requests));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (directory, seen) = (directory.clone(), Arc::clone(&seen));
                std::thread::spawn(move || answer(stream, &directory, &seen));
            }
        });
        Self { port, requests }
    }

    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

fn answer(mut stream: TcpStream, directory: &Path, seen: &Mutex<Vec<Request>>) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut line = || {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        Some(line.trim_end().to_owned())
    };
    let first = line()?;
    let mut words = first.split(' ');
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = Vec::new();
    while let Some(header) = line().filter(|header| !header.is_empty()) {
        let (name, value) = header.split_once(':')?;
        headers.push(format!("{}:{}", name.to_lowercase(), value));
    }
    let header = |name: &str| headers.iter().find_map(|header| header.strip_prefix(name)?.strip_prefix(": "));
    let length = header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    if header("expect").is_some() {
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").ok()?;
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let file: PathBuf = directory.join(path.trim_start_matches('/'));
    let (status, content) = match method.as_str() {
        "GET" => fs_err::read(file).map_or(("404 Not Found", Vec::new()), |content| ("200 OK", content)),
        "PUT" | "POST" => ("201 Created", b"{}".to_vec()),
        _ => ("405 Method Not Allowed", Vec::new()),
    };
    seen.lock().unwrap().push(Request { method, path, headers, body });
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", content.len());
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(&content).ok()?;
    stream.flush().ok()
}
