"""Addresses of other pages: of the site, MLflow and Prefect; none may carry credentials or what a name could smuggle."""

from promotion.config import Config, LinksConfig
from promotion.report.links import NO_LINKS, links_of

HOSTILE = 'prefect:gate "><script>alert(1)</script>&x=javascript:#/\u202e'


def test_links_lead_to_the_configured_addresses_without_credentials():
    config = Config(
        mlflow_tracking_uri="http://bob:secret@tracking:5000/",
        links=LinksConfig(prefect="https://ops:word@prefect.example.com/ui/", site="https://models.example.com/a/"),
    )
    links = links_of(config)
    assert links.run("7f3a") == "http://tracking:5000/#/runs/7f3a"
    assert links.registered("toy") == "http://tracking:5000/#/models/toy"
    assert links.actor("prefect:gate toy:good") == (
        "https://prefect.example.com/ui/runs?flow-run-search=gate%20toy%3Agood"
    )
    assert links.entry("toy", 4) == "https://models.example.com/a/model-toy.html#entry-4"
    assert links_of(config, within_site=True).entry("toy", 4) == "model-toy.html#entry-4"
    named = config.model_copy(update={"links": LinksConfig(mlflow="https://mlflow.example.com")})
    assert links_of(named).run("7f3a") == "https://mlflow.example.com/#/runs/7f3a"


def test_without_addresses_there_are_no_links_and_a_person_has_none():
    links = links_of(Config(mlflow_tracking_uri="sqlite:///mlflow.db"))
    assert links == NO_LINKS
    assert {links.run("7f3a"), links.registered("toy"), links.actor(HOSTILE), links.decision("ab" * 32)} == {""}
    assert links_of(Config(links=LinksConfig(prefect="http://here:4200"))).actor("os:alice") == ""


def test_a_name_cannot_leave_its_place_in_an_address():
    links = links_of(Config(links=LinksConfig(prefect="http://here:4200", mlflow="http://there")))
    for address in (links.actor(HOSTILE), links.run(HOSTILE), links.registered(HOSTILE)):
        assert address.startswith(("http://here:4200/runs?flow-run-search=", "http://there/#/"))
        assert not set(address.partition("=")[2] or address[14:]) & set("\"<>&' \u202e")
