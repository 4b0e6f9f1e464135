//! What scriptlets do with the plugins of operators, run by every shell of a target in directories of this machine.

mod service_fixture;

use std::path::Path;

use omnipack::exec::Command;
use omnipack::plan::{BuildPlan, Role};
use omnipack::project::{Plugins, ScriptletKind, Service, ServiceDirectories};
use service_fixture::{package, plan, rendered, service};

const SHELLS: [&[&str]; 3] = [&["dash"], &["bash", "--posix"], &["busybox", "sh"]];

/// Of `directory` come the tree and the plugins, below a directory that is called like the package.
fn with_plugins(directory: &Path, remove: bool) -> (BuildPlan, std::path::PathBuf) {
    let mut plan = plan("rocky-9", vec![package("demo", Role::Main)]);
    plan.prefix = directory.join("opt/demo").display().to_string();
    let plugins = directory.join("demo/it's $HOME");
    plan.python.plugins = Some(Plugins { directory: plugins.display().to_string(), remove });
    (plan, plugins)
}

fn run(shell: &[&str], plan: &BuildPlan, kind: ScriptletKind, argument: &str) -> String {
    let parts = rendered(plan, 0).unwrap();
    let scriptlet = tempfile::NamedTempFile::new().unwrap();
    fs_err::write(scriptlet.path(), &parts.scriptlets[&kind].text).unwrap();
    let command = Command::new(shell[0]).args(&shell[1..]).args(["-e", "-u"]).arg(scriptlet.path()).arg(argument);
    let output = command.run_checked().unwrap();
    output.stdout_text() + &output.stderr_text()
}

fn write(path: &Path, text: &str) {
    fs_err::create_dir_all(path.parent().unwrap()).unwrap();
    fs_err::write(path, text).unwrap();
}

#[test]
fn plugins_of_another_python_are_reported_once_and_with_a_command_that_a_shell_takes() {
    for shell in SHELLS {
        let work = tempfile::tempdir().unwrap();
        let (mut plan, plugins) = with_plugins(work.path(), false);
        plan.interpreter.version = omnipack::distribution::ToolVersion::new(3, 11, 0);
        let report = || run(shell, &plan, ScriptletKind::Posttrans, "1");
        assert_eq!(report(), "", "no directory at all");
        write(&plugins.join("lib/python3.6/requirements.txt"), "");
        assert_eq!(report(), "", "plugins were there and are gone");
        write(&plugins.join("lib/python3.8/requirements.txt"), "a==1\n");
        write(&plugins.join("lib/python3.9/requirements.txt"), "a==1\n");
        Command::new("touch")
            .args(["-d", "2001-01-01"])
            .arg(plugins.join("lib/python3.8/requirements.txt"))
            .run_checked()
            .unwrap();
        let said = report();
        let [warning, command] = said.lines().collect::<Vec<_>>()[..] else { panic!("{shell:?}: {said}") };
        assert_eq!(
            warning,
            "warning: demo runs on Python 3.11 now, and its plugins were installed for Python 3.9; install them again with"
        );
        let words = Command::new("sh").args(["-c", &format!("printf '%s\\n' {command}")]).run_checked().unwrap();
        let record = plugins.join("lib/python3.9/requirements.txt").display().to_string();
        let pip = format!("{}/bin/pip", plan.prefix);
        assert_eq!(words.stdout_text().lines().collect::<Vec<_>>(), [&pip, "install", "-r", &record]);
        write(&plugins.join("lib/python3.11/requirements.txt"), "");
        assert_eq!(report(), "", "the operator has seen to it");
    }
}

#[test]
fn plugins_are_removed_with_the_package_only_when_asked_or_when_there_are_none() {
    for shell in SHELLS {
        for remove in [false, true] {
            let work = tempfile::tempdir().unwrap();
            let (plan, plugins) = with_plugins(work.path(), remove);
            let postun = |argument: &str| run(shell, &plan, ScriptletKind::Postun, argument);
            let precious = work.path().join("precious");
            write(&precious.join("data"), "data");
            let fill = || {
                write(&plugins.join("lib/python3.9/site-packages/-rf"), "");
                write(&plugins.join("lib/python3.9/requirements.txt"), "a==1\n");
                fs_err::os::unix::fs::symlink(&precious, plugins.join("lib/link")).unwrap();
            };
            fill();
            postun("1");
            assert!(plugins.join("lib/link").exists(), "{shell:?}: an upgrade keeps everything");
            postun("0");
            assert_eq!(plugins.exists(), !remove, "{shell:?}");
            assert_eq!(
                plugins.parent().unwrap().exists(),
                !remove,
                "{shell:?}: the directory above is the package's own"
            );
            assert!(precious.join("data").exists(), "{shell:?}: links are not followed");

            if plugins.exists() {
                fs_err::remove_dir_all(&plugins).unwrap();
                write(&plugins.join("lib/python3.9/requirements.txt"), "a==1\n");
                postun("0");
                assert!(plugins.exists(), "{shell:?}: what the operator asked for is known");
            }
            write(&plugins.join("lib/python3.9/requirements.txt"), "");
            fs_err::create_dir_all(plugins.join("lib/python3.9/site-packages")).unwrap();
            postun("0");
            assert!(!plugins.parent().unwrap().exists(), "{shell:?}: an empty tree goes either way");

            fs_err::create_dir_all(plugins.parent().unwrap()).unwrap();
            fs_err::os::unix::fs::symlink(&precious, &plugins).unwrap();
            postun("0");
            assert!(precious.join("data").exists() && plugins.is_symlink(), "{shell:?}: a link is not followed");
        }
    }
}

#[test]
fn without_plugins_nothing_is_said_of_them() {
    let parts = rendered(&plan("rocky-9", vec![package("demo", Role::Main)]), 0).unwrap();
    assert!(parts.scriptlets.values().all(|scriptlet| !scriptlet.text.contains("plugins")));
}

#[test]
fn plugins_lie_apart_from_the_directories_of_services() {
    let of_account = |hardening: bool| Service { user: "boot".to_owned(), hardening, ..service("web", "demo") };
    let stateful = |state: &str| Service {
        directories: ServiceDirectories { state: Some(state.to_owned()), ..ServiceDirectories::default() },
        ..of_account(false)
    };
    let refusal = |plugins: &str, service: Service| {
        let mut main = package("demo", Role::Main);
        main.services.push(service);
        let mut plan = plan("rocky-9", vec![main]);
        plan.python.plugins = Some(Plugins { directory: plugins.to_owned(), remove: false });
        let scripts = ["demo".to_owned()];
        omnipack::service::render(&plan, &plan.packages[0], &scripts).err().map(|error| error.to_string())
    };
    let said = |plugins: &str, directory: &str| {
        let apart = "which service `web` has for itself, have to lie apart";
        Some(format!("plugins in `{plugins}` and `{directory}`, {apart}"))
    };
    assert_eq!(refusal("/var/lib/demo/plugins", of_account(true)), said("/var/lib/demo/plugins", "/var/lib/demo"));
    assert_eq!(refusal("/var/lib/demo", of_account(true)), said("/var/lib/demo", "/var/lib/demo"));
    assert_eq!(refusal("/var/lib/own/a/b", stateful("own/a")), said("/var/lib/own/a/b", "/var/lib/own/a"));
    assert_eq!(refusal("/var/lib/own", stateful("own/a")), said("/var/lib/own", "/var/lib/own/a"));
    assert_eq!(refusal("/var/lib/own-plugins", stateful("own")), None, "apart");
    assert_eq!(refusal("/var/lib/demo/plugins", of_account(false)), None, "the service has no directory");
    let of_root = Service { user: String::new(), ..stateful("own") };
    assert_eq!(refusal("/var/lib/own/plugins", of_root), None, "root writes to it");
}

#[test]
fn shellcheck_finds_nothing() {
    let work = tempfile::tempdir().unwrap();
    for remove in [false, true] {
        let (mut plan, _) = with_plugins(Path::new("/srv"), remove);
        plan.python.plugins = Some(Plugins { directory: "/srv/demo/of others".to_owned(), remove });
        for (kind, scriptlet) in rendered(&plan, 0).unwrap().scriptlets {
            let path = work.path().join(format!("{kind:?}-{remove}"));
            fs_err::write(&path, scriptlet.text).unwrap();
            let output = Command::new("shellcheck").args(["--shell=sh", "--severity=style"]).arg(&path).run().unwrap();
            assert_eq!(output.code, 0, "{}", output.stdout_text());
        }
    }
}
