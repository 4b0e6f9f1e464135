//! What a check comes to: errors and hints, each with a code, a place and what to do.

use std::fmt;
use std::sync::Arc;

use miette::{Diagnostic, LabeledSpan, NamedSource, Severity, SourceCode, SourceSpan};
use serde::{Serialize, Serializer};

use super::hint::Hint;
use crate::project::{Spot, with_stars};

/// How bad it is, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// No package is built.
    Error,
    /// The package is likely not to do what is wanted, or to do harm.
    Warning,
    /// It could be better.
    Hint,
    /// Something was not looked at.
    Note,
}

/// One thing that was found.
#[derive(Debug, Clone)]
pub struct Finding {
    /// As the command line names it.
    pub project: String,
    pub level: Level,
    /// `hint::root`
    pub code: String,
    pub message: String,
    pub help: Option<String>,
    /// Names of the distributions that it is true of; empty: of the project, whatever it is built for.
    pub targets: Vec<String>,
    /// Are those all that were looked at?
    pub everywhere: bool,
    pub place: Option<Shown>,
    /// Does `[check] allow` have its code?
    pub silenced: bool,
    /// What the command ends with because of it; 0 for what is no error.
    pub exit_code: u8,
}

/// A place as it is shown.
#[derive(Debug, Clone)]
pub struct Shown {
    pub spot: Spot,
    label: Option<String>,
    source: NamedSource<Arc<str>>,
}

impl Shown {
    fn new(spot: Spot, label: Option<String>) -> Self {
        let source = NamedSource::new(&spot.file, Arc::clone(&spot.text));
        Self { spot, label, source }
    }
}

/// A hint of a rule.
#[derive(Debug, Clone)]
pub struct Found {
    pub hint: Hint,
    pub place: Option<Spot>,
}

impl Found {
    #[must_use]
    pub fn new(hint: Hint, place: Option<Spot>) -> Self {
        Self { hint, place }
    }

    /// The finding about the distribution `target`, or about none in particular.
    #[must_use]
    pub fn finding(self, target: Option<&str>) -> Finding {
        Finding {
            project: String::new(),
            level: self.hint.level(),
            code: self.hint.code().map(|code| code.to_string()).unwrap_or_default(),
            message: self.hint.to_string(),
            help: self.hint.help().map(|help| help.to_string()),
            targets: target.into_iter().map(str::to_owned).collect(),
            everywhere: false,
            place: self.place.map(|spot| Shown::new(spot, None)),
            silenced: false,
            exit_code: 0,
        }
    }
}

/// What an error of building is as findings: one for each place that is wrong.
#[must_use]
pub fn of_error(error: &crate::Error, target: Option<&str>) -> Vec<Finding> {
    let related = error.related().into_iter().flatten().collect::<Vec<_>>();
    let parts = if related.is_empty() { vec![error as &dyn Diagnostic] } else { related };
    let one = |part: &dyn Diagnostic| Finding {
        project: String::new(),
        level: Level::Error,
        code: part.code().map(|code| code.to_string()).unwrap_or_default(),
        message: with_causes(part),
        help: part.help().map(|help| help.to_string()),
        targets: target.into_iter().map(str::to_owned).collect(),
        everywhere: false,
        place: place(part),
        silenced: false,
        exit_code: error.exit_code(),
    };
    parts.into_iter().map(one).collect()
}

fn with_causes(error: &dyn Diagnostic) -> String {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !message.contains(&text) {
            message = format!("{message}: {text}");
        }
        cause = error.source();
    }
    message
}

/// The first label, with the whole text around it.
fn place(error: &dyn Diagnostic) -> Option<Shown> {
    let source: &dyn SourceCode = error.source_code()?;
    let label = error.labels()?.next()?;
    // All lines before and behind.
    let whole = source.read_span(label.inner(), usize::MAX / 2, usize::MAX / 2).ok()?;
    let text = String::from_utf8_lossy(whole.data()).into_owned();
    let start = label.offset().saturating_sub(whole.span().offset());
    let spot = Spot { file: whole.name()?.to_owned(), text: text.into(), span: start..start + label.len() };
    Some(Shown::new(spot, label.label().map(str::to_owned)))
}

/// Findings of several targets that say the same of the same place, as one. The worst come first, then in the order of
/// files and places.
#[must_use]
pub fn grouped(findings: Vec<Finding>, looked_at: usize) -> Vec<Finding> {
    let mut all: Vec<Finding> = Vec::new();
    for finding in findings {
        match all.iter_mut().find(|known| known.says_the_same_as(&finding)) {
            Some(known) => {
                let new = finding.targets.into_iter().filter(|name| !known.targets.contains(name)).collect::<Vec<_>>();
                known.targets.extend(new);
            }
            None => all.push(finding),
        }
    }
    for finding in &mut all {
        finding.everywhere = finding.targets.len() == looked_at;
    }
    all.sort_by_cached_key(Finding::order);
    all
}

/// Covers what may not be shown, in every finding that would show it.
pub fn cover_secrets(findings: &mut [Finding]) {
    let is_secret = |finding: &&Finding| finding.code == "hint::secret";
    let secrets = findings.iter().filter(is_secret).filter_map(|finding| finding.place.as_ref());
    let secrets = secrets.map(|place| (place.spot.file.clone(), place.spot.span.clone())).collect::<Vec<_>>();
    for place in findings.iter_mut().filter_map(|finding| finding.place.as_mut()) {
        for (_, span) in secrets.iter().filter(|(file, _)| *file == place.spot.file) {
            place.spot.text = with_stars(&place.spot.text, span.clone()).into();
        }
        *place = Shown::new(place.spot.clone(), place.label.take());
    }
}

impl Finding {
    /// With a place, where it has none yet.
    #[must_use]
    pub fn at(mut self, spot: Option<Spot>) -> Self {
        self.place = self.place.or_else(|| spot.map(|spot| Shown::new(spot, None)));
        self
    }

    fn says_the_same_as(&self, other: &Self) -> bool {
        let place = |finding: &Self| finding.place.as_ref().map(|place| place.spot.clone());
        (&self.code, &self.message, &self.help) == (&other.code, &other.message, &other.help)
            && place(self) == place(other)
    }

    fn order(&self) -> (Level, String, usize, String) {
        let (file, start) = match &self.place {
            Some(place) => (place.spot.file.clone(), place.spot.span.start),
            None => (String::new(), 0),
        };
        (self.level, file, start, self.message.clone())
    }
}

/// With the targets that it is about, where it is not about all.
impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.targets.as_slice() {
            targets if !targets.is_empty() && !self.everywhere => {
                write!(formatter, "{}: {}", targets.join(", "), self.message)
            }
            _ => formatter.write_str(&self.message),
        }
    }
}

impl std::error::Error for Finding {}

impl Diagnostic for Finding {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(&self.code))
    }

    fn severity(&self) -> Option<Severity> {
        Some(match self.level {
            Level::Error => Severity::Error,
            Level::Warning => Severity::Warning,
            Level::Hint | Level::Note => Severity::Advice,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display + 'a>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.place.as_ref().map(|place| &place.source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let place = self.place.as_ref()?;
        let span = SourceSpan::from(place.spot.span.clone());
        let label = place.label.clone().unwrap_or_else(|| "here".to_owned());
        Some(Box::new(std::iter::once(LabeledSpan::new_with_span(Some(label), span))))
    }
}

/// What scripts read.
impl Serialize for Finding {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Json<'a> {
            project: &'a str,
            level: Level,
            code: &'a str,
            message: &'a str,
            help: Option<&'a str>,
            targets: &'a [String],
            file: Option<&'a str>,
            line: Option<usize>,
            column: Option<usize>,
            silenced: bool,
        }
        let place = self.place.as_ref().map(|place| &place.spot);
        let at = place.map(Spot::line_and_column);
        Json {
            project: &self.project,
            level: self.level,
            code: &self.code,
            message: &self.message,
            help: self.help.as_deref(),
            targets: &self.targets,
            file: place.map(|spot| spot.file.as_str()),
            line: at.map(|(line, _)| line),
            column: at.map(|(_, column)| column),
            silenced: self.silenced,
        }
        .serialize(serializer)
    }
}
