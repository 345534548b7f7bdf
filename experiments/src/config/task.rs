//! Configs with `[task]`: training on a task of classic control, over one seed or several.

use trueup_agents::task::TaskConfig;
use trueup_env::classic::TASKS;

use super::{Placed, Refused, Section, checked_seed, refuse, run_name, suggestion, text};

/// A training run on a task; everything in it has been checked.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskExperiment {
    /// Name of the run directory; letters, digits, `-`, `_` and `.`.
    pub name: String,
    /// Roots of random numbers, one a training.
    pub seeds: Vec<u64>,
    /// The task, and how to train on it.
    pub task: TaskConfig,
}

/// Keys of `[task.update]` whose defaults are those of the finance world.
const NEEDED: [(&str, &str); 2] = [("gamma", "0.99"), ("learning_rate", "2.5e-4")];

impl TaskExperiment {
    pub(super) fn check(root: &mut Section<'_>) -> Result<Self, Refused> {
        let name = run_name(root)?;
        let seeds = seeds(root)?;
        if let Some(other) = ["external", "calibrators"].into_iter().find(|key| root.has(key)) {
            let problem = "stands beside `task`";
            let help = "a config either calibrates users or trains on a task: remove one of them";
            return Err(root.refuse_key_with(other, problem, help));
        }
        let section = root.section("task")?;
        if !section.has("environment") {
            let message = "`task.environment` is missing".to_owned();
            return Err(section.refuse_whole(message, "add environment = \"CartPole-v1\""));
        }
        let names = TASKS.iter().map(|(name, _)| *name);
        if let Some(name) = section.text("environment")
            && !names.clone().any(|known| known == name)
        {
            let help = suggestion(name, names).unwrap_or_default();
            let problem = format!("is the unknown task `{name}`");
            return Err(section.refuse_key_with("environment", &problem, &help));
        }
        let task: TaskConfig = section.rest()?;
        for (key, example) in NEEDED {
            let path = format!("update.{key}");
            if !section.has(&path) {
                let help = format!(
                    "the default is that of the finance world; add {key} = {example} under \
                     [task.update]"
                );
                return Err(section.refuse_key_with(&path, "is missing", &help));
            }
        }
        refuse(&section, "sampling.", task.sampling.check())?;
        refuse(&section, "network.", task.network.check())?;
        refuse(&section, "update.", task.update.check())?;
        refuse(&section, "", task.check())?;
        Ok(Self { name, seeds, task })
    }

    /// The config with every default filled in.
    ///
    /// # Errors
    /// A value that TOML cannot hold.
    pub fn text(&self) -> Result<String, toml::ser::Error> {
        text(&self.table()?)
    }

    pub(super) fn table(&self) -> Result<toml::Table, toml::ser::Error> {
        let mut root = toml::Table::new();
        root.insert("name".into(), self.name.clone().into());
        root.insert("seeds".into(), toml::Value::try_from(&self.seeds)?);
        root.insert("task".into(), toml::Value::try_from(&self.task)?);
        Ok(root)
    }
}

/// `seeds = [1, 2]`, or `seed = 1`.
fn seeds(root: &mut Section<'_>) -> Result<Vec<u64>, Refused> {
    let Some(seeds) = root.take::<Vec<u64>>("seeds")? else {
        let seed = root.need::<u64>("seed", "seeds = [1, 2, 3, 4, 5], or seed = 1")?;
        return Ok(vec![checked_seed(root, seed)?]);
    };
    if root.has("seed") {
        let help = "keep one of them";
        return Err(root.refuse_key_with("seed", "stands beside `seeds`", help));
    }
    let mut sorted = seeds.get_ref().clone();
    sorted.sort_unstable();
    if let Some(pair) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
        let message = format!("`seeds` holds {} twice", pair[0]);
        return Err(root.refuse(&seeds, message, "each seed is one training"));
    }
    let Some(&largest) = sorted.last() else {
        let message = "`seeds` is empty: nothing would be trained".to_owned();
        return Err(root.refuse(&seeds, message, "write seeds = [1, 2, 3, 4, 5]"));
    };
    checked_seed(root, Placed::new(seeds.span(), largest))?;
    Ok(seeds.into_inner())
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::*;

    const TEXT: &str = "name = \"t\"\nseeds = [3, 1]\n[task]\nenvironment = \"CartPole-v1\"\n\
        total_steps = 1000\n[task.update]\ngamma = 0.99\nlearning_rate = 1e-3\n";

    fn parse(text: &str) -> Result<Config, Refused> {
        Config::parse("t.toml", text, &[])
    }

    fn refused(from: &str, to: &str) -> String {
        assert!(TEXT.contains(from));
        parse(&TEXT.replace(from, to)).unwrap_err().to_string()
    }

    #[test]
    fn a_task_is_read_and_its_resolved_config_is_equal_to_itself() {
        let Config::Task(experiment) = parse(TEXT).unwrap() else { panic!("no task") };
        assert_eq!(experiment.seeds, [3, 1]);
        assert_eq!(experiment.task.update.gamma, 0.99);
        let text = Config::Task(experiment.clone()).resolved().unwrap();
        let Config::Task(again) = parse(&text).unwrap() else { panic!("no task") };
        assert_eq!(again, experiment);
    }

    #[test]
    fn what_cannot_be_is_refused_by_its_path() {
        assert!(refused("gamma = 0.99", "").contains("`task.update.gamma` is missing"));
        assert!(refused("learning_rate = 1e-3", "").contains("`task.update.learning_rate`"));
        assert!(refused("CartPole-v1", "CartPole-v2").contains("unknown task `CartPole-v2`"));
        assert!(refused("environment = \"CartPole-v1\"", "").contains("`task.environment`"));
        assert!(refused("gamma = 0.99", "gamma = 1.5").contains("`task.update.gamma` is 1.5"));
        let sampling = "[task.sampling]\nsteps = 0\n[task.update]";
        assert!(refused("[task.update]", sampling).contains("`task.sampling.steps` is 0"));
        assert!(refused("[3, 1]", "[]").contains("`seeds` is empty"));
        assert!(refused("[3, 1]", "[3, 1, 3]").contains("3 twice"));
        assert!(refused("seeds = [3, 1]", "seeds = [3]\nseed = 1").contains("beside `seeds`"));
        assert!(refused("seeds = [3, 1]", "").contains("`seed` is missing"));
        let both = "[external]\nsource = \"builtin:cdnow\"\n[task]";
        assert!(refused("[task]", both).contains("`external` stands beside `task`"));
    }
}
