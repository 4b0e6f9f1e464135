//! The programs in `<prefix>/bin`: launchers of entry points, and scripts of wheels with their `#!python` line.

use std::io::{self, Read};
use std::sync::Arc;

use minijinja::context;

use super::Content;
use super::entry_points::Script;
use super::text::Template;

/// The longest `#!` line that every supported kernel takes, with its newline (`BINPRM_BUF_SIZE` was 128 before Linux
/// 5.1, and one byte of it is the final NUL).
const LONGEST_SHEBANG: usize = 127;

/// A script has to be read whole to get another first line; none is near this size.
const LARGEST_SCRIPT: u64 = 64 << 20;

/// The first line of a script that runs on `python`, newline included; `options` are those of the original line.
///
/// A path that is too long for the kernel or has white space is started by `/bin/sh`, in a way that Python takes for a
/// string (pip and uv do the same).
pub(super) fn shebang(python: &str, options: &str) -> io::Result<String> {
    let options = options.trim();
    let options = if options.is_empty() { String::new() } else { format!(" {options}") };
    let length = "#!".len() + python.len() + options.len() + "\n".len();
    let simple = length <= LONGEST_SHEBANG && !python.contains(char::is_whitespace);
    let template = if simple { Template::Shebang } else { Template::ShebangExec };
    template.render(context! { python, options })
}

/// The text of a console or GUI script.
pub(super) fn launcher(script: &Script, python: &str) -> io::Result<String> {
    Template::Launcher.render(context! {
        shebang => shebang(python, "")?,
        module => &script.module,
        import_name => script.import_name(),
        function => &script.function,
    })
}

/// Would this file of `*.data/scripts` be the wrapper of an entry point, as old tools packed it along? pip leaves it
/// out, too.
pub(super) fn is_wrapper(file_name: &str, scripts: &[Script]) -> bool {
    let name = file_name.strip_suffix(".exe").or_else(|| file_name.strip_suffix("-script.py"));
    let name = name.or_else(|| file_name.strip_suffix(".pya")).unwrap_or(file_name);
    scripts.iter().any(|script| script.name == name)
}

/// A script of `*.data/scripts`: one that starts with `#!python` gets the tree's interpreter, its options kept; any
/// other stays as it is.
pub(super) fn relocate(content: Content, python: &str) -> io::Result<Content> {
    const MARK: &[u8] = b"#!python";
    let mut start = Vec::with_capacity(MARK.len());
    content.open()?.take(MARK.len() as u64).read_to_end(&mut start)?;
    if start != MARK {
        return Ok(content);
    }
    if content.size() > LARGEST_SCRIPT {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("a script of {} bytes", content.size())));
    }
    let text = content.read()?;
    let end = memchr::memchr(b'\n', &text).map_or(text.len(), |newline| newline + 1);
    let (line, rest) = text.split_at(end);
    let line = String::from_utf8_lossy(line.get(MARK.len()..).unwrap_or_default());
    // After `#!python`: the rest of the word (`w`, `3`), then the options. Options that a shell would take apart
    // cannot be what Python's are.
    let options = line.trim_end().split_once(char::is_whitespace).map_or("", |(_, options)| options.trim());
    let plain = |character: char| character.is_ascii_alphanumeric() || " -_=.:,".contains(character);
    if !options.chars().all(plain) {
        let message = format!("the first line has options that cannot be kept: `{}`", options.escape_default());
        return Err(io::Error::new(io::ErrorKind::InvalidData, message));
    }
    let mut relocated = shebang(python, options)?.into_bytes();
    relocated.extend_from_slice(rest);
    Ok(Content::Bytes(Arc::from(relocated)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn relocated(text: &str, python: &str) -> String {
        let content = relocate(Content::Bytes(Arc::from(text.as_bytes())), python).unwrap();
        String::from_utf8(content.read().unwrap()).unwrap()
    }

    #[test]
    fn only_the_mark_of_the_wheel_specification_is_replaced() {
        assert_eq!(relocated("#!python\nx\n", "/o/bin/python"), "#!/o/bin/python\nx\n");
        assert_eq!(relocated("#!pythonw -I\r\nx", "/o/bin/python"), "#!/o/bin/python -I\nx");
        assert_eq!(relocated("#!python", "/o/bin/python"), "#!/o/bin/python\n");
        for kept in ["#!/usr/bin/env python\n", "#!/bin/sh\n", "x #!python\n", ""] {
            assert_eq!(relocated(kept, "/o/bin/python"), kept);
        }
    }

    #[test]
    fn a_long_or_spaced_path_is_started_by_the_shell() {
        let fits = format!("/{}", "p".repeat(LONGEST_SHEBANG - 4));
        assert_eq!(shebang(&fits, "").unwrap().len(), LONGEST_SHEBANG);
        assert!(shebang(&format!("{fits}p"), "").unwrap().starts_with("#!/bin/sh\n'''exec' '/ppp"));
        assert!(shebang(&fits, "-I").unwrap().contains("' -I \"$0\" \"$@\"\n' '''\n"));
    }

    /// Really run: the interpreter is a link in a directory with a space, quotes and a dollar, or behind a long path.
    #[test]
    fn scripts_behind_awkward_paths_run() {
        let dir = tempfile::tempdir().unwrap();
        let python = which::which("python3").unwrap();
        for name in ["a b", "it's '' \"$HOME\"", &"long".repeat(40)] {
            let bin = dir.path().join(name);
            fs_err::create_dir(&bin).unwrap();
            let link = bin.join("python");
            fs_err::os::unix::fs::symlink(&python, &link).unwrap();
            let text = "#!python -I\nimport sys\nprint(sys.flags.isolated, sys.argv[1:])\n";
            let script = bin.join("script");
            fs_err::write(&script, relocated(text, link.to_str().unwrap())).unwrap();
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
            fs_err::set_permissions(&script, mode).unwrap();
            let output = crate::exec::Command::new(&script).args(["a b", "$c"]).run_checked().unwrap();
            assert_eq!(output.stdout_text(), "1 ['a b', '$c']\n", "{name}");
        }
    }

    #[test]
    fn a_script_that_would_fill_the_memory_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("script");
        fs_err::write(&path, "#!python\n").unwrap();
        let file = fs_err::OpenOptions::new().write(true).open(&path).unwrap();
        file.set_len(LARGEST_SCRIPT + 1).unwrap();
        let content = Content::File { path: Arc::new(path), size: LARGEST_SCRIPT + 1 };
        assert!(relocate(content, "/o/bin/python").unwrap_err().to_string().contains("bytes"));
    }

    /// The kernel reads the first line, Python all of them: to it, what the shell runs is a string.
    #[test]
    fn python_passes_over_what_the_shell_runs() {
        use proptest::strategy::{Strategy, ValueTree};
        let mut runner = proptest::test_runner::TestRunner::deterministic();
        let path = "/([a-z ]|\"|'|\\$|`|#|é|!|%|\\{|'''|/|a{60}){0,8}/python3";
        let mut texts = Vec::new();
        for _ in 0..500 {
            let path = path.new_tree(&mut runner).unwrap().current();
            let text = shebang(&path, "-I").unwrap();
            let first = text.lines().next().unwrap();
            assert!(
                first.len() < LONGEST_SHEBANG && (first == "#!/bin/sh" || first == format!("#!{path} -I")),
                "{text}"
            );
            texts.push(text);
        }
        let script = "import ast, json, sys\n\
                      for text in json.load(open(sys.argv[1])):\n\
                      \x20   for node in ast.parse(text).body:\n\
                      \x20       assert isinstance(node, ast.Expr) and isinstance(node.value.value, str), text";
        let file = tempfile::NamedTempFile::new().unwrap();
        fs_err::write(file.path(), serde_json::to_string(&texts).unwrap()).unwrap();
        let python = which::which("python3").unwrap();
        crate::exec::Command::new(python).args(["-W", "ignore", "-c", script]).arg(file.path()).run_checked().unwrap();
    }

    #[test]
    fn wrappers_of_entry_points_are_known_by_name() {
        let scripts = [Script { name: "a".into(), module: "m".into(), function: "f".into() }];
        assert!(["a", "a.exe", "a-script.py"].iter().all(|name| is_wrapper(name, &scripts)));
        assert!(!is_wrapper("b", &scripts));
    }
}
