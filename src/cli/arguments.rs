//! The command line as clap reads it; every help text is here.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Turns a Python application and all it needs into native packages.
#[derive(Debug, Parser)]
#[command(
    name = "omnipack",
    version,
    about,
    long_about = "Turns a Python application and all it needs into native packages (RPM, DEB) that install with yum, dnf or \
                  apt, run as services, survive upgrades and leave cleanly.\n\nNeither rpmbuild nor dpkg, neither root nor a \
                  container is needed, and the target's Python does not have to be on this machine.",
    after_help = "Examples:\n  omnipack --distribution centos-7 .\n  omnipack --distribution rocky-9 --distribution fedora-42 \
                  -d dist .\n  omnipack --distribution rocky-9 httpbin==0.10.2\n  omnipack --distribution rocky-9 --dry-run .\n  \
                  omnipack inspect dist/app-1.0-1.x86_64.rpm\n  omnipack diff old.deb new.deb\n\nExit codes: 0 done, 1 the build failed, 2 the command line or \
                  the configuration is wrong, 130 interrupted.",
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true
)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub build: BuildArgs,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Build the packages (what happens without a subcommand, too).
    Build(BuildArgs),
    /// Write the tree that the main package would hold into a directory, to look at.
    Stage(StageArgs),
    /// Write a spec file that bundles nothing and declares what the application requires, for maintainers.
    GenerateSpec(GenerateSpecArgs),
    /// Show what a package file holds: metadata, requirements, scriptlets, sizes.
    Inspect(InspectArgs),
    /// Show what differs between two packages: requirements, bundled distributions, scriptlets, files.
    Diff(DiffArgs),
    /// Try packages on a machine: install, start, check, upgrade, reinstall and remove them, and report each step.
    Smoke(SmokeArgs),
    /// List the distributions that packages can be built for.
    Distributions(DistributionsArgs),
    /// Explain an error code, with an example and its correction, or list all codes.
    Explain(ExplainArgs),
    /// Print the JSON Schema of the configuration, for editors.
    Schema,
}

/// What is built, for whom, and where from.
#[derive(Debug, Args)]
pub struct TargetArgs {
    /// The application: a directory, a wheel, an sdist or a requirement such as `httpbin==0.10.2`.
    #[arg(value_name = "PATH|WHEEL|SDIST|REQUIREMENT", default_value = ".")]
    pub source: String,
    /// Target to build for, such as `centos-7`; give it again for more. Default: `[targets]` of the configuration.
    /// `omnipack distributions` lists them.
    #[arg(long = "distribution", short = 'D', value_name = "NAME")]
    pub distributions: Vec<String>,
    /// Configuration file. Default: `omnipack.toml`, or `[tool.omnipack]` in `pyproject.toml`, of the project.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Machine to build for, as `uname -m` says it.
    #[arg(long, value_name = "MACHINE", default_value = std::env::consts::ARCH)]
    pub machine: String,
    /// A Python of the target's series, to build C code and bytecode with; may be given again.
    #[arg(long, value_name = "PROGRAM")]
    pub python: Vec<PathBuf>,
    /// Use the wheels of this directory and no resolver at all.
    #[arg(long, value_name = "DIR")]
    pub wheels: Option<PathBuf>,
    /// Use nothing but what the cache and this machine have.
    #[arg(long)]
    pub offline: bool,
    /// Ask the package index again, whatever the cache remembers.
    #[arg(long, conflicts_with = "offline")]
    pub refresh: bool,
    /// Where downloads, built wheels and bytecode are kept. Default: `omnipack` in the user's cache directory.
    #[arg(long, value_name = "DIR", env = "OMNIPACK_CACHE")]
    pub cache_dir: Option<PathBuf>,
    /// The uv to resolve with. Default: the one on PATH, or one that omnipack installs into its cache.
    #[arg(long, value_name = "PROGRAM", env = "OMNIPACK_UV")]
    pub uv: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct OutputArgs {
    /// Print nothing but errors.
    #[arg(long, short)]
    pub quiet: bool,
    /// Print the result as JSON on standard output.
    #[arg(long)]
    pub json: bool,
    /// When to use colours.
    #[arg(long, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    pub color: Color,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    Always,
    Never,
}

#[derive(Debug, Args)]
pub struct BuildArgs {
    #[command(flatten)]
    pub target: TargetArgs,
    /// Directory for the packages; with more than one distribution, each gets a directory of its name below it.
    #[arg(long = "destination-path", short = 'd', value_name = "DIR", default_value = ".")]
    pub destination: PathBuf,
    /// Show every decision, build nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Also write the staged tree, to `<package>-stage` beside the packages, in place of one of an earlier run.
    #[arg(long)]
    pub keep_stage: bool,
    #[command(flatten)]
    pub output: OutputArgs,
}

#[derive(Debug, Args)]
pub struct StageArgs {
    /// Directory to write the tree into; must not exist or be empty.
    #[arg(value_name = "DIR")]
    pub directory: PathBuf,
    #[command(flatten)]
    pub target: TargetArgs,
    #[command(flatten)]
    pub output: OutputArgs,
}

#[derive(Debug, Args)]
pub struct GenerateSpecArgs {
    #[command(flatten)]
    pub target: TargetArgs,
    /// Directory for the spec file and its sources; with more than one distribution, each gets a directory of its name
    /// below it.
    #[arg(long = "output-directory", short = 'o', value_name = "DIR", default_value = ".")]
    pub directory: PathBuf,
    #[command(flatten)]
    pub output: OutputArgs,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  omnipack inspect dist/*.rpm\n  omnipack inspect --json app_1.0-1_amd64.deb | jq '.[0].relations'\n\n\
                  In JSON both formats use the words of the configuration: what Debian calls Depends is `requires`, and its \
                  postinst is the scriptlet `post`."
)]
pub struct InspectArgs {
    /// Package files, RPMs or Debian packages, whoever made them; known by their first bytes.
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    #[command(flatten)]
    pub output: OutputArgs,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Files are compared by what is packed. When and where a package was built, times of files and compression are \
                  not compared.\n\nExamples:\n  omnipack diff old/app-1.0-1.x86_64.rpm dist/app-1.1-1.x86_64.rpm\n  omnipack diff \
                  app_1.0-1_amd64.deb app-1.0-1.x86_64.rpm    # the same for both formats?\n  omnipack diff --exit-code --json a.deb \
                  b.deb > changes.json\n\nExit codes: 0 compared, 1 a package cannot be read, 2 the command line is wrong. With \
                  --exit-code or --quiet, as of diff: 0 nothing differs, 1 something does, 2 trouble."
)]
pub struct DiffArgs {
    /// The package before.
    #[arg(value_name = "OLD")]
    pub old: PathBuf,
    /// The package after, of either format.
    #[arg(value_name = "NEW")]
    pub new: PathBuf,
    /// Show every file and every line, also files of Python distributions that changed their version.
    #[arg(long, short)]
    pub all: bool,
    /// Let the exit code tell whether anything differs.
    #[arg(long)]
    pub exit_code: bool,
    #[command(flatten)]
    pub output: OutputArgs,
}

#[derive(Debug, Args)]
pub struct DistributionsArgs {
    /// Configuration file whose distributions are listed too.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    #[command(flatten)]
    pub output: OutputArgs,
}

#[derive(Debug, Args)]
#[command(
    after_help = "An error is shown with its code, such as `plan::python`, in its first line.\n\nExamples:\n  omnipack explain \
                  project::configuration\n  omnipack explain needs_compiler    # the end of a code is enough where no other ends \
                  so\n  omnipack explain --json | jq -r '.[].code'\n\nExit codes: 0 printed, 2 there is no such code."
)]
pub struct ExplainArgs {
    /// The code. Without one, all codes are listed.
    #[arg(value_name = "CODE")]
    pub code: Option<String>,
    #[command(flatten)]
    pub output: OutputArgs,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  omnipack smoke --container rockylinux:9 dist/*.rpm\n  omnipack smoke --root /srv/rocky-9 \
                  --upgrade-from old.rpm --junit smoke.xml new.rpm\n  omnipack smoke --this-machine \
                  dist/*.rpm    # on a disposable CI machine\n\nExit codes: 0 every step was well, 1 a step failed, 2 the command \
                  line is wrong, 130 interrupted."
)]
#[group(id = "place", required = true, multiple = false, args = ["root", "container", "this_machine"])]
pub struct SmokeArgs {
    /// The packages, RPMs or Debian packages: all that are to be installed together.
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Directory with a whole system in it, which is booted by systemd-nspawn and stays as it is. Needs root.
    #[arg(long, value_name = "DIR")]
    pub root: Option<PathBuf>,
    /// Image to run in a container; with podman, its init is run and services are started.
    #[arg(long, value_name = "IMAGE")]
    pub container: Option<String>,
    /// Use this machine itself: packages are installed here and removed again. For disposable machines. Needs root.
    #[arg(long)]
    pub this_machine: bool,
    /// Package of an older version, which is installed first and upgraded; give it again for more.
    #[arg(long, value_name = "FILE")]
    pub upgrade_from: Vec<PathBuf>,
    /// What runs the container. Default: podman, or else docker.
    #[arg(long, value_enum, value_name = "PROGRAM", conflicts_with_all = ["root", "this_machine"])]
    pub engine: Option<ContainerEngine>,
    /// Also write the report as JUnit XML.
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Stop at the first step that fails and keep the machine until Ctrl-C is pressed, to look into it.
    #[arg(long)]
    pub keep: bool,
    /// Seconds that any one command on the machine may take.
    #[arg(long, value_name = "SECONDS", default_value_t = 600, value_parser = clap::value_parser!(u64).range(1..))]
    pub timeout: u64,
    #[command(flatten)]
    pub output: OutputArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ContainerEngine {
    Podman,
    Docker,
}
