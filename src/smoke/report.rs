//! What was tried, step by step, and how it went: for people, for programs, for CI systems.

use std::io::Write;

use quick_xml::Writer;
use quick_xml::events::BytesText;
use serde::Serialize;

/// Everything that was tried on one machine.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Report {
    /// `the system in /srv/roots/debian-12`, `a container of rocky:9`, `this machine`.
    pub machine: String,
    /// `systemd`, `sysvinit`, or why there is none: `none: the system has no init`.
    pub service_manager: String,
    /// `dnf`
    pub package_manager: String,
    /// Names of the packages.
    pub packages: Vec<String>,
    pub passed: bool,
    /// Of all steps together.
    pub seconds: f64,
    pub steps: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Step {
    pub phase: Phase,
    /// `start app-web.service`
    pub name: String,
    pub outcome: Outcome,
    pub seconds: f64,
    /// Why it failed or was skipped, with the useful end of what was said; or what should be known. May be empty.
    pub message: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    Ok,
    Failed,
    Skipped,
}

/// A part of the packages' life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    Install,
    /// From the older packages, with the services running.
    Upgrade,
    /// Back to the older packages, with the services stopped.
    Downgrade,
    /// And forth again, with the services stopped.
    UpgradeStopped,
    Reinstall,
    Remove,
}

impl Phase {
    /// As in the JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Install => "install",
            Self::Upgrade => "upgrade",
            Self::Downgrade => "downgrade",
            Self::UpgradeStopped => "upgrade-stopped",
            Self::Reinstall => "reinstall",
            Self::Remove => "remove",
        }
    }
}

impl Outcome {
    /// As in the JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }
}

impl Report {
    /// How many steps ended so.
    #[must_use]
    pub fn count(&self, outcome: Outcome) -> usize {
        self.steps.iter().filter(|step| step.outcome == outcome).count()
    }

    /// JUnit XML, as Jenkins and GitLab read it (<https://github.com/testmoapp/junitxml>).
    ///
    /// # Errors
    /// Never in practice: it is written into memory.
    pub fn junit(&self) -> std::io::Result<Vec<u8>> {
        let mut xml = Writer::new_with_indent(Vec::new(), b' ', 2);
        xml.get_mut().write_all(b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n")?;
        let total = [
            ("tests", self.steps.len().to_string()),
            ("failures", self.count(Outcome::Failed).to_string()),
            ("errors", "0".to_owned()),
            ("skipped", self.count(Outcome::Skipped).to_string()),
            ("time", format!("{:.3}", self.seconds)),
        ];
        let named = |name: &str| attributes([("name", name.to_owned())].into_iter().chain(total.clone()));
        xml.create_element("testsuites").with_attributes(borrowed(&named("omnipack smoke"))).write_inner_content(
            |xml| {
                let suite = format!("omnipack smoke: {}", self.packages.join(", "));
                let suite = xml.create_element("testsuite").with_attributes(borrowed(&named(&suite)));
                suite.write_inner_content(|xml| {
                    xml.create_element("properties").write_inner_content(|xml| self.properties(xml))?;
                    self.steps.iter().try_for_each(|step| step.junit(xml))
                })?;
                Ok(())
            },
        )?;
        let mut text = xml.into_inner();
        text.push(b'\n');
        Ok(text)
    }

    fn properties(&self, xml: &mut Writer<Vec<u8>>) -> std::io::Result<()> {
        let known = [
            ("machine", &self.machine),
            ("service-manager", &self.service_manager),
            ("package-manager", &self.package_manager),
        ];
        for (name, value) in known {
            let pairs = attributes([("name", name.to_owned()), ("value", value.clone())]);
            xml.create_element("property").with_attributes(borrowed(&pairs)).write_empty()?;
        }
        Ok(())
    }
}

impl Step {
    fn junit(&self, xml: &mut Writer<Vec<u8>>) -> std::io::Result<()> {
        let pairs = [
            ("classname", format!("smoke.{}", self.phase.name())),
            ("name", self.name.clone()),
            ("time", format!("{:.3}", self.seconds)),
        ];
        let pairs = attributes(pairs);
        let case = xml.create_element("testcase").with_attributes(borrowed(&pairs));
        let first = attributes([("message", self.message.lines().next().unwrap_or_default().to_owned())]);
        let text = legal(&self.message);
        match self.outcome {
            Outcome::Ok if text.is_empty() => case.write_empty()?,
            Outcome::Ok => case.write_inner_content(|xml| {
                xml.create_element("system-out").write_text_content(BytesText::new(&text)).map(drop)
            })?,
            Outcome::Failed => case.write_inner_content(|xml| {
                let failure = xml.create_element("failure").with_attributes(borrowed(&first));
                failure.write_text_content(BytesText::new(&text)).map(drop)
            })?,
            Outcome::Skipped => case.write_inner_content(|xml| {
                xml.create_element("skipped").with_attributes(borrowed(&first)).write_empty().map(drop)
            })?,
        };
        Ok(())
    }
}

fn attributes(pairs: impl IntoIterator<Item = (&'static str, String)>) -> Vec<(&'static str, String)> {
    pairs.into_iter().map(|(name, value)| (name, legal(&value))).collect()
}

fn borrowed<'a>(pairs: &'a [(&'static str, String)]) -> impl Iterator<Item = (&'a str, &'a str)> {
    pairs.iter().map(|(name, value)| (*name, value.as_str()))
}

/// Without the characters that XML 1.0 cannot hold even when escaped (section 2.2); what programs print has colours.
fn legal(text: &str) -> String {
    let bare =
        |c: char| !matches!(c, '\t' | '\n' | ' '..='\u{fffd}' | '\u{10000}'..) || ('\u{7f}'..='\u{9f}').contains(&c);
    text.chars().map(|c| if bare(c) { '\u{fffd}' } else { c }).collect()
}
