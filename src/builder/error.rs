//! Why nothing could be compiled in a container.

use miette::Diagnostic;
use thiserror::Error as ThisError;

use crate::exec::ExecError;
use crate::template::TemplateError;

#[derive(Debug, ThisError, Diagnostic)]
pub enum Error {
    #[error("no distribution is named")]
    #[diagnostic(
        code(builder::no_distribution),
        help(
            "say which with `--distribution NAME`, or list them in `[targets] distributions = [...]`; `omnipack distributions` shows all"
        )
    )]
    NoDistribution,
    #[error("{engine} is not on this machine")]
    #[diagnostic(
        code(builder::no_engine),
        help(
            "install {engine}, or let omnipack take what is there: `--builder auto` or `engine = \"auto\"` in `[builder]`"
        )
    )]
    NoEngine { engine: &'static str },
    #[error("neither podman nor docker works on this machine: {reasons}")]
    #[diagnostic(
        code(builder::no_engine_at_all),
        help(
            "install podman, which needs neither root nor a daemon; `podman info` and `docker info` say what is wrong"
        )
    )]
    NoEngineAtAll { reasons: String },
    #[error("{engine} does not work: {reason}")]
    #[diagnostic(code(builder::engine), help("{help}"))]
    Engine { engine: &'static str, reason: String, help: &'static str },
    #[error("no container image of {distribution} is known")]
    #[diagnostic(
        code(builder::no_image),
        help("name one: `image = \"registry/name:tag\"` under `[distribution.{distribution}.builder]`")
    )]
    NoImage { distribution: String },
    #[error("it is not known how {distribution} gets compilers: its facts have no `toolchain`")]
    #[diagnostic(
        code(builder::no_toolchain),
        help(
            "say it under `[distribution.{distribution}.toolchain]`: `manager = \"dnf\"` and `packages = [...]`; `omnipack distributions --json` shows those of others"
        )
    )]
    NoToolchain { distribution: String },
    #[error("{distribution} has no repository `{repository}`")]
    #[diagnostic(code(builder::repository), help("{hint}"))]
    Repository { distribution: String, repository: String, hint: String },
    #[error("`{word}` is nothing that {manager} can install")]
    #[diagnostic(
        code(builder::package),
        help("write packages and capabilities as the distribution names them, one in each entry")
    )]
    Package { word: String, manager: String },
    #[error("the image `{image}` cannot be had: {reason}")]
    #[diagnostic(code(builder::base), help("{help}"))]
    BaseImage { image: String, reason: String, help: String },
    #[error("the image `{image}` is for {found}, and {wanted} is asked for")]
    #[diagnostic(
        code(builder::platform),
        help("name an image for {wanted}: `image` in `[builder]`; one that is for several machines will do")
    )]
    Platform { image: String, found: String, wanted: String },
    #[error("this machine cannot run programs for {machine}")]
    #[diagnostic(
        code(builder::emulation),
        help(
            "build on such a machine (`omnipack matrix` makes the jobs), or install an emulator: the package `qemu-user-static`, on some distributions with `binfmt-support`"
        )
    )]
    Emulation { machine: String },
    #[error("the builder image for {distribution} cannot be built\n{log}")]
    #[diagnostic(code(builder::build), help("{help}"))]
    Build { distribution: String, log: String, help: String },
    #[error("there is no builder image for {distribution} yet, and none can be built with --offline")]
    #[diagnostic(code(builder::offline), help("build it beforehand: `omnipack builder build -D {distribution}`"))]
    Offline { distribution: String },
    #[error("no container runs from the builder image `{image}`: {reason}")]
    #[diagnostic(code(builder::start), help("try `{engine} run --rm --entrypoint /bin/sh {image} -c true`"))]
    Start { engine: &'static str, image: String, reason: String },
    #[error("the container of {image} has ended while something ran in it")]
    #[diagnostic(
        code(builder::ended),
        help(
            "was it stopped from outside (`{engine} rm`, `{engine} stop`), or is there too little memory for what is compiled (`journalctl -k` says when the kernel ends programs)? Run omnipack again"
        )
    )]
    Ended { engine: &'static str, image: String },
    #[error("no container can be given the directory {path}: {reason}")]
    #[diagnostic(
        code(builder::path),
        help("move it to a path without commas, quotes and control characters; `--cache-dir` moves omnipack's own")
    )]
    Path { path: String, reason: &'static str },
    #[error(transparent)]
    #[diagnostic(transparent)]
    Template(#[from] TemplateError),
    #[error(transparent)]
    #[diagnostic(transparent)]
    Exec(#[from] ExecError),
    #[error("{0}")]
    #[diagnostic(code(builder::io), help("is there space left, and may you write there?"))]
    Io(#[from] std::io::Error),
}

impl Error {
    /// Is it a mistake on the command line or in the configuration?
    #[must_use]
    pub fn is_usage(&self) -> bool {
        matches!(
            self,
            Self::NoDistribution
                | Self::NoImage { .. }
                | Self::NoToolchain { .. }
                | Self::Repository { .. }
                | Self::Package { .. }
        )
    }
}
