"""Times Stable-Baselines3's PPO on CartPole-v1: the whole loop, from acting to the last update.

Usage: python3 sb3_speed.py --setting s1 --iterations 4 --threads 1

Prints one line of JSON: setting, threads, steps, seconds, steps_per_second and versions. An
iteration is a rollout and its update. The first one, in which torch allocates, is not timed.
"""

import argparse
import json
import platform
import time

import gymnasium
import numpy
import stable_baselines3
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.vec_env import DummyVecEnv

# environments, steps of each, epochs, rows of a minibatch
SETTINGS = {"s1": (8, 256, 10, 64), "s2": (64, 128, 4, 2048)}


def ppo(setting, seed):
    environments, steps, epochs, minibatch = SETTINGS[setting]
    # Processes do not pay for a task whose step takes microseconds: DummyVecEnv is the fast one.
    env = make_vec_env("CartPole-v1", environments, seed=seed, vec_env_cls=DummyVecEnv)
    # All else is as it comes: learning rate 3e-4, gamma .99, lambda .95, clip .2, no entropy bonus,
    # value weight .5, gradient norm .5, two tanh layers of 64 for the policy and two for the value.
    return PPO(
        "MlpPolicy",
        env,
        n_steps=steps,
        batch_size=minibatch,
        n_epochs=epochs,
        seed=seed,
        device="cpu",
    )


def measure(setting, iterations, seed):
    model = ppo(setting, seed)
    rollout = model.n_steps * model.n_envs
    model.learn(rollout, log_interval=None)
    before = model.num_timesteps
    start = time.perf_counter()
    model.learn(iterations * rollout, log_interval=None, reset_num_timesteps=False)
    return model.num_timesteps - before, time.perf_counter() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--setting", choices=SETTINGS, required=True)
    parser.add_argument("--iterations", type=int, default=4, help="timed, after the first one")
    parser.add_argument("--threads", type=int, default=1, help="torch's threads")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    if args.iterations < 1 or args.threads < 1:
        parser.error("--iterations and --threads are 1 or more")
    torch.set_num_threads(args.threads)
    steps, seconds = measure(args.setting, args.iterations, args.seed)
    print(
        json.dumps(
            {
                "setting": args.setting,
                "threads": args.threads,
                "steps": steps,
                "seconds": seconds,
                "steps_per_second": steps / seconds,
                "versions": {
                    "stable-baselines3": stable_baselines3.__version__,
                    "torch": torch.__version__,
                    "gymnasium": gymnasium.__version__,
                    "numpy": numpy.__version__,
                    "python": platform.python_version(),
                },
            }
        )
    )


if __name__ == "__main__":
    main()
