//! What is wrong in `[[sweep.groups]]` is told with its place and a remedy.

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
fn a_bad_group_is_refused_with_its_place() {
    let lr = "\"lr\" = { low = 0.1, high = 1.0 }";
    all(&[
        (
            group("kind = \"gird\"", "\"a\" = [1]"),
            "unknown kind of group `gird`",
            "\"gird\"",
            "did you mean `grid`?",
        ),
        (
            group("knid = \"grid\"", "\"a\" = [1]"),
            "`sweep.groups.0.kind` is missing",
            "[[sweep.groups]]",
            "add kind",
        ),
        (
            group("kind = 3", "\"a\" = [1]"),
            "`sweep.groups.0.kind`: invalid type: integer `3`, expected a string",
            "3",
            "",
        ),
        (
            group("kind = \"random\"", lr),
            "`sweep.groups.0.budget` is missing",
            "[[sweep.groups]]",
            "add budget = 20",
        ),
        (
            group("kind = \"random\"\nbudget = 0", lr),
            "`budget` is 0: nothing would be tried",
            "0",
            "budget = 20",
        ),
        (
            group("kind = \"random\"\nbudget = 100001", lr),
            "`budget` is 100001, more than 100000",
            "100001",
            "fewer",
        ),
        (
            group("kind = \"sobol\"\nbudget = 65537", lr),
            "`budget` is 65537, more than 65536",
            "65537",
            "fewer",
        ),
        (
            group("kind = \"grid\"\nbudget = 5", "\"a\" = [1]"),
            "`sweep.groups.0.budget` stands in a grid, which makes all of its rows",
            "5",
            "random",
        ),
        (
            group("kind = \"random\"\nbugdet = 5\nbudget = 5", lr),
            "unknown key `sweep.groups.0.bugdet`",
            "bugdet",
            "did you mean `budget`?",
        ),
        (
            group("kind = \"grid\"\nspace = \"\"", "\"a\" = [1]"),
            "`space` is empty",
            "\"\"",
            "a name",
        ),
        (group("kind = \"grid\"", ""), "the group has no axes", "\"grid\"", "at least one"),
        (
            "[[sweep.groups]]\nkind = \"grid\"\n".into(),
            "the group has no `axes`",
            "\"grid\"",
            "[sweep.groups.axes]",
        ),
        (
            group("kind = \"zip\"", "\"a\" = [1, 2]\n\"b\" = [1, 2, 3]"),
            "a zip of unequal lengths: `a` has 2 values and `b` has 3",
            "\"b\"",
            "grid",
        ),
        (
            format!("{}{}", grid("\"a\" = [1]"), grid("\"a\" = [2]")),
            "`a` is an axis twice",
            "\"a\"",
            "space = \"a\"",
        ),
    ]);
    let (said, place, remedy) = refused("[sweep]\ngroups = 3\n");
    assert_eq!((said.as_str(), place.as_str()), ("`sweep.groups` is not an array of tables", "3"));
    assert!(remedy.contains("[[sweep.groups]]"));
}

#[test]
fn a_bad_axis_is_refused_with_its_place() {
    let case = |axis: &str, message, marked, help| (grid(axis), message, marked, help);
    all(&[
        case("\"a.b\" = []", "the axis `a.b` has no values", "\"a.b\"", "at least one"),
        case("\"a.b\" = 1", "the axis `a.b` is a single value", "\"a.b\"", "a list"),
        case("a.b = [1, 2]", "`a` is a table and not an axis", "a", "\"a.b\" = "),
        case(
            "\"a\" = { valeus = [1] }",
            "unknown key `valeus` in the axis `a`",
            "valeus",
            "did you mean `values`?",
        ),
        case(
            "\"a\" = {}",
            "the axis `a` has neither `values` nor `low` and `high`",
            "\"a\"",
            "low = 1.0",
        ),
        case(
            "\"a\" = { values = [1], lables = [\"x\"] }",
            "unknown key `sweep.groups.0.axes.a.lables`",
            "lables",
            "did you mean `labels`?",
        ),
        case(
            "\"a\" = { values = 1 }",
            "`sweep.groups.0.axes.a.values`: invalid type: integer `1`, expected a sequence",
            "1",
            "",
        ),
        case(
            "\"a\" = { values = [1, 2], labels = [\"x\"] }",
            "1 labels for 2 values",
            "[\"x\"]",
            "one label",
        ),
        case(
            "\"a\" = { values = [1, 2], labels = [\"x\", \"x\"] }",
            "two values have the label `x`",
            "\"x\"",
            "of its own",
        ),
        case(
            "\"a\" = { values = [1], labels = [\" \"] }",
            "the label \" \" cannot be read",
            "\" \"",
            "short word",
        ),
        case("\"a\" = [1, 0.5, 1.0]", "`a` has the value 1.0 twice", "1.0", "remove"),
        case("\"a..b\" = [1]", "\"a..b\" is not the path of a setting", "\"a..b\"", "--set"),
        case("\"a = 1\" = [1]", "\"a = 1\" is not the path of a setting", "\"a = 1\"", "--set"),
        case("\"\" = [1]", "\"\" is not the path of a setting", "\"\"", "--set"),
        case("\"seed\" = [1]", "`seed` cannot be an axis", "\"seed\"", "sweep.seeds"),
        case("\"seeds\" = [1]", "`seeds` cannot be an axis", "\"seeds\"", "sweep.seeds"),
        case(
            "\"sweep.prune\" = [1]",
            "`sweep.prune` cannot be an axis",
            "\"sweep.prune\"",
            "belongs",
        ),
        case(
            "\"launch.jobs\" = [1]",
            "`launch.jobs` cannot be an axis",
            "\"launch.jobs\"",
            "once for all",
        ),
        case("\"name\" = [\"x\"]", "`name` cannot be an axis", "\"name\"", "names its trials"),
    ]);
}

#[test]
fn a_bad_range_is_refused_with_its_place() {
    let case = |range: &str, message, marked, help| {
        (grid(&format!("\"a\" = {{ {range} }}")), message, marked, help)
    };
    all(&[
        case("low = 2, high = 2, points = 3", "`low` is 2, not below `high`", "2", "low < high"),
        case("low = 3, high = 2, points = 3", "`low` is 3, not below `high`", "3", "low < high"),
        case(
            "low = 0, high = 2, scale = \"log\", points = 3",
            "`low` is 0, which has no logarithm",
            "0",
            "low > 0",
        ),
        case(
            "low = -1, high = 2, scale = \"log\", points = 3",
            "`low` is -1, which has no logarithm",
            "-1",
            "linear",
        ),
        case(
            "low = 1, high = 2, scale = \"lgo\", points = 3",
            "unknown scale `lgo`",
            "\"lgo\"",
            "did you mean `log`?",
        ),
        case(
            "low = nan, high = 2, points = 3",
            "`low` is NaN, which is no finite number",
            "nan",
            "finite",
        ),
        case(
            "low = 1, high = inf, points = 3",
            "`high` is inf, which is no finite number",
            "inf",
            "finite",
        ),
        case(
            "low = 0.2, high = 0.8, integer = true",
            "`low` is 0.2, which is no whole number",
            "0.2",
            "whole",
        ),
        case(
            "low = 0, high = 1e17, integer = true",
            "`high` is 100000000000000000, too large for a whole number that is exact",
            "1e17",
            "whole",
        ),
        case("low = 1, high = 2", "the range `a` has no `points`", "\"a\"", "points = 5"),
        case(
            "low = 1, high = 2, points = 1",
            "`points` is 1, not from 2 to 100000",
            "1",
            "both bounds",
        ),
        case(
            "low = 1, high = 3, integer = true, points = 4",
            "`points` is 4, not from 2 to 3",
            "4",
            "both bounds",
        ),
        case(
            "low = 1, points = 4",
            "`sweep.groups.0.axes.a.high` is missing",
            "{ low = 1, points = 4 }",
            "add high",
        ),
        case(
            "low = \"x\", high = 2",
            "`sweep.groups.0.axes.a.low`: invalid type: string \"x\", expected f64",
            "\"x\"",
            "",
        ),
        (
            group("kind = \"random\"\nbudget = 2", "\"a\" = { low = 1, high = 2, points = 4 }"),
            "`points` stands in a group that chooses its own points",
            "4",
            "grid",
        ),
    ]);
}

#[test]
fn a_bad_condition_is_refused_with_its_place() {
    let kinds = "\"reward.kind\" = [\"witness\", \"pwil\"]\n";
    let case = |when: &str, message, marked, help| {
        (
            grid(&format!("{kinds}\"a\" = {{ values = [1, 2], when = {when} }}")),
            message,
            marked,
            help,
        )
    };
    all(&[
        case(
            "{ \"reward.knd\" = \"pwil\" }",
            "`reward.knd` is no axis here and the config does not give it",
            "\"pwil\"",
            "did you mean `reward.kind`?",
        ),
        case(
            "{ \"reward.kind\" = \"pwill\" }",
            "`reward.kind` is never \"pwill\"",
            "\"pwill\"",
            "witness, pwil",
        ),
        case(
            "{ \"reward.kind\" = [\"pwil\", \"x\"] }",
            "`reward.kind` is never \"x\"",
            "\"x\"",
            "witness, pwil",
        ),
        case(
            "{ \"reward.kind\" = [] }",
            "the condition `reward.kind` names no value",
            "\"reward.kind\"",
            "one value",
        ),
        case(
            "{ reward.kind = \"pwil\" }",
            "the condition `reward` is a table",
            "reward",
            "in quotes",
        ),
        case(
            "{ \"reward.weights\" = \"adaptive\" }",
            "the config has \"fixed\" at `reward.weights`, and no axis changes it",
            "\"adaptive\"",
            "an axis",
        ),
        case("3", "`sweep.groups.0.axes.a.when` is not a table", "3", "write ["),
        case("{ \"a\" = 1 }", "conditions in a circle: a -> a", "\"a\"", "remove one"),
        (
            grid(
                "\"x\" = [0]\n\"c\" = { values = [1], when = { \"a\" = 1 } }\n\"a\" = { values = [1], when = { \"b\" = 1, \"x\" = 0 } }\n\"b\" = { values = [1], when = { \"a\" = 1 } }",
            ),
            "conditions in a circle: a -> b -> a",
            "\"a\"",
            "remove one",
        ),
        (
            group(
                "kind = \"random\"\nbudget = 2",
                "\"r\" = { low = 0, high = 1 }\n\"a\" = { values = [1], when = { \"r\" = 0.5 } }",
            ),
            "`r` is a range and hardly ever exactly 0.5",
            "0.5",
            "a list",
        ),
        (
            group(
                "kind = \"random\"\nbudget = 2",
                "\"r\" = { low = 1, high = 4, integer = true }\n\"a\" = { values = [1], when = { \"r\" = 5 } }",
            ),
            "`r` is never 5",
            "5",
            "from 1 to 4",
        ),
    ]);
}

#[test]
fn a_bad_searcher_is_refused_with_its_place() {
    let x = "\"x\" = { low = 0, high = 1 }";
    let case = |head: &str, message, marked, help| (group(head, x), message, marked, help);
    let tpe = |options: &str| format!("kind = \"tpe\"\nbudget = 20\n{options}");
    let cmaes = |options: &str| format!("kind = \"cmaes\"\nbudget = 20\n{options}");
    let long = "`budget` is 10001, more than 10000";
    all(&[
        case(
            "kind = \"tpe\"",
            "`sweep.groups.0.budget` is missing",
            "[[sweep.groups]]",
            "budget = 20",
        ),
        case("kind = \"cmaes\"\nbudget = 0", "`budget` is 0: nothing would be tried", "0", "20"),
        case("kind = \"tpe\"\nbudget = 10001", long, "10001", "fewer"),
        case(&tpe("batch = 0"), "`batch` is 0, not from 1 to 10000", "0", "default"),
        case(&tpe("startup = 0"), "`startup` is 0, not from 1 to 10000", "0", "default"),
        case(
            &tpe("strtup = 5"),
            "unknown key `sweep.groups.0.strtup`",
            "strtup",
            "did you mean `startup`?",
        ),
        case(&cmaes("population = 3"), "`population` is 3, not from 4 to 10000", "3", "default"),
        case(&cmaes("sigma = 0.0"), "`sigma` is 0, not a share of the axes", "0.0", "0.3"),
        case(&cmaes("sigma = nan"), "`sigma` is NaN, not a share of the axes", "nan", "0.3"),
        case(
            &cmaes("population = 21"),
            "the budget of 20 is less than one generation of 21",
            "\"cmaes\"",
            "generations",
        ),
        (
            group(&cmaes(""), "\"k\" = [1, 2]"),
            "`k` is a list, and cmaes needs numbers",
            "\"k\"",
            "tpe",
        ),
        (
            group(&tpe(""), x) + &group(&cmaes(""), "\"y\" = { low = 0, high = 1 }"),
            "two searchers in one space",
            "\"cmaes\"",
            "space = \"a\"",
        ),
    ]);
    let named = group(&tpe("space = \"a\""), x) + &group(&cmaes("space = \"b\""), x);
    assert_eq!(space(&named).unwrap().parts.len(), 2);
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
