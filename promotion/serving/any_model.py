"""The service of `promotion serve MODEL`; BentoML imports it in every worker, with the command's arguments."""

import bentoml

from promotion.serving.service import ChampionApi

_arguments = bentoml.use_arguments()


@bentoml.service(name="champion", workers=int(_arguments.workers))
class Champion(ChampionApi):
    """Scores raw rows with the champion of the model."""

    model = _arguments.model
