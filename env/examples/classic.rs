//! Random actions and a rule of thumb on the four tasks of classic control: mean returns of 100
//! episodes; then random actions in 64 lanes that go on for ever. Run `cargo run -p trueup-env --example classic`.

use trueup_env::classic::{
    Acrobot, CartPole, ControlEnvironment, MountainCar, Pendulum, TASKS, Task,
};
use trueup_env::{Environment, Space, Stream, Streams, VectorEnvironment};

const EPISODES: u64 = 100;

/// The mean return of a policy, a function of the observation.
fn mean_return<T: Task>(
    mut policy: impl FnMut(&[f32]) -> T::Action,
) -> Result<f64, Box<dyn std::error::Error>> {
    let mut env = ControlEnvironment::<T>::new();
    let mut total = 0.0;
    for episode in 0..EPISODES {
        // A seed at the first reset is enough for all episodes.
        let (mut observation, ()) = env.reset((episode == 0).then_some(1));
        loop {
            let step = env.step(&policy(&observation))?;
            total += step.reward;
            if step.terminated || step.truncated {
                break;
            }
            observation = step.observation;
        }
    }
    Ok(total / EPISODES as f64)
}

/// One row of the table.
fn compare<T: Task>(
    random: impl Fn(&mut Stream) -> T::Action,
    rule: fn(&[f32]) -> T::Action,
) -> Result<(), Box<dyn std::error::Error>> {
    let mut stream = Streams::new(1).stream("actions", 0);
    let random = mean_return::<T>(|_| random(&mut stream))?;
    println!("{:15} {random:8.1} {:8.1}", T::NAME, mean_return::<T>(rule)?);
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("{:15} {:>8} {:>8}", "task", "random", "rule");
    // Push to the side to which the pole falls, with a little pull back to the middle.
    compare::<CartPole>(
        |stream| stream.below(2),
        |seen| usize::from(0.1 * seen[0] + 0.3 * seen[1] + 3.0 * seen[2] + seen[3] > 0.0),
    )?;
    // Push the way the second link, or the car, already moves: each swing gains energy.
    compare::<Acrobot>(|stream| stream.below(3), |seen| if seen[5] < 0.0 { 0 } else { 2 })?;
    compare::<MountainCar>(|stream| stream.below(3), |seen| if seen[1] < 0.0 { 0 } else { 2 })?;
    compare::<Pendulum>(|stream| (4.0 * stream.uniform() - 2.0) as f32, swing_up_and_hold)?;

    println!("\n{:15} {:>8} {:>8}", "64 lanes", "episodes", "length");
    for (name, make) in TASKS {
        let (episodes, length) = go_on(&mut *make(64, 0))?;
        println!("{name:15} {episodes:8} {length:8.1}");
    }
    Ok(())
}

/// Random actions in all lanes: number of episodes that ended within 1,000 steps, and the steps
/// made for each of them.
fn go_on(lanes: &mut dyn VectorEnvironment) -> Result<(usize, f64), Box<dyn std::error::Error>> {
    const STEPS: usize = 1_000;
    let mut stream = Streams::new(1).stream("actions", 0);
    lanes.reset(&Streams::new(1));
    let mut actions = vec![0.0; lanes.lanes()];
    let mut episodes = 0;
    for _ in 0..STEPS {
        for action in &mut actions {
            *action = match lanes.action_space() {
                Space::Discrete { n } => stream.below(*n) as f32,
                // Numbers beyond the bounds of a box are clipped.
                _ => (8.0 * stream.uniform() - 4.0) as f32,
            };
        }
        lanes.step(&actions)?;
        let ends = lanes.terminated().iter().zip(lanes.truncated());
        episodes += ends.filter(|(terminated, truncated)| **terminated || **truncated).count();
    }
    Ok((episodes, (STEPS * lanes.lanes()) as f64 / episodes as f64))
}

/// Near the upright a spring with damping; elsewhere with the swing while there is too little
/// energy to reach the top, and against it while there is too much.
fn swing_up_and_hold(seen: &[f32]) -> f32 {
    let (cos, sin, velocity) = (seen[0], seen[1], seen[2]);
    let energy = velocity * velocity / 6.0 + 5.0 * (cos - 1.0); // J, 0 at rest on top
    let torque = if cos > 0.9 { -8.0 * sin - 2.0 * velocity } else { -velocity * energy };
    torque.clamp(-2.0, 2.0)
}
