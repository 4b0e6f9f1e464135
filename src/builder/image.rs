//! Builder images: the image that they are made from, and their making, which happens once.

use std::path::Path;

use super::engine::{Kind, last_line};
use super::{Engine, Error, Recipe};
use crate::exec::Command;
use crate::progress::Listener;
use crate::scratch::{Scratch, Undo};

/// What all builder images are called.
pub(super) const REPOSITORY: &str = "localhost/omnipack-builder";

/// What the images that builders are made from are called meanwhile.
const BASES: &str = "localhost/omnipack-base";

/// A name of an image that is taken away when dropped.
struct BaseName {
    name: String,
    _undo: Undo,
}

impl BaseName {
    fn name(&self) -> &str {
        &self.name
    }
}

/// How a builder image is prepared.
#[derive(Clone, Copy)]
pub struct Preparation<'a> {
    /// omnipack's cache, for locks.
    pub cache: &'a Path,
    pub network: Network,
    pub base: Base,
    pub layers: Layers,
    pub listener: &'a dyn Listener,
}

/// May anything be fetched, now and by what runs in the containers?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    Online,
    Offline,
}

/// Which version of the image that a builder is made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Base {
    /// The one that is here; pulled where there is none.
    Here,
    /// What the registry has now.
    Pulled,
}

/// What of an earlier building is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layers {
    Cached,
    /// Nothing: packages are installed as the distribution has them now.
    Anew,
}

/// A builder image that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    engine: Engine,
    tag: String,
    network: String,
    platform: Option<String>,
}

/// The image that a builder is made from.
#[derive(Debug, Clone)]
pub(super) struct BaseImage {
    pub id: String,
    /// As OCI says it: `amd64`.
    architecture: String,
}

impl BaseImage {
    /// Is it for this machine (as `uname -m` says it)?
    pub fn fits(&self, machine: &str) -> bool {
        self.architecture == architecture(machine)
    }
}

impl Image {
    /// `localhost/omnipack-builder:debian-12-3.11-1f0c...`
    #[must_use]
    pub fn tag(&self) -> &str {
        &self.tag
    }

    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    pub(super) fn network(&self) -> &str {
        &self.network
    }

    pub(super) fn platform(&self) -> Option<&str> {
        self.platform.as_deref()
    }
}

impl Engine {
    /// The builder image of `recipe`, made when it is not there yet; others that want the same wait.
    ///
    /// # Errors
    /// When the image that it is made from cannot be had, it cannot be built, or it is not there and nothing may be fetched.
    pub fn image(&self, recipe: &Recipe, how: &Preparation<'_>) -> Result<Image, Error> {
        let image = |tag| Image {
            engine: self.clone(),
            network: match how.network {
                Network::Online => recipe.network().to_owned(),
                Network::Offline => "none".to_owned(),
            },
            platform: platform(recipe.machine()),
            tag,
        };
        let here = self.inspect(recipe.base())?;
        let fits = here.as_ref().is_some_and(|base| base.fits(recipe.machine()));
        // The name of the base may be gone, or have been given to that of another machine.
        if !fits
            && how.base == Base::Here
            && how.layers == Layers::Cached
            && let Some(tag) = self.made_before(recipe)?
        {
            return Ok(image(tag));
        }
        let base = self.base(recipe, how, here)?;
        let digest = recipe.digest(&base.id)?;
        let image = image(format!("{REPOSITORY}:{}-{}-{digest}", tag_word(recipe.distribution()), recipe.series()));
        if how.layers == Layers::Cached && self.inspect(&image.tag)?.is_some() {
            return Ok(image);
        }
        if how.network == Network::Offline {
            return Err(Error::Offline { distribution: recipe.distribution().to_owned() });
        }
        let locks = how.cache.join("builders");
        fs_err::create_dir_all(&locks)?;
        let lock = fs_err::File::create(locks.join(format!("{digest}.lock")))?;
        let waited = lock.file().try_lock().is_err();
        if waited {
            how.listener
                .step(&format!("waiting for another omnipack, which makes the builder for {}", recipe.distribution()));
            lock.file().lock()?;
        }
        if (waited || how.layers == Layers::Cached) && self.inspect(&image.tag)?.is_some() {
            return Ok(image);
        }
        self.build(recipe, how, &image, &base.id, &digest)?;
        Ok(image)
    }

    /// The latest builder that was made after the same Containerfile for the same machine, whatever became of its base.
    fn made_before(&self, recipe: &Recipe) -> Result<Option<String>, Error> {
        let mut ask = self.command().args(["image", "ls", "--format", "{{.Repository}}:{{.Tag}}"]);
        for (label, value) in recipe.identity()? {
            ask = ask.arg("--filter").arg(format!("label={label}={value}"));
        }
        // Either engine has the latest first.
        let tags = ask.run_checked()?.stdout_text();
        Ok(tags.lines().find(|tag| tag.starts_with(REPOSITORY) && !tag.ends_with(":<none>")).map(str::to_owned))
    }

    /// The image that the recipe starts from, pulled where it is not `here`.
    fn base(&self, recipe: &Recipe, how: &Preparation<'_>, here: Option<BaseImage>) -> Result<BaseImage, Error> {
        let fits = |image: &BaseImage| image.fits(recipe.machine());
        if let Some(image) = here.as_ref().filter(|image| fits(image))
            && (how.base == Base::Here || how.network == Network::Offline)
        {
            return Ok(image.clone());
        }
        if how.network == Network::Offline {
            return Err(Error::Offline { distribution: recipe.distribution().to_owned() });
        }
        how.listener.step(&format!("pulling {}", recipe.base()));
        let mut pull = self.command().arg("pull");
        if let Some(platform) = platform(recipe.machine()) {
            pull = pull.args(["--platform", &platform]);
        }
        let pulled = pull.arg("--").arg(recipe.base()).follow(&mut |_| {})?;
        let found = if pulled.code == 0 { self.inspect(recipe.base())? } else { here.filter(|image| !fits(image)) };
        match found {
            Some(image) if fits(&image) => Ok(image),
            Some(image) => Err(Error::Platform {
                image: recipe.base().to_owned(),
                found: image.architecture,
                wanted: recipe.machine().to_owned(),
            }),
            None => Err(self.no_base(recipe, &pulled.stdout_text())),
        }
    }

    fn no_base(&self, recipe: &Recipe, log: &str) -> Error {
        let name = recipe.distribution();
        let said = log.to_lowercase();
        let other = format!("or name another: `image = \"...\"` under `[distribution.{name}.builder]`");
        let reach = format!(
            "can this machine reach the registry? `{} pull {}` shows the same; {other}",
            self.program(),
            recipe.base()
        );
        let has = |texts: &[&str]| texts.iter().any(|text| said.contains(text));
        let help = if has(&["no such host", "dial tcp", "timeout", "connection refused", "network is unreachable"]) {
            reach
        } else if has(&["no image found in manifest", "no matching manifest"]) {
            format!("it is not made for {}: take another machine, {other}", recipe.machine())
        } else if has(&["manifest unknown", "not found", "no such", "name unknown"]) {
            format!("is the name right, with its registry? Correct it, {other}")
        } else if has(&["unauthorized", "denied", "authentication"]) {
            format!("log in to the registry (`{} login`), {other}", self.program())
        } else {
            reach
        };
        Error::BaseImage { image: recipe.base().to_owned(), reason: last_line(log), help }
    }

    /// `None` where there is no such image.
    pub(super) fn inspect(&self, image: &str) -> Result<Option<BaseImage>, Error> {
        let command = self.command().args(["image", "inspect", "--format", "{{.Id}} {{.Architecture}}", "--", image]);
        let asked = command.run()?;
        let said = asked.stdout_text();
        let known = said.trim().split_once(' ').filter(|_| asked.code == 0);
        Ok(known.map(|(id, architecture)| BaseImage {
            id: id.trim_start_matches("sha256:").to_owned(),
            architecture: architecture.to_owned(),
        }))
    }

    fn build(
        &self,
        recipe: &Recipe,
        how: &Preparation<'_>,
        image: &Image,
        base_id: &str,
        digest: &str,
    ) -> Result<(), Error> {
        let name = recipe.distribution();
        how.listener.step(&format!("making the builder for {name} with {}", self.program()));
        let context = Scratch::new()?;
        let file = context.path().join("Containerfile");
        let base = self.name_for(base_id, &image.tag)?;
        fs_err::write(&file, recipe.containerfile_from(base.name())?)?;
        let mut build = self.command().args(["build", "--tag", &image.tag, "--network", &image.network, "--file"]);
        build = build.arg(&file);
        for (label, value) in recipe.labels(base_id, digest)? {
            build = build.arg("--label").arg(format!("{label}={value}"));
        }
        if let Some(platform) = &image.platform {
            build = build.args(["--platform", platform]);
        }
        if how.layers == Layers::Anew {
            build = build.arg("--no-cache");
        }
        build = self.proxies(build).arg(context.path());
        let mut heard = |line: &str| {
            if let Some((done, total)) = step(line) {
                how.listener.progress(done, total);
            }
        };
        let built = build.follow(&mut heard)?;
        if built.code == 0 {
            return Ok(());
        }
        Err(failure(recipe, &built.stdout_text()))
    }

    /// A name of its own for the base, as long as a builder is made from it: what the image is called by may be pulled for
    /// another machine meanwhile, and not every engine takes an id after `FROM`.
    fn name_for(&self, base_id: &str, builder: &str) -> Result<BaseName, Error> {
        let unique = builder.rsplit('-').next().unwrap_or_default();
        let name = format!("{BASES}:{unique}-{}", std::process::id());
        let (engine, given) = (self.clone(), name.clone());
        // Only the name goes: the builder is made of the image.
        let remove = move || {
            let _ = engine.command().args(["image", "rm", &given]).run();
        };
        let give = || self.command().args(["tag", base_id, &name]).run_checked();
        let (_, undo) = Undo::of(give, |_| remove)?;
        Ok(BaseName { name, _undo: undo })
    }

    /// podman hands these in by itself (podman-build(1), `--http-proxy`).
    fn proxies(&self, mut build: Command) -> Command {
        if self.kind() == Kind::Docker {
            for name in ["http_proxy", "https_proxy", "ftp_proxy", "no_proxy"] {
                for name in [name.to_owned(), name.to_uppercase()] {
                    if std::env::var_os(&name).is_some() {
                        build = build.arg("--build-arg").arg(name);
                    }
                }
            }
        }
        build
    }
}

/// Lines at the end of a log that are shown.
const LOG: usize = 25;

fn failure(recipe: &Recipe, log: &str) -> Error {
    let distribution = recipe.distribution().to_owned();
    let said = log.to_lowercase();
    if said.contains("exec format error") {
        return Error::Emulation { machine: recipe.machine().to_owned() };
    }
    let has = |texts: &[&str]| texts.iter().any(|text| said.contains(text));
    let missing = [
        "unable to locate package",
        "unable to find a match",
        "no package ",
        "no match for argument",
        "not found in package names",
        "no provider of",
        "unsatisfiable",
        "unmet dependencies",
    ];
    let unreachable =
        ["temporary failure", "could not resolve", "cannot download", "failed to fetch", "could not connect"];
    let help = if has(&unreachable) {
        format!(
            "can a container reach the repositories of {distribution}? `network` in `[builder]` and the variables `http_proxy` and `https_proxy` say how; where a release has ended, `[distribution.{distribution}.toolchain.mirror]` says where its packages went"
        )
    } else if has(&missing) {
        format!(
            "is each package of `[builder] packages` and `build-requires` named as {distribution} does? `repositories` in `[builder]` enables more of them"
        )
    } else {
        format!("`omnipack builder dockerfile -D {distribution}` prints the Containerfile that was tried")
    };
    let lines = log.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect::<Vec<_>>();
    let log = crate::exec::mask_credentials(&lines[lines.len().saturating_sub(LOG)..].join("\n"));
    Error::Build { distribution, log, help }
}

/// `STEP 3/6: RUN ...` of podman, `Step 3/6 : RUN ...` of docker, `#7 [3/6] RUN ...` of its BuildKit.
fn step(line: &str) -> Option<(u64, u64)> {
    let rest = match line.get(..5) {
        Some(start) if start.eq_ignore_ascii_case("step ") => &line[5..],
        _ => line.strip_prefix('#')?.split_once('[')?.1,
    };
    let words = rest.split(|c: char| !c.is_ascii_digit() && c != '/').find(|word| word.contains('/'))?;
    let (done, total) = words.split_once('/')?;
    Some((done.parse().ok()?, total.parse().ok()?))
}

/// What OCI calls a machine: a GOARCH of Go (<https://github.com/opencontainers/image-spec/blob/main/config.md#properties>,
/// `architecture`; <https://go.dev/doc/install/source#environment>).
fn architecture(machine: &str) -> String {
    match machine {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "i686" => "386",
        "armv7l" => "arm",
        other => other,
    }
    .to_owned()
}

/// What to tell the engine where it would not take its own machine's.
fn platform(machine: &str) -> Option<String> {
    (machine != std::env::consts::ARCH).then(|| format!("linux/{}", architecture(machine)))
}

/// What a tag can hold (<https://github.com/distribution/reference>): the user names distributions.
fn tag_word(name: &str) -> String {
    let sound = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let word: String = name.chars().map(|c| if sound(c) { c } else { '-' }).take(64).collect();
    if word.starts_with(['.', '-']) || word.is_empty() { format!("x{word}") } else { word }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_steps_of_every_engine_are_understood() {
        assert_eq!(step("STEP 3/6: RUN dnf install 1/2"), Some((3, 6)));
        assert_eq!(step("Step 3/16 : RUN x"), Some((3, 16)));
        assert_eq!(step("#7 [ 3/6] RUN x"), Some((3, 6)));
        assert_eq!(step("#7 [builder 3/6] RUN x"), Some((3, 6)));
        for other in ["", "#7 0.345 Get:1 http://deb", "Get:1/2 x", "step", "€€", "STEP x: y"] {
            assert_eq!(step(other), None, "{other}");
        }
    }

    #[test]
    fn a_tag_holds_whatever_a_distribution_is_called() {
        assert_eq!(tag_word("opensuse-leap-15.6"), "opensuse-leap-15.6");
        assert_eq!(tag_word("my linux/€"), "my-linux--");
        assert_eq!(tag_word(".x"), "x.x");
        assert_eq!(tag_word(""), "x");
    }
}
