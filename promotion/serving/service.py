"""A Bento service for any model: raw rows in, scores out, and which version answered.

`promotion serve MODEL` runs it (`any_model`). For a Bento of your own, write a class with `@bentoml.service` that
inherits `ChampionApi` and names its model, as `registry_flows.service` does.
"""

import logging
import time
from http import HTTPStatus
from typing import Any

import bentoml
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from promotion.errors import DataError
from promotion.serving.faults import ModelFault
from promotion.serving.served import NoChampion, ServedChampion

MOST_ROWS = 10_000
_STARTING_SECONDS, _LOOK_SECONDS = 10.0, 0.02
_log = logging.getLogger("promotion.serving")


class _Body(bentoml.IODescriptor):  # type: ignore[misc]
    """The body of a request. One that is not a JSON object has no row, so the endpoint refuses it in a sentence."""

    @classmethod
    async def from_http_request(cls, request: Request, serde: Any) -> Any:
        try:
            if request.headers.get("Content-Type", "").startswith("application/x-www-form-urlencoded"):
                return cls.model_validate_json(await request.body())  # it is JSON: curl calls all data a form
            return await super().from_http_request(request, serde)
        except (ValidationError, MultiPartException, HTTPException):
            return cls()


class _Row(_Body):
    row: Any = None


class _Rows(_Body):
    rows: Any = None


async def _champion(_: Request) -> JSONResponse:
    """Answer a browser: BentoML's own endpoints take only POST."""
    return JSONResponse(bentoml.get_current_service().served.status())


_GET = Starlette(routes=[Route("/champion", _champion, methods=["GET"])])


class ChampionApi:
    """The endpoints: `/score` for one row, `/score_batch` for many, `/champion`; BentoML adds `/readyz` and `/metrics`.

    Attributes:
        model: its name in the configuration.
    """

    model: str

    def __init_subclass__(cls) -> None:
        bentoml.asgi_app(_GET)(cls)  # BentoML would not find it in this class

    def __init__(self) -> None:
        _log.setLevel(logging.INFO)  # BentoML's log shows only warnings of others
        self.served = ServedChampion(self.model)
        _await_first(self.served)  # this worker takes requests afterwards; the others answer until then

    def __is_ready__(self) -> bool:
        if not self.served.ready:
            raise HTTPException(HTTPStatus.SERVICE_UNAVAILABLE, self.served.status()["problem"])
        return True

    @bentoml.api(input_spec=_Row)  # type: ignore[untyped-decorator]
    def score(self, ctx: bentoml.Context, row: Any = None) -> dict[str, Any]:
        """Score one raw row: `{"row": {…}}`."""
        if not isinstance(row, dict):
            return _refuse(ctx, 'The body must be {"row": {...}}, with one raw row as a JSON object.')
        answer = self.answer(ctx, [row])
        return {"score": answer.pop("scores")[0], **answer} if "scores" in answer else answer

    @bentoml.api(input_spec=_Rows)  # type: ignore[untyped-decorator]
    def score_batch(self, ctx: bentoml.Context, rows: Any = None) -> dict[str, Any]:
        """Score raw rows, all with the same model: `{"rows": [{…}, …]}`."""
        if not isinstance(rows, list) or not rows or not all(isinstance(one, dict) for one in rows):
            return _refuse(ctx, 'The body must be {"rows": [{...}, ...]}, with at least one raw row as a JSON object.')
        if len(rows) > MOST_ROWS:
            return _refuse(ctx, f"A request may have {MOST_ROWS:,} rows, but has {len(rows):,}. Send several requests.")
        return self.answer(ctx, rows)

    @bentoml.api  # type: ignore[untyped-decorator]
    def champion(self) -> dict[str, Any]:
        """Tell which version serves: what `serving` in the configuration asks for."""
        return self.served.status()

    def answer(self, ctx: bentoml.Context, rows: list[dict[str, Any]]) -> dict[str, Any]:
        """Return `scores`, `tag` and `decision` for raw rows; if they cannot be scored, set the status, return `error`.

        For endpoints of your own: an error raised in one becomes BentoML's answer, which does not say what is wrong.
        """
        try:
            with self.served.lease() as champion:
                scores = champion.score(champion.rows(rows)).tolist()
        except DataError as error:
            return _refuse(ctx, str(error))
        except ModelFault as error:
            _log.exception("A request could not be answered.")
            return _refuse(ctx, str(error), HTTPStatus.INTERNAL_SERVER_ERROR)
        except NoChampion as error:
            return _refuse(ctx, str(error), HTTPStatus.SERVICE_UNAVAILABLE)
        self.served.count(scores)
        return {"scores": scores, "tag": champion.tag, "decision": champion.decision}


def _await_first(served: ServedChampion) -> None:
    """Wait until a champion serves; at most ten seconds, and not at all if the ledger names none."""
    until = time.monotonic() + _STARTING_SECONDS
    while not served.ready and time.monotonic() < until:
        found = served.status()
        if found["wanted"] is None and found["ledger_problem"]:
            return
        time.sleep(_LOOK_SECONDS)


def _refuse(ctx: bentoml.Context, sentence: str, status: HTTPStatus = HTTPStatus.BAD_REQUEST) -> dict[str, Any]:
    ctx.response.status_code = status
    return {"error": sentence}
