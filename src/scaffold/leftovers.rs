//! What installs files besides what is recognised as packaging: rotation of logs beside the code, `data_files` of setuptools.

use super::finding::{Findings, Origin, Shipped};
use super::python::is_upkeep_file;
use super::tree::{Tree, in_debian, name_of};

pub fn read(tree: &Tree, findings: &mut Findings) {
    for (path, _) in tree.named(|name| name.ends_with(".logrotate")) {
        let name = name_of(path).trim_end_matches(".logrotate");
        let known = findings.files.iter().any(|file| file.source == path);
        if !in_debian(path) && !known && !is_upkeep_file(path) && !name.is_empty() {
            let destination = format!("/etc/logrotate.d/{name}");
            findings.files.push(Shipped { source: path.to_owned(), destination, from: Origin::new(path, 0) });
        }
    }
    for file in ["setup.py", "setup.cfg", "pyproject.toml"] {
        let Some(text) = tree.text(file) else { continue };
        let said = text.lines().position(|line| {
            let line = line.trim_start();
            !line.starts_with('#') && (line.contains("data_files") || line.contains("data-files"))
        });
        // Files of packages go where the packages go.
        let own = said.filter(|index| text.lines().nth(*index).is_some_and(|line| !line.contains("package_data")));
        if let Some(index) = own {
            let advice =
                "they get into the virtualenv, as `etc` below the prefix: what belongs into /etc is a `[[file]]`";
            findings.note(Origin::new(file, index + 1), "data_files of setuptools", advice);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_beside_the_code_are_found() {
        let setup = "setup(\n    # data_files\n    data_files=[('etc', ['a.yml'])],\n)\n";
        let files = [("init/app.logrotate", ""), ("debian/x.logrotate", ""), ("setup.py", setup)];
        let mut findings = Findings::default();
        read(&Tree::of("x", files), &mut findings);
        let shipped = findings.files.iter().map(|file| (file.source.as_str(), file.destination.as_str()));
        assert_eq!(shipped.collect::<Vec<_>>(), [("init/app.logrotate", "/etc/logrotate.d/app")]);
        assert_eq!(findings.notes[0].from, Origin::new("setup.py", 3));
    }
}
