//! Compile servers: interpreters that take sources through a pipe and give bytecode back, several side by side.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};

use super::interpreter::Interpreter;
use super::{Error, clean, marshal};
use crate::distribution::ToolVersion;
use crate::exec::{Command, ExecError};
use crate::progress::Listener;
use crate::stage::{Content, Entry};

const PROGRAM: &str = include_str!("../../../templates/python/compile_server.py");

/// An interpreter is not worth starting for fewer.
const FILES_PER_SERVER: usize = 8;

/// Header of a `.pyc` before the code (PEP 552); 12 bytes up to Python 3.6.
fn header_size(python: ToolVersion) -> usize {
    if (python.major, python.minor) >= (3, 7) { 16 } else { 12 }
}

/// What became of one source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    Bytecode(Vec<u8>),
    /// The interpreter cannot compile it: a template, or for another Python.
    Refused(String),
}

/// One source to compile.
pub struct Job<'a> {
    pub entry: &'a Entry,
    pub content: &'a Content,
    /// Its place in its group.
    pub place: usize,
    /// Which sources belong together: they are done one group after the other, so that what is done can be put away.
    pub group: usize,
}

/// Takes the answers of a group, in the order of their places, as soon as all are there.
pub type Done<'a> = dyn Fn(usize, Vec<Answer>) -> io::Result<()> + Sync + 'a;

/// Answers of a group that is being compiled.
struct Group {
    answers: Vec<Option<Answer>>,
    missing: usize,
}

/// Sources in the order in which they are handed out, and what came back.
struct Work<'a> {
    interpreter: &'a Interpreter,
    jobs: &'a [Job<'a>],
    next: AtomicUsize,
    compiled: AtomicUsize,
    source_date: u32,
    groups: Mutex<BTreeMap<usize, Group>>,
    done: &'a Done<'a>,
    listener: &'a dyn Listener,
}

/// Compiles all `jobs` with up to `threads` interpreters, group after group, in each group the largest first.
pub fn run(
    interpreter: &Interpreter,
    mut jobs: Vec<Job<'_>>,
    source_date: u32,
    threads: usize,
    done: &Done<'_>,
    listener: &dyn Listener,
) -> Result<(), Error> {
    let mut groups = BTreeMap::new();
    for job in &jobs {
        let group = groups.entry(job.group).or_insert_with(|| Group { answers: Vec::new(), missing: 0 });
        group.missing += 1;
        group.answers.push(None);
    }
    jobs.sort_by_key(|job| (job.group, Reverse(job.content.size()), job.place));
    let servers = threads.clamp(1, jobs.len().div_ceil(FILES_PER_SERVER).max(1));
    let work = Work {
        interpreter,
        jobs: &jobs,
        next: AtomicUsize::new(0),
        compiled: AtomicUsize::new(0),
        source_date,
        groups: Mutex::new(groups),
        done,
        listener,
    };
    if jobs.is_empty() {
        return Ok(());
    }
    std::thread::scope(|scope| {
        let running =
            (0..servers).map(|_| scope.spawn(|| work.serve().inspect_err(|_| work.stop()))).collect::<Vec<_>>();
        let mut results = running.into_iter().map(|server| server.join().unwrap_or_else(|_| Err(lost(interpreter))));
        // All are waited for, whatever the first one says.
        results.by_ref().collect::<Vec<_>>().into_iter().collect::<Result<(), _>>()
    })?;
    let left = work.groups.lock().unwrap_or_else(PoisonError::into_inner).is_empty();
    if left { Ok(()) } else { Err(lost(interpreter)) }
}

fn lost(interpreter: &Interpreter) -> Error {
    let program = interpreter.program.display().to_string();
    Error::Server { program, path: "the sources".to_owned(), reason: "it gave no answer".to_owned() }
}

/// Why answers stopped.
enum Broken {
    /// Over the source at this path.
    Server(String, io::Error),
    /// Who takes the answers failed.
    Done(io::Error),
}

impl Work<'_> {
    /// One failure is enough: nobody takes another source.
    fn stop(&self) {
        self.next.store(self.jobs.len(), Ordering::Relaxed);
    }

    /// Starts an interpreter and keeps it busy: one thread writes sources, this one reads what comes back.
    fn serve(&self) -> Result<(), Error> {
        let command = clean(Command::new(&self.interpreter.program))
            .args(["-S", "-s", "-B", "-W", "ignore"])
            .args(if self.interpreter.version.minor >= 7 { &["-X", "utf8"][..] } else { &[] })
            .args(["-c", PROGRAM])
            .env("PYTHONHASHSEED", "0")
            .env("LC_ALL", "C.UTF-8")
            .dir("/");
        let (stdin, stdout, running) = self.interpreter.enter(command).start()?;
        let (sent, to_come) = channel();
        let (written, read) = std::thread::scope(|scope| {
            let writer = scope.spawn(move || self.write(stdin, &sent));
            let read = self.read(stdout, &to_come);
            (writer.join(), read)
        });
        match read {
            Ok(()) => {
                // A source that could not be read; the server itself is well.
                written.unwrap_or_else(|_| Err(lost(self.interpreter)))?;
                running.finish().map_err(Error::from)
            }
            Err(Broken::Done(error)) => Err(error.into()),
            // The interpreter's own words say more than a broken pipe does.
            Err(Broken::Server(path, error)) => {
                let ended = self.interpreter.container.as_ref().and_then(|container| container.ended());
                let reason = match running.finish() {
                    Err(_) if let Some(ended) = ended => ended.to_string(),
                    Err(ExecError::Failed { stderr, .. }) if !stderr.is_empty() => stderr,
                    Err(ExecError::Signal { .. }) => "it was ended by a signal".to_owned(),
                    _ => error.to_string(),
                };
                Err(Error::Server { program: self.interpreter.program.display().to_string(), path, reason })
            }
        }
    }

    fn write(&self, mut stdin: PipeWriter, sent: &Sender<usize>) -> Result<(), Error> {
        loop {
            let index = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(job) = self.jobs.get(index) else { return Ok(()) };
            let source = job.content.read()?;
            let path = job.entry.path.as_str().as_bytes();
            let lengths = [path.len(), source.len()].map(|length| u32::try_from(length).unwrap_or(u32::MAX));
            let mut head = Vec::with_capacity(12 + path.len());
            [lengths[0], lengths[1], self.source_date].iter().for_each(|number| head.extend(number.to_le_bytes()));
            head.extend_from_slice(path);
            // The reader hears of it first, so that it can name it if the interpreter ends over it.
            if sent.send(index).is_err() || stdin.write_all(&head).and_then(|()| stdin.write_all(&source)).is_err() {
                return Ok(());
            }
        }
    }

    fn read(&self, stdout: PipeReader, to_come: &Receiver<usize>) -> Result<(), Broken> {
        let mut stdout = io::BufReader::with_capacity(64 * 1024, stdout);
        for index in to_come {
            let Some(job) = self.jobs.get(index) else { continue };
            let broken = |error| Broken::Server(job.entry.path.to_string(), error);
            let answer = self.read_answer(&mut stdout).map_err(broken)?;
            self.accept(job, answer).map_err(Broken::Done)?;
            let compiled = self.compiled.fetch_add(1, Ordering::Relaxed) + 1;
            self.listener.progress(compiled as u64, self.jobs.len() as u64);
        }
        Ok(())
    }

    fn accept(&self, job: &Job<'_>, answer: Answer) -> io::Result<()> {
        let mut groups = self.groups.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(group) = groups.get_mut(&job.group) else { return Ok(()) };
        if let Some(slot) = group.answers.get_mut(job.place) {
            *slot = Some(answer);
        }
        group.missing -= 1;
        if group.missing > 0 {
            return Ok(());
        }
        let answers = groups.remove(&job.group).map(|group| group.answers).unwrap_or_default();
        drop(groups);
        (self.done)(job.group, answers.into_iter().flatten().collect())
    }

    fn read_answer(&self, stdout: &mut impl Read) -> io::Result<Answer> {
        let mut head = [0; 5];
        stdout.read_exact(&mut head)?;
        let [status, length @ ..] = head;
        let mut data = vec![0; usize::try_from(u32::from_le_bytes(length)).unwrap_or(usize::MAX)];
        stdout.read_exact(&mut data)?;
        if status != 0 {
            return Ok(Answer::Refused(String::from_utf8_lossy(&data).into_owned()));
        }
        let version = self.interpreter.version;
        let header = header_size(version);
        if let Some(code) = data.get(header..).and_then(|code| marshal::normalise(code, version)) {
            data.truncate(header);
            data.extend_from_slice(&code);
        }
        Ok(Answer::Bytecode(data))
    }
}
