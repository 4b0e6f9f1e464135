//! The maintainer scripts of a Debian package: preinst, postinst, prerm and postrm, each called in the many states of
//! policy chapter 6. What rpm does when a transaction is over is the end of postinst here, and `purge` is postrm's.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::distribution::InitSystem;
use crate::plan::{BuildPlan, PackagePlan};
use crate::project::ScriptletKind;
use crate::template;

use super::files::Files;
use super::scriptlets::{self, Context, UserScript};
use super::{Error, Scriptlet, accounts, checked, order};

#[derive(Serialize)]
struct Maintainer<'a> {
    #[serde(flatten)]
    common: Context<'a>,
    user: UserScripts<'a>,
    /// Which files the package has matters even when they ask for nothing: an older version may have had others.
    files: Option<&'a Files>,
}

/// The user's scripts, each inside of the maintainer script whose moment it is.
#[derive(Default, Serialize)]
pub(super) struct UserScripts<'a> {
    pub pre: Option<UserScript<'a>>,
    pub post: Option<UserScript<'a>>,
    pub preun: Option<UserScript<'a>>,
    pub postun: Option<UserScript<'a>>,
    pub posttrans: Option<UserScript<'a>>,
    pub purge: Option<UserScript<'a>>,
}

impl<'a> UserScripts<'a> {
    /// Those of `package`.
    ///
    /// # Errors
    /// When one cannot be run by a shell.
    pub fn of(package: &'a PackagePlan, context: &scriptlets::Context<'_>) -> Result<Self, Error> {
        let user = |kind: ScriptletKind| {
            package.scriptlets.get(&kind).map(|text| scriptlets::user_script(context, kind, text)).transpose()
        };
        Ok(Self {
            pre: user(ScriptletKind::Pre)?,
            post: user(ScriptletKind::Post)?,
            preun: user(ScriptletKind::Preun)?,
            postun: user(ScriptletKind::Postun)?,
            posttrans: user(ScriptletKind::Posttrans)?,
            purge: user(ScriptletKind::Purge)?,
        })
    }
}

/// What dpkg runs for `package`: the whole preinst as [`ScriptletKind::Pre`], postinst as `Post`, prerm as `Preun` and
/// postrm as `Postun`. `scripts` are the names in `<prefix>/bin`, `files` what its files need.
///
/// # Errors
/// When a service's command is not in the virtualenv, or a scriptlet of the user cannot be run by a shell.
pub fn maintainer_scripts(
    plan: &BuildPlan,
    package: &PackagePlan,
    scripts: &[String],
    files: &Files,
) -> Result<BTreeMap<ScriptletKind, Scriptlet>, Error> {
    let services = checked::services(plan, package, scripts)?;
    let levels = order::levels(plan)?;
    let accounts = accounts::of_package(plan, package)?;
    let common = scriptlets::context(plan, package, &services, &accounts, &levels);
    let user = UserScripts::of(package, &common)?;
    let context = Maintainer { common, user, files: Some(files) };
    let idle = Maintainer { common: context.common.idle(), user: UserScripts::default(), files: None };
    let mut rendered = BTreeMap::new();
    for (kind, name, source) in SCRIPTS {
        let text = render(&context, name, source)?;
        // What is the same for a package that has nothing to be done is not worth a script.
        if text != render(&idle, name, source)? {
            rendered.insert(kind, Scriptlet { interpreter: vec!["/bin/sh".to_owned()], text });
        }
    }
    Ok(rendered)
}

const SCRIPTS: [(ScriptletKind, &str, &str); 4] = [
    (ScriptletKind::Pre, "preinst", include_str!("../../templates/maintainer/preinst.sh")),
    (ScriptletKind::Post, "postinst", include_str!("../../templates/maintainer/postinst.sh")),
    (ScriptletKind::Preun, "prerm", include_str!("../../templates/maintainer/prerm.sh")),
    (ScriptletKind::Postun, "postrm", include_str!("../../templates/maintainer/postrm.sh")),
];

fn render(context: &Maintainer<'_>, name: &str, source: &str) -> Result<String, Error> {
    let manager = match context.common.init {
        InitSystem::Systemd => [
            include_str!("../../templates/scriptlets/systemd.sh"),
            include_str!("../../templates/maintainer/systemd.sh"),
        ],
        InitSystem::Sysvinit => [
            include_str!("../../templates/scriptlets/sysvinit.sh"),
            include_str!("../../templates/maintainer/sysvinit.sh"),
        ],
    };
    let macros = [
        include_str!("../../templates/scriptlets/macros.sh"),
        include_str!("../../templates/plugins/scriptlets.sh"),
        include_str!("../../templates/maintainer/macros.sh"),
        include_str!("../../templates/maintainer/files.sh"),
    ];
    let source = [macros.concat(), manager.concat(), source.to_owned()].concat();
    Ok(template::render(&format!("{name} of {}", context.common.package), &source, context)?)
}
