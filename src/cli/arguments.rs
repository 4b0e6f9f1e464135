//! The command line as clap reads it; every help text is here.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::builder_arguments::BuilderArgs;
use crate::project::TargetRow;

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
                  omnipack -D debian-11 -D debian-13 --builder podman .    # compile in containers of them\n  \
                  omnipack inspect dist/app-1.0-1.x86_64.rpm\n  omnipack diff old.deb new.deb\n\nExit codes: 0 done, 1 the build failed, 2 the command line or \
                  the configuration is wrong, 130 interrupted.",
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    disable_help_subcommand = true
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
    /// Write a spec file or a Debian source package that bundles nothing and declares what the application requires, for
    /// maintainers.
    GenerateSpec(GenerateSpecArgs),
    /// Look at a project and write a commented `omnipack.toml` that builds at once.
    Init(InitArgs),
    /// Show what a package file holds: metadata, requirements, scriptlets, sizes.
    Inspect(InspectArgs),
    /// Show what differs between two packages: requirements, bundled distributions, scriptlets, files.
    Diff(DiffArgs),
    /// Try packages on a machine: install, start, check, upgrade, reinstall and remove them, and report each step.
    Smoke(SmokeArgs),
    /// Make, list or remove the container images in which native code is compiled for a target.
    Builder(BuilderArgs),
    /// List the distributions that packages can be built for.
    Distributions(DistributionsArgs),
    /// Print the jobs of a CI matrix as JSON: one for each project, distribution and machine.
    Matrix(MatrixArgs),
    /// Write a complete workflow for a CI service: build, try and release the packages of every distribution.
    Ci(CiArgs),
    /// Look at a project without building it: all that stops a build, of every target, and hints at what could go wrong.
    Check(CheckArgs),
    /// Explain an error code, with an example and its correction, or list all codes.
    Explain(ExplainArgs),
    /// Print the JSON Schema of the configuration, for editors.
    Schema,
    /// Print what a shell needs to complete omnipack's commands and options.
    Completions(CompletionsArgs),
    /// Write the manual pages.
    Man(ManArgs),
    /// Explain a subcommand, or the configuration (`omnipack help config`).
    Help(HelpArgs),
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  omnipack completions bash > /etc/bash_completion.d/omnipack\n  omnipack completions zsh > \
                  ~/.zfunc/_omnipack\n  omnipack completions fish > ~/.config/fish/completions/omnipack.fish"
)]
pub struct CompletionsArgs {
    /// The shell.
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  omnipack man | man -l -                      # read the page of omnipack itself\n  omnipack man \
                  --output-directory /usr/share/man/man1"
)]
pub struct ManArgs {
    /// Directory for `omnipack.1` and a page for each subcommand. Default: omnipack's own page to standard output.
    #[arg(long = "output-directory", short = 'o', value_name = "DIR")]
    pub directory: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Topics besides the subcommands:\n  config  every key of omnipack.toml, with a comment for each\n\nExamples:\n  \
                  omnipack help config\n  omnipack help generate-spec\n  omnipack help config > omnipack.toml    # to start from"
)]
pub struct HelpArgs {
    /// A subcommand, or `config`. Default: omnipack as a whole.
    #[arg(value_name = "TOPIC")]
    pub topic: Option<String>,
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
    /// Ask the package index and build wheels again, whatever the cache remembers.
    #[arg(long, conflicts_with = "offline")]
    pub refresh: bool,
    /// Where downloads, built wheels and bytecode are kept. Default: `omnipack` in the user's cache directory.
    #[arg(long, value_name = "DIR", env = "OMNIPACK_CACHE")]
    pub cache_dir: Option<PathBuf>,
    /// The uv to resolve with. Default: the one on PATH, or one that omnipack installs into its cache.
    #[arg(long, value_name = "PROGRAM", env = "OMNIPACK_UV")]
    pub uv: Option<PathBuf>,
    /// What runs containers of the target, to compile in: `podman` or `docker` builds every wheel and the bytecode in one;
    /// `auto` uses one only where a requirement has no wheel and this machine cannot compile it; `none` uses none.
    /// Default: `engine` under `[builder]`, or `auto`.
    #[arg(long, value_enum, value_name = "ENGINE", env = "OMNIPACK_BUILDER", hide_possible_values = true)]
    pub builder: Option<Builder>,
}

/// What runs the containers that wheels are built in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Builder {
    /// podman, or else docker, where nothing else will do.
    Auto,
    /// This machine alone.
    None,
    Podman,
    Docker,
}

impl From<Builder> for crate::builder::Choice {
    fn from(builder: Builder) -> Self {
        match builder {
            Builder::Auto => Self::Auto,
            Builder::None => Self::None,
            Builder::Podman => Self::Podman,
            Builder::Docker => Self::Docker,
        }
    }
}

#[derive(Debug, Args)]
pub struct OutputArgs {
    /// Print nothing but errors.
    #[arg(long, short)]
    pub quiet: bool,
    /// Print the result as JSON on standard output.
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub messages: MessageArgs,
}

/// How messages on standard error look.
#[derive(Debug, Clone, Copy, Args)]
pub struct MessageArgs {
    /// When to use colours.
    #[arg(long, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    pub color: Color,
    /// How errors and warnings are written.
    #[arg(long, value_enum, default_value_t = MessageFormat::Human, value_name = "FORMAT")]
    pub message_format: MessageFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum MessageFormat {
    /// For people.
    Human,
    /// For people, and besides as annotations of GitHub Actions, which stand beside the line that they are about.
    Github,
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

/// How far rpmbuild goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TryStage {
    /// Unpack the sources, apply the patches (`rpmbuild -bp`).
    Prep,
    /// Build (`rpmbuild -bc`).
    Build,
    /// Install into the build root, check, find the files of each package (`rpmbuild -bi`).
    Install,
    /// Make the packages and the source package (`rpmbuild -ba`).
    All,
}

#[derive(Debug, Args)]
#[command(
    mut_arg("source", |source| source.value_name("PATH|SDIST|REQUIREMENT").help(
        "The application's sources: a directory, an sdist or a requirement such as `httpbin==0.10.2`. A wheel has none, and is for \
         `--check` only"
    )),
    after_help = "Examples:\n  omnipack generate-spec -D fedora-42 -o packaging .\n  omnipack generate-spec -D rocky-9 --srpm -o dist \
                  flask==2.0.3    # then: mock dist/*.src.rpm\n  omnipack generate-spec -D rocky-9 --try build .\n  omnipack \
                  generate-spec -D debian-12 -o packaging .\n\nWhat the target's repositories have, from a mirror or as a list \
                  that a machine of the target prints:\n  omnipack generate-spec -D rocky-9 --check --repository \
                  /srv/rocky/9/AppStream .\n  dnf repoquery --available --provides > provides\n  omnipack generate-spec -D rocky-9 \
                  --check --repository provides .\n  omnipack generate-spec -D rocky-9 --bundle-missing --repository provides .\n\n\
                  Exit codes: 0 done, 1 something cannot be written, fails when it is tried or, with --check, is not satisfied (what \
                  other distributions got is there all the same), 2 the command line or the configuration is wrong."
)]
pub struct GenerateSpecArgs {
    #[command(flatten)]
    pub target: TargetArgs,
    /// Write Debian source packages, which dpkg-buildpackage builds. Distributions with Debian packages imply it; without
    /// any `--distribution`, those of `[targets]` are taken that have them.
    #[arg(long, conflicts_with_all = ["srpm", "bundle_missing", "stage", "try_nodeps", "try_directory"])]
    pub debian: bool,
    /// Directory for the spec file and its sources, or for the orig tarball and the source tree with `debian/` in it; with more
    /// than one distribution, each gets a directory of its name below it.
    #[arg(long = "output-directory", short = 'o', value_name = "DIR", default_value = ".")]
    pub directory: PathBuf,
    /// Replace files in the output directory that differ from what is written, such as a spec file that was edited. Without it,
    /// they are named and nothing is written. A source tree with `debian/` that was changed is never replaced.
    #[arg(long, conflicts_with = "check")]
    pub force: bool,
    /// Write nothing; say which requirements the target's repositories can satisfy and which not. Needs `--repository`.
    /// Of a wheel, which has no sources, only what it requires is looked at, and not what building needs.
    #[arg(long, group = "asked", conflicts_with_all = ["srpm", "stage", "try_nodeps", "try_directory", "directory"])]
    pub check: bool,
    /// Bundle what the target's repositories cannot satisfy, in a virtualenv of the application's own that sees the
    /// distribution's packages; require the rest. Needs `--repository`. For RPM distributions.
    #[arg(long, group = "asked", requires = "repositories")]
    pub bundle_missing: bool,
    /// A repository of the target: a directory with `repodata/`, its http(s) address, or a file (`-`: standard input) with what
    /// `dnf repoquery --available --provides` prints; give it again for more.
    #[arg(long = "repository", value_name = "DIR|URL|FILE", requires = "asked")]
    pub repositories: Vec<String>,
    /// Write a source RPM (`NAME-VERSION-RELEASE.src.rpm`), which holds the spec file and its sources, in place of them.
    /// `rpmbuild --rebuild` and mock build it; no rpmbuild is needed to write it. For RPM distributions.
    #[arg(long)]
    pub srpm: bool,
    /// Also try the spec file with this machine's rpmbuild, in a directory of its own, up to this stage. With `all`, the
    /// packages that are built go to the output directory. A failure shows the end of the log and is exit code 1. For RPM
    /// distributions.
    #[arg(long = "try", value_enum, value_name = "STAGE")]
    pub stage: Option<TryStage>,
    /// Try it whatever is installed of `BuildRequires` (rpmbuild's `--nodeps`).
    #[arg(long, requires = "stage")]
    pub try_nodeps: bool,
    /// Try it in this directory, which must be empty or not there, and keep all that is unpacked, built and said
    /// (`rpmbuild.log`); with more than one distribution, each gets a directory of its name below it.
    #[arg(long, requires = "stage", value_name = "DIR")]
    pub try_directory: Option<PathBuf>,
    #[command(flatten)]
    pub output: OutputArgs,
}

#[derive(Debug, Args)]
#[command(
    after_help = "It looks at pyproject.toml, setup.cfg and setup.py (which is not run), requirement files and locks, Procfile, \
                  Dockerfile, supervisor's programs, units, init scripts, spec files, debian/, calls of fpm, and at the code for \
                  Django, Flask, FastAPI and Celery. Each table says what it was taken from; what cannot be taken over stands at the \
                  end of the file, with advice.\n\nWhere two say different things, units are believed before init scripts, \
                  supervisor, the Procfile, the Dockerfile and the code; debian/ before the spec file and fpm.\n\nExamples:\n  \
                  omnipack init                    # then: omnipack\n  omnipack init --output - ../app  # look first\n  omnipack \
                  init -D rocky-9 -D debian-12\n  omnipack init --interactive\n\nExit codes: 0 written, 1 it cannot be written, 2 \
                  there is a configuration already, or the command line is wrong."
)]
pub struct InitArgs {
    /// Directory of the project.
    #[arg(value_name = "PATH", default_value = ".")]
    pub path: String,
    /// Distribution to build for; give it again for more. Default: the newest supported ones that have a Python for the
    /// application.
    #[arg(long = "distribution", short = 'D', value_name = "NAME")]
    pub distributions: Vec<String>,
    /// File to write, or `-` for standard output. Default: `omnipack.toml` in the project's directory.
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Replace the file when it is there.
    #[arg(long)]
    pub force: bool,
    /// Ask for the name, the distributions, the services and their account, with what was found as answers. On a
    /// terminal only.
    #[arg(long, short, conflicts_with_all = ["quiet", "json"])]
    pub interactive: bool,
    /// Print nothing but errors.
    #[arg(long, short)]
    pub quiet: bool,
    /// Print what was found as JSON on standard output, beside writing the file.
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub messages: MessageArgs,
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
    /// Print a table in Markdown: packages, sizes, what they require and bundle. For the summary of a CI job.
    #[arg(long, conflicts_with = "json")]
    pub markdown: bool,
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
#[command(
    after_help = "The jobs come from `[targets]` of each project's configuration. Each has `project`, `distribution`, `machine`, \
                  `architecture`, `format`, `runner` and `container`.\n\nExamples:\n  echo \"matrix=$(omnipack matrix)\" >> \
                  \"$GITHUB_OUTPUT\"    # then: matrix: ${{ fromJSON(needs.list.outputs.matrix) }}\n  omnipack matrix \
                  --changed-since origin/main apps/*\n  omnipack matrix --machine x86_64 --exclude centos-6 --pretty\n\nExit \
                  codes: 0 printed (also when no job is left), 1 git cannot tell what changed, 2 the command line or a \
                  configuration is wrong."
)]
pub struct MatrixArgs {
    /// Directories of the projects.
    #[arg(value_name = "PROJECT", default_value = ".")]
    pub projects: Vec<String>,
    /// Distribution to list, instead of those of the configuration; give it again for more.
    #[arg(long = "distribution", short = 'D', value_name = "NAME")]
    pub distributions: Vec<String>,
    /// Machine to list, as `uname -m` says it, instead of those of the configuration; give it again for more.
    #[arg(long = "machine", value_name = "MACHINE")]
    pub machines: Vec<String>,
    /// Add a job: a distribution, with `:MACHINE` for one machine only; give it again for more.
    #[arg(long, value_name = "NAME[:MACHINE]", value_parser = added_row)]
    pub include: Vec<TargetRow>,
    /// Leave out a distribution or a family, with `:MACHINE` for one machine only; `:MACHINE` alone leaves out that
    /// machine; give it again for more.
    #[arg(long, value_name = "NAME[:MACHINE]", value_parser = target_row)]
    pub exclude: Vec<TargetRow>,
    /// Leave out projects in which nothing changed since this commit, and nothing in what they `watch`.
    #[arg(long, value_name = "COMMIT")]
    pub changed_since: Option<String>,
    /// Configuration file. Default: that of each project.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Print for people, over lines. Without it, the JSON is one line, as `$GITHUB_OUTPUT` wants it.
    #[arg(long)]
    pub pretty: bool,
    #[command(flatten)]
    pub messages: MessageArgs,
}

#[derive(Debug, Args)]
#[command(
    after_help = "The workflow lists its jobs itself, by `omnipack matrix`; GitLab has them written out, so write it again when \
                  `[targets]` changes.\n\nExamples:\n  omnipack ci github --output .github/workflows/packages.yml\n  omnipack ci \
                  github apps/web apps/worker    # several projects in one repository\n  omnipack ci gitlab > .gitlab-ci.yml"
)]
pub struct CiArgs {
    /// The service.
    #[arg(value_enum)]
    pub service: CiService,
    /// Directories of the projects, below the root of the repository, where this is run.
    #[arg(value_name = "PROJECT", default_value = ".")]
    pub projects: Vec<String>,
    /// omnipack's action, for GitHub. Default: that of this release.
    #[arg(long, value_name = "OWNER/REPOSITORY@REF")]
    pub action: Option<String>,
    /// Branch whose pushes are built. Default: the remote's own, or `main`.
    #[arg(long, value_name = "NAME")]
    pub branch: Option<String>,
    /// File to write, or `-` for standard output. Default: standard output.
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Replace the file when it is there.
    #[arg(long, requires = "output")]
    pub force: bool,
    #[command(flatten)]
    pub messages: MessageArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CiService {
    /// GitHub Actions.
    Github,
    /// GitLab CI/CD.
    Gitlab,
}

/// `rocky-9:aarch64`
fn target_row(text: &str) -> Result<TargetRow, String> {
    let (name, machine) = text.split_once(':').map_or((text, None), |(name, machine)| (name, Some(machine)));
    let word = |word: &str| (!word.is_empty()).then(|| word.to_owned());
    let row = TargetRow { distribution: word(name), machine: machine.and_then(word), ..TargetRow::default() };
    if row == TargetRow::default() { Err("name a distribution, or `:MACHINE`".to_owned()) } else { Ok(row) }
}

/// A [`target_row`] with a distribution.
fn added_row(text: &str) -> Result<TargetRow, String> {
    let row = target_row(text)?;
    if row.distribution.is_none() { Err("name a distribution before the machine".to_owned()) } else { Ok(row) }
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
    after_help = "Nothing is built and no network is asked: what only a build can tell is said to be left out. With `--build`, the \
                  application's wheel is built, alone, where its metadata is not written down.\n\nHints are silenced in the \
                  configuration: `[check] allow = [\"hint::root\"]`. `omnipack explain hint::root` says more about one.\n\nThe day that ends \
                  of support are compared with is today, or that of SOURCE_DATE_EPOCH.\n\nExamples:\n  omnipack check\n  omnipack \
                  check --strict apps/*    # in CI: hints fail, too\n  omnipack check -D rocky-9 -D debian-12 .\n  omnipack check --json \
                  | jq -r '.[] | select(.level == \"warning\") | .code'\n\nExit codes: 0 nothing, or hints only, 1 a build would fail, or \
                  with --strict there are hints, 2 the command line or a configuration is wrong."
)]
pub struct CheckArgs {
    /// The projects: directories, wheels, sdists or requirements.
    #[arg(value_name = "PROJECT", default_value = ".")]
    pub projects: Vec<String>,
    /// Distribution to check for; give it again for more. Default: `[targets]` of the configuration.
    #[arg(long = "distribution", short = 'D', value_name = "NAME")]
    pub distributions: Vec<String>,
    /// Configuration file. Default: that of each project.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Machine to check for, as `uname -m` says it.
    #[arg(long, value_name = "MACHINE", default_value = std::env::consts::ARCH)]
    pub machine: String,
    /// Let hints and warnings that are not silenced fail, too.
    #[arg(long)]
    pub strict: bool,
    /// Build the application's wheel where its metadata is not written down, or fetch it where a requirement names it.
    #[arg(long)]
    pub build: bool,
    /// With `--build`: use nothing but what the cache and this machine have.
    #[arg(long, requires = "build")]
    pub offline: bool,
    /// With `--build`: a Python of the target's series; may be given again.
    #[arg(long, value_name = "PROGRAM", requires = "build")]
    pub python: Vec<PathBuf>,
    /// Where downloads and built wheels are kept. Default: `omnipack` in the user's cache directory.
    #[arg(long, value_name = "DIR", env = "OMNIPACK_CACHE")]
    pub cache_dir: Option<PathBuf>,
    /// The uv to resolve with. Default: the one on PATH, or one that omnipack installs into its cache.
    #[arg(long, value_name = "PROGRAM", env = "OMNIPACK_UV")]
    pub uv: Option<PathBuf>,
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
