//! The fixtures, built, with what is in their packages; and lintian on all of them.

use std::path::{Path, PathBuf};

use omnipack::exec::Command;
use serde::Deserialize;

use crate::support::{both, expect_success, fixture, repository};
use crate::tool::{Built, assert_scripts_are_sound, build, contents, field, generate, member, read, relations};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Accepted {
    tag: String,
    #[serde(default)]
    detail: String,
    reason: String,
}

#[derive(Debug, Deserialize)]
struct List {
    accepted: Vec<Accepted>,
}

fn cdhboot(built: &Built) {
    assert_eq!(built.packages.keys().collect::<Vec<_>>(), ["cdhboot", "cdhboot-cli", "cdhboot-node"]);
    let (main, cli, node) =
        (&built.packages["cdhboot"], &built.packages["cdhboot-cli"], &built.packages["cdhboot-node"]);
    let depends = relations(main, "Depends");
    for name in ["python3-flask", "python3-flask-login", "python3-celery", "python3-tz", "python3:any", "passwd"] {
        assert!(depends.contains(&name.to_owned()), "{name}: {depends:?}");
    }
    assert_eq!(field(main, "Architecture"), "all");
    assert!(relations(cli, "Depends").contains(&"cdhboot (= 0.1-1)".to_owned()));
    assert!(contents(cli).contains(&"-rwxr-xr-x root/root ./usr/bin/cdhboot".to_owned()), "{:#?}", contents(cli));
    let inside = contents(main);
    for path in [
        "-rw-r--r-- root/root ./usr/lib/python3/dist-packages/cdhboot/templates/base.html",
        "-rwxr-xr-x root/root ./usr/bin/cdhboot-web",
        "-rw-r--r-- root/root ./lib/systemd/system/cdhboot.target",
    ] {
        assert!(inside.contains(&path.to_owned()), "{path}: {inside:#?}");
    }
    let inside = contents(node);
    for path in [
        "-rw-r----- root/root ./etc/cdhboot/cdhboot.conf",
        "drwxr-x--- root/root ./var/lib/cdhboot/",
        "-rw-r--r-- root/root ./etc/logrotate.d/cdhboot-node",
        "-rw-r--r-- root/root ./lib/systemd/system/cdhboot-worker.service",
    ] {
        assert!(inside.contains(&path.to_owned()), "{path}: {inside:#?}");
    }
    assert!(read(node, "./lib/systemd/system/cdhboot-web.service").contains("\nExecStart=/usr/bin/cdhboot-web\n"));
    assert_eq!(member(node, "conffiles"), "/etc/cdhboot/cdhboot.conf\n/etc/logrotate.d/cdhboot-node\n");
    let postinst = member(node, "postinst");
    let order =
        ["useradd -r -M -g sysadmin", "chown root:sysadmin /etc/cdhboot/cdhboot.conf", "deb-systemd-helper enable"];
    let places = order.map(|text| postinst.find(text).unwrap_or_else(|| panic!("{text}\n{postinst}")));
    assert!(places.is_sorted(), "{places:?}\n{postinst}");
}

fn flocker(built: &Built) {
    let names = [
        "clusterhq-flocker-cli",
        "clusterhq-flocker-docker-plugin",
        "clusterhq-flocker-node",
        "clusterhq-python-flocker",
    ];
    assert_eq!(built.packages.keys().collect::<Vec<_>>(), names);
    let node = &built.packages["clusterhq-flocker-node"];
    assert!(relations(node, "Depends").contains(&"iptables".to_owned()), "{:?}", relations(node, "Depends"));
    assert!(
        member(node, "triggers").contains("interest-noawait /usr/share/doc/firewalld"),
        "{}",
        member(node, "triggers")
    );
    assert!(member(node, "conffiles").contains("/etc/rsyslog.d/flocker.conf\n"));
    // `enable = "no"`
    assert!(!member(node, "postinst").contains("was-enabled defaults to true"), "{}", member(node, "postinst"));
    let inside = contents(&built.packages["clusterhq-flocker-cli"]);
    assert!(inside.contains(&"-rwxr-xr-x root/root ./usr/bin/flocker-ca".to_owned()), "{inside:#?}");
}

fn native(built: &Built) {
    let depends = relations(&built.packages["native-probe"], "Depends");
    for name in ["python3-numpy", "python3-cryptography", "python3-psycopg2"] {
        assert!(depends.contains(&name.to_owned()), "{name}: {depends:?}");
    }
}

fn minimal(built: &Built) {
    let inside = contents(&built.packages["minimal"]);
    assert!(
        inside.contains(&"-rw-r--r-- root/root ./usr/lib/python3/dist-packages/minimal.py".to_owned()),
        "{inside:#?}"
    );
    assert!(!field(&built.packages["minimal"], "Description").contains("virtual environment"));
}

/// A fixture as the flit of Debian 12 can read it, which is older than PEP 639; and with maintainer and licence, where it has
/// none: what a source package says of them is unknown then, which is an error of lintian's and one for the user to mend.
fn buildable(name: &str, directory: &Path) -> PathBuf {
    if !["native", "minimal"].contains(&name) {
        return fixture(name);
    }
    let project = directory.join(name);
    fs_err::create_dir_all(directory).unwrap();
    expect_success(&Command::new("cp").arg("-r").arg(fixture(name)).arg(&project));
    let maintainer = "[package]\nmaintainer = \"Ada Lovelace <ada@example.org>\"\nlicense = \"Apache-2.0\"\n";
    fs_err::write(project.join("omnipack.toml"), maintainer).unwrap();
    let path = project.join("pyproject.toml");
    let text = fs_err::read_to_string(&path).unwrap();
    fs_err::write(&path, text.replace("license = \"Apache-2.0\"", "license = { text = \"Apache-2.0\" }")).unwrap();
    project
}

/// A build can be repeated where it was done: dpkg-source finds nothing changed.
#[test]
fn the_fixtures_are_built_and_linted() {
    let directory = tempfile::tempdir().unwrap();
    let mut changes = Vec::new();
    for name in ["cdhboot", "flocker", "native", "minimal"] {
        let project = buildable(name, &directory.path().join("projects"));
        let tree = generate(&project, "debian-12", &directory.path().join(name));
        let built = build(&tree);
        assert_scripts_are_sound(&built);
        match name {
            "cdhboot" => cdhboot(&built),
            "flocker" => flocker(&built),
            "native" => native(&built),
            _ => minimal(&built),
        }
        if name == "minimal" {
            build(&tree);
        }
        changes.push(built.changes);
    }
    lint(&changes);
}

/// Init scripts, where they are the target's.
#[test]
fn init_scripts_are_built() {
    let directory = tempfile::tempdir().unwrap();
    let project = directory.path().join("project");
    expect_success(&Command::new("cp").arg("-r").arg(fixture("cdhboot")).arg(&project));
    let path = project.join("omnipack.toml");
    let text = fs_err::read_to_string(&path).unwrap();
    let more = "[distribution.house-12]\nlike = \"debian-12\"\ninit = \"sysvinit\"\n";
    fs_err::write(&path, format!("{text}\n{more}")).unwrap();
    let built = build(&generate(&project, "house-12", &directory.path().join("out")));
    assert_scripts_are_sound(&built);
    let node = &built.packages["cdhboot-node"];
    let script = "-rwxr-xr-x root/root ./etc/init.d/cdhboot-web".to_owned();
    assert!(contents(node).contains(&script), "{:#?}", contents(node));
    assert!(read(node, "./etc/init.d/cdhboot-web").contains("/usr/bin/cdhboot-web"));
    let (postinst, prerm) = (member(node, "postinst"), member(node, "prerm"));
    assert!(postinst.contains("update-rc.d cdhboot-web defaults "), "{postinst}");
    assert!(
        postinst.contains("invoke-rc.d cdhboot-web restart") && !postinst.contains("_dh_action=start"),
        "{postinst}"
    );
    assert!(prerm.contains("invoke-rc.d cdhboot-web stop"), "{prerm}");
}

fn lint(changes: &[PathBuf]) {
    let text = fs_err::read_to_string(repository().join("tests/debian_source/lintian.toml")).unwrap();
    let list: List = toml::from_str(&text).unwrap();
    let options = ["--jobs", "2", "--tag-display-limit", "0", "--allow-root", "--fail-on", "none"];
    let output = Command::new("lintian").args(options).args(changes).env("LC_ALL", "C.UTF-8").run().unwrap();
    assert_eq!(output.code, 0, "{}", both(&output));
    let said = output.stdout_text();
    let findings = said.lines().filter(|line| line.starts_with("E: ") || line.starts_with("W: ")).collect::<Vec<_>>();
    let covers = |accepted: &Accepted, line: &str| {
        line.split(": ").nth(2).is_some_and(|rest| rest.split(' ').next() == Some(&accepted.tag))
            && line.contains(&accepted.detail)
    };
    let open = findings.iter().filter(|line| !list.accepted.iter().any(|accepted| covers(accepted, line)));
    let open = open.copied().collect::<Vec<_>>();
    assert!(open.is_empty(), "not in tests/debian_source/lintian.toml:\n{}", open.join("\n"));
    for accepted in &list.accepted {
        assert!(!accepted.reason.trim().is_empty(), "{accepted:?} needs a reason");
        let warnings_only = !findings.iter().any(|line| covers(accepted, line) && line.starts_with("E: "));
        assert!(warnings_only, "an error is accepted: {accepted:?}");
        assert!(findings.iter().any(|line| covers(accepted, line)), "applies no longer: {accepted:?}");
    }
}
