"""The card fraud example: its recipe (users' promotion.toml names it here), synthetic data and the demo."""

from registry_flows.fraud.recipe import FraudRecipe as FraudRecipe
