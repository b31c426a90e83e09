"""What serves follows the champion: the ledger says which version must serve, and each worker converges on it.

Two parts, as in TensorFlow Serving. A *source* reads the head of the ledger twice a second and states which version is
wanted. A *manager* loads that version, warms it up and swaps it in between two requests. The version that serves is let
go only when a verified one has replaced it and its last request has ended. Whatever fails, it goes on serving.

    served = ServedChampion("fraud_classifier")
    with served.lease() as champion:
        scores = champion.score(rows)
"""

from promotion.serving.faults import ModelFault as ModelFault
from promotion.serving.loading import LoadedChampion as LoadedChampion
from promotion.serving.served import NoChampion as NoChampion
from promotion.serving.served import ServedChampion as ServedChampion
