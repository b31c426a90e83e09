"""Card fraud, the example: its recipe (users' promotion.toml names it here), made-up data and the demo."""

from registry_flows.fraud.recipe import FraudRecipe as FraudRecipe
