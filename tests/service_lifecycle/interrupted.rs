//! A transaction that was cut off, and is run again.

use omnipack::project::ScriptletKind;

use crate::service_fixture::*;
use crate::support::*;

/// Steps that another process of the package manager ran before it was killed.
fn killed(steps: &[String]) -> String {
    format!("cat >/killed <<'OMNIPACK_KILLED'\n{}\nOMNIPACK_KILLED\nsh /killed\n", steps.concat())
}

#[test]
fn wherever_an_upgrade_is_cut_off_the_next_run_ends_right() {
    let old = parts_of(vec![named("stays"), named("off"), named("goes")]);
    let new = parts_of(vec![named("stays"), named("off"), named("comes")]);
    let expected = "stays enabled active\noff disabled inactive\ncomes enabled active\ncomes started by v2\nstays started by v2\n2\n";
    let steps = steps(&old, &new);
    std::thread::scope(|scope| {
        for cut in [1, 2, 3, 6] {
            let (old, new, steps) = (&old, &new, &steps);
            scope.spawn(move || {
                let said = on_a_machine(&[
                    &install(old),
                    "systemctl disable -q --now cdhboot-off; starts >/dev/null\n",
                    &killed(&steps[..cut]),
                    &upgrade(old, new),
                    "state stays off comes; starts; pgrep -c -x sleep\n",
                    &remove(new),
                ]);
                assert_eq!(said, expected, "cut off after step {cut}");
            });
        }
    });
}

#[test]
fn an_installation_that_was_cut_off_is_done_again_and_a_removal_after_it_leaves_nothing() {
    let parts = parts_of(vec![named("web")]);
    let cut = [
        "echo v1 >/version\n".to_owned(),
        scriptlet(&parts, ScriptletKind::Pre, "1"),
        installation(&parts),
        scriptlet(&parts, ScriptletKind::Post, "1"),
    ];
    let said = on_a_machine(&[
        &killed(&cut[..3]),
        &install(&parts),
        "state web; starts\n",
        &remove(&parts),
        // The service is not held by what is long over.
        &killed(&cut),
        "systemctl start cdhboot-web; state web\n",
        &remove(&parts),
    ]);
    assert_eq!(said, "web enabled active\nweb started by v1\nweb enabled active\n");
}

#[test]
fn a_former_service_that_was_stopped_already_still_passes_on_its_state() {
    let old = parts_of(vec![named("before")]);
    let service = omnipack::project::Service { formerly: vec!["cdhboot-before".to_owned()], ..named("after") };
    let new = parts_of(vec![service]);
    let steps = steps(&old, &new);
    // After its %post, and in the middle of it.
    let halfway = [&steps[..2], &["systemctl disable -q --now cdhboot-before\n".to_owned()]].concat();
    for cut in [&steps[..3], &halfway] {
        let said = on_a_machine(&[
            &install(&old),
            "starts >/dev/null\n",
            &killed(cut),
            "state before; systemctl is-active cdhboot-after\n",
            &upgrade(&old, &new),
            "state after; starts; pgrep -c -x sleep\n",
            &remove(&new),
        ]);
        let expected = "before disabled inactive\ninactive\nafter enabled active\nafter started by v2\n1\n";
        assert_eq!(said, expected);
    }
}
