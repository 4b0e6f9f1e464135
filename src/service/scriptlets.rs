//! What the package manager runs: accounts before the files are there, services registered after, stopped before
//! their files go, restarted once when the old version's files are gone; and the user's own scriptlets with them.
//!
//! The user's texts run as processes of their own, by the interpreter of their shebang, so that neither `exit 0` nor
//! `set -e` in them skips what omnipack has to do.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::distribution::{InitSystem, PackageFormat, ToolVersion};
use crate::plan::{BuildPlan, Builder, PackagePlan, Relation, RelationKind, Role};
use crate::project::{BytecodeMode, ScriptletKind};
use crate::template;

use super::accounts::Account;
use super::checked::Checked;
use super::plugins::{self, Plugins};
use super::registration::{self, Registered};
use super::{Error, Scriptlet, directories};

/// Where notes lie from one scriptlet of a transaction to the next, and to the next transaction where one was cut off.
pub(super) const NOTES: &str = "/var/lib/omnipack-transaction";
/// Values for `.pyc` files that are never checked against their source came with Python 3.7 (PEP 552).
const UNCHECKED_HASH: ToolVersion = ToolVersion { major: 3, minor: 7, patch: 0 };

#[derive(Serialize)]
pub(super) struct Context<'a> {
    pub package: &'a str,
    format: PackageFormat,
    #[serde(skip)]
    pub init: InitSystem,
    services: Vec<Registered<'a>>,
    accounts: &'a [Account],
    tmpfiles: Option<String>,
    notes_directory: &'static str,
    /// `1:0.1.0-1`
    evr: String,
    /// Names of the init scripts of all packages of the build; empty with systemd.
    scripts: Vec<String>,
    /// Main package only.
    tree: Option<Tree<'a>>,
    user_script: Option<UserScript<'a>>,
}

/// The packaged tree, as far as scriptlets touch it.
#[derive(Serialize)]
struct Tree<'a> {
    prefix: &'a str,
    python: &'a str,
    /// `3.9`
    series: String,
    /// Compile on the target?
    compile: bool,
    /// Is bytecode made on the target, which the package manager does not know of?
    unowned: bool,
    unchecked_hash: bool,
    /// Does omnipack's `%pretrans` come before?
    prepared: bool,
    plugins: Option<Plugins<'a>>,
}

#[derive(Serialize)]
pub(super) struct UserScript<'a> {
    kind: &'a str,
    interpreter: String,
    delimiter: String,
    text: &'a str,
    /// Does its failure stop the transaction?
    veto: bool,
}

impl Context<'_> {
    /// Of the same package, if it had nothing.
    pub fn idle(&self) -> Self {
        Self {
            services: Vec::new(),
            accounts: &[],
            tmpfiles: None,
            evr: String::new(),
            scripts: Vec::new(),
            tree: None,
            user_script: None,
            ..*self
        }
    }
}

/// The scriptlets of an RPM `package`; a kind in which nothing is to be done is not there. `levels` are those of the services
/// (`order.rs`).
///
/// # Errors
/// When a scriptlet of the user cannot be run together with omnipack's own.
pub fn scriptlets(
    plan: &BuildPlan,
    package: &PackagePlan,
    services: &[Checked<'_>],
    accounts: &[Account],
    levels: &BTreeMap<&str, u32>,
) -> Result<BTreeMap<ScriptletKind, Scriptlet>, Error> {
    let kinds = [
        ScriptletKind::Pretrans,
        ScriptletKind::Pre,
        ScriptletKind::Post,
        ScriptletKind::Preun,
        ScriptletKind::Postun,
        ScriptletKind::Posttrans,
        ScriptletKind::Verify,
    ];
    let mut context = context(plan, package, services, accounts, levels);
    let mut scriptlets = BTreeMap::new();
    for kind in kinds {
        let user = package.scriptlets.get(&kind).map(String::as_str);
        if let Some(scriptlet) = scriptlet(&mut context, kind, user)? {
            scriptlets.insert(kind, scriptlet);
        }
    }
    Ok(scriptlets)
}

/// The interpreters of the user's scriptlets that run inside of omnipack's own: the package manager sees only the
/// `/bin/sh` around them. Programs of the package itself are there anyway. dpkg has no relations to files: there, the
/// configuration has to name the package.
pub fn relations(plan: &BuildPlan, package: &PackagePlan) -> Vec<Relation> {
    if plan.distribution.format == PackageFormat::Deb {
        return Vec::new();
    }
    let needed = package.scriptlets.iter().filter_map(|(kind, text)| {
        let program = interpreter(text).into_iter().next()?;
        let before = match kind {
            ScriptletKind::Pretrans | ScriptletKind::Verify | ScriptletKind::Purge => return None,
            ScriptletKind::Pre | ScriptletKind::Post => RelationKind::RequiresPre,
            ScriptletKind::Preun | ScriptletKind::Postun | ScriptletKind::Posttrans => RelationKind::Requires,
        };
        let own = std::path::Path::new(&program).starts_with(&plan.prefix);
        let reason = format!("{} script", kind_name(*kind));
        let outside = program.starts_with('/') && program != "/bin/sh" && !own;
        outside.then_some(Relation { kind: before, name: program, comparison: None, reason })
    });
    needed.collect()
}

fn scriptlet<'a>(
    context: &mut Context<'a>,
    kind: ScriptletKind,
    user: Option<&'a str>,
) -> Result<Option<Scriptlet>, Error> {
    let own = has_own_part(context, kind);
    let Some(text) = user else {
        return if own { merged(context, kind, None).map(Some) } else { Ok(None) };
    };
    check_text(context, kind, text)?;
    let interpreter = interpreter(text);
    let lua = interpreter.first().is_some_and(|program| program == "<lua>");
    if lua && own {
        let hint = "omnipack has to do things in this scriptlet too, by /bin/sh: write yours for /bin/sh";
        return Err(error(context, kind, "is Lua, which cannot be run together with a shell's", hint));
    }
    // Before a transaction there may be no /bin/sh yet, and what a verify script or a veto says is the user's.
    let raw =
        matches!(kind, ScriptletKind::Pretrans | ScriptletKind::Verify) || lua || (kind == ScriptletKind::Pre && !own);
    if raw {
        return Ok(Some(Scriptlet { interpreter, text: if lua { without_shebang(text) } else { text.to_owned() } }));
    }
    let user_script = user_script(context, kind, text)?;
    merged(context, kind, Some(user_script)).map(Some)
}

/// The user's `text`, to be run by a shell that does other things, too.
///
/// # Errors
/// When it is for rpm's Lua, or is no text.
pub(super) fn user_script<'a>(
    context: &Context<'_>,
    kind: ScriptletKind,
    text: &'a str,
) -> Result<UserScript<'a>, Error> {
    check_text(context, kind, text)?;
    let interpreter = interpreter(text);
    if interpreter.first().is_some_and(|program| program == "<lua>") {
        let hint = "only rpm has Lua: give this distribution or family a script for /bin/sh";
        return Err(error(context, kind, "is Lua, which dpkg does not run", hint));
    }
    Ok(UserScript {
        kind: kind_name(kind),
        interpreter: interpreter.iter().map(|word| template::sh(word)).collect::<Vec<_>>().join(" "),
        delimiter: delimiter(text),
        text,
        veto: kind == ScriptletKind::Pre,
    })
}

fn check_text(context: &Context<'_>, kind: ScriptletKind, text: &str) -> Result<(), Error> {
    if text.contains('\0') {
        return Err(error(context, kind, "has a NUL character", "scriptlets are texts"));
    }
    Ok(())
}

fn merged<'a>(
    context: &mut Context<'a>,
    kind: ScriptletKind,
    user_script: Option<UserScript<'a>>,
) -> Result<Scriptlet, Error> {
    let source = match kind {
        ScriptletKind::Pre => include_str!("../../templates/scriptlets/pre.sh"),
        ScriptletKind::Post => include_str!("../../templates/scriptlets/post.sh"),
        ScriptletKind::Preun => include_str!("../../templates/scriptlets/preun.sh"),
        ScriptletKind::Postun => include_str!("../../templates/scriptlets/postun.sh"),
        ScriptletKind::Posttrans => include_str!("../../templates/scriptlets/posttrans.sh"),
        ScriptletKind::Pretrans | ScriptletKind::Verify | ScriptletKind::Purge => "",
    };
    let manager = match context.init {
        InitSystem::Systemd => include_str!("../../templates/scriptlets/systemd.sh"),
        InitSystem::Sysvinit => include_str!("../../templates/scriptlets/sysvinit.sh"),
    };
    let macros =
        [include_str!("../../templates/scriptlets/macros.sh"), include_str!("../../templates/plugins/scriptlets.sh")];
    let source = [&macros.concat(), manager, source].concat();
    context.user_script = user_script;
    let name = format!("{} of {}", kind_name(kind), context.package);
    let text = template::render(&name, &source, &*context)?;
    Ok(Scriptlet { interpreter: vec!["/bin/sh".to_owned()], text })
}

pub(super) fn context<'a>(
    plan: &'a BuildPlan,
    package: &'a PackagePlan,
    services: &'a [Checked<'_>],
    accounts: &'a [Account],
    levels: &BTreeMap<&str, u32>,
) -> Context<'a> {
    let python = &plan.interpreter;
    let tree = Tree {
        prefix: &plan.prefix,
        python: &python.path,
        series: format!("{}.{}", python.version.major, python.version.minor),
        compile: plan.bytecode == BytecodeMode::Install,
        unowned: plan.bytecode != BytecodeMode::Build,
        unchecked_hash: python.version >= UNCHECKED_HASH,
        prepared: plan.builder == Builder::Omnipack,
        plugins: plugins::of(plan),
    };
    Context {
        package: &package.name,
        format: plan.distribution.format,
        init: plan.distribution.init,
        services: registration::of_package(plan, package, services, levels),
        accounts,
        tmpfiles: directories::tmpfiles_path(plan, package),
        notes_directory: NOTES,
        evr: plan.evr.full(),
        scripts: registration::scripts_of_build(plan),
        tree: (package.role == Role::Main && plan.has_python()).then_some(tree),
        user_script: None,
    }
}

/// Is there anything for omnipack to do in this scriptlet?
fn has_own_part(context: &Context<'_>, kind: ScriptletKind) -> bool {
    let services = !context.services.is_empty();
    let tree = |wanted: fn(&Tree<'_>) -> bool| context.tree.as_ref().is_some_and(wanted);
    match kind {
        ScriptletKind::Pretrans | ScriptletKind::Verify | ScriptletKind::Purge => false,
        ScriptletKind::Pre => services || !context.accounts.is_empty() || tree(|tree| tree.unowned),
        ScriptletKind::Post => services || context.tmpfiles.is_some(),
        ScriptletKind::Preun => services || tree(|tree| tree.unowned),
        ScriptletKind::Postun => {
            services || context.tree.is_some() || context.accounts.iter().any(|account| account.remove)
        }
        ScriptletKind::Posttrans => services || context.tree.is_some(),
    }
}

/// The shebang's program and, as the kernel does it, what follows as one argument; `/bin/sh` without one.
fn interpreter(text: &str) -> Vec<String> {
    let line = text.strip_prefix("#!").map(|rest| rest.lines().next().unwrap_or_default().trim()).unwrap_or_default();
    let mut words = line.splitn(2, char::is_whitespace).map(str::trim).filter(|word| !word.is_empty());
    match words.next() {
        Some(program) => [program].into_iter().chain(words).map(str::to_owned).collect(),
        None => vec!["/bin/sh".to_owned()],
    }
}

/// Lua has no `#!` line: an empty one, so that line numbers in messages stay right.
fn without_shebang(text: &str) -> String {
    text.find('\n').and_then(|end| text.get(end..)).unwrap_or_default().to_owned()
}

/// A line that `text` does not have, to end a here-document.
pub(super) fn delimiter(text: &str) -> String {
    let mut delimiter = "OMNIPACK_END".to_owned();
    while text.lines().any(|line| line.trim_end_matches('\r') == delimiter) {
        delimiter.push('_');
    }
    delimiter
}

fn kind_name(kind: ScriptletKind) -> &'static str {
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

fn error(context: &Context<'_>, kind: ScriptletKind, reason: &str, hint: &str) -> Error {
    Error::Scriptlet {
        kind: kind_name(kind).to_owned(),
        package: context.package.to_owned(),
        reason: reason.to_owned(),
        hint: hint.to_owned(),
    }
}
