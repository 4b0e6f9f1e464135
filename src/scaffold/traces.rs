//! What the code itself suggests: a Django project, an application object of Flask or another framework, a Celery
//! application, a console script that is called like a server. Asked only where nothing says more plainly what runs.

use super::finding::{Candidate, CommandText, Findings, Origin, Trust};
use super::python::{Application, is_upkeep_file};
use super::tree::{Tree, name_of};

/// The interface that an application object has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Interface {
    Wsgi,
    Asgi,
}

/// What makes an application object: the call, its interface, the distribution that has it.
const OBJECTS: [(&str, Interface, &str); 6] = [
    ("Flask(", Interface::Wsgi, "flask"),
    ("FastAPI(", Interface::Asgi, "fastapi"),
    ("Starlette(", Interface::Asgi, "starlette"),
    ("Quart(", Interface::Asgi, "quart"),
    ("Bottle(", Interface::Wsgi, "bottle"),
    ("falcon.App(", Interface::Wsgi, "falcon"),
];

/// Servers, the best first, with the interface that they serve.
const SERVERS: [(&str, Interface); 5] = [
    ("gunicorn", Interface::Wsgi),
    ("waitress", Interface::Wsgi),
    ("uvicorn", Interface::Asgi),
    ("hypercorn", Interface::Asgi),
    ("daphne", Interface::Asgi),
];

/// Ends of names that a program has which goes on running.
const NAMES: [(&str, &str); 8] = [
    ("-web", "web"),
    ("-server", "server"),
    ("-worker", "worker"),
    ("-daemon", "daemon"),
    ("-api", "api"),
    ("-beat", "beat"),
    ("-scheduler", "scheduler"),
    ("-agent", "agent"),
];

pub fn read(tree: &Tree, application: &Application, findings: &mut Findings) {
    for (script, from) in &application.scripts {
        for (end, name) in NAMES.iter().filter(|(end, _)| script.ends_with(end)) {
            let mut candidate = trace(from.clone(), name, vec![script.clone()]);
            let what = end.trim_start_matches('-');
            candidate.name = script_service(script, application, tree).unwrap_or_else(|| (*name).to_owned());
            candidate.comments.push(format!(
                "taken for a service because of its name (`{what}`): a console script that ends at once is none"
            ));
            findings.services.push(candidate);
        }
    }
    if !django(tree, application, findings) {
        objects(tree, application, findings);
    }
    celery(tree, application, findings);
}

/// `control-agent` for `app-control-agent` of `app`.
fn script_service(script: &str, application: &Application, tree: &Tree) -> Option<String> {
    let package = application.package_name(tree);
    script.strip_prefix(&package)?.strip_prefix('-').map(str::to_owned)
}

fn trace(from: Origin, name: &str, words: Vec<String>) -> Candidate {
    Candidate::new(Trust::Trace, from, name, CommandText::Words(words))
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// The number of the line that has `part`, outside of comments.
fn line_of(text: &str, part: &str) -> Option<usize> {
    text.lines().position(|line| line.contains(part) && !line.trim_start().starts_with('#')).map(|index| index + 1)
}

/// The command that serves `target`, by the best server that is installed, or that an extra brings.
fn serve(application: &Application, interface: Interface, target: &str, factory: bool) -> Option<Vec<String>> {
    let there = |name: &str| application.installs(name) || application.extra_with(name).is_some();
    let called = format!("{target}()");
    let server = SERVERS.iter().find(|(name, serves)| *serves == interface && there(name));
    let found = server
        .map(|(name, _)| *name)
        .or_else(|| (interface == Interface::Asgi && there("gunicorn") && there("uvicorn")).then_some("gunicorn"))?;
    let target_word = if factory && found == "gunicorn" { &called } else { target };
    Some(match (found, factory) {
        ("gunicorn", _) => words(&["gunicorn", "--bind", "127.0.0.1:8000", "--workers", "2", target_word]),
        ("waitress", true) => words(&["waitress-serve", "--listen=127.0.0.1:8000", "--call", target]),
        ("waitress", false) => words(&["waitress-serve", "--listen=127.0.0.1:8000", target]),
        ("uvicorn", true) => words(&["uvicorn", "--host", "127.0.0.1", "--port", "8000", "--factory", target]),
        ("uvicorn", false) => words(&["uvicorn", "--host", "127.0.0.1", "--port", "8000", target]),
        ("hypercorn", _) => words(&["hypercorn", "--bind", "127.0.0.1:8000", target]),
        _ => words(&["daphne", "-b", "127.0.0.1", "-p", "8000", target]),
    })
}

/// A `manage.py` with the module of its WSGI or ASGI application.
fn django(tree: &Tree, application: &Application, findings: &mut Findings) -> bool {
    let manage = tree.named(|name| name == "manage.py").find(|(path, _)| !is_upkeep_file(path));
    let Some((path, text)) = manage else { return false };
    let settings = text.lines().enumerate().find_map(|(index, line)| {
        let (_, rest) = line.split_once("DJANGO_SETTINGS_MODULE")?;
        let value = rest.split(['"', '\'']).nth(2)?;
        Some((index + 1, value.to_owned()))
    });
    let Some((line, settings)) = settings else { return false };
    let package = settings.split('.').next().unwrap_or_default().to_owned();
    let there = |module: &str| application.has_module(tree, &format!("{package}.{module}"));
    let at = Origin::new(path, line);
    let choices = [("wsgi", Interface::Wsgi), ("asgi", Interface::Asgi)]
        .into_iter()
        .filter(|(module, _)| there(module).is_some());
    let mut found = false;
    for (module, interface) in choices {
        let target = format!("{package}.{module}:application");
        if let Some(command) = serve(application, interface, &target, false) {
            let mut candidate = trace(at.clone(), "web", command);
            candidate.environment.insert("DJANGO_SETTINGS_MODULE".to_owned(), settings.clone());
            candidate.comments.push(format!("the project of Django whose settings are {settings}"));
            findings.services.push(candidate);
            return true;
        }
        found = true;
    }
    if found {
        let mut candidate =
            trace(at, "web", words(&["gunicorn", "--bind", "127.0.0.1:8000", &format!("{package}.wsgi:application")]));
        candidate.environment.insert("DJANGO_SETTINGS_MODULE".to_owned(), settings);
        findings.services.push(candidate);
    }
    found
}

/// `app = Flask(__name__)`, `def create_app(`: the first in the order of paths, the shallowest first.
fn objects(tree: &Tree, application: &Application, findings: &mut Findings) {
    let mut files =
        tree.named(|name| name.ends_with(".py")).filter(|(path, _)| !is_upkeep_file(path)).collect::<Vec<_>>();
    files.sort_by_key(|(path, _)| (path.matches('/').count(), *path));
    for (path, text) in files {
        for (call, interface, distribution) in OBJECTS {
            if !application.installs(distribution) || !text.contains(call) {
                continue;
            }
            let Some((line, target, factory)) = object(text, call) else { continue };
            let Some(module) = application.module_of(tree, path) else { continue };
            let target = format!("{module}:{target}");
            let server = serve(application, interface, &target, factory);
            let default = if interface == Interface::Wsgi { "gunicorn" } else { "uvicorn" };
            let command = server.unwrap_or_else(|| words(&[default, &target]));
            findings.services.push(trace(Origin::new(path, line), "web", command));
            return;
        }
    }
}

/// Line and name of what a call is assigned to, at the beginning of a line; or of the factory that it stands in.
fn object(text: &str, call: &str) -> Option<(usize, String, bool)> {
    let mut factory = None;
    for (index, line) in text.lines().enumerate() {
        if let Some(function) = line.strip_prefix("def ") {
            let name = function.split('(').next().unwrap_or_default().trim();
            factory = ["create_app", "make_app", "create_application", "get_app", "app_factory"]
                .contains(&name)
                .then(|| (index + 1, name.to_owned()));
        } else if !line.starts_with([' ', '\t', ')']) && !line.is_empty() {
            factory = None;
        }
        let Some((before, after)) = line.split_once('=') else { continue };
        let is_call = after.trim_start().starts_with(call)
            || after.trim_start().split_once('.').is_some_and(|(_, rest)| rest.starts_with(call));
        if !is_call {
            continue;
        }
        let name = before.split(':').next().unwrap_or_default();
        let plain = |name: &str| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if plain(name.trim_end()) && !name.starts_with(' ') {
            return Some((index + 1, name.trim_end().to_owned(), false));
        }
        if let Some((line, name)) = factory.clone() {
            return Some((line, name, true));
        }
    }
    None
}

/// A module with `Celery(`: a worker, and a beat where there is a schedule.
fn celery(tree: &Tree, application: &Application, findings: &mut Findings) {
    if !application.installs("celery") {
        return;
    }
    let mut files =
        tree.named(|name| name.ends_with(".py")).filter(|(path, _)| !is_upkeep_file(path)).collect::<Vec<_>>();
    files.sort_by_key(|(path, _)| (name_of(path) != "celery.py", path.matches('/').count(), *path));
    let found = files.iter().find_map(|(path, text)| {
        let (line, name, _) = object(text, "Celery(").filter(|(_, _, factory)| !factory)?;
        // `celery -A project` finds `project.celery` by itself.
        let module = application.module_of(tree, path)?;
        Some((Origin::new(path, line), format!("{module}:{name}")))
    });
    let Some((at, target)) = found else { return };
    findings.services.push(trace(at, "worker", words(&["celery", "-A", &target, "worker", "--loglevel", "info"])));
    const SCHEDULES: [&str; 4] = ["beat_schedule", "CELERYBEAT_SCHEDULE", "CELERY_BEAT_SCHEDULE", "add_periodic_task("];
    let scheduled = files
        .iter()
        .find_map(|(path, text)| SCHEDULES.iter().find_map(|part| Some(Origin::new(path, line_of(text, part)?))));
    if let Some(at) = scheduled {
        let mut candidate = trace(
            at,
            "beat",
            words(&[
                "celery",
                "-A",
                &target,
                "beat",
                "--loglevel",
                "info",
                "--schedule",
                "/var/lib/@package@/celerybeat-schedule",
            ]),
        );
        candidate.comments.push("there must be one only of it, on all machines together".to_owned());
        findings.services.push(candidate);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(files: &[(&str, &str)]) -> Vec<(String, String, String)> {
        let tree = Tree::of("shop", files.iter().copied());
        let mut findings = Findings::default();
        let application = Application::read(&tree, &mut findings);
        read(&tree, &application, &mut findings);
        let service = |one: Candidate| match one.command {
            CommandText::Words(words) => (one.name, words.join(" "), one.from.to_string()),
            other => panic!("{other:?}"),
        };
        findings.services.into_iter().map(service).collect()
    }

    #[test]
    fn a_django_project_with_celery_is_found() {
        let manage = "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings.prod')\n";
        let files = [
            ("manage.py", manage),
            ("shop/__init__.py", ""),
            ("shop/wsgi.py", "application = get()"),
            ("shop/celery.py", "from celery import Celery\napp = Celery('shop')\n"),
            ("shop/settings/prod.py", "CELERY_BEAT_SCHEDULE = {}\n"),
            ("requirements.txt", "django\ngunicorn\ncelery[redis]\n"),
        ];
        let found = of(&files);
        assert_eq!(
            found[0],
            (
                "web".into(),
                "gunicorn --bind 127.0.0.1:8000 --workers 2 shop.wsgi:application".into(),
                "manage.py, line 2".into()
            )
        );
        assert_eq!(
            found[1],
            (
                "worker".into(),
                "celery -A shop.celery:app worker --loglevel info".into(),
                "shop/celery.py, line 2".into()
            )
        );
        assert!(found[2].1.contains("beat") && found.len() == 3, "{found:?}");
    }

    #[test]
    fn objects_and_factories_are_found_where_they_are_installed() {
        let pyproject = "[project]\nname = \"shop\"\ndependencies = [\"flask\", \"waitress\"]\n";
        let found = of(&[
            ("pyproject.toml", pyproject),
            ("src/shop/__init__.py", "def create_app(x=1):\n    app = Flask(__name__)\n    return app\n"),
            ("examples/a.py", "app = Flask(__name__)"),
        ]);
        assert_eq!(
            found,
            [(
                "web".into(),
                "waitress-serve --listen=127.0.0.1:8000 --call shop:create_app".into(),
                "src/shop/__init__.py, line 1".into()
            )]
        );
        let found = of(&[
            ("requirements.txt", "fastapi\nuvicorn"),
            ("main.py", "import fastapi\napp: fastapi.FastAPI = fastapi.FastAPI()\n"),
        ]);
        assert_eq!(found[0].1, "uvicorn --host 127.0.0.1 --port 8000 main:app");
        // Nothing is proposed for an extension, whose own tests make the object.
        assert!(
            of(&[
                ("pyproject.toml", pyproject),
                ("tests/app.py", "app = Flask(__name__)"),
                ("shop/__init__.py", "x = Flask\n")
            ])
            .is_empty()
        );
    }

    #[test]
    fn names_of_scripts_suggest_services() {
        let found = of(&[(
            "pyproject.toml",
            "[project]\nname = \"shop\"\n[project.scripts]\nshop = \"a:b\"\nshop-web = \"a:c\"\nshop-control-agent = \"a:d\"\n",
        )]);
        let names = found.into_iter().map(|(name, command, _)| (name, command)).collect::<Vec<_>>();
        assert_eq!(names, [("control-agent".into(), "shop-control-agent".into()), ("web".into(), "shop-web".into())]);
    }
}
