"""The tutorial's steps as a plain script beside our whole `promotion retrain` (train and gate), on one generated file.

    python benchmarks/retrain.py [--rows 590540] [--folder build/bench]

Each side runs in processes of its own, from a cold start: what a schedule would pay. The tutorial's side reads,
balances, encodes, fits and saves; ours does that under Prefect, logs to MLflow, scores champion and challenger on the
holdout, decides, records and relabels. A first retrain that makes the champion is not timed: a retrain has one to beat.
Memory is the peak of the resident set, summed over the process and its children (ours has Prefect's temporary server
among them).
"""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from statistics import median
from typing import Annotated

import psutil
import typer

TUTORIAL = """
import bentoml, numpy as np, pandas as pd
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import OneHotEncoder
from xgboost import XGBClassifier

COLUMNS = ["ProductCD", "P_emaildomain", "R_emaildomain", "card4", "M1", "M2", "M3"]
df = pd.read_csv("train_transaction.csv")
df = pd.concat([df[df.isFraud == 0].sample(n=len(df[df.isFraud == 1])), df[df.isFraud == 1]], axis=0)
enc = OneHotEncoder(handle_unknown="ignore").fit(df[COLUMNS])
X = pd.DataFrame(enc.transform(df[COLUMNS]).toarray(), columns=enc.get_feature_names_out().reshape(-1))
X["TransactionAmt"] = df[["TransactionAmt"]].to_numpy()
X_train, X_test, y_train, y_test = train_test_split(X, df.isFraud, test_size=0.2, random_state=42)
model = XGBClassifier(n_estimators=100, learning_rate=0.1, max_depth=3, min_child_weight=1, gamma=0, subsample=0.8,
                      colsample_bytree=0.8, objective="binary:logistic", nthread=4, scale_pos_weight=1, seed=27)
model.fit(X_train, y_train)
bentoml.sklearn.save_model("fraud_classifier", model, labels={"owner": "Cerebrium", "stage": "prod"},
                           metadata={"version": "1.0.1"}, custom_objects={"ohe_encoder": enc},
                           signatures={"predict": {"batchable": True, "batch_dim": 0}})
"""
CONFIGURATION = """
bentoml_home = "ours/bentoml"
[models.fraud_classifier]
recipe = "registry_flows.fraud:FraudRecipe"
data   = "train_transaction.csv"
[models.fraud_classifier.policy]
primary = { metric = "average_precision" }
floors  = [ { metric = "roc_auc", min = 0.5 } ]
"""
PROMOTED, HELD, REJECTED = 0, 4, 3


def main(
    rows: Annotated[int, typer.Option(help="Rows of the generated file.")] = 590_540,
    folder: Annotated[Path, typer.Option(help="Where to work; a file that lies there is used again.")] = Path(
        "build/bench"
    ),
    repeat: Annotated[int, typer.Option(help="Runs of each side; medians are shown.")] = 3,
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    _prepare(folder, rows)
    environment = _environment(folder)
    retrain = [str(Path(sys.executable).with_name("promotion")), "retrain", "fraud_classifier"]
    plain = [sys.executable, "-c", TUTORIAL]
    _measure(retrain, folder, environment, expected={PROMOTED})
    theirs, ours = [], []
    for turn in range(repeat):
        theirs.append(_measure(plain, folder, {**environment, "BENTOML_HOME": "theirs"}, expected={0}))
        options = ["--option", f"seed={28 + turn}"]
        ours.append(_measure([*retrain, *options], folder, environment, expected={PROMOTED, HELD, REJECTED}))
    _print(rows, theirs, ours)


def _prepare(folder: Path, rows: int) -> None:
    data = folder / "train_transaction.csv"
    if not data.exists():
        generate = ["-m", "registry_flows.data", "--rows", str(rows), "--drift", "1", "--out", str(data)]
        subprocess.run([sys.executable, *generate], check=True)
    (folder / "promotion.toml").write_text(CONFIGURATION)


def _environment(folder: Path) -> dict[str, str]:
    ours = {
        name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "MLFLOW_", "BENTOML_"))
    }
    quiet = {"DO_NOT_TRACK": "1", "BENTOML_DO_NOT_TRACK": "True", "MLFLOW_DISABLE_TELEMETRY": "true"}
    return {
        **ours,
        **quiet,
        "PREFECT_HOME": str((folder / "prefect").absolute()),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "0",
    }


def _measure(
    command: list[str], folder: Path, environment: dict[str, str], *, expected: set[int]
) -> tuple[float, float]:
    """Seconds and peak memory in GB of a command and its children."""
    start = time.perf_counter()
    process = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    peak = [0]
    watcher = threading.Thread(target=_watch, args=(process.pid, peak), daemon=True)
    watcher.start()
    output = process.communicate()[0].decode()
    seconds = time.perf_counter() - start
    if process.returncode not in expected:
        sys.exit(f"{command[0]} ended with {process.returncode}:\n{output}")
    return seconds, peak[0] / 1e9


def _watch(pid: int, peak: list[int]) -> None:
    try:
        parent = psutil.Process(pid)
        while parent.is_running():
            family = [parent, *parent.children(recursive=True)]
            peak[0] = max(peak[0], sum(_resident(one) for one in family))
            time.sleep(0.05)
    except psutil.NoSuchProcess:
        return


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0


def _print(rows: int, theirs: list[tuple[float, float]], ours: list[tuple[float, float]]) -> None:
    print(f"{rows:,} rows x 394 columns, {os.cpu_count()} cores, medians of {len(ours)} runs")
    sides = {"tutorial's steps, plain script": theirs, "promotion retrain (train and gate)": ours}
    for name, runs in sides.items():
        print(f"{name:36} {median(run[0] for run in runs):6.1f} s {median(run[1] for run in runs):6.2f} GB")
    seconds = median(run[0] for run in ours) / median(run[0] for run in theirs)
    memory = median(run[1] for run in ours) / median(run[1] for run in theirs)
    print(f"{'ratio':36} {seconds:6.2f}   {memory:6.2f}")


if __name__ == "__main__":
    typer.run(main)
