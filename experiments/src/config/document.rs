//! A TOML document whose values know their place, so that every complaint about a config shows the
//! line with a caret.
//!
//! Overrides (`--set path=value`) are written under the text of the file and parsed there, so that
//! they have a place too.

use std::borrow::Cow;
use std::ops::Range;

use miette::{NamedSource, SourceSpan};
use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

/// Why a config was refused, with the place.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("{message}")]
pub struct ConfigError {
    message: String,
    #[source_code]
    text: NamedSource<String>,
    #[label("{label}")]
    span: Option<SourceSpan>,
    label: String,
    #[help]
    help: Option<String>,
}

/// A [`ConfigError`] on the heap: errors are rare and should not widen every result.
pub type Refused = Box<ConfigError>;

/// A document as text, overrides included.
#[derive(Debug)]
pub struct Document {
    name: String,
    /// What complaints show: the file, and the overrides below it.
    text: String,
    /// What is parsed: the file, and each override behind as much space as there is text before it,
    /// so that all places count from the start of the text.
    parts: Vec<String>,
}

impl Document {
    /// A document called `name` in complaints, with overrides (`path=value`).
    pub fn new(name: &str, text: &str, overrides: &[String]) -> Self {
        let mut document = Self { name: name.into(), text: text.into(), parts: vec![text.into()] };
        for assignment in overrides {
            if !document.text.ends_with('\n') {
                document.text.push('\n');
            }
            document.text.push_str("# --set\n");
            let line = complete(assignment);
            document.parts.push(format!("{}{line}", " ".repeat(document.text.len())));
            document.text.push_str(&line);
            document.text.push('\n');
        }
        document
    }

    /// Parses the text and lays the overrides over it.
    ///
    /// # Errors
    /// Bad TOML, or an override without `=`, with an empty path, or with a path through a value
    /// that is no table.
    pub fn root(&self) -> Result<Section<'_>, Refused> {
        let mut root = DeTable::new();
        for part in &self.parts {
            let table = DeTable::parse(part).map_err(|error| {
                let start = part.len() - part.trim_start().len();
                let place = error.span().unwrap_or(start..part.len());
                self.refuse(
                    format!("not valid TOML: {}", error.message()),
                    Some(place),
                    "here",
                    None,
                )
            })?;
            self.merge(&mut root, table.into_inner())?;
        }
        let span = 0..self.text.len();
        Ok(Section { document: self, name: String::new(), span, table: root, taken: Vec::new() })
    }

    /// Lays `patch` over `table`; a table goes into a table, an element of an array of tables is
    /// found by its position, `name` or `kind`.
    fn merge<'d>(&self, table: &mut DeTable<'d>, patch: DeTable<'d>) -> Result<(), Refused> {
        for (key, value) in patch {
            let name = key.get_ref().to_string();
            let place = key.span();
            let slot = match table.get_mut(name.as_str()) {
                None => {
                    table.insert(key, value);
                    continue;
                }
                Some(slot) => slot,
            };
            let span = value.span();
            match (slot.get_mut(), value.into_inner()) {
                (DeValue::Table(inner), DeValue::Table(patch)) => self.merge(inner, patch)?,
                (DeValue::Array(elements), DeValue::Table(patch)) => {
                    for (key, value) in patch {
                        let element = self.element(elements, &name, &key)?;
                        match (element, value.into_inner()) {
                            (DeValue::Table(inner), DeValue::Table(patch)) => {
                                self.merge(inner, patch)?;
                            }
                            (element, value) => *element = value,
                        }
                    }
                }
                (_, DeValue::Table(_)) => {
                    let message =
                        format!("`{name}` is a single value: nothing can be set inside it");
                    return Err(self.refuse(message, Some(place), "not a table", None));
                }
                (_, value) => *slot = Spanned::new(span, value),
            }
        }
        Ok(())
    }

    fn element<'a, 'd>(
        &self,
        elements: &'a mut toml::de::DeArray<'d>,
        array: &str,
        key: &Spanned<Cow<'d, str>>,
    ) -> Result<&'a mut DeValue<'d>, Refused> {
        let wanted = key.get_ref();
        let titles: Vec<String> = elements.iter().map(|e| title(e.get_ref())).collect();
        let found = titles.iter().position(|title| title == wanted).or(wanted.parse().ok());
        let known = titles.iter().map(String::as_str);
        let help = suggestion(wanted, known);
        match found.and_then(|i| elements.get_mut(i)) {
            Some(element) => Ok(element.get_mut()),
            None => {
                let message = format!("`{array}` has no element `{wanted}`");
                Err(self.refuse(message, Some(key.span()), "no such element", help))
            }
        }
    }

    fn refuse(
        &self,
        message: String,
        span: Option<Range<usize>>,
        label: &str,
        help: Option<String>,
    ) -> Refused {
        Box::new(ConfigError {
            message,
            text: NamedSource::new(&self.name, self.text.clone()).with_language("toml"),
            span: span.map(SourceSpan::from),
            label: label.into(),
            help,
        })
    }
}

/// What a value of an array is called in overrides: its `name`, else its `kind`.
fn title(value: &DeValue<'_>) -> String {
    let text = |key: &str| match value {
        DeValue::Table(table) => table.get(key).and_then(|v| v.get_ref().as_str()),
        _ => None,
    };
    text("name").or(text("kind")).unwrap_or_default().to_owned()
}

/// An assignment as a line of TOML: a value that is not TOML stands for itself as a string, so that
/// `--set external.source=my.csv` needs no quotes inside quotes.
fn complete(assignment: &str) -> String {
    match assignment.split_once('=') {
        Some((path, value)) if DeValue::parse(value.trim()).is_err() => {
            format!("{path}={}", toml::Value::String(value.trim().into()))
        }
        _ => assignment.into(),
    }
}

/// "did you mean ...", or the whole list where nothing is near.
pub fn suggestion<'a>(given: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    let known: Vec<&str> = known.filter(|name| !name.is_empty()).collect();
    let near = known
        .iter()
        .map(|name| (strsim::damerau_levenshtein(given, name), *name))
        .filter(|(distance, name)| *distance <= 1 + name.len().min(given.len()) / 3)
        .min();
    match near {
        Some((_, name)) => Some(format!("did you mean `{name}`?")),
        None if known.is_empty() => None,
        None => Some(format!("there are: {}", known.join(", "))),
    }
}

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
    /// Takes the value of `key`, if there is one.
    ///
    /// # Errors
    /// A value of another type.
    pub fn take<T: DeserializeOwned>(
        &mut self,
        key: &'static str,
    ) -> Result<Option<Placed<T>>, Refused> {
        self.taken.push(key);
        let Some(value) = self.table.remove(key) else { return Ok(None) };
        let span = value.span();
        match T::deserialize(ValueDeserializer::from(value)) {
            Ok(value) => Ok(Some(Spanned::new(span, value))),
            Err(error) => Err(self.refuse_serde(&error, &self.path(key), &[])),
        }
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
        self.taken.push(key);
        let (span, value) = match self.table.remove(key) {
            None => (self.span.clone(), DeValue::Table(DeTable::new())),
            Some(value) => (value.span(), value.into_inner()),
        };
        self.inner(self.path(key), span, value)
    }

    /// Takes the array of tables `key`; none where there is no such key.
    ///
    /// # Errors
    /// A value that is no array of tables.
    pub fn sections(&mut self, key: &'static str) -> Result<Option<Vec<Self>>, Refused> {
        self.taken.push(key);
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

    /// Whether every key has been taken.
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// Refuses keys that nobody took.
    ///
    /// # Errors
    /// The first of them, with a suggestion.
    pub fn end(self) -> Result<(), Refused> {
        match self.table.keys().min_by_key(|key| key.span().start) {
            None => Ok(()),
            Some(key) => {
                let help = suggestion(key.get_ref(), self.taken.iter().copied());
                let message = format!("unknown key `{}`", self.path(key.get_ref()));
                Err(self.document.refuse(message, Some(key.span()), "unknown key", help))
            }
        }
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

    /// A complaint about the value of `key`, or about the section where it is not given.
    pub fn refuse_key(&self, key: &str, problem: &str) -> Refused {
        self.refuse_key_with(key, problem, "")
    }

    /// The same with a remedy.
    pub fn refuse_key_with(&self, key: &str, problem: &str, help: &str) -> Refused {
        let given = self.table.get(key).map(Spanned::span);
        let place = given.unwrap_or_else(|| self.span.clone());
        let help = (!help.is_empty()).then(|| help.to_owned());
        self.document.refuse(format!("`{}` {problem}", self.path(key)), Some(place), "here", help)
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
            let known = quoted.chain(if field { more } else { &[] }.iter().copied());
            let help = suggestion(given, known);
            // Types that buffer their input lose the place: look for the key by its name.
            let place = if field { key_place(&self.table, given).or(place) } else { place };
            let what = if field { "key" } else { "value" };
            let message = format!("unknown {what} `{given}` in `{path}`");
            return self.document.refuse(message, place, &format!("unknown {what}"), help);
        }
        self.document.refuse(format!("`{path}`: {message}"), place, "here", None)
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use miette::Diagnostic;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        count: u32,
        #[serde(default)]
        clock: Option<Clock>,
    }

    #[derive(Debug, serde::Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Clock {
        Week,
    }

    /// What a caret points at.
    fn marked(error: &ConfigError) -> &str {
        let span = error.span.expect("a place");
        &error.text.inner()[span.offset()..span.offset() + span.len()]
    }

    fn help(error: &ConfigError) -> String {
        error.help().map(|help| help.to_string()).unwrap_or_default()
    }

    const TEXT: &str =
        "seed = 1\n[inner]\ncount = 3\n[[list]]\nkind = \"a\"\n[[list]]\nkind = \"b\"\nsize = 1\n";

    #[test]
    fn values_are_taken_with_their_type() {
        let document = Document::new("t.toml", TEXT, &[]);
        let mut root = document.root().unwrap();
        assert_eq!(*root.take::<u64>("seed").unwrap().unwrap().get_ref(), 1);
        let inner: Inner = root.section("inner").unwrap().rest().unwrap();
        assert_eq!((inner.count, inner.clock.is_none()), (3, true));
        assert_eq!(root.sections("list").unwrap().unwrap().len(), 2);
        root.end().unwrap();
    }

    #[test]
    fn an_unknown_key_is_marked_and_the_nearest_is_suggested() {
        let text = TEXT.replace("count = 3", "cuont = 3");
        let document = Document::new("t.toml", &text, &[]);
        let mut root = document.root().unwrap();
        let error = root.section("inner").unwrap().rest::<Inner>().unwrap_err();
        assert_eq!(marked(&error), "cuont");
        assert_eq!(error.to_string(), "unknown key `cuont` in `inner`");
        assert_eq!(help(&error), "did you mean `count`?");
        root.take::<u64>("seeds").unwrap();
        let error = root.end().unwrap_err();
        assert_eq!(marked(&error), "seed");
        assert_eq!(help(&error), "did you mean `seeds`?");
    }

    #[test]
    fn a_wrong_type_and_an_unknown_variant_are_marked() {
        let text = "[inner]\ncount = \"three\"\n";
        let document = Document::new("t.toml", text, &[]);
        let mut root = document.root().unwrap();
        let error = root.section("inner").unwrap().rest::<Inner>().unwrap_err();
        assert_eq!(marked(&error), "\"three\"");
        let text = "[inner]\ncount = 1\nclock = \"wek\"\n";
        let document = Document::new("t.toml", text, &[]);
        let mut root = document.root().unwrap();
        let error = root.section("inner").unwrap().rest::<Inner>().unwrap_err();
        assert_eq!(help(&error), "did you mean `week`?");
        let error = Document::new("t.toml", "seed = = 1\n", &[]).root().unwrap_err();
        assert!(error.span.is_some(), "{error}");
    }

    #[test]
    fn overrides_reach_tables_and_elements_by_kind_and_position() {
        let sets = ["seed=7", "inner.count = 9", "list.b.size=5", "list.0.size=2", "new.a=x y"];
        let sets: Vec<String> = sets.map(String::from).into();
        let document = Document::new("t.toml", TEXT, &sets);
        let mut root = document.root().unwrap();
        assert_eq!(*root.take::<u64>("seed").unwrap().unwrap().get_ref(), 7);
        let inner: Inner = root.section("inner").unwrap().rest().unwrap();
        assert_eq!(inner.count, 9);
        let mut list = root.sections("list").unwrap().unwrap();
        let sizes: Vec<i64> =
            list.iter_mut().map(|s| s.take::<i64>("size").unwrap().unwrap().into_inner()).collect();
        assert_eq!(sizes, [2, 5]);
        let mut new = root.section("new").unwrap();
        assert_eq!(new.take::<String>("a").unwrap().unwrap().get_ref(), "x y");
    }

    #[test]
    fn errors_of_overrides_are_marked_in_the_override() {
        let parse = |set: &str| Document::new("t.toml", TEXT, &[set.to_owned()]);
        let document = parse("inner.count=-1");
        let mut root = document.root().unwrap();
        let error = root.section("inner").unwrap().rest::<Inner>().unwrap_err();
        assert_eq!(marked(&error), "-1");
        assert!(error.text.inner().ends_with("# --set\ninner.count=-1\n"));
        let error = parse("list.c.size=1").root().unwrap_err();
        assert_eq!(marked(&error), "c");
        assert_eq!(help(&error), "did you mean `a`?");
        assert!(parse("seed").root().is_err());
        assert!(parse("=1").root().is_err());
        assert!(parse("seed.x=1").root().is_err());
    }
}
