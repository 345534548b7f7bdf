//! A TOML document whose values know their place, so that every complaint about a config shows the
//! line with a caret.
//!
//! A document is a stack of files, each laid over those before it (`base = "..."`), and overrides
//! (`--set path=value`), which are written under the text of the last file and parsed there, so that
//! they have a place too.

use std::borrow::Cow;
use std::ops::Range;
use std::path::{Path, PathBuf};

use miette::{NamedSource, SourceSpan};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::section::Section;

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
    /// The files; the last one's text ends with the overrides.
    files: Vec<File>,
    /// What is parsed: each file and each override behind as much space as there is text before it,
    /// so that all places count from the start of the first file.
    parts: Vec<String>,
}

/// A file of a document.
#[derive(Debug)]
struct File {
    /// What complaints call it.
    name: String,
    /// Where it starts, in bytes of all files.
    start: usize,
    text: String,
}

impl Document {
    /// A document called `name` in complaints, with overrides (`path=value`).
    pub fn new(name: &str, text: &str, overrides: &[String]) -> Self {
        Self::stacked(vec![(name.into(), text.into())], overrides)
    }

    /// A document of several files (name and text), each laid over those before it, with overrides.
    pub fn stacked(files: Vec<(String, String)>, overrides: &[String]) -> Self {
        let mut document = Self { files: Vec::new(), parts: Vec::new() };
        for (name, text) in files {
            let start = document.length();
            document.parts.push(format!("{}{text}", " ".repeat(start)));
            document.files.push(File { name, start, text });
        }
        for assignment in overrides {
            document.add(assignment);
        }
        document
    }

    fn add(&mut self, assignment: &str) {
        let line = complete(assignment);
        if let Some(last) = self.files.last_mut() {
            if !last.text.ends_with('\n') {
                last.text.push('\n');
            }
            last.text.push_str("# --set\n");
            self.parts.push(format!("{}{line}", " ".repeat(last.start + last.text.len())));
            last.text.push_str(&line);
            last.text.push('\n');
        }
    }

    /// Bytes of all files.
    fn length(&self) -> usize {
        self.files.last().map_or(0, |file| file.start + file.text.len())
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
        let span = 0..self.length();
        Ok(Section::root(self, span, root))
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

    /// The text at a place.
    pub(super) fn written(&self, place: Range<usize>) -> &str {
        let Some(file) = self.file(place.start) else { return "" };
        let end = place.end.saturating_sub(file.start);
        file.text.get(place.start - file.start..end).unwrap_or_default()
    }

    /// The file in which a place stands.
    fn file(&self, place: usize) -> Option<&File> {
        self.files.iter().rev().find(|file| file.start <= place)
    }

    /// The folder of the file in which a place stands.
    pub(super) fn folder(&self, place: usize) -> PathBuf {
        let path = self.file(place).map_or(Path::new(""), |file| Path::new(&file.name));
        path.parent().unwrap_or(Path::new("")).to_owned()
    }

    pub(super) fn refuse(
        &self,
        message: String,
        span: Option<Range<usize>>,
        label: &str,
        help: Option<String>,
    ) -> Refused {
        let file = span.as_ref().and_then(|span| self.file(span.start)).or(self.files.last());
        let (name, text, first) =
            file.map_or(("", "", 0), |file| (&file.name, &file.text, file.start));
        let inside = |span: Range<usize>| {
            let end = span.end.saturating_sub(first).min(text.len());
            SourceSpan::from(span.start.saturating_sub(first).min(end)..end)
        };
        Box::new(ConfigError {
            message,
            text: NamedSource::new(name, text.to_owned()).with_language("toml"),
            span: span.map(inside),
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
        let expected =
            "`inner`: invalid type: string \"three\", expected a whole number from 0 to 4294967295";
        assert_eq!(error.to_string(), expected);
        let document = Document::new("t.toml", "seed = -3\n", &[]);
        let error = document.root().unwrap().take::<usize>("seed").unwrap_err();
        assert!(error.to_string().ends_with("expected a whole number of at least 0"), "{error}");
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
    fn a_file_lies_over_its_base_and_each_complaint_names_the_file() {
        let stack = |top: &str| {
            let base = ("base.toml".to_owned(), TEXT.to_owned());
            Document::stacked(vec![base, ("top.toml".to_owned(), top.to_owned())], &["a=1".into()])
        };
        let document = stack("seed = 2\n[inner]\nclock = \"week\"\n[list.b]\nsize = 7\n");
        let mut root = document.root().unwrap();
        assert_eq!(*root.take::<u64>("seed").unwrap().unwrap().get_ref(), 2);
        let inner: Inner = root.section("inner").unwrap().rest().unwrap();
        assert_eq!((inner.count, inner.clock.is_some()), (3, true));
        let mut list = root.sections("list").unwrap().unwrap();
        assert_eq!(*list[1].take::<u64>("size").unwrap().unwrap().get_ref(), 7);
        let error = root.end().unwrap_err();
        assert_eq!((error.text.name(), marked(&error)), ("top.toml", "a"));
        let document = stack("[inner]\nclock = \"weak\"\n");
        let mut root = document.root().unwrap();
        let error = root.section("inner").unwrap().rest::<Inner>().unwrap_err();
        assert_eq!((error.text.name(), marked(&error)), ("top.toml", "\"weak\""));
        assert_eq!(error.text.inner().lines().next(), Some("[inner]"));
        let error = root.take::<String>("seed").unwrap_err();
        assert_eq!((error.text.name(), marked(&error)), ("base.toml", "1"));
        let error = stack("seed = = 1").root().unwrap_err();
        assert_eq!(error.text.name(), "top.toml");
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
