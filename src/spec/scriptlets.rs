//! What runs when a package of the spec file is installed: the distribution's macros, and then the user's scriptlets.
//! Where there are no macros, the scriptlets are those that omnipack's own packages have.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Error;
use super::sections::Part;
use super::sources::Sources;
use crate::distribution::SpecDialect;
use crate::project::{ScriptletKind, TriggerWhen};
use crate::service::manifest::{Kind, Manifest};
use crate::service::{self, Account};
use crate::stage::{Content, EntryKind};
use crate::template;

/// One scriptlet.
#[derive(Debug, Serialize)]
pub struct Script {
    /// `post`, `triggerin`
    pub section: &'static str,
    /// `-p /usr/bin/python3`; none for the shell.
    pub interpreter: Option<String>,
    /// What a trigger is on.
    pub on: Option<String>,
    /// Lines of the distribution's macros, ready.
    pub macros: Vec<String>,
    /// As it is.
    pub text: String,
}

/// The units of a package, by what is done with them.
#[derive(Debug, Default)]
struct Units {
    enabled: Vec<String>,
    stopped: Vec<String>,
    restarted: Vec<String>,
    kept: Vec<String>,
}

const KINDS: [(ScriptletKind, &str); 7] = [
    (ScriptletKind::Pretrans, "pretrans"),
    (ScriptletKind::Pre, "pre"),
    (ScriptletKind::Post, "post"),
    (ScriptletKind::Preun, "preun"),
    (ScriptletKind::Postun, "postun"),
    (ScriptletKind::Posttrans, "posttrans"),
    (ScriptletKind::Verify, "verifyscript"),
];

/// All scriptlets and triggers of a package, and the lines of `%files` for what they need.
pub fn scripts(part: &Part<'_>, sources: &mut Sources<'_>) -> Result<(Vec<Script>, Vec<String>), Error> {
    let mut files = Vec::new();
    let mut scripts = Vec::new();
    let macros = match part.layout.dialect {
        SpecDialect::Plain => BTreeMap::new(),
        dialect => {
            let accounts = service::accounts(part.plan, part.planned).map_err(crate::package::Error::from)?;
            let mut macros = of_units(dialect, &units(part)?);
            if !accounts.is_empty() {
                let before = of_accounts(part, &accounts, sources, &mut files)?;
                macros.entry(ScriptletKind::Pre).or_default().splice(0..0, before);
            }
            macros
        }
    };
    for (kind, section) in KINDS {
        let lines = macros.get(&kind).cloned().unwrap_or_default();
        let script = if part.layout.dialect == SpecDialect::Plain { full(part, kind) } else { user(part, kind) };
        let (interpreter, text) = script.unwrap_or_default();
        let shell = interpreter.is_empty() || interpreter == "/bin/sh" || interpreter == "/usr/bin/sh";
        if !lines.is_empty() && !shell {
            return Err(Error::Scriptlet { kind: section, package: part.package.name.clone() });
        }
        if !lines.is_empty() || !text.is_empty() {
            let interpreter = if shell { None } else { Some(quoted(part, &interpreter)?) };
            scripts.push(Script { section, interpreter, on: None, macros: lines, text });
        }
    }
    for trigger in &part.package.triggers {
        let shell = trigger.interpreter == "/bin/sh";
        // rpmbuild leaves such a trigger out without a word (4.18; `parseScript` in build/parseScript.c).
        if trigger.interpreter.contains(char::is_whitespace) {
            return Err(Error::TriggerInterpreter { interpreter: trigger.interpreter.clone(), on: trigger.on.clone() });
        }
        scripts.push(Script {
            section: match trigger.when {
                TriggerWhen::In => "triggerin",
                TriggerWhen::Un => "triggerun",
                TriggerWhen::Postun => "triggerpostun",
            },
            interpreter: if shell { None } else { Some(quoted(part, &trigger.interpreter)?) },
            on: Some(trigger.on.clone()),
            macros: Vec::new(),
            text: without_shebang(&trigger.script).1,
        });
    }
    Ok((scripts, files))
}

/// An interpreter with its arguments, as rpm's parser of options takes it apart: `"/usr/bin/perl -w"`.
fn quoted(part: &Part<'_>, interpreter: &str) -> Result<String, Error> {
    for word in interpreter.split_whitespace().filter(|word| *word != "<lua>") {
        part.layout.path(word)?;
    }
    Ok(if interpreter.contains(' ') { format!("\"{interpreter}\"") } else { interpreter.to_owned() })
}

/// The scriptlet of omnipack's own package. It needs no `%pretrans` of omnipack: that one prepares for a virtualenv.
fn full(part: &Part<'_>, kind: ScriptletKind) -> Option<(String, String)> {
    if kind == ScriptletKind::Pretrans {
        return user(part, kind);
    }
    let scriptlet = part.package.scriptlets.get(&kind)?;
    Some((scriptlet.interpreter.join(" "), scriptlet.text.clone()))
}

fn user(part: &Part<'_>, kind: ScriptletKind) -> Option<(String, String)> {
    part.planned.scriptlets.get(&kind).map(|text| without_shebang(text))
}

/// Interpreter and text.
fn without_shebang(text: &str) -> (String, String) {
    match text.strip_prefix("#!").and_then(|rest| rest.split_once('\n')) {
        Some((interpreter, rest)) => (interpreter.trim().to_owned(), rest.to_owned()),
        None => ("/bin/sh".to_owned(), text.to_owned()),
    }
}

fn units(part: &Part<'_>) -> Result<Units, Error> {
    let mut units = Units::default();
    let manifest =
        part.package.entries.iter().find(|entry| {
            entry.path.as_str() == format!("{}/{}.json", service::manifest::DIRECTORY, part.package.name)
        });
    let Some(EntryKind::File(content)) = manifest.map(|entry| &entry.kind) else { return Ok(units) };
    let manifest: Manifest = serde_json::from_slice(&content.read()?).map_err(std::io::Error::other)?;
    for service in manifest.services {
        let starters = if service.started_by.is_empty() { &service.units } else { &service.started_by };
        units.enabled.extend(starters.iter().cloned());
        units.stopped.extend(service.started_by.iter().chain(&service.units).cloned());
        let runs_on = service.kind == Kind::Service && service.restart_on_upgrade;
        let (units, others) =
            if runs_on { (&mut units.restarted, &mut units.kept) } else { (&mut units.kept, &mut Vec::new()) };
        units.extend(service.units);
        others.extend(service.started_by);
    }
    Ok(units)
}

/// Macros of systemd-rpm-macros (systemd.spec's, macros.systemd.in in its source), and SUSE's.
fn of_units(dialect: SpecDialect, units: &Units) -> BTreeMap<ScriptletKind, Vec<String>> {
    let call = |name: &str, units: &[String]| {
        let units = units.iter().map(|unit| template::spec_literal(&template::sh(unit))).collect::<Vec<_>>();
        (!units.is_empty()).then(|| format!("%{name} {}", units.join(" ")))
    };
    let (enable, stop, restart, keep) = match dialect {
        SpecDialect::Suse => {
            ("service_add_post", "service_del_preun", "service_del_postun", "service_del_postun_without_restart")
        }
        _ => ("systemd_post", "systemd_preun", "systemd_postun_with_restart", "systemd_postun"),
    };
    let before = if dialect == SpecDialect::Suse { call("service_add_pre", &units.enabled) } else { None };
    BTreeMap::from([
        (ScriptletKind::Pre, before.into_iter().collect()),
        (ScriptletKind::Post, call(enable, &units.enabled).into_iter().collect()),
        (ScriptletKind::Preun, call(stop, &units.stopped).into_iter().collect()),
        (
            ScriptletKind::Postun,
            [call(restart, &units.restarted), call(keep, &units.kept)].into_iter().flatten().collect(),
        ),
    ])
}

/// Lines of `%pre` that make the accounts.
fn of_accounts(
    part: &Part<'_>,
    accounts: &[Account],
    sources: &mut Sources<'_>,
    files: &mut Vec<String>,
) -> Result<Vec<String>, Error> {
    #[derive(Serialize)]
    struct Context<'a> {
        accounts: &'a [Account],
    }
    let name = format!("{}.sysusers", part.package.name);
    if part.layout.dialect != SpecDialect::Modern {
        let text = template::render(&name, include_str!("../../templates/spec/accounts.sh"), Context { accounts })?;
        return Ok(text.lines().map(template::spec_literal).collect());
    }
    let text = template::render(&name, include_str!("../../templates/spec/sysusers.conf"), Context { accounts })?;
    let number = sources.add(&name, Content::Bytes(text.into_bytes().into()));
    let path = part.layout.path(&format!("/usr/lib/sysusers.d/{}.conf", part.package.name))?;
    sources.run(format!("install -D -p -m 0644 %{{SOURCE{number}}} %{{buildroot}}{path}"));
    files.push(path);
    Ok(vec![format!("%sysusers_create_compat %{{SOURCE{number}}}")])
}
