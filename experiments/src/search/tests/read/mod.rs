//! What is wrong in `[[sweep.groups]]` is told with its place and a remedy.

mod axis;
mod group;

use miette::Diagnostic;

use super::space;

/// What is told about a bad sweep: what it says, what the caret marks, the remedy.
fn refused(text: &str) -> (String, String, String) {
    let error = space(text).expect_err(text);
    let label = error.labels().into_iter().flatten().next().expect("a place");
    let place = label.offset()..label.offset() + label.len();
    let help = error.help().map(|help| help.to_string()).unwrap_or_default();
    (error.to_string(), text[place].to_owned(), help)
}

/// A grid with these axes.
fn grid(axes: &str) -> String {
    format!("[[sweep.groups]]\nkind = \"grid\"\n[sweep.groups.axes]\n{axes}\n")
}

fn group(head: &str, axes: &str) -> String {
    format!("[[sweep.groups]]\n{head}\n[sweep.groups.axes]\n{axes}\n")
}

/// Checks (text, message, marked, help): the last may be a part.
fn all(cases: &[(String, &str, &str, &str)]) {
    for (text, message, marked, help) in cases {
        let (said, place, remedy) = refused(text);
        assert_eq!(said, *message, "{text}");
        assert_eq!(place, *marked, "{text}");
        // A wrong type says itself what is expected.
        assert!(
            remedy.contains(help) && help.is_empty() == remedy.is_empty(),
            "{text}: {remedy:?}"
        );
    }
}

#[test]
fn more_trials_than_a_sweep_can_have_are_refused() {
    let axis = |name: &str| format!("\"{name}\" = {{ low = 0, high = 1, points = 1000 }}\n");
    let text = grid(&(axis("a") + &axis("b")));
    all(&[(text, "the groups make 1000000 trials, more than 100000", "\"grid\"", "random")]);
    let many: String = ('a'..='z').map(|name| axis(&name.to_string())).collect();
    let (said, _, _) = refused(&grid(&many));
    assert_eq!(said, "the groups make more than 10^18 trials, more than 100000");
}

/// Whatever stands where a value is expected, reading ends with a space or a complaint.
#[test]
fn nothing_that_can_be_written_stops_the_reader() {
    let values =
        ["1", "-1", "0.5", "nan", "inf", "\"x\"", "true", "[]", "[1]", "[[]]", "{}", "{ a = 1 }"];
    let keys = ["kind", "budget", "space", "axes", "groups"];
    let inner = ["values", "labels", "low", "high", "scale", "integer", "points", "when"];
    for value in values {
        for key in keys {
            let _ = space(&format!("[[sweep.groups]]\n{key} = {value}\n"));
            let _ = space(&format!("[sweep]\n{key} = {value}\n"));
        }
        for kind in ["grid", "zip", "random", "sobol", "tpe", "cmaes"] {
            for key in inner {
                for rest in ["", ", low = 1, high = 2", ", values = [1]"] {
                    let axes = format!("\"a\" = {{ {key} = {value}{rest} }}");
                    let _ = space(&group(&format!("kind = \"{kind}\"\nbudget = 2"), &axes));
                    let _ = space(&group(&format!("kind = \"{kind}\""), &axes));
                }
            }
        }
    }
}
