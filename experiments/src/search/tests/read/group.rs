//! Groups and searchers.

use super::{all, grid, group, refused, space};

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
