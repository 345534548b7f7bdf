//! Properties of every expansion: how many, each once, the same set in whatever order it is written.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::expand;

/// An axis of a generated space: its values, and the value of the axis before it that it needs.
#[derive(Clone, Debug)]
struct Plain {
    values: usize,
    when: Option<usize>,
}

/// A group of axes.
#[derive(Clone, Debug)]
struct Planned {
    kind: &'static str,
    space: Option<usize>,
    axes: Vec<Plain>,
}

fn planned() -> impl Strategy<Value = Planned> {
    let axis = (1usize..4, prop::option::weighted(0.4, 0usize..3))
        .prop_map(|(values, when)| Plain { values, when });
    let kind = prop::sample::select(vec!["grid", "grid", "zip", "random", "sobol"]);
    let space = prop::option::weighted(0.6, 0usize..2);
    let group = (kind, space, prop::collection::vec(axis, 1..4));
    group.prop_map(|(kind, space, axes)| Planned { kind, space, axes })
}

/// Group `at` as text, its axes in the order of `order` (a number whose remainders choose).
fn text(at: usize, group: &Planned, order: usize) -> String {
    let length = group.axes[0].values;
    let line = |i: usize| {
        let axis = &group.axes[i];
        let values = if group.kind == "zip" { length } else { axis.values };
        let values: Vec<String> = (0..values).map(|v| v.to_string()).collect();
        // A condition names a value that the axis before has.
        let before = i.checked_sub(1).map(|b| match group.kind {
            "zip" => length,
            _ => group.axes[b].values,
        });
        let when = match (axis.when, before) {
            (Some(value), Some(before)) => {
                format!(", when = {{ \"g{at}.a{}\" = {} }}", i - 1, value % before)
            }
            _ => String::new(),
        };
        format!("\"g{at}.a{i}\" = {{ values = [{}]{when} }}", values.join(", "))
    };
    let mut lines: Vec<String> = (0..group.axes.len()).map(line).collect();
    let turn = order % lines.len();
    lines.rotate_left(turn);
    if order % 2 == 1 {
        lines.reverse();
    }
    let budget = if ["random", "sobol"].contains(&group.kind) { "budget = 4\n" } else { "" };
    let space = group.space.map(|space| format!("space = \"s{space}\"\n")).unwrap_or_default();
    format!(
        "[[sweep.groups]]\nkind = \"{}\"\n{budget}{space}[sweep.groups.axes]\n{}\n",
        group.kind,
        lines.join("\n")
    )
}

fn whole(groups: &[Planned], order: usize) -> String {
    let mut texts: Vec<String> =
        groups.iter().enumerate().map(|(at, group)| text(at, group, order)).collect();
    if order > 0 {
        let turn = order % texts.len();
        texts.rotate_left(turn);
    }
    texts.concat()
}

fn keys(text: &str) -> Vec<String> {
    expand(text).iter().map(|assignment| assignment.key()).collect()
}

/// How many different rows a grid has, by going through all of them.
fn grid_count(group: &Planned) -> usize {
    let total: usize = group.axes.iter().map(|axis| axis.values).product();
    let mut seen = BTreeSet::new();
    for index in 0..total {
        let mut rest = index;
        let mut row: Vec<Option<usize>> = Vec::new();
        for (i, axis) in group.axes.iter().enumerate() {
            let value = rest % axis.values;
            rest /= axis.values;
            let met = match (axis.when, i.checked_sub(1)) {
                (Some(wanted), Some(before)) => {
                    row[before] == Some(wanted % group.axes[before].values)
                }
                _ => true,
            };
            row.push(met.then_some(value));
        }
        seen.insert(row);
    }
    seen.len()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn each_assignment_stands_once(groups in prop::collection::vec(planned(), 1..4)) {
        let all = keys(&whole(&groups, 0));
        prop_assert!(!all.is_empty());
        let set: BTreeSet<&String> = all.iter().collect();
        prop_assert_eq!(set.len(), all.len());
    }

    #[test]
    fn the_set_does_not_depend_on_the_order_of_the_text(
        groups in prop::collection::vec(planned(), 1..4),
        order in 1usize..7,
    ) {
        let set = |order| keys(&whole(&groups, order)).into_iter().collect::<BTreeSet<String>>();
        prop_assert_eq!(set(0), set(order));
    }

    #[test]
    fn grids_multiply_within_a_space_and_add_over_spaces(
        mut groups in prop::collection::vec(planned(), 1..4),
    ) {
        for group in &mut groups {
            group.kind = "grid";
        }
        let count = |space: Option<usize>| -> usize {
            let here = |g: &&Planned| g.space.is_none() || g.space == space;
            groups.iter().filter(here).map(grid_count).product()
        };
        let spaces: BTreeSet<usize> = groups.iter().filter_map(|group| group.space).collect();
        // Each group has paths of its own, so that no two spaces have an assignment in common,
        // unless conditions leave nothing of what tells them apart: no first axis has a condition.
        let expected: usize = match spaces.is_empty() {
            true => count(None),
            false => spaces.iter().map(|&space| count(Some(space))).sum(),
        };
        prop_assert_eq!(keys(&whole(&groups, 0)).len(), expected);
    }
}
