//! The builder images that an engine has, and the removal of those that nothing will ask for again.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::engine::last_line;
use super::image::REPOSITORY;
use super::{Engine, Error};

/// A builder image, as `omnipack builder list` shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Listed {
    pub tag: String,
    pub distribution: String,
    /// `3.9`
    pub python: String,
    pub machine: String,
    /// The image that it was made from, as the user or the facts name it.
    pub base: String,
    /// Version of omnipack that made it.
    pub omnipack: String,
    /// Bytes, those of the image that it was made from included.
    pub size: u64,
    /// When it was made, as the engine says it (RFC 3339).
    pub created: String,
    pub state: State,
}

/// Will a build ask for it again?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    Current,
    /// There is a later one for the same, or the image that it was made from is another by now.
    Outdated,
}

/// Labels of the images.
pub(super) const DISTRIBUTION: &str = "omnipack.distribution";
pub(super) const PYTHON: &str = "omnipack.python";
pub(super) const MACHINE: &str = "omnipack.machine";
pub(super) const BASE: &str = "omnipack.base";
pub(super) const BASE_ID: &str = "omnipack.base-id";
pub(super) const RECIPE: &str = "omnipack.recipe";
pub(super) const CONTAINERFILE: &str = "omnipack.containerfile";
pub(super) const PURPOSE: &str = "omnipack.purpose";
pub(super) const VERSION: &str = "omnipack.version";

/// As `image inspect` of either engine prints it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Inspected {
    id: String,
    #[serde(default)]
    repo_tags: Option<Vec<String>>,
    created: String,
    #[serde(default)]
    size: u64,
    #[serde(default)]
    config: Option<ImageConfig>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ImageConfig {
    #[serde(default)]
    labels: Option<BTreeMap<String, String>>,
}

impl Engine {
    /// The builder images of this engine: by distribution, the latest first.
    ///
    /// # Errors
    /// When the engine does not say.
    pub fn list(&self) -> Result<Vec<Listed>, Error> {
        let ask = self.command().args(["image", "ls", "--quiet", "--no-trunc", "--filter"]);
        let ids = ask.arg(format!("label={RECIPE}")).run_checked()?.stdout_text();
        let mut ids = ids.lines().map(str::trim).filter(|id| !id.is_empty()).collect::<Vec<_>>();
        ids.sort_unstable();
        ids.dedup();
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let inspected = self.command().args(["image", "inspect"]).args(&ids).run_checked()?;
        let inspected: Vec<Inspected> = serde_json::from_slice(&inspected.stdout).map_err(std::io::Error::other)?;
        let mut all = inspected.into_iter().flat_map(|image| self.listed(&image)).collect::<Vec<_>>();
        let key = |(one, _): &(Listed, String)| (one.distribution.clone(), one.python.clone(), one.machine.clone());
        all.sort_by(|a, b| key(a).cmp(&key(b)).then(b.0.created.cmp(&a.0.created)).then(a.0.tag.cmp(&b.0.tag)));
        let mut purposes = Vec::new();
        for (listed, purpose) in &mut all {
            if purposes.contains(purpose) {
                listed.state = State::Outdated;
            }
            purposes.push(purpose.clone());
        }
        Ok(all.into_iter().map(|(listed, _)| listed).collect())
    }

    /// What one image is, for each tag of it, and its purpose.
    fn listed(&self, image: &Inspected) -> Vec<(Listed, String)> {
        let labels = image.config.as_ref().and_then(|config| config.labels.clone()).unwrap_or_default();
        let label = |name: &str| labels.get(name).cloned().unwrap_or_default();
        // The name may be that of another machine's image by now, which says nothing about this one.
        let base = self.inspect(&label(BASE)).ok().flatten().filter(|base| base.fits(&label(MACHINE)));
        let changed = base.is_some_and(|base| base.id != label(BASE_ID));
        let mut tags = image.repo_tags.clone().unwrap_or_default();
        tags.retain(|tag| tag.starts_with(REPOSITORY));
        // Its name was given to a later one, or its making was broken off.
        let unnamed = tags.is_empty();
        if unnamed {
            tags.push(image.id.clone());
        }
        let listed = |tag: &String| Listed {
            tag: tag.clone(),
            distribution: label(DISTRIBUTION),
            python: label(PYTHON),
            machine: label(MACHINE),
            base: label(BASE),
            omnipack: label(VERSION),
            size: image.size,
            created: image.created.clone(),
            state: if changed || unnamed { State::Outdated } else { State::Current },
        };
        tags.iter().map(|tag| (listed(tag), label(PURPOSE))).collect()
    }
}

/// What became of images that were to be removed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Pruned {
    pub removed: Vec<Listed>,
    pub kept: Vec<Kept>,
}

/// An image that is still there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Kept {
    #[serde(flatten)]
    pub image: Listed,
    /// As the engine says it: mostly a container still runs from it.
    pub reason: String,
}

/// Removes images. One that the engine does not remove, as a container still runs from it, stays, and the others go.
///
/// # Errors
/// When the engine cannot be run.
pub fn prune(engine: &Engine, images: Vec<Listed>) -> Result<Pruned, Error> {
    let mut pruned = Pruned::default();
    for image in images {
        let asked = engine.command().args(["image", "rm", "--", &image.tag]).run()?;
        match asked.code {
            0 => pruned.removed.push(image),
            _ => pruned.kept.push(Kept { image, reason: last_line(&asked.stderr_text()) }),
        }
    }
    Ok(pruned)
}
