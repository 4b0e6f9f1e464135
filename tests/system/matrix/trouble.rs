//! Rows of what breaks other packages.

use super::app::App;
use super::broken::Breakage;
use super::case::{Case, Outcome, Target, same};
use super::manager::Verb;
use super::services;
use crate::packages;

pub fn the_main_package_alone_is_refused(target: &'static Target, breakage: Option<&Breakage>) -> Outcome {
    let case = Case::installed(target, breakage, &App::new("1"))?;
    let web = case.process("web")?;
    let mut packages = case.build(&App::new("2"));
    packages.retain(|package| packages::name(package) == "demo");
    match case.try_packages(Verb::OnlyUpgrade, &packages) {
        Ok(_) => return Err("an upgrade of the main package alone is not refused".to_owned()),
        Err(said) if !said.contains(target.custom.refusal) && !said.contains("demo-1-1") => {
            return Err(format!("the refusal does not say what is needed: {said}"));
        }
        Err(_) => {}
    }
    case.versions("1 1 1")?;
    same("the web service's process:", &case.process("web")?, &web)?;
    case.starts(&[])
}

pub fn two_applications_live_side_by_side(target: &'static Target, breakage: Option<&Breakage>) -> Outcome {
    let other = App::new("1").renamed("other");
    let case = Case::installed(target, breakage, &App::new("1"))?;
    case.install(&other)?;
    case.becomes("other-web is", "active enabled", || services::state(case.machine(), "other-web"))?;
    let web = case.process_of("other-web")?;
    case.upgrade(&App::new("2"))?;
    case.remove_all()?;
    case.prefix_is_gone()?;
    case.becomes("other-web is", "active enabled", || services::state(case.machine(), "other-web"))?;
    same("the other application's process:", &case.process_of("other-web")?, &web)?;
    case.says("/opt/other/bin/other | cut -d' ' -f2; wc -l </var/lib/other/starts", "1\n2")
}

pub fn a_directory_becomes_a_link_and_back(target: &'static Target, breakage: Option<&Breakage>) -> Outcome {
    let directory =
        |version| App::new(version).file(&format!("demo-{version}.data/data/share/now/data"), "in a directory");
    let tree = "\n[[file]]\nsource = \"share\"\ndestination = \"/opt/demo/share\"\n";
    let link = App::new("2").with(tree).beside("share/two/data", "behind a link").beside("share/now", "-> two");
    let case = Case::installed(target, breakage, &directory("1"))?;
    case.upgrade(&link)?;
    case.says("readlink /opt/demo/share/now; cat /opt/demo/share/now/data", "two\nbehind a link")?;
    case.upgrade(&directory("3"))?;
    case.says("readlink /opt/demo/share/now || cat /opt/demo/share/now/data", "in a directory")?;
    case.starts(&["web 2 beside only-2", "web 3 beside only-3"])?;
    case.remove_all()?;
    case.prefix_is_gone()
}

pub fn another_series_of_python_leaves_nothing_of_the_old(
    target: &'static Target,
    breakage: Option<&Breakage>,
) -> Outcome {
    let [old, new] = target.pythons;
    let by = |version, python: &str| {
        App::new(version).with(&target.facts()).with(&format!("\n[python]\nversion = \"{python}\"\n"))
    };
    let case = Case::installed(target, breakage, &by("1", old))?;
    // Bytecode of a module that came without: an operator's tool made it.
    case.sh(&format!("mkdir -p /opt/demo/lib/python{old}/site-packages/demo/__pycache__"))?;
    case.sh(&format!("touch /opt/demo/lib/python{old}/site-packages/demo/__pycache__/other.pyc"))?;
    case.upgrade(&by("2", new))?;
    case.starts(&["web 2 beside only-2"])?;
    case.says("/opt/demo/bin/demo", &format!("demo 2 by Python {new}"))?;
    case.says("ls /opt/demo/lib", &format!("python{new}"))?;
    case.remove_all()?;
    case.prefix_is_gone()
}

/// Where a scriptlet of the user fails, the others still do their part and the database stays whole.
pub fn a_failing_scriptlet_leaves_a_whole_database(target: &'static Target, breakage: Option<&Breakage>) -> Outcome {
    let case = Case::booted(target, breakage);
    for kind in ["post", "preun", "postun"] {
        let app = |version| App::new(version).with(&format!("\n[scriptlets]\n{kind} = \"exit 3\"\n"));
        // That a scriptlet failed may be an error or not; what counts is how the machine is afterwards.
        let _ = case.try_packages(Verb::Install, &case.build(&app("1")));
        case.starts(&["web 1 beside only-1", "worker 1 beside only-1"])
            .map_err(|message| format!("{kind}: {message}"))?;
        let _ = case.try_packages(Verb::Upgrade, &case.build(&app("2")));
        one_of_each(&case, kind, "2")?;
        case.starts(&["web 2 beside only-2"]).map_err(|message| format!("{kind}: {message}"))?;
        let _ = case.try_words(&target.manager.removal(&case, &["demo", "demo-cli", "demo-node"]));
        case.packages_are("demo*", "").map_err(|message| format!("{kind}: {message}"))?;
        case.prefix_is_gone().map_err(|message| format!("{kind}: {message}"))?;
        case.sh("rm -rf /var/lib/demo /var/log/demo")?;
    }
    Ok(())
}

fn one_of_each(case: &Case<'_>, when: &str, version: &str) -> Outcome {
    let wanted = ["demo", "demo-cli", "demo-node"].map(|name| format!("{name}-{version}")).join(" ");
    case.packages_are("demo*", &wanted).map_err(|message| format!("{when}: {message}"))
}

/// A `pre` of the user that fails refuses the version; the one before runs on.
pub fn a_veto_leaves_the_version_before(target: &'static Target, breakage: Option<&Breakage>) -> Outcome {
    // rpm goes on with the other packages: what the vetoed one has does not change.
    let app = |version| App::new(version).services_in_main();
    let case = Case::installed(target, breakage, &app("1"))?;
    let web = case.process("web")?;
    let vetoed = case.build(&app("2").with("\n[scriptlets]\npre = \"exit 3\"\n"));
    let refused = case.try_packages(Verb::Upgrade, &vetoed);
    if refused.is_ok() {
        return Err("a failing pre does not stop the upgrade".to_owned());
    }
    case.says(&target.custom.versions(&["demo"]), "1")?;
    case.says("/opt/demo/bin/demo | cut -d' ' -f2", "1")?;
    case.state("web", "active enabled")?;
    same("the web service's process:", &case.process("web")?, &web)?;
    // The other packages are there already.
    case.try_words(&target.manager.basic().command(&case, Verb::Reinstall, &case.build(&app("2"))))?;
    one_of_each(&case, "after the next upgrade", "2")?;
    case.starts(&["web 2 beside only-2"])?;
    case.remove_all()?;
    case.prefix_is_gone()
}
