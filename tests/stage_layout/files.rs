//! What the user adds: files, trees, templates, directories, links.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use omnipack::plan::{BuildPlan, Links, PackagePlan};
use omnipack::project::{ConfigFile, ExtraDirectory, ExtraFile, Service};
use omnipack::resolve::WheelRole;
use omnipack::stage::{Entry, EntryKind, Stage, lay_out, package_entries};

use crate::support::{Builder, lock, locked, opt_plan, package, read};

fn extra(source: &Path, destination: &str) -> ExtraFile {
    ExtraFile {
        doc: false,
        source: source.to_path_buf(),
        destination: destination.into(),
        config: ConfigFile::No,
        mode: None,
        owner: "root".into(),
        group: "app".into(),
        capabilities: None,
        formerly: Vec::new(),
        template: false,
        package: None,
    }
}

fn staged(dir: &Path) -> Stage {
    let wheel = Builder::new("app")
        .file("app-1.0.dist-info/entry_points.txt", "[console_scripts]\napp-web = a:b\napp-worker = a:b\n");
    let other = Builder::new("dep").file("dep-1.0.dist-info/entry_points.txt", "[console_scripts]\ndep = a:b\n");
    let wheels =
        vec![locked(&wheel.write(dir), WheelRole::Application), locked(&other.write(dir), WheelRole::Dependency)];
    lay_out(&opt_plan(), &lock(wheels), dir).unwrap().finish(Vec::new()).unwrap()
}

fn with_files(files: Vec<ExtraFile>) -> Result<Vec<Entry>, String> {
    let mut package = package("app-node");
    package.files = files;
    package_entries(&opt_plan(), &package, &Stage::default()).map_err(|error| error.to_string())
}

#[test]
fn a_template_is_rendered_and_a_wrong_name_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let source = dir.path().join("app.conf");
    fs_err::write(&source, "{{ name }} {{ package }} {{ version }} {{ prefix }} {{ distribution }}\n").unwrap();
    let mut file = extra(&source, "/etc/app/");
    file.template = true;
    file.config = ConfigFile::Noreplace;
    file.mode = Some(0o640);
    let entries = with_files(vec![file.clone()]).unwrap();
    let EntryKind::File(content) = &entries[0].kind else { panic!() };
    assert_eq!(read(content), b"app app-node 1.0 /opt/app test-1\n");
    assert_eq!(entries[0].path.as_str(), "/etc/app/app.conf");
    assert_eq!((entries[0].mode, &*entries[0].group), (0o640, "app"));
    assert_eq!(entries[0].flags.config, ConfigFile::Noreplace);
    fs_err::write(&source, "{{ nmae }}").unwrap();
    assert!(with_files(vec![file]).unwrap_err().contains("cannot be rendered"));
}

#[test]
fn a_tree_keeps_inner_links_and_modes_and_refuses_what_leaves_it() {
    let dir = tempfile::tempdir().unwrap();
    let tree = dir.path().join("tree");
    fs_err::create_dir_all(tree.join("sub")).unwrap();
    fs_err::write(tree.join("sub/run"), "#!/bin/sh\n").unwrap();
    fs_err::set_permissions(tree.join("sub/run"), PermissionsExt::from_mode(0o700)).unwrap();
    fs_err::write(tree.join("caf\u{e9} 100%"), "").unwrap();
    fs_err::os::unix::fs::symlink("sub/run", tree.join("link")).unwrap();
    let entries = with_files(vec![extra(&tree, "/usr/share/app")]).unwrap();
    let shown = entries.iter().map(|entry| (entry.path.as_str(), entry.mode)).collect::<Vec<_>>();
    assert_eq!(
        shown,
        [
            ("/usr/share/app", 0o755),
            ("/usr/share/app/caf\u{e9} 100%", 0o644),
            ("/usr/share/app/link", 0o777),
            ("/usr/share/app/sub", 0o755),
            ("/usr/share/app/sub/run", 0o755),
        ]
    );
    fs_err::os::unix::fs::symlink("../outside", tree.join("bad")).unwrap();
    let error = with_files(vec![extra(&tree, "/usr/share/app")]).unwrap_err();
    assert!(error.contains("bad") && error.contains("leaves the tree"), "{error}");
    fs_err::remove_file(tree.join("bad")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(tree.join("socket")).unwrap();
    let error = with_files(vec![extra(&tree, "/usr/share/app")]).unwrap_err();
    assert!(error.contains("socket"), "{error}");
}

#[test]
fn missing_files_and_double_destinations_are_errors() {
    let dir = tempfile::tempdir().unwrap();
    let error = with_files(vec![extra(&dir.path().join("none"), "/etc/x")]).unwrap_err();
    assert!(error.contains("none"), "{error}");
    let source = dir.path().join("a");
    fs_err::write(&source, "").unwrap();
    let error = with_files(vec![extra(&source, "/etc/x"), extra(&source, "/etc/x")]).unwrap_err();
    assert!(error.contains("`/etc/x` is there twice"), "{error}");
    assert!(with_files(vec![extra(&source, "etc/x")]).unwrap_err().contains("not an absolute path"));
}

#[test]
fn links_lead_to_scripts_that_exist() {
    let dir = tempfile::tempdir().unwrap();
    let stage = staged(dir.path());
    let mut package = package("app-cli");
    let links = |scripts: Option<Vec<&str>>| Links {
        directory: "/usr/bin".into(),
        scripts: scripts.map(|names| names.into_iter().map(str::to_owned).collect()),
    };
    package.links = vec![links(None)];
    package.directories = vec![ExtraDirectory {
        path: "/var/log/app".into(),
        mode: 0o750,
        owner: "app".into(),
        group: "app".into(),
        ghost: true,
        package: None,
    }];
    let entries = package_entries(&opt_plan(), &package, &stage).unwrap();
    let paths = entries.iter().map(|entry| entry.path.as_str()).collect::<Vec<_>>();
    assert_eq!(paths, ["/usr/bin/app-web", "/usr/bin/app-worker", "/var/log/app"]);
    assert!(matches!(&entries[0].kind, EntryKind::Symlink(target) if &**target == "/opt/app/bin/app-web"));
    assert!(entries[2].flags.ghost && entries[2].mode == 0o750);
    for (wrong, hint) in [("app-wed", "app-web"), ("../etc/passwd", "there are: app-web, app-worker, dep")] {
        package.links = vec![links(Some(vec![wrong]))];
        let error = package_entries(&opt_plan(), &package, &stage).unwrap_err();
        assert!(error.to_string().contains(wrong), "{error}");
        let help = miette::Diagnostic::help(&error).unwrap().to_string();
        assert!(help.contains(hint), "{help}");
    }
    package.links = vec![links(Some(vec!["dep"]))];
    assert_eq!(package_entries(&opt_plan(), &package, &stage).unwrap().len(), 2);
}

#[test]
fn what_a_service_reads_its_environment_from_is_for_root_only() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["web.env", "job-1.env", "job-3.env", "app.conf"] {
        fs_err::write(dir.path().join(name), "PASSWORD=s3cret\n").unwrap();
    }
    let mut package = package("app-node");
    let service = |path: &str, count| Service { environment_file: path.into(), count, ..Service::default() };
    package.services = vec![service("/etc/app/web.env", None), service("/etc/app/job-{instance}.env", Some(2))];
    let modes = |package: &PackagePlan| {
        let plan = BuildPlan { packages: vec![package.clone()], ..opt_plan() };
        let entries = package_entries(&plan, package, &Stage::default()).unwrap();
        let files = entries.iter().filter(|entry| matches!(entry.kind, EntryKind::File(_)));
        files.map(|entry| format!("{} {:o}", entry.path.file_name(), entry.mode)).collect::<Vec<_>>()
    };
    package.files = vec![extra(dir.path(), "/etc/app")];
    assert_eq!(modes(&package), ["app.conf 644", "job-1.env 600", "job-3.env 644", "web.env 600"]);
    package.files = vec![extra(&dir.path().join("web.env"), "/etc/app/web.env")];
    assert_eq!(modes(&package), ["web.env 600"]);
    package.files[0].mode = Some(0o640);
    assert_eq!(modes(&package), ["web.env 640"]);
}
