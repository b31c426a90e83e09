"""The analysis of docs/how-to/serve.md asks MLflow for a verdict, and the service's metrics, by names that exist."""

import re
from pathlib import Path
from urllib.parse import unquote

import pytest
import yaml
from docs.pages import blocks_of
from situation import toy

from promotion.adapters.mlflow import MlflowMirror
from promotion.serving.metrics import metrics

pytestmark = pytest.mark.integration

PAGE = Path(__file__).resolve().parents[2] / "docs/how-to/serve.md"


@pytest.fixture
def analysis():
    (block,) = (block for block in blocks_of(PAGE) if block.title == "analysis.yaml")
    return {metric["name"]: metric for metric in yaml.safe_load(block.source)["spec"]["metrics"]}


def test_mlflow_answers_with_the_stage_that_the_analysis_reads(analysis, opened, mlflow_uri, tmp_path):
    from mlflow import MlflowClient

    registry = opened(mirror=MlflowMirror(mlflow_uri, tmp_path))
    registry.gate(toy("weak"))
    registry.gate(toy("spoilt"))
    registry.gate(toy("good"))
    verdict = analysis["verdict"]
    asked = unquote(verdict["provider"]["web"]["url"].partition("?filter=")[2])
    key = re.search(r'@\.key=="(.*?)"', verdict["provider"]["web"]["jsonPath"])[1]

    def stage(tag):
        found = MlflowClient(mlflow_uri, registry_uri=mlflow_uri).search_model_versions(
            asked.replace("{{args.tag}}", tag)
        )
        return [version.tags[key] for version in found]

    assert [stage(f"toy:{name}") for name in ("good", "weak", "spoilt", "new")] == [
        ["prod"],
        ["archived"],
        ["rejected"],
        [],
    ]
    assert all(f'"{one}"' in verdict["failureCondition"] for one in ("archived", "rejected"))
    assert verdict["successCondition"] == 'result == "prod"'


def test_the_metric_that_the_analysis_reads_is_the_services(analysis):
    name = re.search(r"max\((\w+)\{model=", analysis["follows"]["provider"]["prometheus"]["query"])[1]
    assert [found.name for found in metrics().behind.collect()] == [name]
