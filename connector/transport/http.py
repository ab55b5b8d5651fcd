"""Sends one request at a time and tries again only where that can do no harm.

A request that was answered "later" (429, 503) did no work and is repeated. One that got no answer,
or only a gateway's (502, 504, a 503 that is a web page), or an error of the server, may have done
its work: it is repeated only if its caller says that twice is as good as once, else the outcome is
unknown and must be read back.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from http.client import HTTPResponse
from typing import Any, BinaryIO, NamedTuple

import requests
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from requests.utils import default_headers
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception,
    stop_after_attempt,
    wait_exponential,
    wait_random,
)
from urllib3.connectionpool import ConnectionPool
from urllib3.exceptions import HTTPError

from connector.errors import (
    LoginError,
    QuotaError,
    RateLimitError,
    RemoteError,
    StoppedError,
    TryLaterError,
    UnknownOutcomeError,
)
from connector.points import point
from connector.transport.address import checked
from connector.transport.budget import Budget, allowances, ambient

MAX_ANSWER = 256_000_000
CONNECT_S, READ_S = 10.0, 120.0
ANSWER_S = 600.0
"""How long one body may take, whatever it drips; less than a lease lasts without a write."""
MAX_WAIT_S = 60.0
_LATER = frozenset({429, 503})
"""Answers that say that no work was done."""
_MAYBE = frozenset({502, 504})
"""Answers of whoever stands before the CRM, which may have done its work all the same."""


class Answer(NamedTuple):
    """What came back, whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def is_page(self) -> bool:
        """Whether it is a web page: a log-in form or a notice of maintenance, never data."""
        kind = self.headers.get("Content-Type", "")
        return "html" in kind or (
            self.body[:200].lstrip()[:1] == b"<" and b"<html" in self.body[:500].lower()
        )


class Event(NamedTuple):
    """One call, for logs and metrics: no ids of people, no bodies, no query."""

    method: str
    path: str
    status: int
    bytes: int


Judge = Callable[[Answer], None]


class SessionExpiredError(LoginError):
    """Our session is over and nothing was done: log in anew and send it once more."""


class Transport:
    """Speaks to one host. `headers` are asked for anew with each request; they hold the secret.

    `hear` is told of every answer, refusals too, for what the CRM says of its limits there.
    `overrules` reads an answer before we do and raises where a status means something of the
    CRM's own, such as a day's quota behind a 429. `renew` logs in again, once for a request, when
    a judge raises SessionExpiredError. `budget` is asked before each call; by default it is the
    one laid over us when we were made.
    """

    def __init__(
        self,
        address: str,
        *,
        headers: Callable[[], Mapping[str, str]] = dict,
        attempts: int = 5,
        observer: Callable[[Event], None] | None = None,
        read_s: float = READ_S,
        hear: Judge | None = None,
        overrules: Judge | None = None,
        renew: Callable[[], None] | None = None,
        budget: Budget | None = None,
    ) -> None:
        self._host = _Host(checked(address))
        self._left: list[_Host] = []
        self._headers = headers
        self._retrying = _retrying(attempts)
        self._observer = observer
        self._read_s = read_s
        self._hear = hear
        self._overrules = overrules
        self._renew = renew
        self.budget = budget if budget is not None else ambient()

    def __repr__(self) -> str:
        return f"Transport({self._host.address})"

    def send(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        kind: str = "application/json",
        repeatable: bool,
        judge: Judge | None = None,
        headers: Mapping[str, str] | None = None,
        attempts: int | None = None,
        into: BinaryIO | None = None,
    ) -> Answer:
        """Send and give the answer.

        Args:
            repeatable: Whether sending it twice is as good as once.
            judge: Raises for answers that are errors in the CRM's own way; default by status.
            headers: Of this request alone; they go with every attempt.
            attempts: Other than the transport's own, such as while the CRM works on a long job.
            into: A file that takes the body of a good answer, of any size, instead of memory.

        Raises:
            LoginError, RemoteError, RateLimitError, TryLaterError: as the answer says.
            UnknownOutcomeError: no answer came, and it may not be repeated.
        """
        retrying = self._retrying if attempts is None else _retrying(attempts)
        given = (method, path, body, {"Content-Type": kind, **(headers or {})}, into, repeatable)
        try:
            return self._tried(retrying, *given, judge or judge_by_status)
        except SessionExpiredError:
            if self._renew is None:
                raise
        self._renew()
        return self._tried(retrying, *given, judge or judge_by_status)

    def move(self, address: str) -> None:
        """Speak to another host from the next request on, such as the one a log-in names."""
        if (there := checked(address)) != self._host.address:
            self._left.append(self._host)  # what is under way there is still answered
            self._host = _Host(there)

    def close(self) -> None:
        """Free the sockets."""
        for host in (*self._left, self._host):
            host.close()

    def _tried(self, retrying: Retrying, *asked: Any) -> Answer:
        try:
            return self._once(*asked)  # as nearly all are; to count attempts costs more
        except TryLaterError as error:
            first = [error]
        try:
            return retrying(self._again, first, *asked)
        finally:
            retrying.iter_state.reset()  # it would keep the answer until the next call

    def _again(self, before: list[TryLaterError], *asked: Any) -> Answer:
        """An attempt; the first one is over, and how it ended is known."""
        if before:
            raise before.pop()
        return self._once(*asked)

    def _once(
        self,
        method: str,
        path: str,
        body: bytes | None,
        headers: Mapping[str, str],
        into: BinaryIO | None,
        repeatable: bool,  # noqa: FBT001  passed through the retry by place
        judge: Judge,
    ) -> Answer:
        said = f"{method} {path.partition('?')[0]}"
        if self.budget is not None:
            self.budget.take(path.partition("?")[0])
        try:
            asked = (method, path, body, headers, into)
            answer = self._exchanged(said, asked, repeatable=repeatable)
        except TryLaterError:
            self._heard(None)
            raise
        if self._observer is not None:
            self._observer(Event(method, path.partition("?")[0], answer.status, len(answer.body)))
        self._heard(answer)
        if self._hear is not None:
            self._hear(answer)
        if self._overrules is not None:
            self._overrules(answer)
        return _judged(said, answer, judge, repeatable=repeatable)

    def _exchanged(
        self,
        said: str,
        asked: tuple[str, str, bytes | None, Mapping[str, str], BinaryIO | None],
        *,
        repeatable: bool,
    ) -> Answer:
        """One request and its whole answer; whatever keeps it from us becomes our own error."""
        try:
            point("send.before")
            answer = self._exchange(*asked)
            point("send.after")
        except requests.exceptions.ConnectTimeout:
            raise TryLaterError(f"{said}: the host does not answer", hint=_HOST) from None
        except requests.exceptions.SSLError:
            raise TryLaterError(f"{said}: the certificate is not valid", hint=_HOST) from None
        except requests.exceptions.ConnectionError as error:
            if _never_left(error):
                raise TryLaterError(f"{said}: the host cannot be reached", hint=_HOST) from None
            raise _no_answer(said, repeatable=repeatable) from None
        except requests.exceptions.RequestException:
            raise _no_answer(said, repeatable=repeatable) from None
        return answer

    def _heard(self, answer: Answer | None) -> None:
        if self.budget is None:
            return
        if answer is None:
            self.budget.heard(0, ())
        else:
            self.budget.heard(answer.status, allowances(answer.headers))

    def _exchange(
        self,
        method: str,
        path: str,
        body: bytes | None,
        given: Mapping[str, str],
        into: BinaryIO | None,
    ) -> Answer:
        headers = {"Accept": "application/json, text/xml", **given, **self._headers()}
        host = self._host
        asked = _prepared(method, host.address + path, body, headers)
        patience = (CONNECT_S, self._read_s)
        with host.send(asked, timeout=patience, verify=True, stream=True) as response:
            if _has_no_end(response):
                raise requests.exceptions.ContentDecodingError("no end of the answer is named")
            good = into if response.status_code < 300 else None
            return Answer(response.status_code, response.headers, _body(response, good))


class _Host(HTTPAdapter):
    """The way to one host. Its pool and certificates are looked up once, and there are neither
    proxies nor cookies: what `requests` looks for anew with each call costs more than the sending.
    """

    def __init__(self, address: str) -> None:
        super().__init__(pool_maxsize=_SOCKETS)
        self.address = address
        self._pool: ConnectionPool | None = None

    def get_connection_with_tls_context(
        self, request: requests.PreparedRequest, verify: Any, proxies: Any = None, cert: Any = None
    ) -> ConnectionPool:
        """Give the pool of the host, with its certificates to be verified."""
        pool = self._pool
        if pool is None:
            pool = super().get_connection_with_tls_context(request, verify, proxies, cert)
            super().cert_verify(pool, request.url, verify, cert)  # type: ignore[no-untyped-call]
            self._pool = pool
        return pool

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """Do nothing: the pool was told when it was made."""

    def request_url(self, request: requests.PreparedRequest, proxies: Any) -> str:
        """Give what is asked of the host itself."""
        return request.path_url

    def build_response(self, req: requests.PreparedRequest, resp: Any) -> requests.Response:
        """Give status, headers and the body to be read."""
        response = requests.Response()
        response.status_code = resp.status
        response.headers = CaseInsensitiveDict(resp.headers)
        response.raw = resp
        response.request = req
        return response

    def close(self) -> None:
        """Free the sockets."""
        self._pool = None
        super().close()


def _retrying(attempts: int) -> Retrying:
    """What threads may share: each call made through it counts its own attempts."""
    return Retrying(
        retry=retry_if_exception(_may_repeat),
        stop=stop_after_attempt(attempts),
        wait=_wait,
        reraise=True,
    )


_ALWAYS = default_headers()
_SOCKETS = 16
"""Kept open to a host: so many calls may be under way to it at once."""
_AS_SENT = re.compile(
    r"https?://[a-z0-9][a-z0-9.:-]*(/[A-Za-z0-9_~,-][A-Za-z0-9_~,.-]*)+(\?[A-Za-z0-9_~,.&=-]*)?"
)
"""An address in which nothing is to be quoted, as nearly all are: to prepare one costs more, and so
does `\\w`, which is looked up letter by letter."""


def _prepared(
    method: str, address: str, body: bytes | None, headers: Mapping[str, str]
) -> requests.PreparedRequest:
    """The request as it leaves: our headers alone and no cookie. What a session would merge in
    costs more than all the rest of a call, and we keep nothing there.
    """
    asked = requests.PreparedRequest()
    asked.prepare_method(method)
    if _AS_SENT.fullmatch(address):
        asked.url = address
    else:
        asked.prepare_url(address, None)
    asked.prepare_headers({**_ALWAYS, **headers})
    asked.prepare_hooks(None)
    asked.prepare_body(body, None)
    return asked


_HOST = "Check `address:` in leadloop.yaml, and that the CRM is up"


def judge_by_status(answer: Answer) -> None:
    """Raise for what the status alone says is an error."""
    if answer.status in {401, 403}:
        raise LoginError(
            f"the CRM refused us ({answer.status})", hint="Check the secret and what it may do"
        )
    if answer.status >= 500:
        raise TryLaterError(f"the CRM answered {answer.status}", hint="Run again later")
    if answer.status >= 300:
        raise RemoteError(
            f"the CRM answered {answer.status}", vendor_code=str(answer.status), hint=_HOST
        )


def _judged(said: str, answer: Answer, judge: Judge, *, repeatable: bool) -> Answer:
    """The answer, if it is one; raises what it means that it is none."""
    if not repeatable and _may_be_a_gateways(answer):
        raise _no_answer(said, repeatable=False)
    if answer.status in _LATER:
        raise _later(said, answer)
    try:
        judge(answer)
    except (RateLimitError, QuotaError):
        raise
    except TryLaterError as error:
        if repeatable or answer.status < 500:
            raise
        raise _no_answer(said, repeatable=False) from error
    if answer.is_page and not repeatable:
        raise _no_answer(said, repeatable=False)
    if answer.is_page:
        raise TryLaterError(
            f"{said} was answered with a web page instead of data",
            hint="Check the address; a proxy or a notice of maintenance may stand before it",
        )
    return answer


def _may_be_a_gateways(answer: Answer) -> bool:
    """Whether it is from whoever stands before the CRM, which says nothing of what the CRM did."""
    return answer.status in _MAYBE or (answer.status == 503 and answer.is_page)


def _body(response: requests.Response, into: BinaryIO | None) -> bytes:
    """The whole body, part by part as it comes: one that drips is given up, and one too large.

    A file that takes it holds nothing of an attempt before, and no size is too large for it.
    """
    until = time.monotonic() + ANSWER_S
    parts, size = [], 0
    if into is not None:
        into.seek(0)
        into.truncate()
    try:
        while part := response.raw.read1(1 << 16, decode_content=True):
            if into is not None:
                into.write(part)
            else:
                parts.append(part)
                size += len(part)
            if size > MAX_ANSWER:
                raise requests.exceptions.ContentDecodingError("answer too large")
            if time.monotonic() > until:
                raise requests.exceptions.ReadTimeout("the answer comes too slowly")
    except HTTPError as error:
        raise requests.exceptions.ChunkedEncodingError(error) from error
    return b"".join(parts)


def _has_no_end(response: requests.Response) -> bool:
    """Whether nothing says where the answer ends, as when the line broke among its headers."""
    whole = getattr(response.raw, "_original_response", None)
    if not isinstance(whole, HTTPResponse) or whole.chunked or whole.length is not None:
        return False
    return "close" not in response.headers.get("Connection", "").lower()


def _never_left(error: requests.exceptions.ConnectionError) -> bool:
    """Whether the connection was never made, so that nothing can have been done."""
    words = str(error)
    return any(w in words for w in ("NewConnectionError", "NameResolutionError", "refused"))


def _no_answer(said: str, *, repeatable: bool) -> TryLaterError:
    if repeatable:
        return TryLaterError(f"{said}: no whole answer came", hint="Run again later")
    return UnknownOutcomeError(
        f"{said}: no answer came, so it may or may not have been done",
        hint="It is read back before it is sent again",
    )


def _later(said: str, answer: Answer) -> TryLaterError:
    wait = _retry_after(answer)
    if answer.status != 429 and wait is None:
        return TryLaterError(f"{said} was answered {answer.status}", hint="Run again later")
    return RateLimitError(
        f"{said} was answered {answer.status}: too many calls, or a pause",
        retry_after=wait,
        hint="Run less often, or raise the CRM's limit",
    )


def _retry_after(answer: Answer) -> float | None:
    """Seconds to wait; a date is read against the answer's own date, never our clock."""
    said = answer.headers.get("Retry-After", "").strip()
    if said.isdigit():
        return float(said)
    try:
        until = parsedate_to_datetime(said)
        return max(0.0, (until - parsedate_to_datetime(answer.headers["Date"])).total_seconds())
    except (KeyError, TypeError, ValueError):
        return None


def _may_repeat(error: BaseException) -> bool:
    final = isinstance(error, UnknownOutcomeError | QuotaError | StoppedError)
    if final or not isinstance(error, TryLaterError):
        return False
    long = isinstance(error, RateLimitError) and (error.retry_after or 0) > MAX_WAIT_S
    return not long  # whoever is told to wait longer saves its state and ends


_backoff = wait_exponential(multiplier=0.5, max=MAX_WAIT_S) + wait_random(0, 1)


def _wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, RateLimitError) and error.retry_after is not None:
        return error.retry_after
    return float(_backoff(state))
