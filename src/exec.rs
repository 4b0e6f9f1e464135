//! The one door to other programs: every process omnipack starts is started here, so that each failure names the
//! program, what was asked of it and what it said.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, BufRead, BufReader, PipeReader, PipeWriter, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use miette::Diagnostic;
use thiserror::Error;

use crate::scratch::Undo;

/// Why a program gave no usable answer.
#[derive(Debug, Error, Diagnostic)]
pub enum ExecError {
    #[error("cannot run `{program}`: {source}")]
    #[diagnostic(code(exec::start), help("install `{program}`, or put it on PATH"))]
    Start { program: String, source: std::io::Error },
    #[error("`{command}` failed with exit code {code}\n{stderr}")]
    #[diagnostic(code(exec::failed))]
    Failed { command: String, code: i32, stderr: String },
    #[error("`{command}` was ended by a signal\n{stderr}")]
    #[diagnostic(code(exec::signal))]
    Signal { command: String, stderr: String },
    #[error("`{command}` was not done after {seconds} seconds and was ended\n{said}")]
    #[diagnostic(code(exec::timeout))]
    Timeout { command: String, seconds: u64, said: String },
}

/// What a finished program printed.
#[derive(Debug, Clone)]
pub struct Output {
    pub code: i32,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
}

impl Output {
    #[must_use]
    pub fn stdout_text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    #[must_use]
    pub fn stderr_text(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }
}

/// What a [`Command`] is made of.
#[derive(Debug, Clone, Copy)]
pub struct Parts<'a> {
    pub program: &'a Path,
    pub args: &'a [OsString],
    /// What is set, not what is inherited.
    pub env: &'a [(OsString, OsString)],
    pub dir: Option<&'a Path>,
    pub umask: Option<u32>,
}

/// A program and its arguments, not yet started.
#[derive(Debug, Clone)]
pub struct Command {
    program: PathBuf,
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    env_remove: Vec<OsString>,
    dir: Option<PathBuf>,
    umask: Option<u32>,
}

impl Command {
    #[must_use]
    pub fn new(program: impl AsRef<Path>) -> Self {
        Self {
            program: program.as_ref().to_path_buf(),
            args: Vec::new(),
            env: Vec::new(),
            env_remove: Vec::new(),
            dir: None,
            umask: None,
        }
    }

    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_os_string());
        self
    }

    #[must_use]
    pub fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_os_string()));
        self
    }

    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.env.push((name.as_ref().to_os_string(), value.as_ref().to_os_string()));
        self
    }

    #[must_use]
    pub fn env_remove(mut self, name: impl AsRef<OsStr>) -> Self {
        self.env_remove.push(name.as_ref().to_os_string());
        self
    }

    #[must_use]
    pub fn dir(mut self, dir: impl AsRef<Path>) -> Self {
        self.dir = Some(dir.as_ref().to_path_buf());
        self
    }

    /// Permission bits that files made by the program do not get, whatever omnipack itself runs under.
    #[must_use]
    pub fn umask(mut self, mask: u32) -> Self {
        self.umask = Some(mask);
        self
    }

    /// What it is made of, for who runs it elsewhere.
    #[must_use]
    pub fn parts(&self) -> Parts<'_> {
        Parts { program: &self.program, args: &self.args, env: &self.env, dir: self.dir.as_deref(), umask: self.umask }
    }

    /// The command line as a person would type it, for messages. Credentials inside URLs are masked.
    #[must_use]
    pub fn display(&self) -> String {
        let words = std::iter::once(self.program.as_os_str()).chain(self.args.iter().map(OsString::as_os_str));
        words.map(|word| mask_credentials(&word.to_string_lossy())).collect::<Vec<_>>().join(" ")
    }

    /// Runs to the end, with no standard input, and gives what was printed whatever the exit code.
    ///
    /// # Errors
    /// When the program cannot be started or was ended by a signal.
    pub fn run(&self) -> Result<Output, ExecError> {
        let output = self
            .expression()
            .stdin_null()
            .stdout_capture()
            .stderr_capture()
            .unchecked()
            .run()
            .map_err(|source| self.cannot_start(source))?;
        match output.status.code() {
            Some(code) => Ok(Output { code, stdout: output.stdout, stderr: output.stderr }),
            None => Err(ExecError::Signal {
                command: self.display(),
                stderr: mask_credentials(String::from_utf8_lossy(&output.stderr).trim_end()),
            }),
        }
    }

    /// As [`Command::run`], for a program that may leave others running (a service that holds on to the output) or may
    /// never end: what is not done in time is ended, with all that it started.
    ///
    /// # Errors
    /// As [`Command::run`], and when the time is over.
    pub fn run_within(&self, time: Duration) -> Result<Output, ExecError> {
        let cannot_start = |source| self.cannot_start(source);
        // Into files: the end of a pipe comes only when the last one who holds it has ended.
        let mut stdout = tempfile::tempfile().map_err(cannot_start)?;
        let mut stderr = tempfile::tempfile().map_err(cannot_start)?;
        let handle = self
            .expression()
            .stdin_null()
            .stdout_file(stdout.try_clone().map_err(cannot_start)?)
            .stderr_file(stderr.try_clone().map_err(cannot_start)?)
            .unchecked()
            .start()
            .map_err(cannot_start)?;
        let status = handle.wait_timeout(time).map_err(cannot_start)?.map(|output| output.status);
        if status.is_none() {
            handle.pids().into_iter().for_each(end_tree);
            let _ = handle.kill();
            let _ = handle.wait();
        }
        let stdout = written(&mut stdout).map_err(cannot_start)?;
        let stderr = written(&mut stderr).map_err(cannot_start)?;
        let text = |bytes: &[u8]| mask_credentials(String::from_utf8_lossy(bytes).trim_end());
        match status {
            None => Err(ExecError::Timeout {
                command: self.display(),
                seconds: time.as_secs(),
                said: [text(&stdout), text(&stderr)].join("\n").trim().to_owned(),
            }),
            Some(status) => match status.code() {
                Some(code) => Ok(Output { code, stdout, stderr }),
                None => Err(ExecError::Signal { command: self.display(), stderr: text(&stderr) }),
            },
        }
    }

    /// As [`Command::run`], and hands on each line of what the program says, on either stream, when it is said. All of it is
    /// in the output's `stdout`. When omnipack is interrupted, the program is ended with all that it started.
    ///
    /// # Errors
    /// As [`Command::run`].
    pub fn follow(&self, heard: &mut dyn FnMut(&str)) -> Result<Output, ExecError> {
        let failed = |source| self.cannot_start(source);
        let (reader, writer) = io::pipe().map_err(failed)?;
        let start = || {
            let expression = self.expression().stdin_null().stderr_to_stdout().stdout_file(writer).unchecked();
            expression.start().map(Arc::new).map_err(failed)
        };
        let (handle, undo) = Undo::of(start, |handle| {
            let handle = Arc::downgrade(handle);
            move || {
                if let Some(handle) = handle.upgrade()
                    && matches!(handle.try_wait(), Ok(None))
                {
                    handle.pids().into_iter().for_each(end_tree);
                }
            }
        })?;
        let mut said = Vec::new();
        let mut lines = BufReader::new(reader);
        loop {
            let start = said.len();
            if lines.read_until(b'\n', &mut said).map_err(failed)? == 0 {
                break;
            }
            heard(&mask_credentials(String::from_utf8_lossy(&said[start..]).trim_end()));
        }
        let status = handle.wait().map_err(failed)?.status;
        drop(undo);
        match status.code() {
            Some(code) => Ok(Output { code, stdout: said, stderr: Vec::new() }),
            None => Err(ExecError::Signal {
                command: self.display(),
                stderr: mask_credentials(String::from_utf8_lossy(&said).trim_end()),
            }),
        }
    }

    /// Starts a program that goes on by itself, with all that it says in the file `log`.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub fn start_logged(&self, log: &Path) -> Result<Background, ExecError> {
        let expression = self.expression().stdin_null().stderr_to_stdout().stdout_path(log).unchecked();
        let handle = expression.start().map_err(|source| self.cannot_start(source))?;
        Ok(Background { handle })
    }

    /// Starts the program with pipes to its standard input and from its standard output; what it says on standard
    /// error is kept. The input ends when the writer is dropped; then [`Running::finish`] says how it went.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub fn start(&self) -> Result<(PipeWriter, PipeReader, Running), ExecError> {
        let (stdin_reader, stdin) = io::pipe().map_err(|source| self.cannot_start(source))?;
        let (stdout, stdout_writer) = io::pipe().map_err(|source| self.cannot_start(source))?;
        let handle = self
            .expression()
            .stdin_file(stdin_reader)
            .stdout_file(stdout_writer)
            .stderr_capture()
            .unchecked()
            .start()
            .map_err(|source| self.cannot_start(source))?;
        Ok((stdin, stdout, Running { handle, command: self.display() }))
    }

    fn expression(&self) -> duct::Expression {
        // As a path, duct would look for a bare name in the working directory instead of on PATH.
        let mut expression = match self.umask {
            None => duct::cmd(self.program.as_os_str(), &self.args),
            // The mask belongs to the whole process: a shell sets it between fork and exec.
            Some(mask) => {
                let script = format!("umask {mask:03o} && exec \"$0\" \"$@\"");
                let words = [OsStr::new("-c"), OsStr::new(&script), self.program.as_os_str()];
                duct::cmd("sh", words.into_iter().chain(self.args.iter().map(OsString::as_os_str)))
            }
        };
        for (name, value) in &self.env {
            expression = expression.env(name, value);
        }
        for name in &self.env_remove {
            expression = expression.env_remove(name);
        }
        if let Some(dir) = &self.dir {
            expression = expression.dir(dir);
        }
        expression
    }

    fn cannot_start(&self, source: io::Error) -> ExecError {
        ExecError::Start { program: self.program.display().to_string(), source }
    }

    /// Runs to the end and takes any exit code but 0 as a failure.
    ///
    /// # Errors
    /// As [`Command::run`], and when the exit code is not 0.
    pub fn run_checked(&self) -> Result<Output, ExecError> {
        let output = self.run()?;
        if output.code == 0 {
            return Ok(output);
        }
        Err(ExecError::Failed {
            command: self.display(),
            code: output.code,
            stderr: mask_credentials(output.stderr_text().trim_end()),
        })
    }
}

/// A program that was started and is driven through its pipes. One that is dropped unfinished is ended.
#[derive(Debug)]
pub struct Running {
    handle: duct::Handle,
    command: String,
}

impl Running {
    /// Waits for the end.
    ///
    /// # Errors
    /// When the program failed or was ended by a signal.
    pub fn finish(self) -> Result<(), ExecError> {
        let program = || self.command.clone();
        let output = self.handle.wait().map_err(|source| ExecError::Start { program: program(), source })?;
        let stderr = mask_credentials(String::from_utf8_lossy(&output.stderr).trim_end());
        match output.status.code() {
            Some(0) => Ok(()),
            Some(code) => Err(ExecError::Failed { command: program(), code, stderr }),
            None => Err(ExecError::Signal { command: program(), stderr }),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // One that has ended already cannot be ended again, and that is all that can go wrong.
        let _ = self.handle.kill();
    }
}

/// A program that runs beside. It is not ended when this is dropped.
#[derive(Debug)]
pub struct Background {
    handle: duct::Handle,
}

impl Background {
    /// The process id; 0 when there is none any more.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.handle.pids().first().copied().unwrap_or(0)
    }

    /// How it has ended; `None` while it runs, -1 when it was ended by a signal.
    #[must_use]
    pub fn exit_code(&self) -> Option<i32> {
        match self.handle.try_wait() {
            Ok(None) => None,
            Ok(Some(output)) => Some(output.status.code().unwrap_or(-1)),
            Err(_) => Some(-1),
        }
    }

    #[must_use]
    pub fn has_ended(&self) -> bool {
        !matches!(self.handle.try_wait(), Ok(None))
    }

    /// Ends it now, without asking. Does nothing when it has ended.
    pub fn kill(&self) {
        let _ = self.handle.kill();
    }

    /// As [`Background::kill`], with all that it started.
    pub fn kill_tree(&self) {
        // Not when it has ended: another process may have its number by now.
        if !self.has_ended() {
            end_tree(self.pid());
            self.kill();
        }
    }
}

/// The process ids of the children of a process of this machine, the earliest first (proc(5), `children`).
#[must_use]
pub fn children(pid: u32) -> Vec<u32> {
    let text = fs_err::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    text.split_whitespace().filter_map(|pid| pid.parse().ok()).collect()
}

/// Ends a process and all that it started, the youngest first, so that none of them is handed on to process 1.
fn end_tree(pid: u32) {
    children(pid).into_iter().for_each(end_tree);
    let _ = Command::new("kill").args(["-s", "KILL", &pid.to_string()]).run();
}

/// What was written into a file that nobody reads from.
fn written(file: &mut File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Replaces the user-info of every URL in `text` by `****`, so that no message or log shows a credential. A password may
/// have any character but `/`, `?`, `#` and white space (quotes, too, and more than one `@`): everything up to the last
/// `@` before one of these is taken for it.
#[must_use]
pub fn mask_credentials(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("://") {
        let (head, tail) = rest.split_at(start + 3);
        masked.push_str(head);
        let authority_end = tail.find(|c: char| c.is_whitespace() || "/?#".contains(c)).unwrap_or(tail.len());
        match tail[..authority_end].rfind('@') {
            Some(at) => {
                masked.push_str("****");
                rest = &tail[at..];
            }
            None => rest = tail,
        }
    }
    masked.push_str(rest);
    masked
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;

    #[test]
    fn a_program_that_leaves_another_running_is_not_waited_for() {
        let begun = std::time::Instant::now();
        let command = Command::new("sh").args(["-c", "sleep 30 & echo $!; exit 3"]);
        let output = command.run_within(Duration::from_secs(25)).unwrap();
        assert!(begun.elapsed() < Duration::from_secs(20));
        assert_eq!(output.code, 3);
        Command::new("kill").arg(output.stdout_text().trim()).run_checked().unwrap();
    }

    #[test]
    fn what_takes_too_long_is_ended_with_all_that_it_started() {
        let command = Command::new("sh").args(["-c", "echo begun; sh -c 'sleep 600 & echo $!; wait'"]);
        let error = command.run_within(Duration::from_secs(1)).unwrap_err();
        let ExecError::Timeout { said, seconds: 1, .. } = &error else { panic!("{error}") };
        let (first, pid) = said.split_once('\n').unwrap();
        assert_eq!(first, "begun");
        let state = fs_err::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        assert!(state.is_empty() || state.contains(" Z "), "{state}");
    }

    #[test]
    fn a_missing_program_is_named() {
        let error = Command::new("omnipack-no-such-program").run().unwrap_err();
        assert!(error.to_string().contains("omnipack-no-such-program"), "{error}");
    }

    #[test]
    fn a_failure_carries_code_and_standard_error() {
        let error = Command::new("sh").args(["-c", "echo wrong >&2; exit 7"]).run_checked().unwrap_err();
        assert!(matches!(&error, ExecError::Failed { code: 7, stderr, .. } if stderr == "wrong"), "{error}");
    }

    #[test]
    fn a_program_has_the_directory_and_the_surroundings_it_is_given() {
        let dir = tempfile::tempdir().unwrap();
        let dir = fs_err::canonicalize(dir.path()).unwrap();
        // What is removed is there for every test, by cargo.
        let command = Command::new("sh").args(["-c", "pwd; echo $GIVEN; echo ${CARGO_PKG_NAME-gone}"]);
        let output = command.env("GIVEN", "a b").env_remove("CARGO_PKG_NAME").dir(&dir).run_checked().unwrap();
        assert_eq!(output.stdout_text(), format!("{}\na b\ngone\n", dir.display()));
    }

    #[test]
    fn a_program_that_is_dropped_unfinished_is_ended() {
        let (stdin, mut stdout, running) = Command::new("sh").args(["-c", "exec sleep 600"]).start().unwrap();
        drop(running);
        let begun = std::time::Instant::now();
        // Its end closes the pipe.
        stdout.read_to_end(&mut Vec::new()).unwrap();
        assert!(begun.elapsed() < std::time::Duration::from_secs(300));
        drop(stdin);
    }

    #[test]
    fn a_started_program_is_driven_through_its_pipes() {
        let (mut stdin, mut stdout, running) = Command::new("cat").start().unwrap();
        stdin.write_all(b"there and back").unwrap();
        drop(stdin);
        let mut text = String::new();
        stdout.read_to_string(&mut text).unwrap();
        assert_eq!(text, "there and back");
        running.finish().unwrap();

        let (_stdin, mut stdout, running) = Command::new("sh").args(["-c", "echo wrong >&2; exit 7"]).start().unwrap();
        stdout.read_to_string(&mut text).unwrap();
        let error = running.finish().unwrap_err();
        assert!(matches!(&error, ExecError::Failed { code: 7, stderr, .. } if stderr == "wrong"), "{error}");
    }

    #[test]
    fn a_umask_is_the_programs_only_and_arguments_stay_whole() {
        let print = Command::new("sh").args(["-c", "umask; printf '%s|' \"$0\" \"$@\"", "a b", "$c", "d'\""]);
        let text = print.clone().umask(0o027).run_checked().unwrap().stdout_text();
        assert_eq!(text, "0027\na b|$c|d'\"|");
        let other = print.umask(0o002).run_checked().unwrap().stdout_text();
        assert_eq!(other.lines().next(), Some("0002"));
    }

    #[test]
    fn credentials_are_masked_in_every_url() {
        assert_eq!(
            mask_credentials("get https://me:s3cret@host/simple and http://x@y/ but not a@b.c or https://plain/a@b"),
            "get https://****@host/simple and http://****@y/ but not a@b.c or https://plain/a@b"
        );
    }

    #[test]
    fn what_a_killed_program_said_is_masked_too() {
        let error = Command::new("sh").args(["-c", "echo http://a:geheim@host >&2; kill -9 $$"]).run().unwrap_err();
        assert!(matches!(&error, ExecError::Signal { stderr, .. } if stderr == "http://****@host"), "{error}");
    }

    proptest::proptest! {
        /// Whatever a password is made of, short of what ends it.
        #[test]
        fn no_password_is_left(
            user in "[a-z]{0,4}",
            password in "[^\\s/?#]{4,12}",
            before in "([a-z'\"<(= ]{0,6}|https://plain/a@b )",
            after in "(/simple|[/?# ].{0,12})?",
        ) {
            let secret = format!("<{password}>");
            let masked = mask_credentials(&format!("{before}https://{user}:{secret}@host{after}"));
            proptest::prop_assert!(!masked.contains(&secret) || after.contains(&secret), "{masked}");
            proptest::prop_assert!(masked.contains("https://****@host"), "{masked}");
        }
    }
}
