"""The demo company: a CRM's tables from a model of which every deal's true chance is known."""

from crm.simulator.dirt import Dirt, Spot
from crm.simulator.settings import SimulatorSettings
from crm.simulator.simulation import FIXED, Simulation, simulate

__all__ = ["FIXED", "Dirt", "Simulation", "SimulatorSettings", "Spot", "simulate"]
