//! A service whose every value has been looked at: words split, command found, enumerations known. Nothing that a
//! unit file or an init script could misread passes.

use crate::distribution::{InitSystem, ToolVersion};
use crate::plan::{BuildPlan, PackagePlan};
use crate::project::{INSTANCE, Service};

use super::command::{self, MainPid, Word};
use super::{Error, accounts, cron, main_name, own_directories};

/// A service that can be rendered.
#[derive(Debug, Clone)]
pub struct Checked<'a> {
    pub service: &'a Service,
    /// `cdhboot-web`: name of the unit without `.service`, of the init script, of the log.
    pub id: String,
    /// The absolute program first.
    pub argv: Vec<String>,
    pub reload: Option<Reload>,
    /// `root` when none is given.
    pub user: &'a str,
}

/// How a service is told to read its configuration again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reload {
    /// `HUP`, to the main process.
    Signal(String),
    /// The absolute program first.
    Command(Vec<Word>),
}

/// Signals that a `reload` may name, with or without `SIG`.
const SIGNALS: [&str; 6] = ["HUP", "USR1", "USR2", "INT", "TERM", "WINCH"];
/// `Type=` in systemd.service(5).
const TYPES: [&str; 8] = ["simple", "exec", "forking", "oneshot", "dbus", "notify", "notify-reload", "idle"];
/// `Restart=` in systemd.service(5).
const RESTARTS: [&str; 7] = ["no", "on-success", "on-failure", "on-abnormal", "on-watchdog", "on-abort", "always"];
/// Names in `bin` that every virtualenv has.
const INTERPRETERS: [&str; 2] = ["python", "python3"];
/// systemd 248 takes control characters in the value of a variable; older ones drop the variable
/// (`env_value_is_valid` in its source).
const CONTROL_IN_ENVIRONMENT: ToolVersion = ToolVersion { major: 248, minor: 0, patch: 0 };
/// Before systemd 228 an argument that starts with `$$` is taken for a variable (systemd pull request 1487).
const DOLLAR_FIRST: ToolVersion = ToolVersion { major: 228, minor: 0, patch: 0 };

/// Checks every service of `package`.
pub fn services<'a>(plan: &BuildPlan, package: &'a PackagePlan, scripts: &[String]) -> Result<Vec<Checked<'a>>, Error> {
    package.services.iter().map(|service| check(plan, service, scripts)).collect()
}

fn check<'a>(plan: &BuildPlan, service: &'a Service, scripts: &[String]) -> Result<Checked<'a>, Error> {
    let id = id(plan, service)?;
    check_values(service)?;
    check_environment(plan, service)?;
    let argv = argv(plan, service, scripts)?;
    let reload = reload(plan, service, scripts)?;
    let user = if service.user.is_empty() { "root" } else { service.user.as_str() };
    accounts::check_name("user", user)?;
    if !service.group.is_empty() {
        accounts::check_name("group", &service.group)?;
    }
    check_target(plan, service, &argv)?;
    own_directories::check(plan, service)?;
    cron::check(plan, service)?;
    Ok(Checked { service, id, argv, reload, user })
}

/// systemd.unit(5): a unit name is ASCII letters, digits and `:-_.\@`; the name of a package may also have a `+`.
pub fn id(plan: &BuildPlan, service: &Service) -> Result<String, Error> {
    let sound = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    if service.name.is_empty() || !service.name.chars().all(sound) || service.name.starts_with(['.', '-']) {
        return Err(wrong(
            service,
            "name",
            &service.name,
            "cannot be part of a unit's name",
            "letters, digits, `_`, `-` and `.`",
        ));
    }
    Ok(unchecked_id(plan, service))
}

/// As [`id`], of a service whose name was or will be looked at.
pub fn unchecked_id(plan: &BuildPlan, service: &Service) -> String {
    format!("{}-{}", main_id(plan), service.name)
}

/// The main package's name, as far as the name of a unit may have it.
pub fn main_id(plan: &BuildPlan) -> String {
    main_name(plan).replace(|c: char| !(c.is_ascii_alphanumeric() || "_.-".contains(c)), "_")
}

fn wrong(service: &Service, key: &'static str, value: &str, reason: &str, hint: &str) -> Error {
    Error::Value {
        service: service.name.clone(),
        key,
        value: value.to_owned(),
        reason: reason.to_owned(),
        hint: hint.to_owned(),
    }
}

fn check_values(service: &Service) -> Result<(), Error> {
    one_of(service, "type", &service.kind, &TYPES)?;
    one_of(service, "restart", &service.restart, &RESTARTS)?;
    let octal = |text: &str| (1..=4).contains(&text.len()) && text.chars().all(|c| c.is_digit(8));
    if !service.umask.is_empty() && !octal(&service.umask) {
        return Err(wrong(service, "umask", &service.umask, "is not an octal file mode", "write it as `0027`"));
    }
    let unit_name =
        |name: &str| name.contains('.') && name.chars().all(|c| c.is_ascii_alphanumeric() || ":-_.\\@".contains(c));
    for (key, names) in [("after", &service.after), ("before", &service.before), ("requires", &service.requires)] {
        if let Some(name) = names.iter().find(|name| !unit_name(name)) {
            let hint = "name a unit with its suffix, such as `redis.service` or `network-online.target`";
            return Err(wrong(service, key, name, "is not the name of a unit", hint));
        }
    }
    let paths = [("working-directory", &service.working_directory), ("environment-file", &service.environment_file)];
    for (key, path) in paths.into_iter().filter(|(_, path)| !path.is_empty()) {
        check_path(service, key, path)?;
    }
    if service.environment_file.contains(['*', '?', '[', ']', '\\']) {
        let reason = "has characters that systemd reads as a pattern";
        return Err(wrong(
            service,
            "environment-file",
            &service.environment_file,
            reason,
            "give the file another name",
        ));
    }
    Ok(())
}

fn one_of(service: &Service, key: &'static str, value: &str, known: &[&str]) -> Result<(), Error> {
    if known.contains(&value) {
        return Ok(());
    }
    Err(wrong(service, key, value, "is not known", &format!("one of: {}", known.join(", "))))
}

fn check_path(service: &Service, key: &'static str, path: &str) -> Result<(), Error> {
    if !path.starts_with('/') || path.split('/').any(|part| part == "..") {
        return Err(wrong(service, key, path, "is not an absolute path", "start it with `/`, without `..`"));
    }
    if path.contains(char::is_control) || path.ends_with(char::is_whitespace) {
        let reason = "has a control character, or ends with blank space";
        return Err(wrong(service, key, path, reason, "neither can be written into a unit file"));
    }
    Ok(())
}

fn check_environment(plan: &BuildPlan, service: &Service) -> Result<(), Error> {
    let sound = |name: &str| {
        name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && !name.starts_with(|c: char| c.is_ascii_digit())
    };
    let old = plan.distribution.systemd.is_some_and(|version| version < CONTROL_IN_ENVIRONMENT);
    for (name, value) in &service.environment {
        if name.is_empty() || !sound(name) {
            let hint = "letters, digits and `_`, not starting with a digit";
            return Err(wrong(service, "environment", name, "is not the name of a variable", hint));
        }
        if value.contains('\0') || (old && value.contains(|c: char| c.is_control() && c != '\t')) {
            let reason = "has a control character, which this target's systemd cannot pass on";
            return Err(wrong(service, "environment", value, reason, "put the variable into an `environment-file`"));
        }
    }
    Ok(())
}

fn argv(plan: &BuildPlan, service: &Service, scripts: &[String]) -> Result<Vec<String>, Error> {
    program_and_arguments(plan, service, "command", &service.command, scripts)
}

/// The command of the service's check, as that of the service itself.
pub fn check_command(
    plan: &BuildPlan,
    service: &Service,
    text: &str,
    scripts: &[String],
) -> Result<Vec<String>, Error> {
    program_and_arguments(plan, service, "check.command", text, scripts)
}

fn program_and_arguments(
    plan: &BuildPlan,
    service: &Service,
    key: &'static str,
    text: &str,
    scripts: &[String],
) -> Result<Vec<String>, Error> {
    let words = split(service, key, text, MainPid::Refused)?;
    let mut argv = words
        .into_iter()
        .map(|word| match word {
            Word::Text(text) => text,
            Word::MainPid => "$MAINPID".to_owned(),
        })
        .collect::<Vec<_>>();
    match argv.first_mut() {
        Some(program) if service.count.is_some() && program.contains(INSTANCE) => {
            let reason = "all instances run the same program";
            return Err(command_line(service, "command", &service.command, reason));
        }
        Some(program) => *program = resolve(plan, service, program, scripts)?,
        None => return Err(command_line(service, key, text, "it is empty")),
    }
    Ok(argv)
}

fn split(service: &Service, key: &'static str, text: &str, main_pid: MainPid) -> Result<Vec<Word>, Error> {
    if text.contains('\0') {
        return Err(command_line(service, key, text, "it has a NUL character"));
    }
    command::split(text, main_pid).map_err(|reason| command_line(service, key, text, &reason))
}

fn command_line(service: &Service, key: &'static str, value: &str, reason: &str) -> Error {
    Error::CommandLine { service: service.name.clone(), key, value: value.to_owned(), reason: reason.to_owned() }
}

/// The absolute path of `program`: a script of the virtualenv, or any absolute path outside of it.
fn resolve(plan: &BuildPlan, service: &Service, program: &str, scripts: &[String]) -> Result<String, Error> {
    if !plan.has_python() {
        return packed_program(plan, service, program);
    }
    let bin = format!("{}/bin", plan.prefix);
    let name = match program.strip_prefix(&bin).and_then(|rest| rest.strip_prefix('/')) {
        Some(inside) => inside,
        None if program.starts_with('/') => return Ok(program.to_owned()),
        None => program,
    };
    if scripts.iter().any(|script| script == name) || INTERPRETERS.contains(&name) {
        return Ok(format!("{bin}/{name}"));
    }
    Err(Error::UnknownCommand {
        service: service.name.clone(),
        command: name.to_owned(),
        bin,
        hint: nearest(name, scripts),
    })
}

/// Without a virtualenv: an absolute path, or the name of the one `[[file]]` that is called so on the target.
fn packed_program(plan: &BuildPlan, service: &Service, program: &str) -> Result<String, Error> {
    if program.starts_with('/') {
        return Ok(program.to_owned());
    }
    let files = plan.packages.iter().flat_map(|package| &package.files).map(|file| file.destination.as_str());
    let called = files.filter(|path| path.rsplit('/').next() == Some(program)).collect::<Vec<_>>();
    match called.as_slice() {
        [path] => Ok((*path).to_owned()),
        several => Err(Error::NoProgram {
            service: service.name.clone(),
            program: program.to_owned(),
            hint: match several {
                [] => "write its absolute path, or the name of a program that a `[[file]]` brings".to_owned(),
                _ => format!("write its absolute path: {}", several.join(" or ")),
            },
        }),
    }
}

fn nearest(name: &str, scripts: &[String]) -> String {
    let mut near = scripts
        .iter()
        .map(|script| (strsim::normalized_damerau_levenshtein(name, script), script.as_str()))
        .filter(|(likeness, _)| *likeness > 0.5)
        .collect::<Vec<_>>();
    near.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    let names = near.iter().take(3).map(|(_, script)| format!("`{script}`")).collect::<Vec<_>>();
    if !names.is_empty() {
        return format!("did you mean {}?", names.join(" or "));
    }
    let all = scripts.iter().take(12).map(|script| format!("`{script}`")).collect::<Vec<_>>();
    if all.is_empty() {
        return "the application has no console scripts; add one to `[project.scripts]`, or use `python -m`".to_owned();
    }
    format!("the virtualenv has {}; a program of the system needs its absolute path", all.join(", "))
}

fn reload(plan: &BuildPlan, service: &Service, scripts: &[String]) -> Result<Option<Reload>, Error> {
    let text = service.reload.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let signal = text.strip_prefix("SIG").unwrap_or(text);
    if SIGNALS.contains(&signal) {
        return Ok(Some(Reload::Signal(signal.to_owned())));
    }
    let mut words = split(service, "reload", text, MainPid::Allowed)?;
    match words.first_mut() {
        Some(Word::Text(program)) if program == "kill" => "/bin/kill".clone_into(program),
        Some(Word::Text(program)) => *program = resolve(plan, service, program, scripts)?,
        _ => return Err(command_line(service, "reload", text, "it does not start with a program")),
    }
    Ok(Some(Reload::Command(words)))
}

/// What one service manager or one of its versions cannot do.
fn check_target(plan: &BuildPlan, service: &Service, argv: &[String]) -> Result<(), Error> {
    let distribution = &plan.distribution;
    let unsupported = |what: &str, reason: &str, hint: &str| Error::Unsupported {
        service: service.name.clone(),
        what: what.to_owned(),
        distribution: distribution.name.clone(),
        reason: reason.to_owned(),
        hint: hint.to_owned(),
    };
    if distribution.init == InitSystem::Sysvinit && !plan.has_python() {
        let reason = "its init script starts and stops it by a Python, and the package has none";
        let hint = "take a target with systemd, or ship an init script of your own as a `[[file]]`";
        return Err(unsupported("`interpreter = \"none\"`", reason, hint));
    }
    if distribution.init == InitSystem::Sysvinit && service.kind == "forking" {
        let reason = "an init script has to know the process it watches over";
        return Err(unsupported("`type = \"forking\"`", reason, "let the program stay in the foreground"));
    }
    if let (Some(version), Some(schedule)) = (distribution.systemd, &service.schedule)
        && version.major < schedule.systemd
    {
        let reason = format!("it needs systemd {}, and the target has {}", schedule.systemd, version.major);
        let what = format!("`schedule = {:?}`", schedule.text);
        return Err(unsupported(&what, &reason, "name the moments without what is newer: systemd.time(7)"));
    }
    if distribution.systemd.is_some_and(|version| version < DOLLAR_FIRST)
        && let Some(word) = argv.iter().find(|word| word.starts_with('$'))
    {
        let reason = "its systemd takes an argument that starts with `$` for a variable";
        return Err(unsupported(&format!("the argument `{word}`"), reason, "use `--option=$value`, or a script"));
    }
    Ok(())
}
