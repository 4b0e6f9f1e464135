//! A plan as `--dry-run` shows it.

use std::fmt::Write as _;

use super::{BuildPlan, Evr, Interpreter, InterpreterKind, PackagePlan, RelationKind, Role, file_name};
use crate::distribution::InitSystem;
use crate::project::{ScriptletKind, Service};

/// The plan for people: what will be made and why. One fact in each line, so that two plans can be compared with diff.
#[must_use]
pub fn render(plan: &BuildPlan) -> String {
    let mut text = String::new();
    // Writing into a String cannot fail.
    let _ = write(&mut text, plan);
    text
}

/// The whole plans as JSON, for `--dry-run --json`. Credentials in URLs (an index, the source of an interpreter) are masked.
///
/// # Errors
/// Never in practice: a plan is plain data with text keys.
pub fn json(plans: &[BuildPlan]) -> Result<String, serde_json::Error> {
    let mut value = serde_json::to_value(plans)?;
    mask(&mut value);
    Ok(format!("{value:#}\n"))
}

fn mask(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::String(text) if text.contains("://") => *text = crate::exec::mask_credentials(text),
        serde_json::Value::Array(values) => values.iter_mut().for_each(mask),
        serde_json::Value::Object(members) => members.values_mut().for_each(mask),
        _ => {}
    }
}

fn write(out: &mut String, plan: &BuildPlan) -> std::fmt::Result {
    let BuildPlan { distribution, platform, evr, interpreter, compression, .. } = plan;
    writeln!(out, "{} {} for {}", plan.metadata.name, plan.version, distribution.title)?;
    let baseline = platform.baseline.map(|isa| format!(", {isa}")).unwrap_or_default();
    writeln!(out, "  target       {} on {} (glibc {}{baseline})", distribution.name, platform.machine, platform.glibc)?;
    writeln!(out, "  version      {}", evr.full())?;
    if plan.has_python() {
        writeln!(out, "  prefix       {}", plan.prefix)?;
    }
    writeln!(out, "  interpreter  {}", of_whom(interpreter))?;
    if let Some(plugins) = &plan.python.plugins {
        let fate = if plugins.remove { "removed" } else { "kept" };
        writeln!(out, "  plugins      {} ({fate} when the package is removed)", plugins.directory)?;
    }
    writeln!(out, "  compression  {}, level {}", compression.algorithm.word(), compression.level)?;
    for package in &plan.packages {
        write_package(out, plan, package)?;
    }
    for note in &plan.notes {
        writeln!(out, "\nnote: {note}")?;
    }
    Ok(())
}

fn of_whom(interpreter: &Interpreter) -> String {
    let (path, series) = (&interpreter.path, interpreter.version.series());
    match &interpreter.kind {
        InterpreterKind::System { requirement } => {
            format!("{path} (Python {series} of the distribution, kept by `{requirement}`)")
        }
        InterpreterKind::Bundled { source, .. } => {
            format!("{path} (Python {series}, bundled from {})", crate::exec::mask_credentials(source))
        }
        InterpreterKind::None => "none (no Python application)".to_owned(),
    }
}

fn write_package(out: &mut String, plan: &BuildPlan, package: &PackagePlan) -> std::fmt::Result {
    writeln!(out, "\n{}", shown_file_name(package, &plan.evr, plan))?;
    writeln!(out, "  {}", package.summary)?;
    for relation in &package.relations {
        writeln!(out, "  {:<12} {}  ({})", kind_word(relation.kind), relation, relation.reason)?;
    }
    for links in &package.links {
        for script in links.scripts.iter().flatten() {
            writeln!(out, "  {:<12} {}/{script} -> {}/bin/{script}", "link", links.directory, plan.prefix)?;
        }
    }
    for user in &package.users {
        writeln!(out, "  {:<12} {} (home {})", "user", user.name, user.home)?;
    }
    for service in &package.services {
        let how = how_it_runs(service);
        writeln!(out, "  {:<12} {}: {} (as {}{how})", "service", service.name, service.command, service.user)?;
    }
    if package.role == Role::Main && plan.target && plan.distribution.init == InitSystem::Systemd {
        writeln!(out, "  {:<12} {}.target (all services)", "target", package.name)?;
    }
    for directory in &package.directories {
        let (mode, owner) = (directory.mode, &directory.owner);
        writeln!(out, "  {:<12} {} ({mode:04o}, {owner})", "directory", directory.path)?;
    }
    for file in &package.files {
        writeln!(out, "  {:<12} {}", "file", file.destination)?;
    }
    for rotation in &package.logrotate {
        writeln!(out, "  {:<12} {}", "logrotate", rotation.paths.join(" "))?;
    }
    for kind in package.scriptlets.keys() {
        writeln!(out, "  {:<12} {}", "scriptlet", scriptlet_word(*kind))?;
    }
    for trigger in &package.triggers {
        writeln!(out, "  {:<12} on {}", "trigger", trigger.on)?;
    }
    Ok(())
}

/// What is special about the processes of a service.
fn how_it_runs(service: &Service) -> String {
    let count = service.count.map(|count| format!(", instances: {count}"));
    let schedule = service.schedule.as_ref().map(|schedule| format!(", at: {}", schedule.text));
    let listen = (!service.listen.is_empty()).then(|| format!(", started by: {}", service.listen.join(" ")));
    [count, schedule, listen].into_iter().flatten().collect()
}

/// The architecture of the main package is only known when its content is.
fn shown_file_name(package: &PackagePlan, evr: &Evr, plan: &BuildPlan) -> String {
    let format = plan.distribution.format;
    let independent = format.independent();
    match package.role {
        Role::Meta => file_name(&package.name, evr, independent, format),
        Role::Main => {
            let either = format!("{{{independent},{}}}", plan.platform.architecture);
            file_name(&package.name, evr, &either, format)
        }
    }
}

fn kind_word(kind: RelationKind) -> &'static str {
    match kind {
        RelationKind::Requires => "requires",
        RelationKind::RequiresPre => "requires-pre",
        RelationKind::Recommends => "recommends",
        RelationKind::Suggests => "suggests",
        RelationKind::Supplements => "supplements",
        RelationKind::Enhances => "enhances",
        RelationKind::Conflicts => "conflicts",
        RelationKind::Obsoletes => "obsoletes",
        RelationKind::Provides => "provides",
        RelationKind::Replaces => "replaces",
        RelationKind::Breaks => "breaks",
    }
}

pub(super) fn scriptlet_word(kind: ScriptletKind) -> &'static str {
    match kind {
        ScriptletKind::Pretrans => "pretrans",
        ScriptletKind::Pre => "pre",
        ScriptletKind::Post => "post",
        ScriptletKind::Preun => "preun",
        ScriptletKind::Postun => "postun",
        ScriptletKind::Posttrans => "posttrans",
        ScriptletKind::Verify => "verify",
        ScriptletKind::Purge => "purge",
    }
}
