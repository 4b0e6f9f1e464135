//! What omnipack has written into a project earlier (packages, staged trees, what `generate-spec` writes) is no part of its
//! sources: else each run would pack what the one before has left, and no two archives were the same.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use fs_err as fs;

use super::Error;
use super::archive::TEXTS;
use super::cache::sha256_file;
use super::tags::normalize;

/// The first words of a spec file that was written here.
const MARK: &str = "# Written by omnipack ";
/// What source archives end with.
const ARCHIVES: [&str; 5] = [".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".zip"];
/// Files that say how a project is built or packaged: what they speak of belongs to it.
const BUILD_FILES: [&str; 5] = ["omnipack.toml", "pyproject.toml", "setup.py", "setup.cfg", "MANIFEST.in"];
/// A spec file is read no further than this, in bytes.
const LONGEST_SPEC: u64 = 16 << 20;

/// Those of `files`, which are relative to `root`, that are no outputs of earlier runs.
///
/// # Errors
/// When a file cannot be read.
pub fn without_outputs(root: &Path, files: Vec<PathBuf>) -> Result<Vec<PathBuf>, Error> {
    let mut outputs = built_packages(root, &files);
    debian(&files, &mut outputs);
    for spec in files.iter().filter(|path| path.extension().is_some_and(|extension| extension == "spec")) {
        if let Some(text) = own_spec(&root.join(spec))? {
            outputs.insert(spec.clone());
            of_spec(root, &files, spec.parent().unwrap_or(Path::new("")), &text, &mut outputs)?;
        }
    }
    Ok(if outputs.is_empty() { files } else { files.into_iter().filter(|path| !outputs.contains(path)).collect() })
}

/// Packages of earlier builds, and the trees that `--keep-stage` left beside them: right in the project, in directories that
/// hold nothing else, and wherever no module lies if they have the project's name. A package that a Python package carries
/// as its data lies among modules, and stays.
fn built_packages(root: &Path, files: &[PathBuf]) -> BTreeSet<PathBuf> {
    let mut found = files.iter().filter(|path| is_package(path)).cloned().collect::<BTreeSet<_>>();
    if found.is_empty() {
        return found;
    }
    let stages = stages(&found);
    let is_staged = |path: &Path| path.ancestors().any(|directory| stages.contains(directory));
    let others = || files.iter().filter(|path| !is_package(path) && !is_staged(path));
    let mixed = others().filter_map(|path| path.parent()).collect::<BTreeSet<_>>();
    let modules = others().filter(|path| path.extension().is_some_and(|extension| extension == "py"));
    let of_modules = modules.filter_map(|path| path.parent()).collect::<BTreeSet<_>>();
    let own = own_names(root);
    found.retain(|path| {
        let parent = path.parent().unwrap_or(Path::new(""));
        let is_own = || own.iter().any(|own| package_name(path).strip_prefix(own.as_str()).is_some_and(ends_name));
        let above = || parent.ancestors().filter(|directory| *directory != Path::new(""));
        parent == Path::new("")
            || !above().any(|directory| of_modules.contains(directory)) && (!mixed.contains(parent) || is_own())
    });
    let left = self::stages(&found);
    found.extend(files.iter().filter(|path| path.ancestors().any(|directory| left.contains(directory))).cloned());
    found
}

fn is_package(path: &Path) -> bool {
    [".rpm", ".deb"].iter().any(|end| name(path).ends_with(end))
}

/// `out/app-stage` of `out/app_1.0-1_all.deb`
fn stages(packages: &BTreeSet<PathBuf>) -> BTreeSet<PathBuf> {
    packages.iter().map(|path| path.with_file_name(format!("{}-stage", package_name(path)))).collect()
}

/// `app` of `app_1.0-1_all.deb` and of `app-1.0-1.noarch.rpm`
fn package_name(path: &Path) -> &str {
    let file = name(path);
    if file.ends_with(".deb") {
        return file.split('_').next().unwrap_or(file);
    }
    file.rsplitn(3, '-').nth(2).unwrap_or(file)
}

/// Is this what may follow a project's name in that of a package of it: nothing, or `-node`?
fn ends_name(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with('-')
}

/// What the project may be called: as its directory is, and as its own files say.
fn own_names(root: &Path) -> BTreeSet<String> {
    let title = root.file_name().map(|title| normalize(&title.to_string_lossy()));
    let texts = BUILD_FILES.iter().filter_map(|file| fs::read_to_string(root.join(file)).ok()).collect::<Vec<_>>();
    let named = texts.iter().flat_map(|text| text.lines()).filter_map(|line| {
        let value = line.trim().strip_prefix("name")?.trim_start().strip_prefix('=')?.trim();
        let value = value.trim_end_matches(',').trim_matches(['"', '\'']);
        (!value.is_empty()).then(|| normalize(value))
    });
    title.into_iter().chain(named).collect()
}

/// `x_1.0.orig.tar.gz`, the tree `x-1.0` beside it, and what was built of them.
fn debian(files: &[PathBuf], outputs: &mut BTreeSet<PathBuf>) {
    for archive in files {
        let Some((stem, _)) = name(archive).split_once(".orig.tar.") else { continue };
        let Some((package, version)) = stem.split_once('_') else { continue };
        let directory = archive.parent().unwrap_or(Path::new(""));
        let tree = directory.join(format!("{package}-{version}"));
        if !files.contains(&tree.join("debian/control")) {
            continue;
        }
        let built = format!("{package}_{version}");
        let of = |path: &&PathBuf| {
            path.starts_with(&tree) || (path.parent() == Some(directory) && name(path).starts_with(&built))
        };
        outputs.extend(files.iter().filter(of).cloned());
    }
}

/// What lies beside a spec file: its archive, of whatever version, its packages, and its other sources.
fn of_spec(
    root: &Path,
    files: &[PathBuf],
    directory: &Path,
    spec: &str,
    outputs: &mut BTreeSet<PathBuf>,
) -> Result<(), Error> {
    let project =
        spec.lines().find_map(|line| line.strip_prefix("%global pypi_name ")).map(|name| normalize(name.trim()));
    let listed = spec.lines().filter_map(listed).collect::<BTreeSet<_>>();
    for path in files.iter().filter(|path| path.parent() == Some(directory)) {
        let archive = ARCHIVES.iter().find_map(|end| name(path).strip_suffix(end));
        let of_project = |stem: &str| stem.rsplit_once('-').map(|(name, _)| normalize(name)) == project;
        let is_output = name(path).ends_with(".rpm")
            || archive.is_some_and(of_project)
            || (listed.contains(name(path)) && is_ours(root, files, path)?);
        if is_output {
            outputs.insert(path.clone());
        }
    }
    Ok(())
}

/// The file name of a line that names a source or a patch.
fn listed(line: &str) -> Option<&str> {
    let (tag, value) = line.split_once(':')?;
    let number = tag.strip_prefix("Source").or_else(|| tag.strip_prefix("Patch"))?;
    number.bytes().all(|byte| byte.is_ascii_digit()).then(|| value.trim().rsplit('/').next().unwrap_or_default())
}

/// Was this source of a spec file written here? The same name is also that of a file which the user keeps there: one that the
/// project's own files speak of, or its licence. A copy of another file is a copy.
fn is_ours(root: &Path, files: &[PathBuf], path: &Path) -> Result<bool, Error> {
    let lower = name(path).to_lowercase();
    if TEXTS.iter().any(|word| lower.starts_with(word)) {
        return Ok(false);
    }
    let others = files.iter().filter(|other| *other != path && name(other) == name(path));
    let digest = sha256_file(&root.join(path))?;
    for other in others {
        if fs::metadata(root.join(other)).is_ok_and(|meta| meta.is_file()) && sha256_file(&root.join(other))? == digest
        {
            return Ok(true);
        }
    }
    let texts = BUILD_FILES.iter().filter_map(|file| fs::read_to_string(root.join(file)).ok());
    Ok(!texts.into_iter().any(|text| text.contains(name(path))))
}

/// The text of a spec file, where omnipack has written it.
fn own_spec(path: &Path) -> Result<Option<String>, Error> {
    let meta = fs::symlink_metadata(path)?;
    if !meta.is_file() || meta.len() > LONGEST_SPEC {
        return Ok(None);
    }
    let text = String::from_utf8_lossy(&fs::read(path)?).into_owned();
    Ok(text.trim_start().starts_with(MARK).then_some(text))
}

fn name(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_written_here_is_left_out() {
        let directory = tempfile::tempdir().unwrap();
        let spec = "# Written by omnipack 0.1.0 for X: a start\n\n%global pypi_name My.App\nSource0: %{pypi_source}\n\
                    Source1:  web.service\nSource2: LICENSE\nSource3: own.conf\nSource4: app.conf\nPatch0: fix.patch\n";
        let config = "source = \"own.conf\"\nsource = \"etc/app.conf\"\npatches = [\"fix.patch\"]\n";
        let files = [
            ("app.spec", spec),
            ("foreign.spec", "Name: x\nSource1: kept.txt\n"),
            ("omnipack.toml", config),
            ("my_app-1.0.tar.gz", ""),
            ("other-1.0.tar.gz", ""),
            ("web.service", "made"),
            ("LICENSE", "mine"),
            ("own.conf", "mine"),
            ("app.conf", "copy"),
            ("etc/app.conf", "copy"),
            ("fix.patch", "mine"),
            ("kept.txt", ""),
            ("app-1.0-1.src.rpm", ""),
            ("app-1.0-1.noarch.rpm", ""),
            ("out/app-1.0-1.src.rpm", ""),
            ("tests/data/x.src.rpm", ""),
            ("tests/data/x.py", ""),
            ("app_1.0.orig.tar.gz", ""),
            ("app_1.0-1.dsc", ""),
            ("app-1.0/debian/control", ""),
            ("app-1.0/app.py", ""),
            ("app-2.0/app.py", ""),
        ];
        for (name, text) in files {
            let path = directory.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let all = files.iter().map(|(name, _)| PathBuf::from(name)).collect();
        let left = without_outputs(directory.path(), all).unwrap();
        let left = left.iter().map(|path| path.to_str().unwrap()).collect::<Vec<_>>();
        let kept = [
            "foreign.spec",
            "omnipack.toml",
            "other-1.0.tar.gz",
            "LICENSE",
            "own.conf",
            "etc/app.conf",
            "fix.patch",
            "kept.txt",
            "tests/data/x.src.rpm",
            "tests/data/x.py",
            "app-2.0/app.py",
        ];
        assert_eq!(left, kept);
    }

    #[test]
    fn packages_of_former_builds_are_left_out_and_those_among_modules_stay() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("grow");
        fs::create_dir(&root).unwrap();
        fs::write(root.join("omnipack.toml"), "[package]\nname = \"shop\"\n").unwrap();
        let built = [
            "grow_0.0.0-1_all.deb",
            "debian-12/grow-node_0.0.0-1_all.deb",
            "debian-12/grow_0.0.0-1_all.deb",
            "debian-12/grow-stage/usr/lib/systemd/system/web.service",
            "debian-12/grow-stage/opt/grow/app.py",
            "out/rocky-9/grow-0.0.0-1.noarch.rpm",
            "deploy/shop-1.0-1.noarch.rpm",
        ];
        let kept = [
            "app.py",
            "omnipack.toml",
            "deploy/site.yml",
            "deploy/other-1.0-1.noarch.rpm",
            "growth-stage/x.yml",
            "pkg/__init__.py",
            "pkg/data/tool_1.0_all.deb",
            "tests/grow_1_all.deb",
            "tests/test_app.py",
        ];
        let all = built.iter().chain(&kept).map(PathBuf::from).collect();
        let left = without_outputs(&root, all).unwrap();
        assert_eq!(left.iter().map(|path| path.to_str().unwrap()).collect::<Vec<_>>(), kept);
    }
}
