//! Command lines of other tools, to words that need no shell. Of what a shell does, only that is followed which a service
//! has a counterpart for; all else is named, so that nobody believes it was taken over.

use std::collections::BTreeMap;

/// A command line that was understood.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Line {
    /// `NAME=value` before the program.
    pub environment: BTreeMap<String, String>,
    pub words: Vec<String>,
    /// What was left out or filled in, in words.
    pub remarks: Vec<String>,
}

/// How the reason begins, where a line is a program of the shell's own.
pub const ONLY_A_SHELL: &str = "only a shell could run it";

/// Variables that platforms set, with what stands for them on a machine of one's own.
const USUAL: [(&str, &str); 6] = [
    ("PORT", "8000"),
    ("HOST", "127.0.0.1"),
    ("WEB_CONCURRENCY", "2"),
    ("WORKERS", "2"),
    ("LOG_LEVEL", "info"),
    ("LOGLEVEL", "info"),
];

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Word(String),
    /// `&&`, `;`: one after the other.
    Then,
    Pipe,
    /// A redirection, with what it is to or from.
    Redirection,
}

/// Reads a line for a shell. `known` are variables whose values are known.
///
/// # Errors
/// What only a shell could do.
pub fn shell(text: &str, known: &BTreeMap<String, String>) -> Result<Line, String> {
    let mut line = Line::default();
    let tokens = tokens(text, known, &mut line.remarks)?;
    let mut commands: Vec<Vec<String>> = vec![Vec::new()];
    let mut piped = false;
    let mut skip = false;
    for token in tokens {
        match token {
            Token::Then => {
                commands.push(Vec::new());
                (piped, skip) = (false, false);
            }
            Token::Pipe => piped = true,
            Token::Redirection => skip = true,
            Token::Word(_) if piped => {}
            Token::Word(_) if skip => skip = false,
            Token::Word(word) => commands.last_mut().into_iter().for_each(|last| last.push(word.clone())),
        }
        if piped && !line.remarks.iter().any(|remark| remark.starts_with("what it is piped")) {
            line.remarks.push("what it is piped into is left out: the service manager keeps what it prints".to_owned());
        }
        if skip && !line.remarks.iter().any(|remark| remark.starts_with("its redirections")) {
            line.remarks.push("its redirections are left out: the service manager keeps what it prints".to_owned());
        }
    }
    commands.retain(|words| !words.is_empty());
    if let Some(keyword) = commands.iter().filter_map(|words| words.first()).find(|word| is_keyword(word)) {
        return Err(format!("{ONLY_A_SHELL}, for it has `{keyword}`"));
    }
    let Some(mut words) = commands.pop() else { return Err("there is no command in it".to_owned()) };
    for before in commands {
        line.remarks.push(format!("before it, `{}` was run: do that by hand, or in a scriptlet", before.join(" ")));
    }
    take_prefixes(&mut words, &mut line.environment);
    if words.is_empty() {
        return Err("there is no program in it".to_owned());
    }
    line.words = words;
    Ok(line)
}

/// Reserved words of the shell that begin a loop or a condition (POSIX, Shell Command Language, 2.4).
fn is_keyword(word: &str) -> bool {
    matches!(word, "while" | "until" | "for" | "if" | "case" | "{" | "!")
}

/// `exec`, `env` and assignments before the program.
fn take_prefixes(words: &mut Vec<String>, environment: &mut BTreeMap<String, String>) {
    loop {
        let Some(first) = words.first() else { return };
        match first.split_once('=') {
            Some((name, value)) if is_variable(name) => {
                environment.insert(name.to_owned(), value.to_owned());
            }
            _ if matches!(first.as_str(), "exec" | "env" | "/usr/bin/env" | "nohup") => {}
            _ => return,
        }
        words.remove(0);
    }
}

fn is_variable(name: &str) -> bool {
    let good = |c: char| c.is_ascii_alphanumeric() || c == '_';
    !name.is_empty() && name.chars().all(good) && !name.starts_with(|c: char| c.is_ascii_digit())
}

type Characters<'a> = std::iter::Peekable<std::str::Chars<'a>>;

fn tokens(text: &str, known: &BTreeMap<String, String>, remarks: &mut Vec<String>) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut word: Option<String> = None;
    let mut characters = text.trim().chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\'' => quoted(&mut characters, word.get_or_insert_default())?,
            '"' => double_quoted(&mut characters, known, remarks, word.get_or_insert_default())?,
            '\\' => match characters.next() {
                Some('\n') => {}
                Some(next) => word.get_or_insert_default().push(next),
                None => return Err("it ends with a backslash".to_owned()),
            },
            '$' => {
                let value = variable(&mut characters, known, remarks)?;
                // Without quotes a shell splits what a variable holds.
                word.get_or_insert_default().push_str(&value);
            }
            '#' if word.is_none() => break,
            '\n' | ';' => end(&mut word, &mut tokens, Some(Token::Then)),
            '&' if characters.next_if_eq(&'&').is_some() => end(&mut word, &mut tokens, Some(Token::Then)),
            '&' => return Err("it ends in the background (`&`)".to_owned()),
            '|' if characters.next_if_eq(&'|').is_some() => return Err("it has an alternative (`||`)".to_owned()),
            '|' => end(&mut word, &mut tokens, Some(Token::Pipe)),
            '>' | '<' => redirection(character, &mut characters, &mut word, &mut tokens)?,
            '`' | '(' | ')' => return Err(format!("it has a command in it (`{character}`)")),
            blank if blank.is_whitespace() => end(&mut word, &mut tokens, None),
            other if other.is_control() => return Err("it has a control character".to_owned()),
            other => word.get_or_insert_default().push(other),
        }
    }
    end(&mut word, &mut tokens, None);
    Ok(tokens)
}

fn end(word: &mut Option<String>, tokens: &mut Vec<Token>, token: Option<Token>) {
    tokens.extend(word.take().map(Token::Word));
    tokens.extend(token);
}

/// `>file`, `2>&1`, `>>file`
fn redirection(
    first: char,
    characters: &mut Characters<'_>,
    word: &mut Option<String>,
    tokens: &mut Vec<Token>,
) -> Result<(), String> {
    if word.as_ref().is_some_and(|word| word.chars().all(|c| c.is_ascii_digit())) {
        word.take();
    }
    end(word, tokens, None);
    while characters.next_if_eq(&first).is_some() {}
    if characters.peek() == Some(&'(') {
        return Err("it has a command in it (`>(`)".to_owned());
    }
    if characters.next_if_eq(&'&').is_some() {
        while characters.next_if(|c| c.is_ascii_digit() || *c == '-').is_some() {}
        // What it leads to is read already.
        tokens.push(Token::Redirection);
        tokens.push(Token::Word(String::new()));
        return Ok(());
    }
    tokens.push(Token::Redirection);
    Ok(())
}

fn quoted(characters: &mut Characters<'_>, word: &mut String) -> Result<(), String> {
    loop {
        match characters.next() {
            Some('\'') => return Ok(()),
            Some(control) if control.is_control() => return Err("it has a control character".to_owned()),
            Some(other) => word.push(other),
            None => return Err("a quote is not closed".to_owned()),
        }
    }
}

fn double_quoted(
    characters: &mut Characters<'_>,
    known: &BTreeMap<String, String>,
    remarks: &mut Vec<String>,
    word: &mut String,
) -> Result<(), String> {
    loop {
        match characters.next() {
            Some('"') => return Ok(()),
            Some('\\') => match characters.next() {
                Some('\n') => {}
                Some(special @ ('"' | '\\' | '$' | '`')) => word.push(special),
                Some(other) => word.extend(['\\', other]),
                None => return Err("a quote is not closed".to_owned()),
            },
            Some('$') => word.push_str(&variable(characters, known, remarks)?),
            Some('`') => return Err("it has a command in it (`)".to_owned()),
            Some(control) if control.is_control() => return Err("it has a control character".to_owned()),
            Some(other) => word.push(other),
            None => return Err("a quote is not closed".to_owned()),
        }
    }
}

/// What stands for `$NAME`, `${NAME}` or `${NAME:-default}`.
fn variable(
    characters: &mut Characters<'_>,
    known: &BTreeMap<String, String>,
    remarks: &mut Vec<String>,
) -> Result<String, String> {
    let (name, default) = if characters.next_if_eq(&'{').is_some() {
        let mut inside = String::new();
        loop {
            match characters.next() {
                Some('}') => break,
                Some(other) => inside.push(other),
                None => return Err("a `${` is not closed".to_owned()),
            }
        }
        match inside.split_once(":-").or_else(|| inside.split_once('-')) {
            Some((name, default)) => (name.to_owned(), Some(default.to_owned())),
            None => (inside, None),
        }
    } else {
        let mut name = String::new();
        while let Some(next) = characters.next_if(|c| c.is_ascii_alphanumeric() || *c == '_') {
            name.push(next);
        }
        (name, None)
    };
    if name.is_empty() && default.is_none() && characters.peek().is_none_or(|next| next.is_whitespace()) {
        return Ok("$".to_owned());
    }
    if !is_variable(&name) {
        return Err("only a shell knows what a `$` in it stands for".to_owned());
    }
    let plain = |value: &String| !value.contains(|c: char| c.is_control() || "$`(){}".contains(c));
    let usual = || USUAL.iter().find(|(usual, _)| *usual == name).map(|(_, value)| (*value).to_owned());
    match known.get(&name).cloned().or(default).or_else(usual).filter(plain) {
        Some(value) => {
            let remark = format!("${name} is filled in as `{value}`");
            if !remarks.contains(&remark) {
                remarks.push(remark);
            }
            Ok(value)
        }
        None => Err(format!("nothing says what ${name} is")),
    }
}

/// Reads a value of `ExecStart=` (systemd.service(5), "Command lines").
///
/// # Errors
/// What omnipack has no counterpart for.
pub fn unit(text: &str, known: &BTreeMap<String, String>) -> Result<Line, String> {
    let mut line = Line::default();
    let trimmed = text.trim().trim_start_matches(['-', '@', ':', '+', '!']);
    let mut word: Option<String> = None;
    let mut open: Option<char> = None;
    let mut characters = trimmed.chars().peekable();
    while let Some(character) = characters.next() {
        match (open, character) {
            (Some(quote), other) if quote == other => open = None,
            (None, '\'' | '"') => {
                word.get_or_insert_default();
                open = Some(character);
            }
            (_, '\\') => word.get_or_insert_default().extend(characters.next()),
            (_, '%') if characters.next_if_eq(&'%').is_some() => word.get_or_insert_default().push('%'),
            (_, '%') => {
                let specifier = characters.next().map(String::from).unwrap_or_default();
                return Err(format!("only systemd knows what %{specifier} stands for"));
            }
            (_, '$') if characters.next_if_eq(&'$').is_some() => word.get_or_insert_default().push('$'),
            (_, '$') => {
                let value = variable(&mut characters, known, &mut line.remarks)?;
                word.get_or_insert_default().push_str(&value);
            }
            (_, control) if control.is_control() && control != '\t' => {
                return Err("it has a control character".to_owned());
            }
            (None, blank) if blank.is_whitespace() => line.words.extend(word.take()),
            (_, other) => word.get_or_insert_default().push(other),
        }
    }
    line.words.extend(word);
    if line.words.iter().any(|word| word == ";") {
        return Err("it is several commands".to_owned());
    }
    take_prefixes(&mut line.words, &mut line.environment);
    // `sh -c '...'` is a line for a shell after all.
    if let [shell_program, option, script] = line.words.as_slice()
        && ["sh", "bash"].contains(&super::tree::name_of(shell_program))
        && ["-c", "-lc", "-ec"].contains(&option.as_str())
    {
        let mut inner = shell(script, known)?;
        inner.environment.extend(line.environment);
        return Ok(inner);
    }
    if line.words.is_empty() { Err("there is no command in it".to_owned()) } else { Ok(line) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, String> {
        shell(text, &BTreeMap::new()).map(|line| line.words.join("|"))
    }

    #[test]
    fn what_a_service_has_a_counterpart_for_is_followed() {
        for (text, words) in [
            ("gunicorn app:app --bind 0.0.0.0:$PORT", "gunicorn|app:app|--bind|0.0.0.0:8000"),
            ("exec gunicorn -b :${PORT:-5000} 'a b'", "gunicorn|-b|:5000|a b"),
            ("python manage.py migrate && gunicorn x.wsgi", "gunicorn|x.wsgi"),
            ("FOO=1 celery -A x worker > /dev/null 2>&1", "celery|-A|x|worker"),
            ("celery worker 2>&1 | logger", "celery|worker"),
            ("a \\\n b # comment", "a|b"),
            ("cost $ 5", "cost|$|5"),
        ] {
            assert_eq!(read(text).as_deref(), Ok(words), "{text}");
        }
        let line = shell("A=1 env B='x y' run", &BTreeMap::new()).unwrap();
        assert_eq!(line.environment, BTreeMap::from([("A".into(), "1".into()), ("B".into(), "x y".into())]));
        let line = shell("migrate; run --port $PORT | tee log", &BTreeMap::new()).unwrap();
        assert_eq!(line.remarks.len(), 3, "{:?}", line.remarks);
    }

    #[test]
    fn what_only_a_shell_can_do_is_refused() {
        assert_eq!(
            read("while true; do sync; sleep 60; done").unwrap_err(),
            "only a shell could run it, for it has `while`"
        );
        for text in [
            "a `b`",
            "a $(b)",
            "a || b",
            "a &",
            "(a)",
            "a $SECRET",
            "a '",
            "a \"",
            "a \\",
            "",
            " && ",
            "$((1+1))",
            "a ${B",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn lines_of_units_are_read_as_systemd_reads_them() {
        let known = BTreeMap::from([("APP_PORT".to_owned(), "81".to_owned())]);
        let read = |text| unit(text, &known).map(|line| line.words.join("|"));
        assert_eq!(read("-/usr/bin/a \"b c\" $$ %% ${APP_PORT}").as_deref(), Ok("/usr/bin/a|b c|$|%|81"));
        assert_eq!(read("/bin/sh -c 'exec gunicorn -b :$PORT a:b'").as_deref(), Ok("gunicorn|-b|:8000|a:b"));
        for text in ["/usr/bin/a %i", "/usr/bin/a ; /usr/bin/b", "", "/usr/bin/a $OTHER"] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
