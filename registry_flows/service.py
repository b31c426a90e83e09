"""The fraud service: raw transactions in, probabilities of fraud out. `bentoml build` makes a Bento of it."""

import bentoml

from promotion.serving.service import ChampionApi


@bentoml.service(name="fraud_classifier")
class FraudService(ChampionApi):
    """Scores transactions with the champion of `fraud_classifier`."""

    model = "fraud_classifier"
