//! Requirements of Python as relations of dpkg. The translation is that for package managers that compare versions without a
//! revision; dpkg compares the revision, too, so that `1.2-3` is neither `= 1.2` nor `<= 1.2`.

use crate::plan::requirement::Translation;
use crate::plan::{Comparison, Relation, RelationKind};

/// The relations of `translation`, and in `open` what they do not say.
pub fn relations(translation: &Translation, open: &mut Vec<String>) -> Vec<Relation> {
    let mut relations = Vec::new();
    let mut left_out = Vec::new();
    for relation in &translation.relations {
        let with =
            |comparison, version: String| Relation { comparison: Some((comparison, version)), ..relation.clone() };
        match (&relation.kind, &relation.comparison) {
            // Conflicts of two bounds would be one with either: no version range can be left out.
            (RelationKind::Conflicts, Some((_, version))) => left_out.push(version.as_str()),
            (_, Some((Comparison::Equal, version))) => {
                relations.push(with(Comparison::GreaterOrEqual, version.clone()));
                relations.push(with(Comparison::Less, after(version)));
            }
            (_, Some((Comparison::LessOrEqual, version))) => relations.push(with(Comparison::Less, after(version))),
            _ => relations.push(relation.clone()),
        }
    }
    if let (Some(first), false) = (translation.relations.first(), left_out.is_empty()) {
        open.push(format!("version {} of {} is not kept out", left_out.join(", "), first.name));
    }
    relations
}

/// Above every revision of `version`, and what repackagers add to it (`1.2+dfsg-3`), and below every later version.
fn after(version: &str) -> String {
    format!("{version}.0~")
}

/// Of what says no more than the name, nothing: debhelper finds that itself.
pub fn bounds(relations: Vec<Relation>) -> Vec<Relation> {
    relations.into_iter().filter(|relation| relation.comparison.is_some()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distribution::compare_debian_versions;

    fn said(comparison: Comparison, version: &str) -> Vec<String> {
        let relation = Relation {
            kind: RelationKind::Requires,
            name: "x".to_owned(),
            comparison: Some((comparison, version.to_owned())),
            reason: String::new(),
        };
        let translation = Translation { requirements: Vec::new(), relations: vec![relation], open: Vec::new() };
        let found = relations(&translation, &mut Vec::new());
        found.iter().map(|relation| format!("{} {}", relation.comparison.as_ref().unwrap().1, relation.name)).collect()
    }

    #[test]
    fn a_revision_does_not_make_another_version() {
        assert_eq!(said(Comparison::Equal, "1.2"), ["1.2 x", "1.2.0~ x"]);
        assert_eq!(said(Comparison::LessOrEqual, "1.2"), ["1.2.0~ x"]);
        assert_eq!(said(Comparison::Less, "1.2~~"), ["1.2~~ x"]);
        use std::cmp::Ordering::{Greater, Less};
        for (version, order) in [
            ("1.2-1", Less),
            ("1.2+dfsg-1~deb12u1", Less),
            ("1.2-1build2", Less),
            ("1.2.1-1", Greater),
            ("1.2.0.post1-1", Greater),
            ("1.3~rc1-1", Greater),
        ] {
            assert_eq!(compare_debian_versions(version, &after("1.2")), order, "{version}");
        }
    }
}
