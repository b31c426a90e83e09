"""One store and one ledger shared by several users of one machine: a team, and a user with read access."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from recipes import synthetic_rows

TEAM = 47_000
ALICE, BOB, CAROL = 47_001, 47_002, 47_003
"""Alice and Bob are in the team; Carol may look."""

SETTINGS = """
ledger = "sqlite:///ledger.db"
bentoml_home = "bentoml"
mlflow_tracking_uri = "sqlite:///mlflow.db"
actor = "team"

[models.toy]
recipe = "recipes:ToyRecipe"
data = "rows.csv"

[models.toy.policy]
primary = { metric = "roc_auc" }
min_rows = 100
min_positives = 20
floors = [{ metric = "roc_auc", min = 0.55 }]
"""
SAVE = """
from pathlib import Path
from recipes import ToyRecipe, synthetic_rows
from promotion.adapters.bento import BentoStore
from promotion.row_keys import fingerprints
from promotion.interfaces import call
recipe = ToyRecipe()
rows = recipe.split(synthetic_rows()).training
trained, keys = recipe.train(rows, step=call), fingerprints(rows[recipe.key])
print(BentoStore(Path("bentoml")).save("toy", trained, metadata={}, training_rows=keys))
"""
AS_OTHER = """
set -e
if [ -n "$CLOSED" ]; then  # where the interpreter lies nobody else may look: another view of the disk, for this process
    mount --bind "$PREFIX" "$VIEW"; mount -t tmpfs tmpfs "$CLOSED"; mkdir -p "$PREFIX"; mount --bind "$VIEW" "$PREFIX"
fi
umask 002
exec setpriv --reuid="$NUMBER" --regid="$NUMBER" $GROUPS_OF "$@"
"""

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.geteuid() != 0, reason="only root can be several users")]


@pytest.fixture
def shared():
    """A folder set up as the page on sharing says: it hands its group on, and the group may write."""
    with tempfile.TemporaryDirectory(prefix="shared-", ignore_cleanup_errors=True) as root:
        Path(root).chmod(0o755)
        Path(root, "view").mkdir()
        folder = Path(root, "toy")
        folder.mkdir()
        synthetic_rows().to_csv(folder / "rows.csv", index=False)
        (folder / "promotion.toml").write_text(SETTINGS)
        for path in (*folder.iterdir(), folder):
            os.chown(path, ALICE, TEAM)
            path.chmod(0o2775 if path.is_dir() else 0o664)
        if run(folder, ALICE, "-c", "import promotion").returncode:
            pytest.skip("other users may not read this project, or root may not mount")
        yield folder


def run(folder, user, *words):
    tests, prefix = Path(__file__).parents[2], Path(sys.base_prefix)
    closed = next((one for one in reversed(prefix.parents) if not one.stat().st_mode & 0o001), "")
    environment = {
        "PATH": os.environ["PATH"], "HOME": str(folder.parent / "nowhere"), "PYTHONPATH": f"{tests.parent}:{tests}",
        "CLOSED": str(closed), "PREFIX": str(prefix), "VIEW": str(folder.parent / "view"), "NUMBER": str(user),
        "GROUPS_OF": "--clear-groups" if user == CAROL else f"--groups={TEAM}",
    }  # fmt: skip
    command = ["unshare", "--mount", "sh", "-c", AS_OTHER, "sh", sys.executable, *words]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def promotion(folder, user, *words):
    done = run(folder, user, "-m", "promotion", *words)
    assert "Traceback" not in done.stderr, done.stderr
    return done


def saved(folder, user):
    done = run(folder, user, "-c", SAVE)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_what_one_of_the_team_saves_and_records_another_judges_and_changes(shared):
    first = saved(shared, ALICE)
    assert promotion(shared, ALICE, "gate", first).returncode == 0
    second = saved(shared, BOB)
    for user, other in ((ALICE, second), (BOB, second)):
        done = promotion(shared, user, "gate", other)
        assert done.returncode in {0, 3, 4}, done
    by_hand = ("--override", "--reason", "as asked", "--yes")
    assert promotion(shared, BOB, "promote", second, *by_hand).returncode == 0
    assert promotion(shared, ALICE, "rollback", "toy", "--reason", "as asked", "--yes").returncode == 0
    assert promotion(shared, BOB, "audit").returncode == 0
    ours = [path for path in shared.rglob("*") if path.stat().st_gid != TEAM or path.stat().st_mode & 0o002]
    assert ours == []


def test_who_may_only_look_sees_all_and_leaves_nothing_behind(shared):
    champion = saved(shared, ALICE)
    assert promotion(shared, ALICE, "gate", champion).returncode == 0
    before = {*shared.rglob("*")}
    for words in (("champion", "toy"), ("status",), ("history", "toy"), ("show", champion), ("audit",)):
        done = promotion(shared, CAROL, *words)
        assert done.returncode == 0, (words, done)
    assert {*shared.rglob("*")} == before
    second = saved(shared, ALICE)
    before = {*shared.rglob("*")}
    refused = promotion(shared, CAROL, "gate", second)
    assert refused.returncode == 1
    assert f"(attempt to write a readonly database; {shared}/ledger.db belongs to " in refused.stderr
    assert {*shared.rglob("*")} == before
    shared.chmod(0o2777)  # a folder that she may write to, and a ledger that she may not
    assert promotion(shared, CAROL, "status").returncode == 0
    assert {*shared.rglob("*")} == before
    assert promotion(shared, ALICE, "status").returncode == 0


def test_what_may_not_be_read_is_named_with_its_owner_and_mode(shared):
    champion = saved(shared, ALICE)
    assert promotion(shared, ALICE, "gate", champion).returncode == 0
    folder = shared / "bentoml" / "models" / "toy" / champion.split(":")[1]
    folder.chmod(0o700)
    shown = " ".join(promotion(shared, BOB, "status").stdout.split())
    assert f"! The champion {champion} cannot be checked here. The model store cannot be read at {folder}/" in shown
    assert f"(Permission denied; {folder} belongs to " in shown
    assert ", mode 0700). Check that this user can read it." in shown
    assert "rollback" not in shown
