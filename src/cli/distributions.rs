//! `omnipack distributions`: the known targets as a table or as JSON.

use std::path::PathBuf;

use super::arguments::DistributionsArgs;
use super::failure::Failure;
use super::print;
use crate::distribution::{Catalogue, Distribution, InitSystem};
use crate::project::{Config, Source};

const HEADINGS: [&str; 7] = ["NAME", "PACKAGES", "GLIBC", "INIT", "PYTHON", "MACHINES", "END OF LIFE"];

/// Lists the targets, those of a configuration among them.
///
/// # Errors
/// When the configuration is wrong.
pub fn run(arguments: &DistributionsArgs) -> Result<(), Failure> {
    let catalogue = catalogue(arguments.config.as_ref())?;
    if arguments.output.json {
        let text = json(&catalogue).map_err(std::io::Error::other)?;
        return print(&(text + "\n"));
    }
    print(&table(&catalogue))
}

fn catalogue(config: Option<&PathBuf>) -> Result<Catalogue, crate::Error> {
    let catalogue = Catalogue::embedded()?;
    let Some(path) = config else { return Ok(catalogue) };
    let beside = path.parent().map(PathBuf::from).unwrap_or_default();
    let config = Config::load(&Source::Modules(beside), Some(path))?;
    Ok(catalogue.with_overrides(&config.distribution_tables())?)
}

/// One line for each target, columns aligned. The first Python is the one taken by itself; one that needs another
/// repository has that in parentheses.
#[must_use]
pub fn table(catalogue: &Catalogue) -> String {
    let mut rows = vec![HEADINGS.map(str::to_owned)];
    rows.extend(catalogue.iter().map(row));
    let mut widths = [0; HEADINGS.len()];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let mut text = String::new();
    for row in &rows {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// Every fact, with where it was read: an array with one object for each target.
///
/// # Errors
/// Never in practice: all facts are plain data.
pub fn json(catalogue: &Catalogue) -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(&catalogue.iter().collect::<Vec<_>>())
}

fn row(distribution: &Distribution) -> [String; HEADINGS.len()] {
    let pythons = distribution.pythons.iter().map(|python| match &python.repository {
        Some(repository) => format!("{} ({repository})", python.version.series()),
        None => python.version.series(),
    });
    let init = match (distribution.init, distribution.systemd) {
        (InitSystem::Systemd, Some(version)) => format!("systemd {}", version.major),
        (InitSystem::Systemd, None) => "systemd".to_owned(),
        (InitSystem::Sysvinit, _) => "sysvinit".to_owned(),
    };
    let end_of_life = if distribution.end_of_life.is_empty() { "not announced" } else { &distribution.end_of_life };
    [
        distribution.name.clone(),
        format!("{} {}", distribution.format.tool(), distribution.format_version),
        distribution.glibc.to_string(),
        init,
        pythons.collect::<Vec<_>>().join(", "),
        distribution.architectures.keys().cloned().collect::<Vec<_>>().join(", "),
        end_of_life.to_owned(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_a_line_for_each_target() {
        let catalogue = Catalogue::embedded().unwrap();
        let table = table(&catalogue);
        assert_eq!(table.lines().count(), catalogue.iter().count() + 1);
        let line = |name: &str| {
            let found = table.lines().find(|line| line.starts_with(name)).unwrap();
            found.split_whitespace().collect::<Vec<_>>().join(" ")
        };
        assert_eq!(line("centos-6"), "centos-6 rpm 4.8 2.12 sysvinit 3.6 (ius), 3.4 (epel) x86_64 2020-11-30");
        assert_eq!(line("debian-12"), "debian-12 dpkg 1.21.23 2.36 systemd 252 3.11 aarch64, x86_64 2028-06-30");
        assert!(line("debian-14").ends_with("not announced"));
        let column = table.find("GLIBC").unwrap();
        assert!(table.lines().skip(1).all(|line| line[column..].starts_with("2.")), "{table}");
    }

    #[test]
    fn json_has_every_fact() {
        let text = json(&Catalogue::embedded().unwrap()).unwrap();
        let all: serde_json::Value = serde_json::from_str(&text).unwrap();
        let rocky = all.as_array().unwrap().iter().find(|one| one["name"] == "rocky-9").unwrap();
        assert_eq!(rocky["glibc"], "2.34");
        assert_eq!(rocky["pythons"][0]["path"], "/usr/bin/python3.9");
        assert_eq!(rocky["architectures"]["aarch64"], "aarch64");
        assert!(rocky["sources"]["glibc"].as_str().unwrap().contains("pep600"));
    }
}
