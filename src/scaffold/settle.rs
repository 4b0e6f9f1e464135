//! From what a source says of a service to a `[[service]]`: the program as the virtualenv has it, an account of its own, and
//! a name; or the reason why it cannot run as it is.

use std::collections::BTreeMap;

use serde::Serialize;
use toml::Value;

use super::dockerfile::is_secret;
use super::finding::{Candidate, CommandText, Findings, Origin, Said, Trust, one_line};
use super::program::Program;
use super::python::Application;
use super::tree::{Tree, name_of};
use super::words::{self, Line};
use crate::project::{AcceptedValue, accepts};
use crate::template::sh;

/// What a service is for, as far as its command tells; two services of one role from two sources are the same one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    Web,
    Worker,
    Beat,
    Other,
}

/// A service for the configuration.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Service {
    pub name: String,
    pub role: Role,
    pub trust: Trust,
    pub from: Origin,
    pub command: String,
    /// Why it is written as a comment only; none where it can run.
    pub obstacle: Option<Obstacle>,
    pub user: String,
    pub group: Option<String>,
    pub environment: BTreeMap<String, String>,
    pub environment_file: Option<String>,
    pub settings: Vec<(&'static str, Value)>,
    /// The unit or init script that it takes the place of.
    pub formerly: Option<String>,
    /// The extra of the application that brings its program.
    pub extra: Option<String>,
    /// Variables that are not taken over, as everybody could read them.
    pub secrets: Vec<String>,
    pub comments: Vec<String>,
}

/// What is in the way of a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Obstacle {
    pub reason: String,
    pub advice: String,
}

/// What services are settled against.
pub struct Context<'a> {
    pub tree: &'a Tree,
    pub application: &'a Application,
    /// Name of the main package.
    pub package: &'a str,
    /// What the package would be called without any packaging.
    pub application_name: &'a str,
    /// The account of the application's own.
    pub account: &'a str,
    /// What an image installs besides (`Findings::in_image`).
    pub in_image: &'a [Said],
}

/// Stands for the name of the package in a command that is proposed.
const PACKAGE: &str = "@package@";

/// Accounts that distributions make for others, or that no service should have.
const NOT_OWN: [&str; 12] =
    ["root", "www-data", "nobody", "nogroup", "apache", "nginx", "http", "daemon", "bin", "sys", "operator", "vagrant"];

/// Settles a service. What says nothing that goes on running becomes a note.
pub fn settle(candidate: Candidate, context: &Context<'_>, findings: &mut Findings) -> Option<Service> {
    let shown = one_line(&shown(&candidate.command).replace(PACKAGE, context.package));
    let mut comments = candidate.comments.clone();
    let (mut program, given, mut obstacle) = program(&candidate, &shown, context, &mut comments);
    let role = role(&program.words, &candidate.name);
    if candidate.name.is_empty() && role == Role::Other {
        let advice = "nothing says that it goes on running; if it does, write a `[[service]]`";
        findings.note(candidate.from, format!("it runs `{shown}`"), advice);
        return None;
    }
    let words = program.words.iter().map(|word| sh(&word.replace(PACKAGE, context.package)));
    let mut command = words.collect::<Vec<_>>().join(" ");
    if let (None, Err(reason)) = (&obstacle, accepts(AcceptedValue::Command, &command)) {
        obstacle = Some(Obstacle { reason, advice: "write the command by hand".to_owned() });
    }
    if obstacle.is_some() {
        command = shown;
    }
    let name = service_name(&candidate, role, [context.package, context.application_name]);
    let unit = format!("{}-{name}", context.package);
    let former = |name: &String| *name != unit && accepts(AcceptedValue::FormerName, name).is_ok();
    let (user, remark) = account(candidate.user.as_deref(), context.account, candidate.trust);
    comments.extend(remark);
    let is_own = |group: &String| accepts(AcceptedValue::Account, group).is_ok() && !NOT_OWN.contains(&group.as_str());
    let kept = candidate.user.as_deref() == Some(user.as_str());
    let mut settings = candidate.settings.clone();
    // systemd would wait for the first process to end, which it does not any more.
    settings.retain(|(key, value)| !(program.foreground && *key == "type" && value.as_str() == Some("forking")));
    if runs_somewhere(&candidate, role, &program.words) && !settings.iter().any(|(key, _)| *key == "working-directory")
    {
        settings.push(("working-directory", Value::String(home_of(&user))));
    }
    let (environment, secrets) = environment(&candidate, given);
    Some(Service {
        environment,
        secrets,
        formerly: candidate.installed_as.filter(former),
        group: candidate.group.filter(|group| kept && *group != user && is_own(group)),
        name,
        role,
        trust: candidate.trust,
        from: candidate.from,
        command,
        obstacle,
        user,
        environment_file: candidate.environment_file,
        settings,
        extra: program.extra.take(),
        comments,
    })
}

/// The command, the variables that stand in it, and what is in the way.
fn program(
    candidate: &Candidate,
    shown: &str,
    context: &Context<'_>,
    comments: &mut Vec<String>,
) -> (Program, BTreeMap<String, String>, Option<Obstacle>) {
    let read = match &candidate.command {
        CommandText::Shell(text) => words::shell(text, &candidate.environment),
        CommandText::Unit(text) => words::unit(text, &candidate.environment),
        CommandText::Words(words) => from_words(words, candidate),
    };
    let line = match read {
        Ok(line) => line,
        Err(reason) => {
            let advice = if reason.starts_with(words::ONLY_A_SHELL) {
                "what is done again and again is a service with a `schedule` (such as `schedule = \"hourly\"`); all else goes \
                 into a script of the application"
            } else {
                "write the command by hand, or put what needs a shell into a script of the application"
            };
            let program =
                Program { words: vec![shown.to_owned()], extra: None, remarks: Vec::new(), foreground: false };
            return (program, BTreeMap::new(), Some(Obstacle { reason, advice: advice.to_owned() }));
        }
    };
    let mut program = Program { words: line.words, extra: None, remarks: line.remarks, foreground: false };
    let obstacle = program.locate(context).err();
    comments.extend(program.remarks.iter().map(|remark| one_line(remark)));
    (program, line.environment, obstacle)
}

/// Variables of the service, those of its command last, and the names of those that are for no file that a package ships.
fn environment(candidate: &Candidate, given: BTreeMap<String, String>) -> (BTreeMap<String, String>, Vec<String>) {
    let mut environment = BTreeMap::new();
    let mut secrets = Vec::new();
    for (name, value) in candidate.environment.clone().into_iter().chain(given) {
        if is_secret(&name) || crate::project::is_secret(&name, &value) {
            secrets.push(one_line(&name));
        } else if accepts(AcceptedValue::Variable, &name).is_ok() && accepts(AcceptedValue::Line, &value).is_ok() {
            environment.insert(name, value);
        }
    }
    (environment, secrets)
}

/// The home of an account that a package makes.
pub fn home_of(user: &str) -> String {
    format!("/var/lib/{user}")
}

/// Does it run in a directory that it may write to? What it writes without a path would go to `/` otherwise.
fn runs_somewhere(candidate: &Candidate, role: Role, words: &[String]) -> bool {
    let has_schedule = words.iter().any(|word| word.starts_with("--schedule") || word == "-s");
    candidate.directory.is_some() || candidate.trust == Trust::Procfile || (role == Role::Beat && !has_schedule)
}

fn from_words(words: &[String], candidate: &Candidate) -> Result<Line, String> {
    match words {
        [] => Err("there is no command in it".to_owned()),
        [shell, option, script]
            if ["sh", "bash"].contains(&name_of(shell)) && option.starts_with('-') && option.ends_with('c') =>
        {
            words::shell(script, &candidate.environment)
        }
        words if words.iter().any(|word| word.contains(char::is_control)) => {
            Err("it has a control character".to_owned())
        }
        words => Ok(Line { words: words.to_vec(), ..Line::default() }),
    }
}

fn shown(command: &CommandText) -> String {
    match command {
        CommandText::Shell(text) | CommandText::Unit(text) => text.clone(),
        CommandText::Words(words) => words.iter().map(|word| sh(word)).collect::<Vec<_>>().join(" "),
    }
}

/// The account, and what to say where it is not the one of the source.
fn account(given: Option<&str>, own: &str, trust: Trust) -> (String, Option<String>) {
    let own = own.to_owned();
    match given {
        Some(name) if accepts(AcceptedValue::Account, name).is_ok() && !NOT_OWN.contains(&name) => {
            (name.to_owned(), None)
        }
        Some(name) => {
            let name = one_line(name);
            (own.clone(), Some(format!("there it runs as {name}, here as {own}, which is made for it and may do less")))
        }
        None if matches!(trust, Trust::Unit | Trust::InitScript) => (
            own.clone(),
            Some(format!("there it runs as root, here as {own}: `user = \"root\"` if it cannot do without")),
        ),
        None => (own, None),
    }
}

/// The name after `<package>-`.
fn service_name(candidate: &Candidate, role: Role, packages: [&str; 2]) -> String {
    let name = candidate.name.replace('_', "-");
    let after = |package: &&str| {
        let rest = name.strip_prefix(*package)?;
        (rest.is_empty() || rest.starts_with(['-', '.'])).then(|| rest.trim_start_matches(['-', '.']))
    };
    let bare = packages.iter().find_map(after).unwrap_or(&name);
    let bare = if bare.is_empty() {
        match role {
            Role::Web => "web",
            Role::Worker => "worker",
            Role::Beat => "beat",
            Role::Other => "server",
        }
    } else {
        bare
    };
    if accepts(AcceptedValue::ServiceName, bare).is_ok() { bare.to_owned() } else { "server".to_owned() }
}

fn role(words: &[String], name: &str) -> Role {
    let program = words.first().map_or("", |word| name_of(word));
    let module = words.iter().position(|word| word == "-m").and_then(|index| words.get(index + 1));
    let program = module.filter(|_| program.starts_with("python")).map_or(program, String::as_str);
    let has = |wanted: &str| words.iter().any(|word| word == wanted);
    match program {
        "gunicorn" | "uvicorn" | "hypercorn" | "daphne" | "waitress-serve" | "uwsgi" | "granian" | "waitress" => {
            Role::Web
        }
        "flask" | "fastapi" if has("run") => Role::Web,
        _ if has("runserver") => Role::Web,
        "celery" if has("worker") => Role::Worker,
        "celery" if has("beat") => Role::Beat,
        "rq" | "rqworker" | "dramatiq" | "huey_consumer" | "huey_consumer.py" => Role::Worker,
        _ => match name {
            "web" => Role::Web,
            "worker" => Role::Worker,
            "beat" => Role::Beat,
            _ => Role::Other,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PYPROJECT: &str = "[project]\nname = \"shop\"\ndependencies = [\"celery\"]\n[project.optional-dependencies]\nweb = [\"gunicorn\"]\n\
                             [project.scripts]\nshop = \"shop.cli:main\"\n";

    fn shop<'a>(tree: &'a Tree, application: &'a Application) -> Context<'a> {
        Context { tree, application, package: "shop", application_name: "shop", account: "shop", in_image: &[] }
    }

    fn one(trust: Trust, name: &str, command: CommandText) -> Option<Service> {
        let tree = Tree::of(
            "shop",
            [
                ("pyproject.toml", PYPROJECT),
                ("shop/__init__.py", ""),
                ("shop/wsgi.py", ""),
                ("app.py", ""),
                ("shop/__main__.py", ""),
            ],
        );
        let mut findings = Findings::default();
        let application = Application::read(&tree, &mut findings);
        let context = shop(&tree, &application);
        settle(Candidate::new(trust, Origin::new("Procfile", 1), name, command), &context, &mut findings)
    }

    fn shell(text: &str) -> Service {
        one(Trust::Procfile, "web", CommandText::Shell(text.to_owned())).unwrap()
    }

    #[test]
    fn programs_are_those_of_the_virtualenv() {
        for (text, command) in [
            ("/usr/local/bin/shop serve", "shop serve"),
            ("poetry run shop serve", "shop serve"),
            ("python3 -u -m shop", "python -u -m shop"),
            ("python shop/__main__.py x", "python -m shop x"),
            ("gunicorn -D shop.wsgi -b '[::]:80'", "gunicorn shop.wsgi -b '[::]:80'"),
            ("celery -A shop worker", "celery -A shop worker"),
        ] {
            let service = shell(text);
            assert_eq!((service.command.as_str(), service.obstacle), (command, None), "{text}");
        }
        assert_eq!(shell("gunicorn shop.wsgi").extra.as_deref(), Some("web"));
    }

    #[test]
    fn what_is_not_installed_is_in_the_way() {
        for text in ["uvicorn shop:app", "python app.py", "gunicorn app:app", "./start.sh", "shop $X", "python"] {
            let service = shell(text);
            assert!(service.obstacle.is_some(), "{text}: {}", service.command);
        }
    }

    #[test]
    fn a_type_is_that_of_what_is_run() {
        let unit = |command: &str| {
            let text = format!("[Service]\nType=forking\nExecStart={command}\n");
            let tree = Tree::of("shop", [("pyproject.toml", PYPROJECT), ("shop.service", text.as_str())]);
            let mut findings = Findings::default();
            let application = Application::read(&tree, &mut findings);
            super::super::unit::read(&tree, &mut findings);
            assert!(findings.notes.is_empty(), "{:?}", findings.notes);
            let candidate = findings.services.remove(0);
            settle(candidate, &shop(&tree, &application), &mut findings).unwrap().settings
        };
        assert_eq!(unit("/usr/bin/shop"), [("type", Value::String("forking".to_owned()))]);
        assert_eq!(unit("/usr/bin/gunicorn --daemon shop"), [], "it does not fork here");
    }

    #[test]
    fn what_an_image_has_besides_still_has_to_be_required() {
        let tree = Tree::of(
            "shop",
            [
                ("pyproject.toml", PYPROJECT),
                (
                    "Dockerfile",
                    "FROM a\nRUN pip install -r base.txt 'uvicorn[standard]==0.1' ./x && ls\nCMD [\"uvicorn\", \"shop:app\"]",
                ),
            ],
        );
        let mut findings = Findings::default();
        let application = Application::read(&tree, &mut findings);
        super::super::dockerfile::read(&tree, &mut findings);
        let names = findings.in_image.iter().map(|said| said.value.as_str()).collect::<Vec<_>>();
        assert_eq!(names, ["uvicorn"]);
        let in_image = findings.in_image.clone();
        let context = Context { in_image: &in_image, ..shop(&tree, &application) };
        let service = settle(findings.services.remove(0), &context, &mut findings).unwrap();
        assert_eq!(
            service.obstacle.unwrap().reason,
            "Dockerfile, line 2 installs uvicorn, which brings `uvicorn`, and no requirement does"
        );
    }

    #[test]
    fn names_and_accounts_are_settled() {
        let mut candidate =
            Candidate::new(Trust::Unit, Origin::default(), "shop", CommandText::Unit("/usr/bin/shop".to_owned()));
        candidate.installed_as = Some("shop".to_owned());
        candidate.user = Some("www-data".to_owned());
        let tree = Tree::of("shop", [("pyproject.toml", PYPROJECT)]);
        let mut findings = Findings::default();
        let application = Application::read(&tree, &mut findings);
        let context = shop(&tree, &application);
        let service = settle(candidate, &context, &mut findings).unwrap();
        assert_eq!(
            (service.name.as_str(), service.user.as_str(), service.formerly.as_deref()),
            ("server", "shop", Some("shop"))
        );
        assert!(service.comments[0].contains("www-data"));
        assert_eq!(one(Trust::Dockerfile, "", CommandText::Words(vec!["shop".to_owned()])), None);
        let service = one(Trust::Procfile, "../x", CommandText::Shell("shop".to_owned())).unwrap();
        assert_eq!(service.name, "server");
    }
}
