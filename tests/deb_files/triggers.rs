//! `[[trigger]]` through dpkg.

use crate::handmade::{WheelMaker, omnipack};
use crate::support::{Project, assert_part};

const CONFIG: &str = r#"
[[trigger]]
on = "/usr/share/omnitest"
script = "echo path >>/ran"
[[trigger]]
on = "trigger:omnitest-changed"
script = """
#!/usr/bin/python3.11 -s
import sys
open("/ran", "a").write(f"name {sys.flags.no_user_site}\\n")
sys.exit(3)
"""
[[trigger]]
on = "omniother >= 1"
script = '''
echo 'package
OMNIPACK_END
$HOME' >>/ran
exit 0
'''
[[trigger]]
on = "omniother > 1"
script = "echo never >>/ran"
[[trigger]]
on = "omniother"
when = "postun"
script = "echo gone >>/ran"
[deb]
activate = ["ldconfig"]
"#;

#[test]
fn scripts_run_once_in_a_transaction_for_what_they_wait_for() {
    let project = Project::new();
    project.version("1.0", CONFIG, |_| ());
    let said = project.run(
        "ran() { cat /ran 2>/dev/null; rm -f /ran; }\n\
         title install; install 1.0; ran\n\
         title path; handmade omnifirst /usr/share/omnitest/a /usr/share/omnitest/deep/b; ran\n\
         title name; dpkg-trigger --no-await omnitest-changed; dpkg-trigger --no-await omnitest-changed; quietly dpkg --configure --pending; ran\n\
         title other; handmade omniother /usr/share/doc/omniother/copyright; ran\n\
         title reinstall; install 1.0; ran\n\
         title gone; quietly dpkg --purge omniother; ran\n\
         title without; quietly dpkg --purge omnifirst; ran\n\
         title state; dpkg-query -W -f='${db:Status-Abbrev}\\n' demo; left /tmp/omnipack*\n",
    );
    let warning = "warning: the script of demo for the trigger on trigger:omnitest-changed failed with exit code 3";
    let package = ["package", "OMNIPACK_END", "$HOME"];
    assert_part(&said, "install", &[warning, "name 1"]);
    assert_part(&said, "path", &["path"]);
    assert_part(&said, "name", &[warning, "name 1"]);
    assert_part(&said, "other", &package);
    assert_part(&said, "reinstall", &[[warning, "path", "name 1"].as_slice(), &package].concat());
    assert_part(&said, "gone", &["gone"]);
    assert_part(&said, "without", &["path"]);
    assert_part(&said, "state", &["ii "]);
    let lines = "activate-noawait ldconfig\ninterest-noawait /usr/share/doc/omniother\n\
                 interest-noawait /usr/share/omnitest\ninterest-noawait omnitest-changed\n";
    assert_eq!(project.control("1.0", "triggers"), lines);
}

#[test]
fn what_the_package_manager_has_not_is_said() {
    let place = tempfile::tempdir().unwrap();
    let wheel = WheelMaker::new("demo", "1.0").write(place.path());
    let refused = |distribution: &str, trigger: &str| {
        let config = place.path().join("omnipack.toml");
        fs_err::write(&config, format!("[[trigger]]\nscript = \"true\"\n{trigger}\n")).unwrap();
        let mut command = omnipack(&place.path().join("cache"));
        command.args(["--distribution", distribution, "--config"]).arg(config).arg("--wheels").arg(place.path());
        let output =
            command.arg("-d").arg(place.path().join("out")).arg(&wheel).assert().failure().get_output().clone();
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.contains("service::trigger"), "{text}");
        text.split_whitespace().filter(|word| *word != "|").collect::<Vec<_>>().join(" ")
    };
    let cases = [
        ("debian-12", "on = \"nginx\"\nwhen = \"un\"", "before a package is removed"),
        ("debian-12", "on = \"nginx > 1\"\nwhen = \"postun\"", "a package that is gone has not"),
        ("debian-12", "on = \"/usr/share/a b\"", "no name that a dpkg trigger can have"),
        ("debian-12", "on = \"/usr/share/mime\"\nwhen = \"postun\"", "leave `when` out"),
        ("debian-12", "on = \"nginx is there\"", "neither a package nor"),
        ("debian-12", "on = \"libX\"", "no package of Debian"),
        ("debian-12", "on = \"nginx\"\ninterpreter = \"<lua>\"", "which only rpm has"),
        ("rocky-9", "on = \"/usr/share/mime\"", "rpm's triggers wait for packages"),
        ("rocky-9", "on = \"trigger:ldconfig\"", "rpm's triggers wait for packages"),
    ];
    for (distribution, trigger, expected) in cases {
        let said = refused(distribution, trigger);
        assert!(said.contains(expected), "{trigger}: {said}");
    }
}
