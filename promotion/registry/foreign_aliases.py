"""Foreign aliases: MLflow aliases that this ledger did not set. They are reported, and kept until a person decides."""

from collections.abc import Callable, Iterable, Iterator, Mapping

from promotion.errors import Refused
from promotion.interfaces import ALIASES, Aliases, Names
from promotion.ledger.chain import Entry
from promotion.ledger.folding import StateBuilder
from promotion.ledger.state import State
from promotion.registry.mirror_state import aliases
from promotion.visible import lines
from promotion.vocabulary import Tag

_ANEW = (
    "- To start without {}, add `--start-anew --reason …` to `promotion retrain`, `gate` or `promote`. The ledger "
    "records this."
)
_CHOOSE = "To continue, do one of the following:"


class UnknownChampion(Refused):
    """MLflow has a champion and the ledger has none, so a promotion would overwrite somebody else's champion.

    Attributes:
        aliases: MLflow's aliases and the versions that they name.
    """

    def __init__(self, model: str, shown: Mapping[str, str], store: str | None = None) -> None:
        self.aliases = of_ours(shown)
        sentence = f"{unknown_sentence(model, self.aliases)} Nothing was promoted or sent to MLflow. {_CHOOSE}"
        super().__init__(lines(sentence, *_ways_out(model, shown["champion"], store), _ANEW.format("it")), model=model)


def unknown_champion(state: State, shown: Names) -> bool:
    """Whether MLflow has a champion, the ledger has none, and nobody recorded a fresh start."""
    return shown.get("champion") is not None and state.champion is None and state.fresh_start is None


def to_send(state: State, sent: Callable[[int], Iterable[Names]], given_up: Names | None = None) -> Aliases:
    """Return the aliases to send for a model; see `Aliases` for the arguments."""
    return Aliases(wanted=aliases(state), sent=sent, given_up=given_up or {})


def foreign(state: State, shown: Mapping[str, str], head: tuple[int, str] | None, names: Aliases) -> Names:
    """Return MLflow's aliases that this ledger did not send and that no person gave up.

    `shown` maps MLflow's aliases to versions; `head` is the last entry that MLflow was sent.
    """
    unknown = {"champion": shown["champion"]} if unknown_champion(state, shown) else {}
    if head and head[0] > state.seq:  # MLflow holds entries that this ledger lacks; report that first
        return unknown
    return unknown | dict(names.settle(shown, head[0] if head else 0)[1])


def names_since(before: State, entries: Iterable[Entry], seq: int) -> Iterator[Names]:
    """Yield what each alias named at entry `seq`, and after each later entry.

    Where the ledger names no version, the alias may still name the version that a fresh start gave up.
    """
    builder = StateBuilder(before)
    if before.seq == seq:
        yield from _names(before)
    for entry in entries:
        builder.take(entry)
        if entry.seq >= seq:
            yield from _names(builder.state())


def _names(state: State) -> Iterator[Names]:
    named = {alias: str(tag) for alias, tag in aliases(state).items()}
    yield named
    if state.fresh_start:
        yield state.fresh_start.aliases | named


def of_ours(shown: Mapping[str, str]) -> dict[str, str]:
    """Return the aliases that this project manages."""
    return {alias: shown[alias] for alias in ALIASES if alias in shown}


def foreign_sentence(state: State, found: Names) -> str:
    """Describe the foreign aliases in one or two sentences with their code; empty if there are none."""
    if not found:
        return ""
    if unknown_champion(state, found):
        hint = f"Run `promotion retrain {state.model}`. In this state, it only lists your options and changes nothing."
        return f"AUD038: {unknown_sentence(state.model, found)} {hint}"
    wanted = aliases(state)
    each = "; ".join(f"{alias} {_amiss(state.model, name, wanted.get(alias))}" for alias, name in found.items())
    return (
        f"AUD038: This ledger did not set these aliases of '{state.model}' in MLflow: {each}. They were not changed. "
        f"Run `promotion repair {state.model}` to restore them."
    )


def _amiss(model: str, name: str | None, wanted: Tag | None) -> str:
    """Describe what an alias names and what the ledger expects it to name."""
    found = "is missing" if name is None else f"points to {_shown(model, name)}"
    return f"{found}, but should {f'point to {wanted}' if wanted else 'not exist'}"


def unknown_sentence(model: str, found: Names) -> str:
    """Say that MLflow has a champion that the ledger does not know."""
    others = [f"{alias} to {_shown(model, name)}" for alias, name in found.items() if name and alias != "champion"]
    beside = f" ({', '.join(others)})" if others else ""
    named = _shown(model, str(found["champion"]))
    sentence = f"In MLflow, the alias champion of '{model}' points to {named}{beside}"
    return f"{sentence}, but the ledger has no champion of '{model}'."


def _ways_out(model: str, named: str, store: str | None) -> Iterator[str]:
    """Yield the ways to keep MLflow's champion; `store` names a store that takes in no models from MLflow itself."""
    if named.startswith(f"{model}:"):
        yield f"- Restore the earlier ledger, which registered {named} in MLflow, from a backup."
        yield f"- To keep {named}, run `promotion adopt {named} --assume-clean --reason …` (or --trained-before)."
    elif store is None:
        yield (
            f"- To keep it, run `promotion adopt --from-mlflow {model}@champion --trained-before TIME --reason …` (or "
            "--assume-clean, or --trained-on-everything), which copies it and makes it the champion."
        )
    else:
        yield (
            f"- To keep it, copy it into the {store} with the label stage: prod, then run "
            "`promotion adopt TAG --assume-clean --reason …` (or --trained-before)."
        )


def unanswered(model: str, error: Exception) -> str:
    """Say what to do when MLflow must be asked and does not answer."""
    sentence = (
        f"{error} The ledger has no champion of '{model}', but MLflow may have one. Nothing was promoted. {_CHOOSE}"
    )
    again = "- Make sure that MLflow answers, and run the command again."
    return lines(sentence, again, _ANEW.format("its answer"))


def needless_start(state: State, reason: str) -> str:
    """Say why `--start-anew` changed nothing, and that its reason is not recorded."""
    found = f"MLflow has no champion of '{state.model}' either"
    if state.fresh_start:
        found = f"the ledger already records a fresh start of '{state.model}' ({state.fresh_start.reason})"
    if state.champion:
        found = f"the ledger already has the champion {state.champion.tag}"
    return f"--start-anew was not needed: {found}. No fresh start was recorded with the reason '{reason}'."


def _shown(model: str, name: str) -> str:
    """Return `toy/2` as `version 2`."""
    return name if name.startswith(f"{model}:") else f"version {name.removeprefix(f'{model}/')}"
