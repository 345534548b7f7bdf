//! Text and numbers as LaTeX reads them.

/// Text in which nothing is a command: the ten special characters, those that are others in the
/// default font (`<`, `>`, `|`), those that mean something after the end of a row (`[`, `*`), and
/// hyphens, which would join. Control characters become blanks.
pub(super) fn text(plain: &str) -> String {
    let mut escaped = String::new();
    for c in plain.chars() {
        match c {
            '\\' => escaped.push_str("\\textbackslash{}"),
            '~' => escaped.push_str("\\textasciitilde{}"),
            '^' => escaped.push_str("\\textasciicircum{}"),
            '<' | '>' | '|' => escaped.push_str(&format!("${c}$")),
            '{' | '}' | '$' | '&' | '#' | '_' | '%' => {
                escaped.push('\\');
                escaped.push(c);
            }
            '[' | ']' | '*' | '-' | '`' | '\'' | '"' => escaped.push_str(&format!("{{{c}}}")),
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

/// A name as a label: letters, digits and hyphens.
pub(super) fn label(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect()
}

/// A number with three decimals, or with three digits and a power of ten where that says nothing;
/// a dash for none.
pub(super) fn number(value: Option<f64>) -> String {
    match value.filter(|value| value.is_finite()) {
        None => "--".to_owned(),
        Some(0.0) => "$0$".to_owned(),
        Some(value) if (0.001..100_000.0).contains(&value.abs()) => format!("${value:.3}$"),
        Some(value) => {
            let scientific = format!("{value:.2e}");
            let (digits, power) = scientific.split_once('e').unwrap_or((&scientific, "0"));
            format!("${digits} \\times 10^{{{power}}}$")
        }
    }
}

/// An interval; a dash for none.
pub(super) fn interval(ends: Option<[f64; 2]>) -> String {
    let known = ends.filter(|ends| ends.iter().all(|end| end.is_finite()));
    known.map_or("--".to_owned(), |[low, high]| {
        format!("{{[{}, {}]}}", number(Some(low)), number(Some(high)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_text_is_a_command() {
        assert_eq!(text(r"50% & $a_b$ #1 {x}"), r"50\% \& \$a\_b\$ \#1 \{x\}");
        assert_eq!(text(r"\~^"), r"\textbackslash{}\textasciitilde{}\textasciicircum{}");
        assert_eq!(text("<|>"), "$<$$|$$>$");
        assert_eq!(text("[1]--*\n한글"), "{[}1{]}{-}{-}{*} 한글");
        assert_eq!(label("한 글_a1"), "----a1");
    }

    #[test]
    fn numbers_have_three_digits_that_say_something() {
        assert_eq!(number(None), "--");
        assert_eq!(number(Some(f64::NAN)), "--");
        assert_eq!(number(Some(0.0)), "$0$");
        assert_eq!(number(Some(-0.12345)), "$-0.123$");
        assert_eq!(number(Some(-0.00012345)), r"$-1.23 \times 10^{-4}$");
        assert_eq!(number(Some(1.5e7)), r"$1.50 \times 10^{7}$");
        assert_eq!(interval(Some([-0.5, 0.25])), "{[$-0.500$, $0.250$]}");
        assert_eq!(interval(Some([f64::INFINITY, 0.0])), "--");
    }
}
