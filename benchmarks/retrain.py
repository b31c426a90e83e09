"""Compare `promotion retrain` (train and gate) with the tutorial's flow, alone, under Prefect and on a worker.

    python benchmarks/retrain.py [--rows 590540] [--folder build/bench] [--worker]

The tutorial's side reads, balances, encodes, fits and saves: its tasks as a plain script, and the same tasks under
Prefect's temporary server. `promotion retrain` does the same under Prefect, logs to MLflow, scores champion and
challenger on the holdout, decides, records and relabels; a second measurement uses the cached rows of that file. Each
side runs in separate processes, as it would on a schedule. The first retrain, which makes the champion, is not timed,
because a usual retrain has a champion to beat.
With `--worker`, a Prefect server and a worker run both flows as deployments, from the trigger to the end of the run.
Memory is the peak of the resident set, summed over the process and its children (including Prefect's temporary
server).
"""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Annotated

import psutil
import typer
import worker

TUTORIAL = """
@task(retries=5)
def load_data(data_path):
    df = pd.read_csv(data_path)
    return pd.concat([df[df.isFraud == 0].sample(n=len(df[df.isFraud == 1])), df[df.isFraud == 1]], axis=0)

@task
def train_ohe(df):
    return OneHotEncoder(handle_unknown="ignore").fit(df[COLUMNS])

@task
def split_data(df, enc):
    X = pd.DataFrame(enc.transform(df[COLUMNS]).toarray(), columns=enc.get_feature_names_out().reshape(-1))
    X["TransactionAmt"] = df[["TransactionAmt"]].to_numpy()
    return train_test_split(X, df.isFraud, test_size=0.2, random_state=42)

@task
def train_xgb(X_train, y_train):
    xgb = XGBClassifier(n_estimators=100, learning_rate=0.1, max_depth=3, min_child_weight=1, gamma=0, subsample=0.8,
                        colsample_bytree=0.8, objective="binary:logistic", nthread=4, scale_pos_weight=1, seed=27)
    return xgb.fit(X_train, y_train)

@task
def save_model(model, enc, version, stage):
    print(bentoml.sklearn.save_model(
        "fraud_classifier", model, labels={"owner": "Cerebrium", "stage": stage}, metadata={"version": version},
        custom_objects={"ohe_encoder": enc}, signatures={"predict": {"batchable": True, "batch_dim": 0}}))

@flow
def train_flow(data_path, version, stage):
    df = load_data(data_path)
    enc = train_ohe(df)
    X_train, _, y_train, _ = split_data(df, enc)
    save_model(train_xgb(X_train, y_train), enc, version, stage)

if __name__ == "__main__":
    train_flow(data_path="train_transaction.csv", version="1.0.1", stage="prod")
"""
"""The tasks of the tutorial's `train_flow.py`."""
IMPORTS = """
import bentoml, numpy as np, pandas as pd
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import OneHotEncoder
from xgboost import XGBClassifier

COLUMNS = ["ProductCD", "P_emaildomain", "R_emaildomain", "card4", "M1", "M2", "M3"]
"""
PLAIN = f"""
def task(function=None, **_):
    return function or (lambda function: function)
flow = task
{IMPORTS}
{TUTORIAL}"""
UNDER_PREFECT = f"""
from prefect import flow, task
{IMPORTS}
{TUTORIAL}"""
CONFIGURATION = """
bentoml_home = "ours/bentoml"
[models.fraud_classifier]
recipe = "registry_flows.fraud:FraudRecipe"
data   = "train_transaction.csv"
[models.fraud_classifier.policy]
primary = { metric = "average_precision" }
floors  = [ { metric = "roc_auc", min = 0.5 } ]
"""
VERDICTS = {0, 3, 4}  # promoted (or, for the plain script, done), rejected, held


def main(
    rows: Annotated[int, typer.Option(help="Rows of the generated file.")] = 590_540,
    folder: Annotated[Path, typer.Option(help="Where to work; a file that lies there is used again.")] = Path(
        "build/bench"
    ),
    repeat: Annotated[int, typer.Option(help="Runs of each side; medians are shown.")] = 5,
    on_worker: Annotated[bool, typer.Option("--worker", help="Run the flows on a worker instead.")] = False,
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    prepare(folder, rows)
    around = environment(folder)
    retrain = [str(Path(sys.executable).with_name("promotion")), "retrain", "fraud_classifier"]
    _time(retrain, around, folder)
    if on_worker:
        with worker.started(folder.absolute(), around) as run:
            _print(rows, worker.timed(run, repeat), {})
        return
    elsewhere = {**around, "BENTOML_HOME": "theirs"}

    def ours(turn: int) -> tuple[list[str], dict[str, str]]:
        """Return a retrain command. Rows are cached by file and options, so another seed reads the file again."""
        return [*retrain, "--option", f"seed={28 + turn}"], around

    sides = {
        "tutorial's tasks, plain script": lambda _: ([sys.executable, "plain.py"], elsewhere),
        "tutorial's flow under Prefect": lambda _: ([sys.executable, "train_flow.py"], elsewhere),
        "promotion retrain (train and gate)": ours,
        "the same, on a file that was read": ours,
    }
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for turn in range(repeat):
        for name, side in sides.items():
            seconds[name].append(_time(*side(turn), folder))
    memory = {name: _peak(*side(repeat), folder) for name, side in sides.items()}
    _print(rows, seconds, memory)


def prepare(folder: Path, rows: int) -> None:
    for left in ("ours", "theirs", "prefect", ".promotion"):
        shutil.rmtree(folder / left, ignore_errors=True)
    data = folder / "train_transaction.csv"
    if not data.exists():
        generate = ["-m", "registry_flows.data", "--rows", str(rows), "--drift", "1", "--out", str(data)]
        subprocess.run([sys.executable, *generate], check=True)
    (folder / "promotion.toml").write_text(CONFIGURATION)
    (folder / "plain.py").write_text(PLAIN)
    (folder / "train_flow.py").write_text(UNDER_PREFECT)


def environment(folder: Path) -> dict[str, str]:
    ours = {
        name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "MLFLOW_", "BENTOML_"))
    }
    quiet = {"DO_NOT_TRACK": "1", "BENTOML_DO_NOT_TRACK": "True", "MLFLOW_DISABLE_TELEMETRY": "true"}
    return {
        **ours,
        **quiet,
        "PREFECT_HOME": str((folder / "prefect").absolute()),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "0",
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
    }


def _time(command: list[str], environment: dict[str, str], folder: Path) -> float:
    """Return the seconds that a command takes, without measuring its memory."""
    start = time.perf_counter()
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode not in VERDICTS:
        sys.exit(f"{command[0]} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return time.perf_counter() - start


def _peak(command: list[str], environment: dict[str, str], folder: Path) -> float:
    """Return the peak memory in GB of a command and its children, in a separate run, because measuring takes time."""
    with subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL) as process:
        peak = 0
        while process.poll() is None:
            peak = max(peak, _family(process.pid))
            time.sleep(0.05)
    return peak / 1e9


def _family(pid: int) -> int:
    try:
        parent = psutil.Process(pid)
        return sum(_resident(one) for one in (parent, *parent.children(recursive=True)))
    except psutil.NoSuchProcess:
        return 0


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0


def _print(rows: int, seconds: dict[str, list[float]], memory: dict[str, float]) -> None:
    repeat = len(next(iter(seconds.values())))
    print(f"{rows:,} rows x 394 columns, {os.cpu_count()} cores, seconds: median of {repeat} runs")
    for name, runs in seconds.items():
        gigabytes = f"{memory[name]:6.2f} GB" if name in memory else ""
        print(f"{name:36} {median(runs):6.1f} s {gigabytes}   ({', '.join(f'{one:.1f}' for one in runs)})")
    theirs, ours = (
        [name for name in seconds if "tutorial" in name],
        [name for name in seconds if "tutorial" not in name],
    )
    for peer in theirs:
        for name in ours:
            ratio = median(seconds[name]) / median(seconds[peer])
            in_memory = f"{memory[name] / memory[peer]:6.2f}" if memory else ""
            print(f"{name} / {peer}".ljust(72) + f"{ratio:6.2f} {in_memory}")


if __name__ == "__main__":
    typer.run(main)
