//! The matrix: what must hold in the life of a machine (rows) on each kind of system (targets), as a table.
//!
//! A row is a function in words of [`case::Case`] and a line below; each of its `broken` lines breaks the packages and
//! names what the row must then say. A new kind of system is a constant in `case` and a word in the macro.

mod app;
mod broken;
mod case;
mod cut;
mod install;
mod manager;
mod moving;
mod remove;
mod services;
mod table;
mod trouble;
mod upgrade;

use broken::{Breakage, How};
use case::{BOOKWORM, Outcome, TRIXIE, Target};

/// The column of the table with the tests that have broken packages.
const BROKEN: &str = "seen failing";
/// The columns of the table after the row's name.
const COLUMNS: &[&str] = &[BOOKWORM.name, TRIXIE.name, BROKEN];

/// What a row does on a target, with packages that may be broken.
type Row = fn(&'static Target, Option<&Breakage>) -> Outcome;

/// Runs a row, records how it went, and fails with its message.
fn holds(row: &str, check: Row, target: &'static Target) {
    let recorded = table::begin(row, target.name, "sound");
    let outcome = check(target, None);
    recorded.end(&outcome);
    outcome.unwrap_or_else(|message| panic!("{row} on {}: {message}", target.name));
}

/// Runs a row with broken packages; it must fail and say why.
fn is_seen_failing(row: &str, test: &str, check: Row, target: &'static Target, how: How, says: &str) {
    let breakage = Breakage::new(how);
    let recorded = table::begin(row, BROKEN, test);
    let outcome = check(target, Some(&breakage));
    assert!(breakage.has_hit(), "{row}: there was nothing to break: {:?}", breakage.how);
    let seen = match outcome {
        Ok(()) => Err(format!("passes although {:?}", breakage.how)),
        Err(message) if message.contains(says) => Ok(()),
        Err(message) => Err(format!("does not say `{says}`: {message}")),
    };
    recorded.end(&seen);
    seen.unwrap_or_else(|message| panic!("{row} on {}: {message}", target.name));
}

/// A target by the word that stands for it in the rows.
macro_rules! target {
    (bookworm) => {
        &BOOKWORM
    };
    (trixie) => {
        &TRIXIE
    };
}

macro_rules! rows {
    ($($row:ident = $check:path, on $($target:ident)* {
        $($breakage:ident on $broken_target:ident: $how:expr, says $says:literal;)*
    })*) => {
        /// The rows, as they are printed.
        const ROWS: &[&str] = &[$(stringify!($row)),*];
        $(mod $row {
            use super::*;
            $(#[test]
            fn $target() {
                holds(stringify!($row), $check, target!($target));
            })*
            $(#[test]
            fn $breakage() {
                is_seen_failing(stringify!($row), stringify!($breakage), $check, target!($broken_target), $how, $says);
            })*
        })*
    };
}

use How::{Added, Config, Scriptlet};

rows! {
    accounts_directories_config = install::what_services_need_is_there_before_them, on bookworm trixie {
        mode on bookworm: Config { from: "\"0640\"", to: "\"0644\"" }, says "root:demo:0644";
        groups on bookworm: Scriptlet { kind: "pre", from: "usermod", to: ":" }, says "id -nG demo";
    }
    enable_and_start = install::enable_and_start_are_honoured, on bookworm trixie {
        enabled_anyway on bookworm: Scriptlet { kind: "post", from: "[ \"$2\" = no ] || systemctl --no-reload \"$2\"", to: "systemctl --no-reload enable" },
            says "spare is inactive enabled";
        not_started on bookworm: Scriptlet { kind: "posttrans", from: "systemctl start", to: ":" }, says "web is inactive enabled";
    }
    chroot_then_boot = install::in_an_image_nothing_starts_until_it_is_booted, on bookworm trixie {
        not_enabled on bookworm: Scriptlet { kind: "post", from: "systemctl --no-reload \"$2\"", to: ":" }, says "web is inactive disabled";
        talks on bookworm: Added("[scriptlets]\npost = \"echo hello\""), says "hello";
    }
    restarted_once = upgrade::what_ran_is_restarted_once_with_the_new_files, on bookworm trixie {
        not_restarted on bookworm: Scriptlet { kind: "posttrans", from: "systemctl restart", to: ":" }, says "starts: ,";
        too_early on bookworm: Added("[scriptlets]\npost = \"systemctl try-restart demo-web 2>/dev/null || :\""), says "only-1+only-2";
    }
    operator_decides = upgrade::what_the_operator_decided_stays, on bookworm trixie {
        stopped_starts on bookworm: Scriptlet { kind: "posttrans", from: "-e \"$marks/ran.$1\"", to: "-n \"$marks\"" },
            says "halted is active enabled";
        disabled_comes_back on bookworm: Scriptlet { kind: "post", from: "[ -e \"$marks/new.$1\" ]", to: "true" },
            says "unlisted is active enabled";
    }
    old_process_goes_on = upgrade::without_restart_the_old_process_goes_on, on bookworm trixie {
        restarted on bookworm: Config { from: "restart-on-upgrade = false\n", to: "" }, says "the worker's process";
    }
    edited_config = upgrade::an_edited_config_stays_beside_the_new_one, on bookworm trixie {
        replaced on bookworm: Config { from: "mode = \"0640\"", to: "mode = \"0640\"\nconfig = \"replace\"" },
            says "says version = 2, not version = 1 edited";
    }
    new_service = upgrade::a_service_that_is_new_is_enabled_and_started, on bookworm trixie {
        not_noticed on bookworm: Scriptlet { kind: "post", from: "[ \"$phase\" != none ]", to: "[ $phase = install ]" },
            says "worker is inactive disabled";
    }
    dropped_service = upgrade::a_service_that_is_dropped_leaves_nothing, on bookworm trixie {
        runs_on on bookworm: Scriptlet { kind: "postun", from: "systemctl stop", to: ":" }, says "worker is active";
        keeps_links on bookworm: Scriptlet { kind: "postun",
            from: "systemctl --no-reload disable \"$1.service\" >/dev/null 2>&1 || :\n        for link in /etc/systemd/system/*.wants", to: "for link in /none" },
            says "multi-user.target.wants/demo-worker.service";
    }
    service_moves_to_meta = upgrade::a_service_that_moves_keeps_its_state, on bookworm trixie {
        taken_for_new on bookworm: Scriptlet { kind: "pre", from: "[ -e \"$2\" ] ||", to: "" }, says "web is active enabled";
    }
    service_survives_its_package = upgrade::a_service_survives_its_package, on bookworm trixie {
        not_held on bookworm: Scriptlet { kind: "post", from: "touch \"${marks%/*}/held/\"", to: ": " },
            says "worker is inactive";
    }
    removal = remove::removal_leaves_only_what_is_not_the_packages, on bookworm trixie {
        stopped_late on bookworm: Scriptlet { kind: "preun", from: "systemctl stop", to: ":" }, says "stopped without its files";
        account_goes on bookworm: Config { from: "groups = [\"adm\"]", to: "remove = true" }, says "id -un demo";
        config_lost on bookworm: Config { from: "mode = \"0640\"", to: "mode = \"0640\"\nconfig = \"no\"" }, says "left behind";
    }
    bytecode_made_here = remove::bytecode_made_on_the_machine_goes, on bookworm trixie {
        stays on bookworm: Scriptlet { kind: "any", from: "-name __pycache__", to: "-name none" }, says "/opt/demo";
    }
    downgrade = remove::a_downgrade_runs_the_old_version, on bookworm trixie {
        not_restarted on bookworm: Scriptlet { kind: "posttrans", from: "systemctl restart", to: ":" }, says "starts: ,";
    }
    reinstallation = remove::a_reinstallation_restarts_once_and_repairs, on bookworm trixie {
        enabled_again on bookworm: Scriptlet { kind: "post", from: "[ -e \"$marks/new.$1\" ]", to: "true" },
            says "web is active enabled";
    }
    data_after_removal = remove::an_installation_after_removal_finds_its_data, on bookworm trixie {
        deleted on bookworm: Added("[scriptlets]\npostun = \"rm -rf /var/lib/demo\""), says "/var/lib/demo/data";
    }
    accounts_removed = remove::accounts_go_when_that_is_wanted, on bookworm trixie {
        kept on bookworm: Scriptlet { kind: "postun", from: "userdel", to: ":" }, says "demo:x:";
    }
    main_alone_refused = trouble::the_main_package_alone_is_refused, on bookworm trixie {
        accepted on bookworm: Added("[relations]\nprovides = [\"demo = 1-1.el9\", \"demo = 1-1\"]"), says "is not refused";
    }
    two_applications = trouble::two_applications_live_side_by_side, on bookworm trixie {
        kills_the_other on bookworm: Added("[scriptlets]\npostun = \"pkill -f other-daemon || :\""), says "the other application's process";
    }
    directory_to_link = trouble::a_directory_becomes_a_link_and_back, on bookworm trixie {
    }
    python_series = trouble::another_series_of_python_leaves_nothing_of_the_old, on bookworm trixie {
    }
    failing_scriptlet = trouble::a_failing_scriptlet_leaves_a_whole_database, on bookworm trixie {
        fails on bookworm: Scriptlet { kind: "preun", from: "exit 0", to: "exit 1" }, says "demo-node-1";
    }
    failing_pre = trouble::a_veto_leaves_the_version_before, on bookworm trixie {
        ignored on bookworm: Scriptlet { kind: "pre", from: "|| exit $?", to: "|| :" }, says "does not stop the upgrade";
    }
    killed_and_again = cut::what_was_cut_off_is_done_again, on bookworm trixie {
    }
    killed_and_removed = cut::what_was_cut_off_can_be_removed, on bookworm trixie {
    }
    made_by_hand = moving::ours_takes_the_place_of_one_made_by_hand, on bookworm trixie {
        stays on bookworm: Config { from: "obsoletes = [\"oldapp\"]", to: "recommends = [\"oldapp\"]" }, says "oldapp";
    }
}
