"""What these tests begin from."""

from world import first_world as first_world
