//! Kinds while a file is read: renamed or merged by the map, and numbered by first appearance.

use std::collections::{BTreeMap, HashMap};

use super::cleaning::Unmapped;
use super::error::UnmappedKind;
use super::field::short;
use super::map::Map;

/// What becomes of a kind as written.
#[derive(Clone, Copy)]
enum Target {
    Kind(u32),
    Dropped,
    Unknown,
}

/// The kinds seen so far.
pub(super) struct Kinds<'a> {
    map: &'a Map,
    /// By first appearance.
    names: Vec<String>,
    numbers: HashMap<String, u32>,
    targets: HashMap<String, Target>,
    unmapped: BTreeMap<String, UnmappedKind>,
}

impl<'a> Kinds<'a> {
    pub fn new(map: &'a Map) -> Self {
        let (numbers, targets) = (HashMap::new(), HashMap::new());
        Self { map, names: Vec::new(), numbers, targets, unmapped: BTreeMap::new() }
    }

    /// The number of a kind as the log names it.
    pub fn number(&mut self, name: &str) -> u32 {
        if let Some(&number) = self.numbers.get(name) {
            return number;
        }
        let number = self.names.len() as u32;
        self.numbers.insert(name.into(), number);
        self.names.push(name.into());
        number
    }

    /// The number of a kind as the file names it; none where its row is not used.
    pub fn mapped(&mut self, name: &str, line: u64) -> Option<u32> {
        let target = match self.targets.get(name) {
            Some(target) => *target,
            None => {
                let target = self.target(name);
                self.targets.insert(name.into(), target);
                target
            }
        };
        match target {
            Target::Kind(number) => Some(number),
            Target::Dropped => None,
            Target::Unknown => {
                let new = UnmappedKind { kind: short(name), rows: 0, line };
                self.unmapped.entry(name.into()).or_insert(new).rows += 1;
                None
            }
        }
    }

    fn target(&mut self, name: &str) -> Target {
        let map = self.map;
        if let Some(new) = map.kinds.get(name) {
            return Target::Kind(self.number(new));
        }
        match map.unmapped {
            _ if map.kinds.is_empty() => Target::Kind(self.number(name)),
            Unmapped::Keep => Target::Kind(self.number(name)),
            Unmapped::Drop => Target::Dropped,
            Unmapped::Error => Target::Unknown,
        }
    }

    /// The names in the order of their numbers, or the kinds that the map should have named.
    pub fn finish(self) -> Result<Vec<String>, Vec<UnmappedKind>> {
        match self.unmapped.is_empty() {
            true => Ok(self.names),
            false => Err(self.unmapped.into_values().collect()),
        }
    }
}
