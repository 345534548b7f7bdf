//! Axes: their values, ranges and conditions.

use super::{all, grid, group};

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
            "`sweep.groups.0.axes.a.values`: invalid type: integer `1`, expected a list",
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
            "`sweep.groups.0.axes.a.low`: invalid type: string \"x\", expected a number",
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
