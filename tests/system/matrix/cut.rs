//! Rows of a transaction that is cut off: the package manager and all that it started are killed in the middle.

use super::app::{App, service};
use super::broken::Breakage;
use super::case::{Case, Outcome, Target};
use super::manager::Verb;

const NAMES: [&str; 3] = ["demo", "demo-cli", "demo-node"];

/// The scriptlets of the user in which the cut comes.
pub const KINDS: [&str; 4] = ["pre", "post", "preun", "postun"];

/// The services are the main package's, whose scriptlets are where the cut comes.
fn app(version: &'static str) -> App {
    let pause = |kind: &str| {
        format!("{kind} = \"if [ -e /packages/pause.{kind} ]; then touch /packages/paused; sleep 600; fi\"\n")
    };
    let scriptlets = KINDS.map(pause).concat();
    let app = App::new(version).services_in_main().with(&format!("\n[scriptlets]\n{scriptlets}"));
    // One that is new must not be forgotten when its file was there already.
    if version == "2" { app.with(&service("late").replace("\"node\"", "\"main\"")) } else { app }
}

/// Upgrades to version 2, and kills rpm in the scriptlet `kind` of the user. Nobody is left to remove the file that the
/// scriptlet is run from; it is where every boot tidies up.
fn cut(case: &Case<'_>, kind: &str) -> Outcome {
    let words = case.target.manager.basic().command(case, Verb::Upgrade, &case.build(&app("2"))).join(" ");
    case.sh(&format!(
        "cd /packages; rm -f paused group; touch pause.{kind}\n\
         setsid sh -c 'echo $$ >group; exec {words}' >said 2>&1 </dev/null &\n\
         for i in $(seq 100); do [ ! -e paused ] || break; sleep 0.1; done\n\
         [ -e paused ] || {{ cat said; exit 1; }}\n\
         kill -s KILL -- -$(cat group); rm pause.{kind}; wait || :\n\
         rm -f /tmp/omnipack.*"
    ))?;
    Ok(())
}

fn in_each(
    kinds: &[&str],
    check: fn(&Case<'_>) -> Outcome,
    target: &'static Target,
    breakage: Option<&Breakage>,
) -> Outcome {
    let case = Case::booted(target, breakage);
    for kind in kinds {
        let check = || {
            case.try_words(&target.manager.basic().command(&case, Verb::Install, &case.build(&app("1"))))?;
            case.starts(&["web 1 beside only-1", "worker 1 beside only-1"])?;
            cut(&case, kind)?;
            check(&case)
        };
        check().map_err(|message| format!("killed in {kind}: {message}"))?;
    }
    Ok(())
}

pub fn what_was_cut_off_is_done_again(target: &'static Target, breakage: Option<&Breakage>) -> Outcome {
    in_each(&KINDS, done_again, target, breakage)
}

fn done_again(case: &Case<'_>) -> Outcome {
    // It may not be able to go on with what the cut left, and says so; doing the transaction again has to do.
    let _ = case.sh(case.target.custom.mend);
    let (manager, verb) = case.target.custom.again;
    case.try_words(&manager.command(case, verb, &case.build(&app("2"))))?;
    case.packages_are("demo*", "demo-2 demo-cli-2 demo-node-2")?;
    case.says("find /opt/demo -name 'only-*' -exec basename {} \\;", "only-2")?;
    case.state("late", "active enabled")?;
    case.starts(&["late 2 beside only-2", "web 2 beside only-2"])?;
    case.state("web", "active enabled")?;
    case.state("worker", "active enabled")?;
    case.state("spare", "inactive disabled")?;
    case.says("ls -d /run/omnipack* /var/lib/omnipack* 2>/dev/null || :", "")?;
    let basic = case.target.manager.basic();
    case.try_words(&basic.removal(case, &NAMES))?;
    basic.purge(case, &NAMES).map_or(Ok(String::new()), |words| case.try_words(&words))?;
    is_gone(case)
}

pub fn what_was_cut_off_can_be_removed(target: &'static Target, breakage: Option<&Breakage>) -> Outcome {
    in_each(target.custom.removable_when_cut_in, removed, target, breakage)
}

fn removed(case: &Case<'_>) -> Outcome {
    let words = case.target.manager.basic().with_names(case, case.target.custom.removes_all, &NAMES);
    case.try_words(&words)?;
    // Where both versions are there, the config of the one is an edited one to the other.
    case.sh("rm -f /etc/demo/demo.conf.rpmsave; rmdir /etc/demo 2>/dev/null || :")?;
    is_gone(case)
}

fn is_gone(case: &Case<'_>) -> Outcome {
    case.sh("rm -rf /var/lib/demo /var/log/demo /var/log/demo-*.log")?;
    case.left(&[], &[])
}
