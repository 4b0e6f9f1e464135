//! Packages with the maintainer scripts of a plan, as commands of a shell that make them; dpkg does the rest.

use omnipack::distribution::InitSystem;
use omnipack::plan::{BuildPlan, Role};
use omnipack::project::{ConfigFile, Enable, ScriptletKind, Service};
use omnipack::service::{Files, maintainer_scripts};
use omnipack::stage::EntryKind;
use omnipack::template::sh;

use crate::service_fixture::*;

/// Tells of each start and then stays.
const PROGRAM: &str = "#!/bin/sh\numask 0\necho \"$NAME started by VERSION\" >>/seen/starts\nexec sleep 1000\n";

const PROGRAMS: [&str; 3] = ["daemon", "cdhboot-web", "celery"];

pub fn named(name: &str) -> Service {
    Service {
        environment: [("NAME".to_owned(), name.to_owned())].into(),
        enable: Enable::Yes,
        start: true,
        user: "daemon".to_owned(),
        group: "daemon".to_owned(),
        hardening: false,
        ..service(name, "daemon")
    }
}

/// A main package with these services.
pub fn plan_of(distribution: &str, services: Vec<Service>) -> BuildPlan {
    let mut main = package("cdhboot", Role::Main);
    main.services = services;
    let mut plan = plan(distribution, vec![main]);
    plan.interpreter.path = python();
    plan
}

/// The main package, and `cdhboot-node` with services of its own.
pub fn plan_of_two(distribution: &str, main: Vec<Service>, node: Vec<Service>) -> BuildPlan {
    let mut plan = plan_of(distribution, main);
    let mut other = package("cdhboot-node", Role::Meta);
    other.services = node;
    plan.packages.push(other);
    plan
}

/// A package to be made of the plan's package number `index`.
pub struct Deb<'a> {
    pub plan: &'a BuildPlan,
    pub index: usize,
    pub version: &'a str,
    /// More lines for the control file.
    pub control: &'a str,
}

impl<'a> Deb<'a> {
    pub fn new(plan: &'a BuildPlan, version: &'a str) -> Self {
        Self { plan, index: 0, version, control: "" }
    }

    pub fn name(&self) -> &'a str {
        &self.plan.packages[self.index].name
    }

    /// Where [`Deb::build`] puts it.
    pub fn path(&self) -> String {
        format!("/debs/{}_{}.deb", self.name(), self.version)
    }

    /// Shell commands that make it.
    pub fn build(&self) -> String {
        self.build_with("")
    }

    /// As [`Deb::build`], with `change` run in the tree before it is packed.
    pub fn build_with(&self, change: &str) -> String {
        let parts = rendered(self.plan, self.index).unwrap();
        let mut script = "rm -rf /build; mkdir -p /build/DEBIAN /debs; cd /build\n".to_owned();
        let mut write = |path: &str, mode: u32, text: &str| {
            script.push_str(&format!(
                "mkdir -p \"$(dirname .{path})\"; printf %s {} >.{path}; chmod {mode:o} .{path}\n",
                sh(text)
            ));
        };
        let mut conffiles = String::new();
        for entry in &parts.entries {
            if let EntryKind::File(_) = &entry.kind {
                write(entry.path.as_str(), entry.mode, &content(entry));
                if entry.flags.config != ConfigFile::No {
                    conffiles.push_str(&format!("{}\n", entry.path));
                }
            }
        }
        if self.index == 0 {
            write("/opt/cdhboot/bin/daemon", 0o755, &PROGRAM.replace("VERSION", self.version));
        }
        write(&format!("/usr/share/doc/{}/copyright", self.name()), 0o644, "none\n");
        let control = format!(
            "Package: {}\nVersion: {}\nArchitecture: all\nMaintainer: A <a@example.org>\nDescription: test\n{}",
            self.name(),
            self.version,
            self.control
        );
        write("/DEBIAN/control", 0o644, &control);
        write("/DEBIAN/conffiles", 0o644, &conffiles);
        for (name, text) in scripts(self.plan, self.index) {
            write(&format!("/DEBIAN/{name}"), 0o755, &text);
        }
        script.push_str(&format!(
            "{change}\ndpkg-deb -Znone --root-owner-group --build . {} >/dev/null\ncd /\n",
            self.path()
        ));
        script
    }
}

/// `preinst` and so on, as they are in the package.
pub fn scripts(plan: &BuildPlan, index: usize) -> Vec<(&'static str, String)> {
    let programs = PROGRAMS.map(str::to_owned);
    let entries = |index| rendered(plan, index).unwrap().entries;
    let others = (0..plan.packages.len()).filter(|other| *other != index).flat_map(entries).collect::<Vec<_>>();
    let files = Files::new(plan, &plan.packages[index], &entries(index), others.iter()).unwrap();
    let scripts = maintainer_scripts(plan, &plan.packages[index], &programs, &files).unwrap();
    let name = |kind| match kind {
        ScriptletKind::Pre => "preinst",
        ScriptletKind::Post => "postinst",
        ScriptletKind::Preun => "prerm",
        ScriptletKind::Postun => "postrm",
        other => panic!("{other:?} in a Debian package"),
    };
    let script = |(kind, script): (ScriptletKind, omnipack::service::Scriptlet)| {
        (name(kind), format!("#!{}\n{}", script.interpreter.join(" "), script.text))
    };
    scripts.into_iter().map(script).collect()
}

/// What a test tells the machine to do and show.
pub fn prelude(init: InitSystem) -> String {
    let state = match init {
        InitSystem::Systemd => {
            "state() { for s; do echo \"$s $(systemctl is-enabled cdhboot-$s 2>/dev/null) $(systemctl is-active cdhboot-$s)\"; done; }\n"
        }
        InitSystem::Sysvinit => "",
    };
    // The overlay lies over this machine, whose directories hold checkouts of this project too: only where a package
    // puts something is looked at, and never in this checkout, wherever it is.
    let checkout = env!("CARGO_MANIFEST_DIR");
    format!(
        "export LC_ALL=C DEBIAN_FRONTEND=noninteractive PATH=/usr/sbin:/usr/bin:/sbin:/bin\n\
         mkdir -p /seen; chmod 777 /seen\n\
         quiet() {{ for try in 1 2 3 4 5 6 7 8 9; do before=$after; sleep 0.4; after=$(cat /seen/starts 2>&1); [ \"$before\" != \"$after\" ] || break; done; }}\n\
         starts() {{ quiet; sort /seen/starts 2>/dev/null; rm -f /seen/starts; }}\n\
         left() {{ find /etc /opt /run /srv /usr /var -xdev -name '*cdhboot*' ! -path '{checkout}/*' ! -path '/var/tmp/*' 2>/dev/null | sort; }}\n\
         links() {{ find /etc/systemd/system -name 'cdhboot*' -printf '%P\\n' | sort; }}\n\
         said() {{ sed '/^(Reading database/d; /^Selecting previously/d; /^Preparing to/d; /^Unpacking /d; /^Setting up/d; \
           /^Removing /d; /^Purging /d; /^Replacing files/d; /in favour of/d; /downgrading/d; /directory .*opt. not empty/d' /tmp/said; }}\n\
         try() {{ \"$@\" >/tmp/said 2>&1 </dev/null; code=$?; [ $code -eq 0 ] || echo \"exit $code\"; said; }}\n\
         {state}"
    )
}
