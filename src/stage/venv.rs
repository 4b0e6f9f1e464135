//! What makes a directory a virtual environment (PEP 405): links to the interpreter, `pyvenv.cfg`, activate scripts.

use std::sync::Arc;

use minijinja::context;

use super::text::Template;
use super::{Content, Entry, EntryKind, Error, Layout, LayoutError, Origin, TargetPath};
use crate::plan::BuildPlan;

pub(super) fn entries(plan: &BuildPlan, layout: &Layout) -> Result<Vec<Entry>, Error> {
    let interpreter = TargetPath::new(&plan.interpreter.path)
        .map_err(|reason| LayoutError::Interpreter { origin: plan.interpreter.path.clone(), reason })?;
    let home = interpreter.parent().unwrap_or_default();
    let at = |relative: &str| {
        layout.prefix.join(relative).map_err(|reason| LayoutError::Prefix { prefix: plan.prefix.clone(), reason })
    };
    let version = layout.version;
    let mut entries = vec![
        Entry::directory(layout.prefix.clone()),
        Entry::symlink(layout.python.clone(), interpreter.as_str(), Origin::Generated),
        Entry::symlink(at("bin/python3")?, "python", Origin::Generated),
        Entry::symlink(at(&format!("bin/python{}.{}", version.major, version.minor))?, "python", Origin::Generated),
        Entry::directory(at("include")?),
        Entry::directory(layout.site_packages.clone()),
    ];
    if layout.lib64 {
        entries.push(Entry::symlink(at("lib64")?, "lib", Origin::Generated));
    }
    // The series and no patch level: that one is the distribution's, and changes with its updates. site.py and
    // getpath read `home` and `include-system-site-packages` only.
    let series = format!("{}.{}", version.major, version.minor);
    let system = !plan.python.system_packages.is_empty();
    let environment = Template::PyvenvCfg.render(context! { home => home.as_str(), version => series, system })?;
    let mut texts = vec![
        ("pyvenv.cfg", environment),
        ("bin/activate", activate(Template::Activate, layout)?),
        ("bin/activate.csh", activate(Template::ActivateCsh, layout)?),
        ("bin/activate.fish", activate(Template::ActivateFish, layout)?),
    ];
    let pth = format!("lib/python{}.{}/site-packages/no_user_site.pth", version.major, version.minor);
    if system {
        texts.push((&pth, Template::NoUserSite.render(context! {})?));
    }
    for (path, text) in texts {
        let content = Content::Bytes(Arc::from(text.into_bytes()));
        entries.push(Entry::new(at(path)?, 0o644, EntryKind::File(content), Origin::Generated));
    }
    Ok(entries)
}

fn activate(template: Template, layout: &Layout) -> Result<String, std::io::Error> {
    template.render(context! { prefix => layout.prefix.as_str(), prompt => layout.prefix.file_name() })
}
