"""Bulk API 2.0 jobs, of either kind: what they tell of themselves, how they go on, when they end.

Source: Bulk API 2.0 Developer Guide, "Get Information About a Query Job", "Get Job Info" and
"Limits". A job goes on each time it is asked for, and is over a minute after it was handed in,
asked for or not. A week later it is gone, with its results.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from connector.domain.moment import DAY, MINUTE, Micros
from connector.practice.salesforce.csv_text import DELIMITERS, ENDINGS
from connector.practice.salesforce.errors import ApiError
from connector.practice.salesforce.ids import canonical, make_id
from connector.practice.salesforce.moments import moment_text
from connector.practice.wire import Request

if TYPE_CHECKING:
    from connector.practice.salesforce.org import Org

ENDED = frozenset({"JobComplete", "Failed", "Aborted"})
_RETRIES = 15


@dataclass
class Failure:
    """How the next job goes wrong: what it then says, and after how many records."""

    message: str
    after: int = 0


@dataclass(kw_only=True)
class Job(ABC):
    """One job. `version` is that of the API it was made with."""

    id: str
    user: str
    operation: str
    object: str
    version: str
    created: Micros
    delimiter: str
    ending: str
    state: str
    polls: int
    failure: Failure | None
    handed_in: Micros | None = None
    stamp: Micros = 0
    error: str | None = None
    processed: int = 0
    failed: int = 0

    def info(self) -> dict[str, Any]:
        """What creating it answers."""
        return {
            "id": self.id,
            "operation": self.operation,
            "object": self.object,
            "createdById": self.user,
            "createdDate": moment_text(self.created),
            "systemModstamp": moment_text(self.stamp or self.created),
            "state": self.state,
            "concurrencyMode": "Parallel",
            "contentType": "CSV",
            "apiVersion": float(self.version),
            "lineEnding": self.ending,
            "columnDelimiter": self.delimiter,
        }

    def status(self) -> dict[str, Any]:
        """What asking for it answers."""
        known = self.info() | {
            "numberRecordsProcessed": self.processed,
            "retries": _RETRIES if self.state == "Failed" else 0,
            "totalProcessingTime": 12 * self.processed,
        }
        return known | ({"errorMessage": self.error} if self.error else {})

    @abstractmethod
    def begin(self, org: Org) -> None:
        """Do the first part of the work: from now on it is in progress."""

    @abstractmethod
    def finish(self, org: Org) -> None:
        """Do the rest."""

    def go_on(self, org: Org) -> None:
        """One step further; the last of them ends the job."""
        if self.state == "UploadComplete":
            self.state = "InProgress"
            self.begin(org)
        elif self.state == "InProgress" and self.polls > 0:
            self.polls -= 1
        elif self.state == "InProgress":
            self.finish(org)
            self.state = "Failed" if self.error else "JobComplete"
        self.stamp = org.clock.now()

    def abort(self, org: Org) -> None:
        """End it where it stands. Raises ApiError for one that has ended."""
        if self.state in ENDED:
            raise ApiError(400, "INVALIDJOBSTATE", "Aborting already Completed Job not allowed")
        self.state, self.stamp = "Aborted", org.clock.now()


def version_asked(request: Request) -> str:
    """The version of the API that a call names in its path."""
    return request.path.partition("/data/v")[2].partition("/")[0]


SomeJob = TypeVar("SomeJob", bound=Job)


@dataclass
class Jobs:
    """All jobs of an org, what is left of the day's, and what the next one will meet."""

    known: dict[str, Job] = field(default_factory=dict)
    made: int = 0
    polls: int = 1
    """How many times a job says InProgress before it is done."""
    lasts: Micros = MINUTE
    """How long after it was handed in a job ends, asked for or not."""
    failure: Failure | None = None
    refused: frozenset[str] = frozenset()
    """Objects that Bulk API does not serve."""
    most_queries: int = 10_000
    most_batches: int = 15_000
    queries: int = 0
    batches: int = 0
    page: int = 50_000
    """Most records of a page of results; a call may ask for fewer."""

    def common(self, org: Org, given: Any, user: str, version: str) -> dict[str, Any]:
        """What both kinds of job are made of. Raises ApiError."""
        delimiter = given.get("columnDelimiter", "COMMA")
        ending = given.get("lineEnding", "LF")
        if delimiter not in DELIMITERS or ending not in ENDINGS:
            raise ApiError(400, "INVALIDJOB", f"Unsupported format: {delimiter}, {ending}")
        if given.get("contentType", "CSV") != "CSV":
            raise ApiError(400, "INVALIDJOB", f"Unsupported content type: {given['contentType']}")
        self.made += 1
        failure, self.failure = self.failure, None
        return {"id": make_id("750", self.made), "user": user, "version": version,
                "created": org.clock.now(), "delimiter": delimiter, "ending": ending,
                "polls": self.polls, "failure": failure}  # fmt: skip

    def serve(self, object_: str) -> None:
        """Raises ApiError for an object that Bulk API does not serve."""
        if object_ in self.refused or object_.endswith("Relation"):
            raise ApiError(400, "INVALIDENTITY", f"{object_} is not supported by the Bulk API")

    def find(self, org: Org, id_: str, kind: type[SomeJob]) -> SomeJob:
        """The job of an id. Raises ApiError 404 where there is none, or none any more."""
        job = self.known.get(str(canonical(id_)))
        if not isinstance(job, kind) or org.clock.now() - job.created > 7 * DAY:
            raise ApiError(404, "NOT_FOUND", "The requested resource does not exist")
        return job

    def settle(self, org: Org) -> None:
        """End the jobs that have had their time."""
        for job in self.known.values():
            if job.handed_in is None or job.state in ENDED:
                continue
            if org.clock.now() - job.handed_in >= self.lasts:
                job.polls = 0
                while job.state not in ENDED:
                    job.go_on(org)

    def delete(self, job: Job) -> None:
        """Forget a job. Raises ApiError for one that still runs."""
        if job.state == "InProgress":
            raise ApiError(400, "INVALIDJOBSTATE", "Deleting a Job in progress not allowed")
        del self.known[job.id]

    def all(self, kind: type[Job]) -> dict[str, Any]:
        """What asking for all jobs answers."""
        told = [job.info() for job in self.known.values() if isinstance(job, kind)]
        return {"done": True, "nextRecordsUrl": None, "records": told}
