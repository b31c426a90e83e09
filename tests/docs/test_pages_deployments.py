"""Deployments in the pages match those in prefect.yaml with the same name, so that readers can switch between them."""

from pathlib import Path

import pytest
import yaml
from pages import blocks_of

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = {one["name"]: one for one in yaml.safe_load((ROOT / "prefect.yaml").read_text("utf-8"))["deployments"]}
SHOWN = [
    pytest.param(deployment, id=f"{page.stem} {deployment['name']}")
    for page in sorted((ROOT / "docs").rglob("*.md"))
    for block in blocks_of(page)
    if block.title == "prefect.yaml"
    for deployment in yaml.safe_load(block.source)["deployments"]
]


@pytest.mark.parametrize("shown", SHOWN)
def test_a_deployment_of_a_page_runs_the_same_flow_in_the_same_place(shown):
    shipped = SHIPPED[shown["name"]]
    assert [shown[key] for key in ("entrypoint", "tags", "concurrency_limit")] == [
        shipped["entrypoint"],
        [tag for tag in shipped["tags"] if ":" not in tag],
        shipped["concurrency_limit"],
    ]
    places = [{key: one["work_pool"][key] for key in ("name", "work_queue_name")} for one in (shown, shipped)]
    assert places[0] == places[1]
    schedules = [[each["cron"] for each in one.get("schedules", [])] for one in (shown, shipped)]
    assert schedules[0] == schedules[1]
