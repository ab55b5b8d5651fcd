"""Opens a practice CRM that is filled with the invented company's year and lets one client in.

Each kind loads its own rooms alone: a process serves one, and somebody waits for it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from connector.domain.moment import Micros
from connector.practice.clock import PracticeClock
from connector.practice.company import hubspot_rows, salesforce_rows
from connector.practice.faults import Faults
from connector.practice.server import PracticeCrm

if TYPE_CHECKING:
    from connector.practice.hubspot.rest import HubSpotPractice
    from connector.practice.salesforce.rest import SalesforcePractice

CLIENT = "practice-client"
SECRET = "practice-secret"  # noqa: S105  opens nothing but this process
TOKEN = "practice-token"  # noqa: S105


class Filling(NamedTuple):
    """Which invented company, of how many people in all, and when its year ends."""

    seed: int
    people: int
    now: Micros


def filled_salesforce(
    clock: PracticeClock, filling: Filling, faults: Faults | None = None
) -> SalesforcePractice:
    """A practice org with the company's rows; CLIENT and SECRET log in as its admin."""
    from connector.practice.salesforce.rest import SalesforcePractice  # noqa: PLC0415

    crm = SalesforcePractice(clock, faults)
    crm.steer("load", salesforce_rows(*filling))
    crm.steer("app", {"client": CLIENT, "secret": SECRET})
    return crm


def filled_hubspot(
    clock: PracticeClock,
    machine: Callable[[], Micros],
    filling: Filling,
    faults: Faults | None = None,
) -> HubSpotPractice:
    """A practice portal with the company's rows; TOKEN calls it with every scope."""
    from connector.practice.hubspot.rest import HubSpotPractice  # noqa: PLC0415

    crm = HubSpotPractice(clock, machine, faults)
    crm.steer("load", hubspot_rows(*filling))
    crm.steer("token", {"token": TOKEN})
    return crm


def filled(
    kind: str, machine: Callable[[], Micros], filling: Filling, faults: Faults | None = None
) -> PracticeCrm:
    """The practice CRM of that kind (`salesforce` or `hubspot`), on the machine's clock."""
    clock = PracticeClock(machine)
    if kind == "salesforce":
        return filled_salesforce(clock, filling, faults)
    return filled_hubspot(clock, machine, filling, faults)
