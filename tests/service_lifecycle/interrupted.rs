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

/// What the operator did since then counts, when it is another version that comes.
#[test]
fn a_transaction_that_was_cut_off_is_not_done_again_by_that_of_another_version() {
    let service = || omnipack::project::Service { count: Some(1), ..named("instances") };
    let of_version = |version: &str| {
        let mut plan = plan_of(vec![named("web"), named("comes"), service()]);
        plan.evr.version = version.to_owned();
        if version == "1" {
            plan.packages[0].services.retain(|service| service.name != "comes");
        }
        if version == "2" {
            plan.packages[0].services[2].count = Some(2);
        }
        rendered(&plan, 0).unwrap()
    };
    let [one, two, three] = ["1", "2", "3"].map(of_version);
    let said = on_a_machine(&[
        &install(&one),
        "starts >/dev/null\n",
        // Before its %posttrans, with all services registered.
        &killed(&steps(&one, &two)[..6]),
        "systemctl daemon-reload; systemctl disable -q cdhboot-comes cdhboot-instances@2\n",
        &upgrade(&two, &three),
        "state web comes instances@1 instances@2; starts\n",
        &remove(&three),
    ]);
    let expected = "web enabled active\ncomes disabled inactive\ninstances@1 enabled active\n\
                    instances@2 disabled inactive\ninstances started by v2\nweb started by v2\n";
    assert_eq!(said, expected);
}
