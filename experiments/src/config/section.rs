//! A table of a config, from which values are taken one by one until nothing is left.

use std::borrow::Cow;
use std::ops::Range;
use std::path::PathBuf;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use super::document::{Document, Refused, suggestion};

/// A table of the document, from which values are taken one by one.
#[derive(Debug)]
pub struct Section<'d> {
    document: &'d Document,
    name: String,
    span: Range<usize>,
    table: DeTable<'d>,
    taken: Vec<&'static str>,
}

/// A value with its place.
pub type Placed<T> = Spanned<T>;

impl<'d> Section<'d> {
    /// The document as a whole.
    pub(super) fn root(document: &'d Document, span: Range<usize>, table: DeTable<'d>) -> Self {
        Self { document, name: String::new(), span, table, taken: Vec::new() }
    }

    /// Takes the value of `key`, if there is one.
    ///
    /// # Errors
    /// A value of another type.
    pub fn take<T: DeserializeOwned>(
        &mut self,
        key: &'static str,
    ) -> Result<Option<Placed<T>>, Refused> {
        self.asked(key);
        self.take_named(key)
    }

    /// Takes the value of a key whose name only the config knows.
    ///
    /// # Errors
    /// A value of another type.
    pub fn take_named<T: DeserializeOwned>(
        &mut self,
        key: &str,
    ) -> Result<Option<Placed<T>>, Refused> {
        let Some(value) = self.table.remove(key) else { return Ok(None) };
        let span = value.span();
        match T::deserialize(ValueDeserializer::from(value)) {
            Ok(value) => Ok(Some(Spanned::new(span, value))),
            Err(error) => Err(self.refuse_serde(&error, &self.path(key), &[])),
        }
    }

    fn asked(&mut self, key: &'static str) {
        self.taken.push(key);
        #[cfg(test)]
        asked::note(&self.name, key);
    }

    /// Takes a value that has to be there.
    ///
    /// # Errors
    /// A missing value, or one of another type.
    pub fn need<T: DeserializeOwned>(
        &mut self,
        key: &'static str,
        example: &str,
    ) -> Result<Placed<T>, Refused> {
        self.take(key)?.ok_or_else(|| {
            let message = format!("`{}` is missing", self.path(key));
            // Point at the head of the section; the whole document has no head.
            let place = (!self.name.is_empty()).then(|| self.span.clone());
            self.document.refuse(message, place, "in this table", Some(format!("add {example}")))
        })
    }

    /// Takes the table `key`; an empty one where there is none.
    ///
    /// # Errors
    /// A value that is no table.
    pub fn section(&mut self, key: &'static str) -> Result<Self, Refused> {
        self.asked(key);
        self.section_named(key)
    }

    /// Takes the table of a key whose name only the config knows; an empty one where there is none.
    ///
    /// # Errors
    /// A value that is no table.
    pub fn section_named(&mut self, key: &str) -> Result<Self, Refused> {
        let (span, value) = match self.table.remove(key) {
            None => (self.span.clone(), DeValue::Table(DeTable::new())),
            Some(value) => (value.span(), value.into_inner()),
        };
        self.inner(self.path(key), span, value)
    }

    /// The keys that are left, with their places, in the order of the text.
    pub fn keys(&self) -> Vec<Placed<String>> {
        let placed =
            |key: &Spanned<Cow<'_, str>>| Spanned::new(key.span(), key.get_ref().to_string());
        let mut keys: Vec<_> = self.table.keys().map(placed).collect();
        keys.sort_by_key(|key| key.span().start);
        keys
    }

    /// Takes the array of tables `key`; none where there is no such key.
    ///
    /// # Errors
    /// A value that is no array of tables.
    pub fn sections(&mut self, key: &'static str) -> Result<Option<Vec<Self>>, Refused> {
        self.asked(key);
        let Some(value) = self.table.remove(key) else { return Ok(None) };
        let span = value.span();
        let DeValue::Array(elements) = value.into_inner() else {
            let message = format!("`{}` is not an array of tables", self.path(key));
            let help = Some(format!("write [[{}]] for each element", self.path(key)));
            return Err(self.document.refuse(message, Some(span), "here", help));
        };
        let inner = |(i, element): (usize, Spanned<DeValue<'d>>)| {
            let span = element.span();
            self.inner(format!("{}.{i}", self.path(key)), span, element.into_inner())
        };
        elements.into_iter().enumerate().map(inner).collect::<Result<_, _>>().map(Some)
    }

    fn inner(&self, name: String, span: Range<usize>, value: DeValue<'d>) -> Result<Self, Refused> {
        match value {
            DeValue::Table(table) => {
                Ok(Self { document: self.document, name, span, table, taken: Vec::new() })
            }
            _ => {
                let message = format!("`{name}` is not a table");
                let help = Some(format!("write [{name}] and its keys below"));
                Err(self.document.refuse(message, Some(span), "here", help))
            }
        }
    }

    /// Reads what is left of the section as one value.
    ///
    /// # Errors
    /// Unknown keys, and values of another type.
    pub fn rest<T: DeserializeOwned>(&self) -> Result<T, Refused> {
        let span = self.span.clone();
        let table = DeValue::Table(self.table.clone());
        T::deserialize(ValueDeserializer::from(Spanned::new(span, table)))
            .map_err(|error| self.refuse_serde(&error, &self.name, &self.taken))
    }

    /// Whether a key is given, here or, as `table.key`, in a table inside.
    pub fn has(&self, path: &str) -> bool {
        let (outer, key) = path.rsplit_once('.').unwrap_or(("", path));
        let mut table = &self.table;
        for step in outer.split('.').filter(|step| !step.is_empty()) {
            match table.get(step).map(Spanned::get_ref) {
                Some(DeValue::Table(inner)) => table = inner,
                _ => return false,
            }
        }
        table.contains_key(key)
    }

    /// The text of a key that stays in the section, where it is one.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.table.get(key).and_then(|value| value.get_ref().as_str())
    }

    /// Whether a key that stays in the section is a table.
    pub fn is_table(&self, key: &str) -> bool {
        self.table.get(key).is_some_and(|value| value.get_ref().is_table())
    }

    /// Whether a key that stays in the section is an array.
    pub fn is_array(&self, key: &str) -> bool {
        self.table.get(key).is_some_and(|value| value.get_ref().is_array())
    }

    /// How a value is written in the text.
    pub fn written<T>(&self, value: &Placed<T>) -> &str {
        self.document.written(value.span())
    }

    /// Whether every key has been taken.
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// Refuses keys that nobody took.
    ///
    /// # Errors
    /// The first of them, with a suggestion.
    pub fn end(&self) -> Result<(), Refused> {
        match self.table.keys().min_by_key(|key| key.span().start) {
            None => Ok(()),
            Some(key) => {
                let help = suggestion(key.get_ref(), self.taken.iter().copied());
                let key_path = self.path(key.get_ref());
                let top = if self.name.is_empty() { " at the top of the file" } else { "" };
                let message = format!("unknown key `{key_path}`{top}");
                Err(self.document.refuse(message, Some(key.span()), "unknown key", help))
            }
        }
    }

    /// A path as it is meant: relative to the file in which the value of `key` stands. Names of
    /// built-in data stay.
    pub fn absolute(&self, key: &str, path: &str) -> String {
        if path.starts_with("builtin:") {
            return path.to_owned();
        }
        let path = self.folder(self.place(key).start).join(path);
        std::path::absolute(&path).unwrap_or(path).display().to_string()
    }

    /// The folder of the file in which a place of the document stands.
    pub(super) fn folder(&self, place: usize) -> PathBuf {
        self.document.folder(place)
    }

    /// A complaint about a value of this section.
    pub fn refuse<T>(&self, value: &Placed<T>, message: String, help: &str) -> Refused {
        self.document.refuse(message, Some(value.span()), "this value", Some(help.into()))
    }

    /// A complaint about the section as a whole.
    pub fn refuse_whole(&self, message: String, help: &str) -> Refused {
        let place = (!self.name.is_empty()).then(|| self.span.clone());
        self.document.refuse(message, place, "in this table", Some(help.into()))
    }

    /// A complaint in words, which points at the first key of the section that they name.
    pub fn refuse_problem(&self, problem: String) -> Refused {
        let named = |key: &str| problem.split(' ').any(|word| word == key);
        let given = self.table.iter().find(|(key, _)| named(key.get_ref()));
        let place = given.map_or_else(|| self.span.clone(), |(_, value)| value.span());
        let help = Some("`trueup validate` shows all keys with their values".to_owned());
        self.document.refuse(problem, Some(place), "here", help)
    }

    /// A complaint about the value of `key`, or about the table where it is not given. A key of a
    /// table inside the section is written `table.key`, an element of an array `array.0`.
    pub fn refuse_key(&self, key: &str, problem: &str) -> Refused {
        self.refuse_key_with(key, problem, "")
    }

    /// The same with a remedy.
    pub fn refuse_key_with(&self, key: &str, problem: &str, help: &str) -> Refused {
        let help = (!help.is_empty()).then(|| help.to_owned());
        let place = self.place(key);
        self.document.refuse(format!("`{}` {problem}", self.path(key)), Some(place), "here", help)
    }

    /// Where the value of `key` stands, or the table where it is not given.
    fn place(&self, key: &str) -> Range<usize> {
        let (first, rest) = key.split_once('.').unwrap_or((key, ""));
        self.table.get(first).map_or_else(|| self.span.clone(), |value| nearest(value, rest))
    }

    fn path(&self, key: &str) -> String {
        if self.name.is_empty() { key.into() } else { format!("{}.{key}", self.name) }
    }

    /// Turns a complaint of serde into one with a place and a suggestion. `more` holds keys of the
    /// section that serde does not know because they were taken before.
    fn refuse_serde(&self, error: &toml::de::Error, path: &str, more: &[&str]) -> Refused {
        let message = error.message();
        let mut quoted = message.split('`').skip(1).step_by(2);
        let unknown = ["unknown field", "unknown variant"].iter().any(|s| message.starts_with(s));
        let place = error.span();
        if unknown && let Some(given) = quoted.next() {
            let field = message.starts_with("unknown field");
            // Keys that were taken belong to this table, not to those inside it.
            let own = field && self.table.contains_key(given);
            let known = quoted.chain(if own { more } else { &[] }.iter().copied());
            let help = suggestion(given, known);
            // Types that buffer their input lose the place: look for the key by its name.
            let place = if field { key_place(&self.table, given).or(place) } else { place };
            let what = if field { "key" } else { "value" };
            let place_in_words = match path {
                "" => "at the top of the file".to_owned(),
                path => format!("in `{path}`"),
            };
            let message = format!("unknown {what} `{given}` {place_in_words}");
            return self.document.refuse(message, place, &format!("unknown {what}"), help);
        }
        let words = in_words(message);
        let message = if path.is_empty() { words } else { format!("`{path}`: {words}") };
        self.document.refuse(message, place, "here", None)
    }
}

/// A complaint of serde with what it expects in the words of configs, not in names of types.
fn in_words(message: &str) -> String {
    let Some((given, expected)) = message.rsplit_once(", expected ") else {
        return message.to_owned();
    };
    let expected = match expected {
        "u8" => format!("a whole number from 0 to {}", u8::MAX),
        "u16" => format!("a whole number from 0 to {}", u16::MAX),
        "u32" => format!("a whole number from 0 to {}", u32::MAX),
        "u64" | "usize" => "a whole number of at least 0".to_owned(),
        "i32" | "i64" | "isize" => "a whole number".to_owned(),
        "f32" | "f64" => "a number".to_owned(),
        "a sequence" => "a list".to_owned(),
        "a map" => "a table".to_owned(),
        other => other.to_owned(),
    };
    format!("{given}, expected {expected}")
}

/// Where the value of a path below `value` stands, or the innermost value on the way to it.
fn nearest(value: &Spanned<DeValue<'_>>, path: &str) -> Range<usize> {
    let (first, rest) = path.split_once('.').unwrap_or((path, ""));
    let inner = match value.get_ref() {
        DeValue::Table(table) => table.get(first),
        DeValue::Array(elements) => first.parse().ok().and_then(|at: usize| elements.get(at)),
        _ => None,
    };
    inner.map_or_else(|| value.span(), |inner| nearest(inner, rest))
}

/// Where a key stands in a table or the tables inside it.
fn key_place(table: &DeTable<'_>, wanted: &str) -> Option<Range<usize>> {
    let own = table.get_key_value(wanted).map(|(key, _)| key.span());
    own.or_else(|| {
        table.values().find_map(|value| match value.get_ref() {
            DeValue::Table(inner) => key_place(inner, wanted),
            _ => None,
        })
    })
}

/// What readers have asked for, for tests: the table and the key.
#[cfg(test)]
pub(crate) mod asked {
    use std::cell::RefCell;
    use std::collections::BTreeSet;

    thread_local! {
        static ASKED: RefCell<BTreeSet<(String, String)>> = const { RefCell::new(BTreeSet::new()) };
    }

    pub fn note(table: &str, key: &str) {
        ASKED.with_borrow_mut(|asked| asked.insert((table.to_owned(), key.to_owned())));
    }

    pub fn all() -> BTreeSet<(String, String)> {
        ASKED.take()
    }
}
