//! Configs that are wrong: each complaint shows the place and the remedy, with exit code 3, and
//! nothing is written.

// All of this is test code: what fails here fails a test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use trueup_tests::data::{CONFIG, TASK, purchases};
use trueup_tests::{Folder, Output};

fn run(config: &str) -> (Folder, Output) {
    let folder = Folder::new();
    folder.write("log.csv", purchases(60, 1)).write("my.toml", config);
    let output = folder.trueup(&["run", "my.toml"]);
    (folder, output)
}

/// Runs a config and expects these words in the complaint.
fn refuses(config: &str, words: &[&str]) {
    let (folder, output) = run(config);
    output.code(3).complains(words);
    assert_eq!(folder.list("."), ["log.csv", "my.toml"], "something was written");
}

#[test]
fn an_unknown_key_is_shown_with_its_line_and_a_suggestion() {
    let config = CONFIG.replace("replicates = 40", "replicats = 40");
    let line = 1 + config.lines().position(|line| line.starts_with("replicats")).unwrap();
    let place = format!("my.toml:{line}:1");
    refuses(&config, &[&place, "replicats = 40", "unknown key", "did you mean `replicates`?"]);
}

#[test]
fn unknown_keys_of_every_section_are_refused() {
    refuses(&format!("sead = 2\n{CONFIG}"), &["`sead`", "did you mean `seed`?"]);
    refuses(&CONFIG.replace("iterations = 2", "iteration = 2"), &["did you mean `iterations`?"]);
    refuses(&CONFIG.replace("source =", "sorce ="), &["neither a source nor statistics"]);
    refuses(&CONFIG.replace("align =", "aling ="), &["did you mean `align`?"]);
    refuses(
        &CONFIG.replace("[reward]", "[reward]\nterm = []"),
        &["`term`", "did you mean `terms`?"],
    );
    refuses(&format!("{CONFIG}[world]\nmarkt = 1\n"), &["did you mean `market`?"]);
    refuses(&format!("{CONFIG}[world.wallet]\ncredits = 1\n"), &["did you mean `credit`?"]);
    refuses(&format!("{CONFIG}[split]\ntests = 0.5\n"), &["did you mean `test`?"]);
}

#[test]
fn an_unknown_calibrator_is_refused_with_a_suggestion() {
    let config = CONFIG.replace("kind = \"bgnbd\"", "kind = \"bgnb\"");
    refuses(&config, &["unknown calibrator `bgnb`", "did you mean `bgnbd`?"]);
}

#[test]
fn values_of_the_wrong_type_or_out_of_range_are_marked() {
    refuses(&CONFIG.replace("seed = 7", "seed = \"seven\""), &["`seed`", "seed = \"seven\""]);
    refuses(&CONFIG.replace("seed = 7", "seed = -7"), &["`seed`", "-7"]);
    refuses(&CONFIG.replace("seeds = 2", "seeds = 0"), &["`evaluation.seeds` is 0"]);
    refuses(&CONFIG.replace("replicates = 40", "replicates = 1"), &["replicates is 1"]);
    refuses(&format!("{CONFIG}[split]\ntest = 1.5\n"), &["`split.test` is 1.5", "between 0 and 1"]);
    refuses(&format!("{CONFIG}[split]\ntest = inf\n"), &["`split.test`", "inf"]);
    refuses(&CONFIG.replace("users = 64", "users = 0"), &["users", "at least 1"]);
    refuses(&format!("{CONFIG}update.lambda = 2.0\n"), &["update.lambda` is 2", "lambda = 2.0"]);
    refuses(&format!("{CONFIG}update.minibatches = 0\n"), &["update.minibatches` is 0"]);
    refuses(&format!("{CONFIG}cloning.epochs = 0\n"), &["cloning.epochs` is 0", "epochs = 0"]);
    refuses(&CONFIG.replace("hidden = [16]", "hidden = []"), &["network.hidden` must name"]);
    refuses(&CONFIG.replace("\"witness\"", "\"witnes\""), &["witnes", "did you mean `witness`?"]);
    refuses(&CONFIG.replace("\"tiny\"", "\"../tiny\""), &["../tiny", "cannot name a folder"]);
    refuses(&CONFIG.replace("name = \"tiny\"\n", ""), &["`name` is missing"]);
}

#[test]
fn a_map_that_cannot_be_is_marked() {
    let config = CONFIG.replace("start = \"2021-01-01\"", "start = \"first of May\"");
    refuses(&config, &["window.start is first of May", "ISO date", "my.toml:8:"]);
    let folder = Folder::new();
    folder.write("log.csv", purchases(60, 1)).write("map.toml", "clock = \"wek\"\n");
    let output = folder.trueup(&["describe", "log.csv", "--map", "map.toml"]);
    output.code(3).complains(&["map.toml:1:9", "did you mean `week`?"]);
}

#[test]
fn text_that_is_no_toml_is_marked() {
    refuses(&CONFIG.replace("seed = 7", "seed = = 7"), &["not valid TOML", "seed = = 7"]);
    refuses("", &["`name` is missing"]);
    let folder = Folder::new();
    folder.write("latin.toml", b"name = \"caf\xe9\"\n");
    folder.trueup(&["run", "latin.toml"]).code(3).complains(&["latin.toml", "UTF-8"]);
    folder.trueup(&["run", "nowhere.toml"]).code(3).complains(&["nowhere.toml"]);
    folder.trueup(&["run", "."]).code(3).complains(&["cannot read ."]);
}

#[test]
fn a_comparison_without_a_before_or_with_a_name_twice_is_refused() {
    let config = CONFIG.replace("kind = \"personas\"", "kind = \"random\"");
    refuses(&config, &["no calibrator is called `personas`"]);
    let config = CONFIG.replace("kind = \"scaling\"", "kind = \"personas\"");
    refuses(&config, &["two calibrators are called `personas`", "name = "]);
    let config = CONFIG.replace("[[calibrators]]", "[calibrators]").replace("kind =", "# kind =");
    let (_, output) = run(&config);
    output.code(3).complains(&["my.toml"]);
}

#[test]
fn an_override_that_cannot_be_is_shown_in_place() {
    let folder = Folder::new();
    folder.write("log.csv", purchases(60, 1)).write("my.toml", CONFIG);
    let set = |assignment: &str, words: &[&str]| {
        folder.trueup(&["validate", "my.toml", "--set", assignment]).code(3).complains(words);
    };
    set("evaluation.seeds=0", &["`evaluation.seeds` is 0", "# --set", "evaluation.seeds=0"]);
    set("evaluation.sedes=2", &["did you mean `seeds`?"]);
    set("calibrators.pop.users=2", &["no element `pop`", "did you mean `ppo`?"]);
    set("seed", &["--set"]);
    set("seed.x=1", &["`seed` is a single value"]);
}

#[test]
fn validate_prints_a_config_that_is_equal_to_itself() {
    let folder = Folder::new();
    folder.write("log.csv", purchases(60, 1)).write("my.toml", CONFIG);
    let sets = ["--set", "seed=9", "--set", "calibrators.ppo.update.epochs=3"];
    let first = folder.trueup(&[&["validate", "my.toml"][..], &sets].concat()).ok();
    assert!(first.out.contains("seed = 9") && first.out.contains("epochs = 3"), "{}", first.out);
    folder.write("full.toml", &first.out);
    let second = folder.trueup(&["validate", "full.toml"]).ok();
    assert_eq!(first.out, second.out);
    let json = folder.trueup(&["validate", "my.toml", "--json"]).ok().json();
    assert_eq!(json["seed"], 7);
    assert_eq!(folder.list("."), ["full.toml", "log.csv", "my.toml"]);
}

#[test]
fn names_of_the_panel_are_checked_before_the_training() {
    let metrics = "metrics = [{ feature = \"log_amont\", discrepancy = \"energy\" }]";
    let config = CONFIG.replace("seeds = 2", &format!("seeds = 2\n{metrics}"));
    refuses(&config, &["log_amont", "did you mean `log_amount`?"]);
    let config = config.replace("log_amont", "log_amount").replace("\"energy\"", "\"enrgy\"");
    refuses(&config, &["enrgy", "did you mean `energy`?"]);
}

#[test]
fn terms_of_the_reward_are_checked_before_the_training() {
    let term = "terms = [{ feature = \"log_amont\", discrepancy = \"energy\" }]";
    let config = CONFIG.replace("kind = \"witness\"", &format!("kind = \"witness\"\n{term}"));
    let line = 1 + config.lines().position(|line| line == term).unwrap();
    let place = format!("my.toml:{line}:");
    let words = ["`reward.terms.0.feature`", "log_amont", "did you mean `log_amount`?", &place];
    refuses(&config, &words);
    let config = config.replace("log_amont", "log_amount").replace("\"energy\"", "\"psi(bin=3)\"");
    refuses(&config, &["`psi` has no parameter `bin`", "did you mean `bins`?", &place]);
}

#[test]
fn a_value_out_of_range_is_marked_itself_and_not_its_section() {
    let line = 1 + CONFIG.lines().position(|line| line.starts_with("replicates")).unwrap();
    let place = format!("my.toml:{line}:14");
    refuses(&CONFIG.replace("replicates = 40", "replicates = 9"), &["replicates is 9", &place]);
}

/// Suggestions for keys of a table inside a section are keys of that table.
#[test]
fn suggestions_do_not_mix_tables() {
    let config = CONFIG.replace("start = \"2021-01-01\"", "zzzzzzzz = 1");
    let (_, output) = run(&config);
    let output = output.code(3);
    output.complains(&["`zzzzzzzz`", "there are: align, start"]);
    assert!(!output.err.contains("statistics"), "{}", output.err);
}

#[test]
fn a_folder_that_cannot_be_written_is_said_once() {
    let folder = Folder::new();
    folder.write("log.csv", purchases(60, 1)).write("my.toml", CONFIG).write("file", "");
    let output = folder.trueup(&["run", "my.toml", "--out", "file"]).code(1);
    output.complains(&["cannot write file", "choose another --out"]);
    assert_eq!(output.err.matches("os error").count(), 1, "{}", output.err);
}

#[test]
fn a_learned_reward_needs_the_log_and_settings_that_can_be() {
    let gail = CONFIG.replace("kind = \"witness\"", "kind = \"gail\"");
    let statistics = gail.replace("source = \"log.csv\"", "statistics = \"s.json\"");
    let statistics = statistics.lines().filter(|line| !line.starts_with(['w'])).collect::<Vec<_>>();
    let statistics = statistics.join("\n").replace("clock = \"week\"", "");
    let columns = "columns = { user = \"client\", time = \"day\", amount = \"euros\" }";
    let statistics = statistics.replace(columns, "");
    let words = ["`reward.kind` is `gail`", "learns from the training log", "kind = \"witness\""];
    refuses(&statistics, &words);
    let bad = gail.replace("\"gail\"", "\"gail\"\ndiscriminator.steps = 0");
    refuses(&bad, &["`reward.discriminator.steps` is 0", "steps = 0"]);
    let bad = gail.replace("\"gail\"", "\"gail\"\ndiscriminator.step = 1");
    refuses(&bad, &["`step`", "did you mean `steps`?"]);
    refuses(&gail.replace("\"gail\"", "\"gale\""), &["`gale`", "did you mean `gail`?"]);
}

/// The features of this crate are those that the binary is built with.
#[test]
fn a_device_that_was_not_built_in_is_refused_before_anything_runs() {
    let clone = format!("{CONFIG}[[calibrators]]\nkind = \"cloning\"\n");
    let built = [("wgpu", cfg!(feature = "wgpu")), ("cuda", cfg!(feature = "cuda"))];
    for (device, _) in built.into_iter().filter(|(_, built)| !built) {
        let line = format!("compute = \"{device}\"");
        let configs = [
            (format!("{CONFIG}{line}\n"), "`calibrators.3.compute`"),
            (format!("{CONFIG}cloning.{line}\n"), "`calibrators.3.cloning.compute`"),
            (format!("{clone}{line}\n"), "`calibrators.4.compute`"),
            (TASK.replace("[task]\n", &format!("[task]\n{line}\n")), "`task.compute`"),
        ];
        for (config, key) in configs {
            let folder = Folder::new();
            folder.write("log.csv", purchases(60, 1)).write("my.toml", &config);
            let row = 1 + config.lines().position(|text| text.contains(&line)).unwrap();
            let place = format!("my.toml:{row}:");
            let remedy = format!("build it with `--features {device}`, or choose \"cpu\"");
            let words = [key, &place, &line, &remedy];
            folder.trueup(&["validate", "my.toml"]).code(3).complains(&words);
            refuses(&config, &words);
        }
    }
}

#[test]
fn a_task_that_cannot_be_trained_is_refused() {
    let refuses = |from: &str, to: &str, words: &[&str]| {
        assert!(TASK.contains(from), "{from}");
        refuses(&TASK.replace(from, to), words);
    };
    let words = ["unknown task `CartPol-v1`", "did you mean `CartPole-v1`?", "my.toml:5:"];
    refuses("CartPole-v1", "CartPol-v1", &words);
    let words = ["`task.update.gamma` is missing", "add gamma = 0.99 under [task.update]"];
    refuses("gamma = 0.98\n", "", &words);
    let words = ["`task.update.learning_rate` is missing", "[task.update]"];
    refuses("learning_rate = 1e-3\n", "", &words);
    let words = ["`task.update.minibatches` is 0", "minibatches = 0"];
    refuses("minibatches = 1", "minibatches = 0", &words);
    refuses("steps = 32", "steps = 0", &["`task.sampling.steps` is 0", "my.toml:11:"]);
    refuses("seeds = [1, 2]", "seeds = [1, 1]", &["`seeds` holds 1 twice"]);
    refuses("[task.sampling]", "[task.samplin]", &["samplin", "did you mean `sampling`?"]);
    let both = "[external]\nsource = \"builtin:cdnow\"\n[task]";
    refuses("[task]", both, &["`external` stands beside `task`", "remove one of them"]);
}
