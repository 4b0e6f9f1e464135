//! `omnipack smoke --container` with podman, on an image made of the root that the system tests use.

#![allow(dead_code, reason = "the modules belong to the system tests")]

mod containers_support;
mod handmade;
mod support;

#[path = "system/bases.rs"]
mod bases;
#[path = "system/deb.rs"]
mod deb;
#[path = "system/machine.rs"]
mod machine;
#[path = "system/root.rs"]
mod root;
#[path = "system/rpm.rs"]
mod rpm;
#[path = "system/smoke_demo.rs"]
mod smoke_demo;
#[path = "system/target.rs"]
mod target;

use containers_support::{Alone, Image};
use omnipack::exec::Command;
use smoke_demo::{Built, WEB};
use support::{both, expect_success, omnipack};

#[test]
fn a_container_with_an_init_runs_services_and_one_without_does_not() {
    let root = smoke_demo::root("rocky-9");
    let built = Built::new("rocky-9", "1.0", WEB);
    let _alone = Alone::now();
    let image = Image::of(&root.path(), "init");
    let smoke = |image: &Image| {
        let command = omnipack().args(["smoke", "--json", "--container", &image.name]).args(built.files());
        let output = image.podman.settled(command).run().unwrap();
        assert_eq!(output.code, 0, "{}", both(&output));
        assert_eq!(image.containers(), "", "a container is left");
        serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap()
    };
    let report = smoke(&image);
    assert_eq!(report["service-manager"], "systemd");
    let checked = |report: &serde_json::Value| {
        let steps = report["steps"].as_array().unwrap();
        let check = steps.iter().find(|step| step["name"].as_str().unwrap().starts_with("check demo-web")).unwrap();
        check["outcome"].clone()
    };
    assert_eq!(checked(&report), "ok", "{report:#}");
    drop(image);

    fs_err::remove_file(root.inside("/usr/sbin/init")).unwrap();
    let image = Image::of(&root.path(), "no-init");
    let report = smoke(&image);
    assert_eq!(report["service-manager"], "none: the image has no /sbin/init");
    assert_eq!(checked(&report), "skipped", "{report:#}");

    // Another job's container may have any name, also one with the number of this process.
    let script = "podman create --quiet --name omnipack-smoke-$$ \"$0\" /bin/sh >&2 && exec \"$@\"";
    let command = Command::new("sh").args(["-c", script, &image.name, env!("CARGO_BIN_EXE_omnipack")]);
    let command = command.args(["smoke", "--json", "--container", &image.name]).args(built.files());
    let output = image.podman.settled(command).run().unwrap();
    let left = image.containers();
    assert_eq!((output.code, left.lines().count()), (0, 1), "{}", both(&output));
    expect_success(&image.podman.settled(Command::new("podman")).args(["rm", left.trim()]));
}

#[test]
fn debian_packages_are_tried_and_purged_in_a_container() {
    let root = smoke_demo::root("debian-12");
    let built = Built::new("debian-12", "1.0", WEB);
    let _alone = Alone::now();
    let image = Image::of(&root.path(), "debian");
    let command = omnipack().args(["smoke", "--container", &image.name]).args(built.files());
    let output = image.podman.settled(command).run().unwrap();
    assert_eq!(output.code, 0, "{}", both(&output));
    let table = output.stdout_text();
    for line in
        ["(apt-get, services: systemd)", "ok       install          check demo-web.service", "purge the packages"]
    {
        assert!(table.contains(line), "{line} is not in\n{table}");
    }
}
