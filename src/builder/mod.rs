//! Containers of a target distribution, in which C code is compiled for its Python and its glibc.
//!
//! omnipack itself stays outside: a [`Recipe`] says what a builder image is made of, an [`Engine`] (podman or docker) makes
//! it once, and a [`Container`] of it runs what has to run on the target. All paths are the same inside as outside.

mod container;
mod engine;
mod error;
mod image;
mod listing;
mod recipe;
mod targets;

pub use container::{Access, Container, Mount};
pub use engine::{Engine, Found};
pub use error::Error;
pub use image::{Base, Image, Layers, Network, Preparation};
pub use listing::{Kept, Listed, Pruned, State, prune};
pub use recipe::{Ingredients, Recipe};
pub use targets::{Request, Wanted, recipes};

/// What the user asked for: `--builder`, `[builder] engine`.
pub use crate::project::BuilderEngine as Choice;
