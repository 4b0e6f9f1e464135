//! Literals of Python: as much as `setup.py` files say plainly. Nothing is evaluated; what is no literal is unknown.

use std::collections::BTreeMap;

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Literal {
    Text(String),
    List(Vec<Literal>),
    Map(Vec<(Literal, Literal)>),
    /// A name, whose value may be known.
    Name(String),
    Unknown,
}

impl Literal {
    /// As text, through names.
    pub fn text(&self, names: &BTreeMap<String, Literal>) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.clone()),
            // Not followed any further: a name may stand for itself.
            Self::Name(name) => match names.get(name) {
                Some(Self::Text(text)) => Some(text.clone()),
                _ => None,
            },
            _ => None,
        }
    }

    /// The texts in a list, through names.
    pub fn texts(&self, names: &BTreeMap<String, Literal>) -> Vec<String> {
        match self {
            Self::List(items) => items.iter().filter_map(|item| item.text(names)).collect(),
            Self::Name(name) => match names.get(name) {
                Some(Self::List(items)) => items.iter().filter_map(|item| item.text(names)).collect(),
                _ => Vec::new(),
            },
            _ => Vec::new(),
        }
    }

    /// Keys and values of a mapping, through names.
    pub fn entries<'a>(&'a self, names: &'a BTreeMap<String, Literal>) -> &'a [(Literal, Literal)] {
        match self {
            Self::Map(entries) => entries,
            Self::Name(name) => match names.get(name) {
                Some(Self::Map(entries)) => entries,
                _ => &[],
            },
            _ => &[],
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Token {
    Name(String),
    Text(String),
    /// The first of a line, with nothing before it.
    Start(String),
    Sign(char),
}

/// Splits a source into tokens with their lines. Numbers are names here.
pub fn tokens(source: &str) -> Vec<(usize, Token)> {
    let characters = source.chars().collect::<Vec<_>>();
    let mut tokens = Vec::new();
    let (mut at, mut line, mut fresh) = (0, 1, true);
    while let Some(&character) = characters.get(at) {
        let quote = matches!(character, '"' | '\'');
        if quote {
            let (text, next, lines) = string(&characters, at);
            if let Some((_, Token::Name(prefix) | Token::Start(prefix))) = tokens.last()
                && is_prefix(prefix)
            {
                tokens.pop();
            }
            tokens.push((line, Token::Text(text)));
            (at, line, fresh) = (next, line + lines, false);
        } else if character == '#' {
            while characters.get(at).is_some_and(|c| *c != '\n') {
                at += 1;
            }
        } else if character.is_alphanumeric() || character == '_' {
            let start = at;
            while characters.get(at).is_some_and(|c| c.is_alphanumeric() || *c == '_') {
                at += 1;
            }
            let word = characters.get(start..at).unwrap_or_default().iter().collect::<String>();
            tokens.push((line, if fresh { Token::Start(word) } else { Token::Name(word) }));
            fresh = false;
        } else {
            if character == '\n' {
                line += 1;
            } else if !character.is_whitespace() {
                tokens.push((line, Token::Sign(character)));
            }
            fresh = character == '\n';
            at += 1;
        }
    }
    tokens
}

/// Letters before a string that leave it a literal text.
fn is_prefix(word: &str) -> bool {
    matches!(word, "r" | "R" | "u" | "U" | "b" | "B")
}

/// The string that starts at `at`: its text, where it ends, and how many lines it has more.
fn string(characters: &[char], at: usize) -> (String, usize, usize) {
    let quote = characters.get(at).copied().unwrap_or('"');
    let triple = characters.get(at + 1) == Some(&quote) && characters.get(at + 2) == Some(&quote);
    let width = if triple { 3 } else { 1 };
    let (mut text, mut next, mut lines) = (String::new(), at + width, 0);
    while let Some(&character) = characters.get(next) {
        let closes = (0..width).all(|index| characters.get(next + index) == Some(&quote));
        if closes {
            return (text, next + width, lines);
        }
        if character == '\n' {
            if !triple {
                break;
            }
            lines += 1;
        }
        if character == '\\' {
            next += 1;
            match characters.get(next) {
                Some('n') => text.push('\n'),
                Some('\n') => lines += 1,
                Some(other) => text.push(*other),
                None => break,
            }
        } else {
            text.push(character);
        }
        next += 1;
    }
    (text, next, lines)
}

/// Nested more deeply than this, it is no setup script.
const DEPTH: usize = 24;

/// Reads one value from `at`, up to a `,` or a closing bracket outside of it; gives where that is.
pub fn value(tokens: &[(usize, Token)], at: usize, depth: usize) -> (Literal, usize) {
    let (mut read, mut next) = match tokens.get(at).map(|(_, token)| token) {
        Some(Token::Text(text)) => text_value(tokens, at, text),
        Some(Token::Sign(open @ ('[' | '(' | '{'))) if depth < DEPTH => bracket(tokens, at, *open, depth),
        Some(Token::Name(name) | Token::Start(name)) => (Literal::Name(name.clone()), at + 1),
        _ => (Literal::Unknown, at),
    };
    // Whatever else follows (`+`, `.format()`, a call) makes it unknown.
    let mut open = 0_usize;
    while let Some((_, token)) = tokens.get(next) {
        match token {
            Token::Sign(',' | ')' | ']' | '}' | ':') if open == 0 => break,
            Token::Sign('(' | '[' | '{') => open += 1,
            Token::Sign(')' | ']' | '}') => open -= 1,
            Token::Start(_) if open == 0 && depth == 0 => break,
            _ => {}
        }
        read = Literal::Unknown;
        next += 1;
    }
    (read, next)
}

/// Strings that follow each other are one.
fn text_value(tokens: &[(usize, Token)], at: usize, first: &str) -> (Literal, usize) {
    let mut text = first.to_owned();
    let mut next = at + 1;
    while let Some((_, Token::Text(more))) = tokens.get(next) {
        text.push_str(more);
        next += 1;
    }
    (Literal::Text(text), next)
}

fn bracket(tokens: &[(usize, Token)], at: usize, open: char, depth: usize) -> (Literal, usize) {
    let close = match open {
        '[' => ']',
        '(' => ')',
        _ => '}',
    };
    let (mut items, mut pairs, mut commas) = (Vec::<Literal>::new(), Vec::new(), 0);
    let mut next = at + 1;
    loop {
        match tokens.get(next).map(|(_, token)| token) {
            Some(Token::Sign(sign)) if *sign == close => {
                let read = match (open, items.as_slice()) {
                    // Brackets around one thing change nothing.
                    ('(', [only]) if commas == 0 => only.clone(),
                    ('{', _) => Literal::Map(pairs),
                    _ => Literal::List(items),
                };
                return (read, next + 1);
            }
            Some(Token::Sign(',')) => {
                commas += 1;
                next += 1;
            }
            Some(_) => {
                let (item, after) = value(tokens, next, depth + 1);
                let colon = matches!(tokens.get(after), Some((_, Token::Sign(':'))));
                if open == '{' && colon {
                    let (second, end) = value(tokens, after + 1, depth + 1);
                    pairs.push((item, second));
                    next = end.max(after + 1);
                } else {
                    items.push(item);
                    // What cannot be read is passed over, so that this comes to an end.
                    next = if after > next { after } else { next + 1 };
                }
            }
            None => return (Literal::Unknown, next),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(source: &str) -> Literal {
        value(&tokens(source), 0, 0).0
    }

    #[test]
    fn literals_are_read_and_all_else_is_unknown() {
        let text = |text: &str| Literal::Text(text.to_owned());
        assert_eq!(read("'a' \"b\""), text("ab"));
        assert_eq!(read("u'a\\'b'"), text("a'b"));
        assert_eq!(read("('a'\n 'b')"), text("ab"));
        assert_eq!(read("['a', # c\n 'b',]"), Literal::List(vec![text("a"), text("b")]));
        assert_eq!(read("('a',)"), Literal::List(vec![text("a")]));
        assert_eq!(read("{'a': ['b']}"), Literal::Map(vec![(text("a"), Literal::List(vec![text("b")]))]));
        assert_eq!(read("'a' + b"), Literal::Unknown);
        assert_eq!(read("open('x').read()"), Literal::Unknown);
        assert_eq!(read("["), Literal::Unknown);
        assert_eq!(read(&"[".repeat(100_000)), Literal::Unknown);
    }
}
