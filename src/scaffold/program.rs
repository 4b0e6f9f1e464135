//! The program of a service, as the virtualenv will have it.

use super::finding::one_line;
use super::python::Kind;
use super::settle::{Context, Obstacle};
use super::tree::name_of;

/// Programs by the distributions that bring them.
const PROGRAMS: [(&str, &[&str]); 24] = [
    ("gunicorn", &["gunicorn"]),
    ("uvicorn", &["uvicorn"]),
    ("hypercorn", &["hypercorn"]),
    ("daphne", &["daphne"]),
    ("waitress-serve", &["waitress"]),
    ("uwsgi", &["uwsgi", "pyuwsgi"]),
    ("granian", &["granian"]),
    ("celery", &["celery"]),
    ("flask", &["flask"]),
    ("fastapi", &["fastapi-cli"]),
    ("django-admin", &["django"]),
    ("flower", &["flower"]),
    ("rq", &["rq"]),
    ("rqworker", &["rq"]),
    ("rqscheduler", &["rq-scheduler"]),
    ("dramatiq", &["dramatiq"]),
    ("huey_consumer", &["huey"]),
    ("huey_consumer.py", &["huey"]),
    ("alembic", &["alembic"]),
    ("newrelic-admin", &["newrelic"]),
    ("ddtrace-run", &["ddtrace"]),
    ("supervisord", &["supervisor"]),
    ("twistd", &["twisted"]),
    ("streamlit", &["streamlit"]),
];

/// What runs another command, before it.
const WRAPPERS: [(&str, usize); 9] = [
    ("poetry", 1),
    ("pipenv", 1),
    ("uv", 1),
    ("pdm", 1),
    ("hatch", 1),
    ("gosu", 1),
    ("su-exec", 1),
    ("tini", 0),
    ("dumb-init", 0),
];

/// A command on its way to one of the virtualenv.
pub struct Program {
    pub words: Vec<String>,
    /// The extra of the application that brings it.
    pub extra: Option<String>,
    pub remarks: Vec<String>,
    /// Was an option left out that put it into the background?
    pub foreground: bool,
}

impl Program {
    /// Finds the program in what will be installed.
    ///
    /// # Errors
    /// What is in the way.
    pub fn locate(&mut self, context: &Context<'_>) -> Result<(), Obstacle> {
        self.unwrap_wrappers();
        self.stay_in_foreground();
        let first = self.words.first().cloned().unwrap_or_default();
        let name = name_of(&first).to_owned();
        let obstacle = |reason: String, advice: &str| Err(Obstacle { reason, advice: advice.to_owned() });
        if is_python(&name) {
            self.python(context)?;
        } else if name.ends_with(".py")
            && !context.application.scripts.contains_key(&name)
            && !PROGRAMS.iter().any(|(known, _)| *known == name)
        {
            self.words.insert(0, "python".to_owned());
            self.python(context)?;
        } else {
            match self.brought_by(&name, context) {
                Ok(()) => self.words.first_mut().into_iter().for_each(|word| word.clone_from(&name)),
                Err(Some(distribution)) => {
                    return Err(missing(distribution, &name, context));
                }
                Err(None) => {
                    let reason = format!("nothing says what brings the program `{}`", one_line(&name));
                    return obstacle(
                        reason,
                        "it has to be a command of the application or of something that it requires",
                    );
                }
            }
        }
        self.check_modules(context)
    }

    /// Is the program a command of the application, or of something that it requires?
    fn brought_by(&mut self, name: &str, context: &Context<'_>) -> Result<(), Option<&'static str>> {
        let application = context.application;
        if application.scripts.contains_key(name) {
            return Ok(());
        }
        let Some((_, distributions)) = PROGRAMS.iter().find(|(program, _)| *program == name) else {
            let plausible = application.installs(&crate::project::normalised(name)) && name.len() > 1;
            return if plausible { Ok(()) } else { Err(None) };
        };
        if distributions.iter().any(|name| application.installs(name)) {
            return Ok(());
        }
        match distributions.iter().find_map(|name| application.extra_with(name)) {
            Some(extra) => {
                self.extra = Some(extra.to_owned());
                Ok(())
            }
            None => Err(distributions.first().copied()),
        }
    }

    fn unwrap_wrappers(&mut self) {
        while let Some((name, arguments)) =
            self.words.first().and_then(|word| WRAPPERS.iter().find(|(name, _)| *name == name_of(word)))
        {
            let runs = *arguments == 0
                || matches!(*name, "gosu" | "su-exec")
                || self.words.get(1).is_some_and(|word| word == "run");
            if !runs || self.words.len() < arguments + 2 {
                return;
            }
            self.words.drain(..=*arguments);
            let options = self.words.iter().take_while(|word| word.starts_with('-')).count();
            self.words.drain(..options.min(self.words.len().saturating_sub(1)));
            self.remarks.push(format!("`{name}` before it is left out: the virtualenv needs it not"));
        }
    }

    /// A service manager keeps the process that it started.
    fn stay_in_foreground(&mut self) {
        let name = self.words.first().map_or("", |word| name_of(word)).to_owned();
        let options: &[&str] = match name.as_str() {
            "gunicorn" => &["--daemon", "-D"],
            "celery" => &["--detach", "-D"],
            "uwsgi" => &["--daemonize"],
            _ => return,
        };
        let before = self.words.len();
        self.words.retain(|word| !options.contains(&word.as_str()));
        if self.words.len() != before {
            self.foreground = true;
            self.remarks
                .push("it stays in the foreground here, so its option for the background is left out".to_owned());
        }
    }

    /// `python app.py`, `python manage.py ...`, `python -m app`
    fn python(&mut self, context: &Context<'_>) -> Result<(), Obstacle> {
        self.words.first_mut().into_iter().for_each(|word| "python".clone_into(word));
        let Some(at) =
            self.words.iter().skip(1).position(|word| !word.starts_with('-') || matches!(word.as_str(), "-m" | "-c"))
        else {
            let reason = "it is Python without a program".to_owned();
            return Err(Obstacle { reason, advice: "name the module: `python -m app`".to_owned() });
        };
        let Some(word) = self.words.get(at + 1).cloned() else { return Ok(()) };
        if matches!(word.as_str(), "-m" | "-c") {
            return Ok(());
        }
        match context.application.module_of(context.tree, &word) {
            Some(module) => {
                self.words.splice(
                    at + 1..at + 2,
                    ["-m".to_owned(), module.strip_suffix(".__main__").unwrap_or(&module).to_owned()],
                );
                Ok(())
            }
            None => {
                let reason = format!("the file {} is not part of what is installed", one_line(&word));
                let advice = "make it a module of the application, or better a console script";
                Err(Obstacle { reason, advice: advice.to_owned() })
            }
        }
    }

    /// Modules of the project that the command names have to be installed.
    fn check_modules(&self, context: &Context<'_>) -> Result<(), Obstacle> {
        for word in self.words.iter().skip(1) {
            let word = ["--app=", "-A"].iter().find_map(|start| word.strip_prefix(start)).unwrap_or(word);
            let module = word.split([':', '(']).next().unwrap_or_default();
            let plain = module.chars().all(|c| c.is_ascii_alphanumeric() || "_.".contains(c));
            if module.is_empty() || !plain || context.application.kind == Kind::Modules {
                continue;
            }
            if context.application.has_module(context.tree, module) == Some(false) {
                let reason = format!("the module {module} is not part of what is installed, as it seems");
                let advice = "let the project install it (`py-modules` or `packages` of its build backend)";
                return Err(Obstacle { reason, advice: advice.to_owned() });
            }
        }
        Ok(())
    }
}

/// A distribution that no requirement names, though an image may have it.
fn missing(distribution: &str, program: &str, context: &Context<'_>) -> Obstacle {
    let program = one_line(program);
    let reason = match context.in_image.iter().find(|said| said.value == distribution) {
        Some(said) => {
            format!("{} installs {distribution}, which brings `{program}`, and no requirement does", said.from)
        }
        None => format!("nothing says that {distribution} is installed, which brings `{program}`"),
    };
    let advice = "add it to what the project requires, or to a requirement file under `[python]`";
    Obstacle { reason, advice: advice.to_owned() }
}

/// `python`, `python3`, `python3.11`, `pypy3` is none.
fn is_python(name: &str) -> bool {
    name.strip_prefix("python").is_some_and(|rest| rest.chars().all(|c| c.is_ascii_digit() || c == '.'))
}
