"""Every error raised on purpose, grouped by what the caller does next.

LeadloopError
├── UsageError          a command, file, setting or check is wrong: a person edits it   (exit 2)
├── LoginError          the remote refused our credentials or permissions               (exit 3)
│   └── FeatureError        ... for one object only: it is left out, the rest goes on
├── ApprovalError       a plan waits for approval, or is stale                          (exit 5)
├── TryLaterError       nothing is wrong with the request: state saved, run again       (exit 75)
│   ├── RateLimitError      ... and the remote said how long to wait
│   ├── QuotaError          ... the day's calls are used up
│   ├── BusyError           ... another process has the store
│   │   ├── LeaseHeldError      ... another run is going on: this one was skipped
│   │   └── LeaseLostError      ... another run took over: nothing of this one is kept
│   ├── StoppedError        ... somebody asked us to stop
│   └── UnknownOutcomeError ... the request may or may not have taken effect
└── RemoteError         the remote refused this one request for good                    (exit 4)
"""

from __future__ import annotations

from typing import ClassVar


class LeadloopError(Exception):
    """Base of all of them. No message holds a secret or personal data: ids and places only.

    `hint` is the one next step for the person at the terminal, `where` the file:line or record
    it is about, `code` a stable word that scripts may branch on, `status` the word of the
    envelope for a command that ended with it.
    """

    exit_code: ClassVar[int] = 1
    code: ClassVar[str] = "error"
    status: ClassVar[str] = "failed"
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, hint: str | None = None, where: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint
        self.where = where


class UsageError(LeadloopError):
    """A command, a file or a setting is wrong; a person must edit it."""

    exit_code = 2
    code = "usage"


class LoginError(LeadloopError):
    """The remote refused our credentials or what they may do."""

    exit_code = 3
    code = "login"


class FeatureError(LoginError):
    """Our log-in, or what the company has bought, does not offer one object; the rest it does."""

    code = "feature"


class RemoteError(LeadloopError):
    """The remote refused this one request for good; `vendor_code` is its own word for why."""

    exit_code = 4
    code = "refused"

    def __init__(
        self,
        message: str,
        *,
        vendor_code: str = "",
        hint: str | None = None,
        where: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint, where=where)
        self.vendor_code = vendor_code


class ApprovalError(LeadloopError):
    """A plan waits for approval, or the world moved since it was made."""

    exit_code = 5
    code = "approval"
    status = "needs_approval"


class TryLaterError(LeadloopError):
    """Nothing is wrong with the request; what was done is saved, so run again later."""

    exit_code = 75
    code = "try_later"
    status = "incomplete"
    retryable = True


class RateLimitError(TryLaterError):
    """`retry_after` is in seconds; None when the remote did not say."""

    code = "rate_limit"

    def __init__(
        self,
        message: str,
        *,
        retry_after: float | None = None,
        hint: str | None = None,
        where: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint, where=where)
        self.retry_after = retry_after


class QuotaError(TryLaterError):
    """The calls we may use today are used up."""

    code = "quota"


class BusyError(TryLaterError):
    """Another process has the store just now."""

    code = "busy"


class LeaseHeldError(BusyError):
    """Another run is going on, so this one did nothing; `holder` is that run's id."""

    status = "skipped"

    def __init__(self, message: str, *, holder: str, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.holder = holder


class LeaseLostError(BusyError):
    """Another run took over while this one stood still; what it had not saved is left to that."""

    code = "lease_lost"
    status = "interrupted"


class StoppedError(TryLaterError):
    """Somebody asked us to stop; what was done is saved."""

    code = "stopped"
    status = "interrupted"


class UnknownOutcomeError(TryLaterError):
    """A write was sent and no answer came back: it must be read back, never sent again blindly."""

    code = "unknown_outcome"
