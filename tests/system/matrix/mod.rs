//! The matrix: what must hold in the life of a machine (rows) on each kind of system (targets), as a table.
//!
//! A row is a function in words of [`case::Case`] and a line below; the lines in it break the packages, and say with which
//! message the row must then fail. A new kind of system is a constant in `case` and a test in `on_every_target`.

mod app;
mod broken;
mod built;
mod case;
mod cut;
mod debian;
mod install;
mod manager;
mod moving;
mod remove;
mod services;
mod table;
mod trouble;
mod upgrade;

use broken::{Breakage, How};
use case::{
    BOOKWORM, BOOKWORM_DEB, BULLSEYE_DEB, NOBLE_DEB, Outcome, SYSVINIT, SYSVINIT_DEB, TRIXIE, TRIXIE_DEB, Target,
};

/// The column of the table with the tests that have broken packages.
const BROKEN: &str = "seen failing";
/// The columns of the table after the row's name.
const COLUMNS: &[&str] = &[
    BOOKWORM.name,
    TRIXIE.name,
    SYSVINIT.name,
    BULLSEYE_DEB.name,
    BOOKWORM_DEB.name,
    TRIXIE_DEB.name,
    NOBLE_DEB.name,
    SYSVINIT_DEB.name,
    BROKEN,
];

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

/// The tests of a row on some kinds of system.
macro_rules! columns {
    ($row:ident, $check:path, $($name:ident: $target:ident),*) => {
        $(#[test]
        fn $name() {
            holds(stringify!($row), $check, &$target);
        })*
    };
}

macro_rules! on_every_rpm {
    ($row:ident, $check:path) => {
        columns!($row, $check, bookworm: BOOKWORM, trixie: TRIXIE, sysvinit: SYSVINIT);
    };
}

macro_rules! on_every_debian {
    ($row:ident, $check:path) => {
        columns!($row, $check, bullseye_deb: BULLSEYE_DEB, bookworm_deb: BOOKWORM_DEB, trixie_deb: TRIXIE_DEB,
            sysvinit_deb: SYSVINIT_DEB);
    };
}

macro_rules! on_every_target {
    ($row:ident, $check:path) => {
        on_every_rpm!($row, $check);
        on_every_debian!($row, $check);
    };
}

/// Rows that show what Ubuntu's service tools do differently, if anything.
macro_rules! on_ubuntu_too {
    ($row:ident, $check:path) => {
        on_every_target!($row, $check);
        columns!($row, $check, noble_deb: NOBLE_DEB);
    };
}

/// Where dpkg has removed an init script before our package has a say, nobody knows its process any more.
macro_rules! on_all_but_sysvinit_deb {
    ($row:ident, $check:path) => {
        on_every_rpm!($row, $check);
        columns!($row, $check, bullseye_deb: BULLSEYE_DEB, bookworm_deb: BOOKWORM_DEB, trixie_deb: TRIXIE_DEB);
    };
}

/// Long rows; rpm and its scriptlets do the same on bookworm and trixie.
macro_rules! on_all_but_trixie_rpm {
    ($row:ident, $check:path) => {
        columns!($row, $check, bookworm: BOOKWORM, sysvinit: SYSVINIT);
        on_every_debian!($row, $check);
    };
}

/// `name on_where = function { broken: target, how, "what the row then says"; }`
macro_rules! rows {
    ($($row:ident $on:ident = $check:path { $($broken:ident: $target:ident, $how:expr, $says:literal;)* })*) => {
        /// The rows, as they are printed.
        const ROWS: &[&str] = &[$(stringify!($row)),*];
        $(mod $row {
            use super::*;
            $on!($row, $check);
            $(#[test]
            fn $broken() {
                is_seen_failing(stringify!($row), stringify!($broken), $check, &$target, $how, $says);
            })*
        })*
    };
}

use How::{Added, Config, Scriptlet};

rows! {
    accounts_directories_config on_every_target = install::what_services_need_is_there_before_them {
        mode: BOOKWORM, Config { from: "\"0640\"", to: "\"0644\"" }, "root:demo:0644";
        groups: BOOKWORM, Scriptlet { kind: "pre", from: "usermod", to: ":" }, "id -nG demo";
    }
    enable_and_start on_ubuntu_too = install::enable_and_start_are_honoured {
        enabled_anyway: BOOKWORM, Scriptlet { kind: "post",
            from: "[ \"$1\" = no ] || tell --no-reload \"$1\"", to: "tell --no-reload enable" },
            "spare is inactive enabled";
        not_started: BOOKWORM, Scriptlet { kind: "posttrans", from: "attempt start", to: ":" }, "web is inactive enabled";
        no_links: SYSVINIT, Scriptlet { kind: "post", from: "run update-rc.d \"$1\" defaults", to: ":" },
            "web is active disabled";
        not_started_deb: BOOKWORM_DEB, Scriptlet { kind: "post", from: "then begin_unit \"$1\"; fi", to: "then :; fi" },
            "web is inactive enabled";
        no_links_deb: SYSVINIT_DEB, Scriptlet { kind: "post", from: "run update-rc.d \"$1\" defaults ||", to: ": ||" },
            "web is inactive disabled";
    }
    presets on_ubuntu_too = install::presets_are_followed {
        ignored: BOOKWORM, Scriptlet { kind: "post", from: " preset start ", to: " enable start " },
            "worker is active enabled";
    }
    chroot_then_boot on_ubuntu_too = install::in_an_image_nothing_starts_until_it_is_booted {
        not_enabled: BOOKWORM, Scriptlet { kind: "post", from: "tell --no-reload", to: ":" }, "web is inactive disabled";
        started: SYSVINIT, Scriptlet { kind: "any", from: "live=no\n# Is", to: "live=yes\n#" }, "processes:";
        talks: BOOKWORM, Added("[scriptlets]\npost = \"echo hello\""), "hello";
    }
    restarted_once on_ubuntu_too = upgrade::what_ran_is_restarted_once_with_the_new_files {
        not_restarted: BOOKWORM, Scriptlet { kind: "posttrans", from: "attempt restart", to: ":" }, "starts: ,";
        no_script: SYSVINIT, Scriptlet { kind: "posttrans", from: "run \"$2\" restart", to: ":" }, "starts: ,";
        too_early: BOOKWORM, Added("[scriptlets]\npost = \"systemctl try-restart demo-web 2>/dev/null || :\""),
            "only-1+only-2";
        not_restarted_deb: BOOKWORM_DEB, Scriptlet { kind: "post", from: "attempt restart", to: ":" }, "starts: ,";
        no_script_deb: SYSVINIT_DEB, Scriptlet { kind: "post", from: "attempt restart", to: ":" }, "starts: ,";
    }
    changed_definition on_every_target = upgrade::a_changed_definition_is_what_runs {
        not_reloaded: BOOKWORM, Scriptlet { kind: "any", from: "tell daemon-reload", to: ":" }, "0022, not 0027";
        not_reloaded_deb: BOOKWORM_DEB, Scriptlet { kind: "any", from: "tell daemon-reload", to: ":" }, "0022, not 0027";
    }
    operator_decides on_ubuntu_too = upgrade::what_the_operator_decided_stays {
        stopped_starts: BOOKWORM, Scriptlet { kind: "posttrans", from: "-e \"$notes/ran.$1\"", to: "-n \"$notes\"" },
            "halted is active enabled";
        disabled_comes_back: BOOKWORM, Scriptlet { kind: "post", from: "[ -e \"$notes/new.$1\" ]", to: "true" },
            "unlisted is active enabled";
        links_come_back: SYSVINIT, Scriptlet { kind: "post", from: "[ -e \"$notes/new.$1\" ]", to: "true" },
            "unlisted is active enabled";
        disabled_comes_back_deb: BOOKWORM_DEB, Scriptlet { kind: "post", from: "if is_known \"$2\"; then", to: "if false; then" },
            "halted is active enabled";
    }
    old_process_goes_on on_every_target = upgrade::without_restart_the_old_process_goes_on {
        restarted: BOOKWORM, Config { from: "restart-on-upgrade = false\n", to: "" }, "the worker's process";
    }
    edited_config on_every_target = upgrade::an_edited_config_stays_beside_the_new_one {
        replaced: BOOKWORM, Config { from: "mode = \"0640\"", to: "mode = \"0640\"\nconfig = \"replace\"" },
            "says version = 2, not version = 1 edited";
    }
    new_service on_ubuntu_too = upgrade::a_service_that_is_new_is_enabled_and_started {
        not_noticed: BOOKWORM, Scriptlet { kind: "post", from: "[ \"$phase\" != none ]", to: "[ $phase = install ]" },
            "worker is inactive disabled";
    }
    dropped_service on_ubuntu_too = upgrade::a_service_that_is_dropped_leaves_nothing {
        runs_on: BOOKWORM, Scriptlet { kind: "postun", from: "tell stop", to: ":" }, "worker is active";
        keeps_links: BOOKWORM, Scriptlet { kind: "postun",
            from: "tell --no-reload disable \"$unit\"\n        for link in /etc/systemd", to: "for link in /none" },
            "multi-user.target.wants/demo-worker.service";
        no_script: SYSVINIT, Scriptlet { kind: "postun", from: "run sh \"$base/scripts/$1\" stop", to: ":" }, "pgrep";
    }
    renamed_service on_every_target = upgrade::a_service_with_another_name_keeps_its_state {
        taken_for_new: BOOKWORM, Scriptlet { kind: "post", from: "[ -e \"$notes/former.$1\" ]", to: "false" },
            "web-2 is active enabled";
        without_formerly: SYSVINIT, Config { from: "formerly = [\"demo-web\"]", to: "" }, "web-2 is active enabled";
    }
    service_moves_to_meta on_every_target = upgrade::a_service_that_moves_keeps_its_state {
        taken_for_new: BOOKWORM, Scriptlet { kind: "pre", from: "[ \"$(kind_in \"$id\" \"$units\")\" = \"$now\" ]", to: "false" },
            "worker 2 beside only-2";
    }
    service_survives_its_package on_every_rpm = upgrade::a_service_survives_its_package {
        not_held: BOOKWORM, Scriptlet { kind: "post", from: "transaction >\"$base/held/\"", to: ": # " },
            "worker 2 beside only-2";
    }
    removal on_ubuntu_too = remove::removal_leaves_only_what_is_not_the_packages {
        stopped_late: BOOKWORM, Scriptlet { kind: "preun", from: "tell stop", to: ":" }, "stopped without its files";
        never_stopped: SYSVINIT, Scriptlet { kind: "preun", from: "run \"$2\" stop", to: ":" }, "stops: ,";
        account_goes: BOOKWORM, Config { from: "groups = [\"adm\"]", to: "remove = true" }, "id -un demo";
        config_lost: BOOKWORM, Config { from: "mode = \"0640\"", to: "mode = \"0640\"\nconfig = \"no\"" }, "left behind";
        stopped_late_deb: BOOKWORM_DEB, Scriptlet { kind: "preun", from: "invoke stop \"$unit\" ||", to: ": ||" }, "stops: ,";
        never_stopped_deb: SYSVINIT_DEB, Scriptlet { kind: "preun", from: "invoke \"$1\" stop ||", to: ": ||" }, "stops: ,";
        state_stays_deb: BOOKWORM_DEB, Scriptlet { kind: "postun", from: "helper purge \"$unit\" ||", to: ": ||" },
            "purged: left behind: /var/lib/systemd/deb-systemd-helper-enabled/demo";
    }
    bytecode_made_here on_every_target = remove::bytecode_made_on_the_machine_goes {
        stays: BOOKWORM, Scriptlet { kind: "any", from: "-name __pycache__", to: "-name none" }, "/opt/demo";
        stays_deb: BOOKWORM_DEB, Scriptlet { kind: "any", from: "-name __pycache__", to: "-name none" }, "/opt/demo";
    }
    downgrade on_every_target = remove::a_downgrade_runs_the_old_version {
        not_restarted: BOOKWORM, Scriptlet { kind: "posttrans", from: "attempt restart", to: ":" }, "starts: ,";
    }
    reinstallation on_every_target = remove::a_reinstallation_restarts_once_and_repairs {
        enabled_again: BOOKWORM, Scriptlet { kind: "post", from: "[ -e \"$notes/new.$1\" ]", to: "true" },
            "web is active enabled";
    }
    data_after_removal on_every_target = remove::an_installation_after_removal_finds_its_data {
        deleted: BOOKWORM, Added("[scriptlets]\npostun = \"rm -rf /var/lib/demo\""), "/var/lib/demo/data";
    }
    accounts_removed on_every_target = remove::accounts_go_when_that_is_wanted {
        kept: BOOKWORM, Scriptlet { kind: "postun", from: "userdel", to: ":" }, "demo:x:";
        kept_deb: BOOKWORM_DEB, Scriptlet { kind: "postun", from: "userdel", to: ":" }, "demo:x:";
    }
    main_alone_refused on_every_target = trouble::the_main_package_alone_is_refused {
        accepted: BOOKWORM, Added("[relations]\nprovides = [\"demo = 1-1.el9\", \"demo = 1-1\"]"), "is not refused";
    }
    two_applications on_every_target = trouble::two_applications_live_side_by_side {
        kills_the_other: BOOKWORM, Added("[scriptlets]\npostun = \"pkill -f other-daemon || :\""),
            "other-web is inactive";
    }
    directory_to_link on_every_target = trouble::a_directory_becomes_a_link_and_back {
        in_the_way: BOOKWORM, Scriptlet { kind: "pretrans", from: "os.rename(path, moved)", to: "false" }, "conflicts";
        in_the_way_deb: BOOKWORM_DEB, Scriptlet { kind: "pre", from: "make_way /opt/demo/share/now", to: ":" }, "readlink /opt/demo/share/now";
    }
    python_series on_every_target = trouble::another_series_of_python_leaves_nothing_of_the_old {
        bytecode_stays: BOOKWORM, Scriptlet { kind: "posttrans", from: "rm -rf \"$cache\"", to: ":" }, "ls /opt/demo/lib";
        bytecode_stays_deb: BOOKWORM_DEB, Scriptlet { kind: "post", from: "rm -rf \"$cache\"", to: ":" }, "ls /opt/demo/lib";
    }
    failing_scriptlet on_every_target = trouble::a_failing_scriptlet_leaves_a_whole_database {
        fails: BOOKWORM, Scriptlet { kind: "preun", from: "exit 0", to: "exit 1" }, "demo-node-1";
    }
    failing_pre on_every_target = trouble::a_veto_leaves_the_version_before {
        ignored: BOOKWORM, Scriptlet { kind: "pre", from: "|| exit $?", to: "|| :" }, "does not stop the upgrade";
        ignored_deb: BOOKWORM_DEB, Scriptlet { kind: "pre", from: "|| exit $?", to: "|| :" }, "does not stop the upgrade";
    }
    killed_and_again on_all_but_trixie_rpm = cut::what_was_cut_off_is_done_again {
        forgets: BOOKWORM, Scriptlet { kind: "pre", from: "rm -f \"$notes\"/ran.*", to: "rm -f \"$notes\"/*" },
            "late is inactive";
    }
    killed_and_removed on_all_but_trixie_rpm = cut::what_was_cut_off_can_be_removed {
        notes_stay: BOOKWORM, Scriptlet { kind: "postun", from: "rm -rf \"$notes\"", to: ":" }, "left behind";
    }
    made_by_hand on_every_target = moving::ours_takes_the_place_of_one_made_by_hand {
        stays: BOOKWORM, Config { from: "obsoletes = [\"oldapp\"]", to: "recommends = [\"oldapp\"]" }, "oldapp";
    }
    abandoned_service on_all_but_sysvinit_deb = moving::ours_takes_over_an_abandoned_service {
        runs_on: BOOKWORM, Config { from: "formerly = [\"oldapp\"]", to: "" }, "pgrep";
        script_runs_on: SYSVINIT, Config { from: "formerly = [\"oldapp\"]", to: "" }, "pgrep";
    }
    apt_upgrade on_every_debian = debian::apt_upgrades_from_an_archive {
        not_restarted: BOOKWORM_DEB, Scriptlet { kind: "post", from: "attempt restart", to: ":" }, "starts: ,";
        stays: SYSVINIT_DEB, Added("[scriptlets]\npostun = \"touch /opt/left\""), "left behind: /opt";
    }
    package_gives_way on_every_debian = debian::a_package_gives_way_to_its_successor {
        not_started: BOOKWORM_DEB, Scriptlet { kind: "post", from: "[ -e \"$notes/gone.$service\" ] ||", to: "false ||" },
            "worker is inactive";
    }
    policy_forbids on_every_debian = debian::a_policy_forbids_to_start {
        not_asked: BOOKWORM_DEB, Scriptlet { kind: "post", from: "is_denied ", to: "false " }, "process";
    }
    config_is_chosen on_every_debian = debian::the_administrator_chooses_the_config {
        thrown_away: BOOKWORM_DEB, Added("[scriptlets]\npost = \"rm -f /etc/demo/*.dpkg-dist\""), "demo.conf.dpkg-dist";
    }
    interpreter_stays on_every_debian = debian::the_interpreter_stays {
        not_required: BOOKWORM_DEB, Added("[distribution.debian-12]\npythons = [{ version = \"3.11\", package = \"python3\", path = \"/usr/bin/python3.11\", requirement = \"python3\" }]"),
            "may go";
    }
    nothing_amiss on_every_debian = debian::nothing_is_amiss {
        verifies: BOOKWORM_DEB, Added("[scriptlets]\npost = \"echo >>/opt/demo/bin/demo\""), "/opt/demo/bin/demo";
        dangles: BOOKWORM_DEB, Added("[scriptlets]\npost = \"ln -sf /none /etc/systemd/system/demo-x.service\""), "demo-x.service";
    }
}
