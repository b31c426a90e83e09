"""What these tests begin from."""

from postgres import postgres_server as postgres_server
from world import first_world as first_world
