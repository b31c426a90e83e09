"""The service of `promotion serve MODEL`; BentoML imports it in every worker, with the command's arguments."""

import bentoml

from promotion.serving.service import ChampionApi

_arguments = bentoml.use_arguments()


@bentoml.service(name="champion", workers=int(getattr(_arguments, "workers", 1)))
class Champion(ChampionApi):
    """Scores raw rows with the champion of the model."""

    model = getattr(_arguments, "model", "")
