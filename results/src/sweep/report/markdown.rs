//! `report.md`: the same for a repository, with the pictures beside it.

use super::compare::Rivals;
use super::data::Data;
use super::{Gallery, Pictures, page, pruned, tables, verdict};
use crate::report::Table;

/// The whole file.
pub(super) fn text(data: &Data, rivals: Option<&Rivals<'_>>, pictures: &Pictures) -> String {
    let mut out = format!("# {}\n\n", line(&data.plan.header.name));
    out.push_str(&format!("Sweep report · {}\n\n", line(&page::subtitle(data))));
    if let Some(banner) = page::banner(data) {
        out.push_str(&format!("**{}**\n\n", line(&banner)));
    }
    let verdict = verdict::of(data, rivals);
    out.push_str("## Verdict\n\n");
    for sentence in &verdict.sentences {
        out.push_str(&format!("**{}**\n\n", line(sentence)));
    }
    for caveat in &verdict.caveats {
        out.push_str(&format!("- {}\n", line(caveat)));
    }
    out.push('\n');
    table(&mut out, &tables::trials(data, rivals));
    gallery(&mut out, "Trials", &[&pictures.forest]);
    let measured = [&pictures.measured, &pictures.pairs];
    gallery(&mut out, "Trained on one thing, measured on another", &measured);
    gallery(&mut out, "Learning", &[&pictures.learning]);
    gallery(&mut out, "Trial against trial", &[&pictures.compare]);
    gallery(&mut out, "What a result costs", &[&pictures.cost]);
    gallery(&mut out, "Axis by axis", &[&pictures.parallel, &pictures.slices]);
    out.push_str("## Failures and pruned runs\n\n");
    table(&mut out, &tables::lost(data));
    table(&mut out, &pruned::trials(data));
    let saved = pruned::saved(data);
    if !saved.rows.is_empty() {
        table(&mut out, &saved);
    }
    out.push_str("## Plan\n\n");
    table(&mut out, &tables::axes(data));
    origin(&mut out, data);
    out
}

fn origin(out: &mut String, data: &Data) {
    out.push_str("## Repeat it\n\n");
    for command in page::commands(data) {
        out.push_str(&format!("    {}\n", command.replace('\n', " ")));
    }
    out.push('\n');
    for (name, value) in page::origin(data) {
        out.push_str(&format!("- {}: {}\n", line(name), line(&value)));
    }
    if let Some(config) = &data.config {
        // Indented code cannot be ended by what is in it.
        let code: Vec<String> = config.lines().map(|line| format!("    {line}")).collect();
        out.push_str(&format!("\n### Config, as planned\n\n{}\n", code.join("\n")));
    }
}

fn gallery(out: &mut String, title: &str, galleries: &[&Gallery]) {
    out.push_str(&format!("## {title}\n\n"));
    for drawn in galleries.iter().flat_map(|gallery| &gallery.drawn) {
        // Bitmaps hold their letters: no font is asked of the reader.
        let file: String = drawn.file.chars().map(encoded).collect();
        out.push_str(&format!("![{}](plots/{file}.png)\n\n", line(&drawn.title)));
        out.push_str(&format!("{}\n\n", line(&drawn.figure.description)));
    }
    for why in galleries.iter().flat_map(|gallery| &gallery.empty) {
        out.push_str(&format!("*{}*\n\n", line(why)));
    }
}

/// A letter in an address.
fn encoded(letter: char) -> String {
    if letter.is_ascii() {
        return letter.to_string();
    }
    let mut bytes = [0; 4];
    letter.encode_utf8(&mut bytes).bytes().map(|byte| format!("%{byte:02X}")).collect()
}

fn table(out: &mut String, table: &Table) {
    if table.rows.is_empty() {
        out.push_str(&format!("*{}*\n\n", line(&table.empty)));
        return;
    }
    out.push_str(&format!("{}:\n\n", line(&table.caption)));
    let row = |out: &mut String, cells: &mut dyn Iterator<Item = String>| {
        let cells: Vec<String> = cells.collect();
        out.push_str(&format!("| {} |\n", cells.join(" | ")));
    };
    row(out, &mut table.columns.iter().map(|column| line(column)));
    let rules = (0..table.columns.len()).map(|i| if i == 0 { "---" } else { "---:" });
    row(out, &mut rules.map(str::to_owned));
    for cells in &table.rows {
        let strong = |text: String| if cells.strong { format!("**{text}**") } else { text };
        let all = std::iter::once(&cells.head).chain(&cells.cells);
        row(out, &mut all.map(|cell| strong(line(cell))));
    }
    out.push('\n');
}

/// Text on one line that holds no marks of Markdown or HTML.
fn line(text: &str) -> String {
    let mut out = String::new();
    for word in text.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        for letter in word.chars() {
            match letter {
                '|' | '*' | '_' | '`' | '[' | ']' | '\\' | '#' => out.extend(['\\', letter]),
                '<' => out.push_str("&lt;"),
                '>' => out.push_str("&gt;"),
                '&' => out.push_str("&amp;"),
                _ => out.push(letter),
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_break_out_of_its_place() {
        assert_eq!(line("a|b\n*c* <i>&[d](e)"), "a\\|b \\*c\\* &lt;i&gt;&amp;\\[d\\](e)");
        assert_eq!("plot-보".chars().map(encoded).collect::<String>(), "plot-%EB%B3%B4");
    }
}
