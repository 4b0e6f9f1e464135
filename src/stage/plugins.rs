//! What lets operators add to the application: a directory outside of the tree, which is on the application's path
//! behind its own packages, and a pip that installs there and nowhere else.
//!
//! The directory is packaged, so that it exists with the right owner; what lies in it is the operators'. To pip it is a
//! virtual environment that sees the application's, as PEP 405 has it with `include-system-site-packages`: there, pip
//! counts what is seen as installed, and never removes it.

use std::sync::Arc;

use minijinja::context;

use super::entry_points::Script;
use super::text::Template;
use super::{Content, Entry, EntryKind, Error, Layout, LayoutError, Origin, TargetPath, scripts};
use crate::plan::BuildPlan;

/// The last of the `.pth` files by name, as site.py reads them: directories that the application adds come before.
const PTH: &str = "zzz_plugins.pth";

/// Where plugins lie, and for whom.
#[derive(Debug, Clone)]
pub(super) struct Plugins {
    application: String,
    directory: TargetPath,
    /// `<directory>/lib/python3.9/site-packages`: a directory for each series, as a plugin is installed for one.
    site_packages: TargetPath,
    /// Normalised names of what packages of the distribution bring for the application.
    left_out: Vec<String>,
}

impl Plugins {
    /// `None` when the application takes no plugins.
    ///
    /// # Errors
    /// When the directory is no sound path.
    pub(super) fn new(plan: &BuildPlan) -> Result<Option<Self>, LayoutError> {
        let Some(settings) = &plan.python.plugins else { return Ok(None) };
        let wrong = |reason: String| LayoutError::Plugins { directory: settings.directory.clone(), reason };
        let directory = TargetPath::new(&settings.directory).map_err(wrong)?;
        let version = plan.interpreter.version;
        let site_packages = format!("lib/python{}.{}/site-packages", version.major, version.minor);
        Ok(Some(Self {
            application: plan.main().map_or_else(String::new, |main| main.name.clone()),
            site_packages: directory.join(&site_packages).map_err(wrong)?,
            directory,
            left_out: plan.left_out.clone(),
        }))
    }

    /// The program in `<prefix>/bin` for one of pip's own entry points.
    pub(super) fn pip(&self, layout: &Layout, script: &Script) -> std::io::Result<String> {
        let program = format!("{}/pip", layout.bin);
        // Isolated (`-I`): no variable and no directory of the caller decides what is imported.
        Template::PluginsPip.render(context! {
            shebang => scripts::shebang(layout.python.as_str(), "-I")?,
            application => &self.application,
            program,
            site_packages => layout.site_packages.as_str(),
            directory => self.directory.as_str(),
            left_out => &self.left_out,
            module => &script.module,
            import_name => script.import_name(),
            function => &script.function,
        })
    }
}

/// What the tree and the directory for plugins hold, beside pip.
pub(super) fn entries(layout: &Layout) -> Result<Vec<Entry>, Error> {
    let Some(plugins) = &layout.plugins else { return Ok(Vec::new()) };
    let wrong = |reason: String| LayoutError::Plugins { directory: plugins.directory.to_string(), reason };
    let pth = Template::PluginsPth.render(context! { site_packages => plugins.site_packages.as_str() })?;
    let series = format!("{}.{}", layout.version.major, layout.version.minor);
    let home = layout.bin.as_str();
    let environment = Template::PluginsPyvenvCfg.render(context! { home, version => series })?;
    let mut entries = vec![
        text(layout.site_packages.join(PTH).map_err(wrong)?, pth),
        Entry::directory(plugins.directory.clone()),
        text(plugins.directory.join("pyvenv.cfg").map_err(wrong)?, environment),
    ];
    if layout.lib64 {
        entries.push(Entry::symlink(plugins.directory.join("lib64").map_err(wrong)?, "lib", Origin::Generated));
    }
    Ok(entries)
}

fn text(path: TargetPath, text: String) -> Entry {
    let content = Content::Bytes(Arc::from(text.into_bytes()));
    Entry::new(path, 0o644, EntryKind::File(content), Origin::Generated)
}
