//! The arguments of `omnipack builder`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::arguments::{MessageArgs, OutputArgs};
use crate::builder::Choice;

#[derive(Debug, Args)]
#[command(
    after_help = "A builder is a container image of the target distribution with compilers, the target's Python and the packages of \
                  `[builder]` and `build-requires`. It is made once, and used for every application.\n\nExamples:\n  omnipack \
                  builder dockerfile -D rocky-9\n  omnipack builder build -D rocky-9 -D debian-12\n  omnipack builder list\n  \
                  omnipack builder prune\n\nExit codes: 0 done, 1 an image cannot be made, 2 the command line or the \
                  configuration is wrong, 130 interrupted."
)]
pub struct BuilderArgs {
    #[command(subcommand)]
    pub command: BuilderCommand,
}

#[derive(Debug, Subcommand)]
pub enum BuilderCommand {
    /// Print the Containerfile of the builder image for a distribution.
    Dockerfile(DockerfileArgs),
    /// Make builder images beforehand, so that builds need no network for them.
    Build(BuildImageArgs),
    /// List the builder images that are there.
    List(ListArgs),
    /// Remove builder images that no build will ask for again.
    Prune(PruneArgs),
}

impl BuilderCommand {
    /// How messages look.
    pub fn messages(&self) -> MessageArgs {
        match self {
            Self::Dockerfile(arguments) => arguments.messages,
            Self::Build(arguments) => arguments.output.messages,
            Self::List(arguments) => arguments.output.messages,
            Self::Prune(arguments) => arguments.output.messages,
        }
    }
}

/// Which project, and for whom.
#[derive(Debug, Args)]
pub struct ProjectArgs {
    /// The project whose configuration counts.
    #[arg(value_name = "PATH", default_value = ".")]
    pub source: String,
    /// Target, such as `centos-7`; give it again for more. Default: `[targets]` of the configuration.
    #[arg(long = "distribution", short = 'D', value_name = "NAME")]
    pub distributions: Vec<String>,
    /// Configuration file. Default: that of the project.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Machine to build for, as `uname -m` says it.
    #[arg(long, value_name = "MACHINE", default_value = std::env::consts::ARCH)]
    pub machine: String,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  omnipack builder dockerfile -D rocky-9\n  omnipack builder dockerfile -D centos-7 -o Containerfile\n  \
                  podman build -t my-builder -f Containerfile .\n\nExit codes: 0 printed, 1 the file cannot be written, 2 the \
                  command line or the configuration is wrong."
)]
pub struct DockerfileArgs {
    #[command(flatten)]
    pub project: ProjectArgs,
    /// File to write; with more than one distribution, each gets a file of this name with its own behind it
    /// (`Containerfile.rocky-9`). Default: standard output.
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    #[command(flatten)]
    pub messages: MessageArgs,
}

#[derive(Debug, Args)]
#[command(
    after_help = "The tags of the images are printed. A tag changes with the packages of the configuration and with the image that the \
                  builder is made from; to keep that one as it is, pin it: `image = \"docker.io/library/debian@sha256:...\"` in \
                  `[builder]`.\n\nExamples:\n  omnipack builder build    # for all of `[targets]`\n  omnipack builder build -D \
                  rocky-9 --builder docker\n  omnipack builder build -D debian-12 --pull --no-cache    # with what has been \
                  updated since\n\nExit codes: 0 all are there, 1 one cannot be made, 2 the command line or the configuration is \
                  wrong, 130 interrupted."
)]
pub struct BuildImageArgs {
    #[command(flatten)]
    pub project: ProjectArgs,
    #[command(flatten)]
    pub engine: EngineArgs,
    /// Ask the registry for a newer version of the image that the builder is made from.
    #[arg(long)]
    pub pull: bool,
    /// Install all packages anew, also where the image is there already.
    #[arg(long)]
    pub no_cache: bool,
    /// omnipack's cache. Default: `omnipack` in the user's cache directory.
    #[arg(long, value_name = "DIR", env = "OMNIPACK_CACHE")]
    pub cache_dir: Option<PathBuf>,
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Whose images.
#[derive(Debug, Args)]
pub struct EngineArgs {
    /// What makes images and runs containers. Default: `engine` in `[builder]`, or podman, or else docker.
    #[arg(long = "builder", value_enum, value_name = "ENGINE")]
    pub engine: Option<EngineName>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum EngineName {
    Podman,
    Docker,
}

impl From<EngineName> for Choice {
    fn from(name: EngineName) -> Self {
        match name {
            EngineName::Podman => Self::Podman,
            EngineName::Docker => Self::Docker,
        }
    }
}

#[derive(Debug, Args)]
#[command(
    after_help = "`outdated` is an image of which there is a later one for the same packages, or whose base has become another. In JSON \
                  sizes are bytes.\n\nExamples:\n  omnipack builder list\n  omnipack builder list --json | jq -r '.[].tag'\n\nExit \
                  codes: 0 listed, 1 the engine does not work, 2 the command line is wrong."
)]
pub struct ListArgs {
    #[command(flatten)]
    pub engine: EngineArgs,
    #[command(flatten)]
    pub output: OutputArgs,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Outdated images are removed, and with `--all` every builder image; other images stay. The next build makes what it \
                  needs.\n\nExamples:\n  omnipack builder prune\n  omnipack builder prune --all --builder docker\n\nExit codes: 0 \
                  done (one that a container still runs from stays, and is named), 1 the engine does not work, 2 the command line is wrong."
)]
pub struct PruneArgs {
    #[command(flatten)]
    pub engine: EngineArgs,
    /// Also remove those that are current.
    #[arg(long)]
    pub all: bool,
    #[command(flatten)]
    pub output: OutputArgs,
}
