"""HTTP once: what is repeated, what is not, and what an error says."""

from __future__ import annotations

import gc
import socket
import threading
import time
from collections import Counter
from contextlib import suppress

import pytest
import responses
from tenacity import RetryCallState, Retrying

from connector.errors import (
    LoginError,
    QuotaError,
    RateLimitError,
    RemoteError,
    TryLaterError,
    UnknownOutcomeError,
    UsageError,
)
from connector.transport.http import Answer, Transport

URL = "https://crm.example.com"
SECRET = "canary-token-55"


@pytest.fixture
def waits(monkeypatch):
    waited: list[float] = []
    monkeypatch.setattr("tenacity.nap.time.sleep", waited.append)
    return waited


@pytest.fixture
def http():
    transport = Transport(URL, headers=lambda: {"Authorization": SECRET}, attempts=3)
    yield transport
    transport.close()


@responses.activate
def test_waits_as_long_as_the_crm_asks(http, waits):
    responses.get(f"{URL}/x", status=429, headers={"Retry-After": "7"})
    responses.get(f"{URL}/x", json={"ok": True})
    assert http.send("GET", "/x", repeatable=True).status == 200
    assert waits == [7.0]


@responses.activate
def test_a_call_leaves_nothing_of_itself_for_the_collector(http):
    responses.get(f"{URL}/x", body="y" * 5000)
    http.send("GET", "/x", repeatable=True)
    gc.collect()
    gc.disable()
    try:
        before = _alive()
        for _ in range(5):
            http.send("GET", "/x", repeatable=True)
            http.send("GET", "/x", repeatable=True, attempts=2)
        assert _alive() == before
    finally:
        gc.enable()


def _alive():
    made = (Answer, Retrying, RetryCallState)
    return Counter(type(one).__name__ for one in gc.get_objects() if isinstance(one, made))


@responses.activate
def test_a_file_takes_a_good_answer_and_nothing_of_a_bad_one(http, waits, tmp_path):
    responses.get(f"{URL}/x", status=503, body="come back later, all of you")
    responses.get(f"{URL}/x", body="a,b\n1,2\n")
    with (tmp_path / "body").open("w+b") as file:
        file.write(b"of an attempt before")
        assert http.send("GET", "/x", repeatable=True, into=file).body == b""
        file.seek(0)
        assert file.read() == b"a,b\n1,2\n"


@responses.activate
def test_who_asks_for_more_patience_than_a_run_has_is_not_waited_for(http, waits):
    responses.get(f"{URL}/x", status=429, headers={"Retry-After": "3600"})
    with pytest.raises(RateLimitError):
        http.send("GET", "/x", repeatable=True)
    assert (len(responses.calls), waits) == (1, [])


@responses.activate
def test_a_used_up_quota_is_not_asked_for_again(waits):
    def used_up(answer):
        raise QuotaError("the day's calls are used up", hint="Tomorrow")

    transport = Transport(URL, overrules=used_up)
    responses.get(f"{URL}/x", status=429)
    with pytest.raises(QuotaError):
        transport.send("GET", "/x", repeatable=True)
    assert (len(responses.calls), waits) == (1, [])
    transport.close()


@responses.activate
def test_later_is_tried_again_even_for_what_may_not_be_repeated_for_no_work_was_done(http, waits):
    responses.post(f"{URL}/x", status=503)
    responses.post(f"{URL}/x", json={})
    assert http.send("POST", "/x", b"{}", repeatable=False).status == 200


@responses.activate
def test_a_503_that_is_a_web_page_says_nothing_of_what_was_done(http, waits):
    page = {"status": 503, "body": "<html>Maintenance</html>", "content_type": "text/html"}
    responses.post(f"{URL}/x", **page)
    with pytest.raises(UnknownOutcomeError, match="may or may not"):
        http.send("POST", "/x", b"{}", repeatable=False)
    responses.get(f"{URL}/y", **page)
    responses.get(f"{URL}/y", json={})
    assert http.send("GET", "/y", repeatable=True).status == 200


@responses.activate
def test_a_used_up_quota_is_not_asked_again(waits):
    def spent(_answer):
        raise QuotaError("used up", hint="tomorrow")

    responses.get(f"{URL}/x", status=429)
    transport = Transport(URL, overrules=spent)
    with pytest.raises(QuotaError):
        transport.send("GET", "/x", repeatable=True)
    assert len(responses.calls) == 1
    assert waits == []
    transport.close()


@responses.activate
def test_a_transport_that_moved_speaks_to_the_new_host(http):
    responses.get("https://other.example.com/x", json={})
    http.move("https://other.example.com/")
    assert http.send("GET", "/x", repeatable=True).status == 200
    with pytest.raises(UsageError):
        http.move("http://other.example.com")


@responses.activate
def test_a_write_without_an_answer_is_not_sent_twice(http, waits):
    responses.post(f"{URL}/x", body=responses.ConnectionError("reset by peer"))
    with pytest.raises(UnknownOutcomeError, match="may or may not"):
        http.send("POST", "/x", b"{}", repeatable=False)
    assert len(responses.calls) == 1


@responses.activate
def test_a_read_without_an_answer_is_tried_to_the_last_attempt(http, waits):
    responses.get(f"{URL}/x", body=responses.ConnectionError("reset by peer"))
    with pytest.raises(TryLaterError):
        http.send("GET", "/x", repeatable=True)
    assert len(responses.calls) == 3


@responses.activate
@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({"status": 401}, LoginError),
        ({"status": 403}, LoginError),
        ({"status": 404}, RemoteError),
        ({"status": 302, "headers": {"Location": "https://evil.example"}}, RemoteError),
        ({"status": 500}, TryLaterError),
        ({"status": 429}, RateLimitError),
        ({"body": "<html>maintenance</html>", "content_type": "text/html"}, TryLaterError),
    ],
    ids=["401", "403", "404", "redirect", "500", "429", "a page with 200"],
)
def test_each_answer_is_the_error_its_reader_needs_without_secret_or_query(
    http, waits, answer, error
):
    responses.get(f"{URL}/x", **answer)
    with pytest.raises(error) as caught:
        http.send("GET", "/x?email=ada@example.com", repeatable=True)
    assert caught.value.hint
    said = f"{caught.value} {caught.value.hint} {http!r}"
    assert SECRET not in said
    assert "ada@" not in said


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("http://crm.example.com", "in clear"),
        ("ftp://crm.example.com", "no web address"),
        ("crm.example.com", "no web address"),
        ("https://me:pw@crm.example.com", "holds a log-in"),
    ],
)
def test_addresses_we_do_not_speak_to(address, words):
    with pytest.raises(UsageError, match=words):
        Transport(address)


def test_plain_http_to_this_machine_is_fine():
    Transport("http://127.0.0.1:8069").close()
    Transport("http://localhost").close()


@pytest.fixture
def broken_server():
    """A server that answers with what it is given, then hangs up."""
    listener = socket.create_server(("127.0.0.1", 0))
    answers: list[bytes] = []
    seen: list[bytes] = []

    def serve():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                seen.append(connection.recv(65536))
                connection.sendall(answers[0])

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}", answers, seen
    listener.shutdown(socket.SHUT_RDWR)  # closing alone does not wake who waits in accept
    thread.join(2)
    listener.close()
    assert not thread.is_alive()


@pytest.mark.parametrize(
    "raw",
    [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", b"nonsense\r\n\r\n"],
    ids=["hangs up", "half a body", "no http"],
)
def test_a_broken_answer_is_never_taken_for_data(broken_server, raw, waits):
    address, answers, seen = broken_server
    answers.append(raw)
    transport = Transport(address, attempts=2)
    with pytest.raises(TryLaterError):
        transport.send("GET", "/x", repeatable=True)
    assert len(seen) == 2
    with pytest.raises(UnknownOutcomeError):
        transport.send("POST", "/x", b"{}", repeatable=False)
    assert len(seen) == 3
    transport.close()


@pytest.mark.parametrize("ends", [b"Content-Length: 5000", b"Transfer-Encoding: chunked"])
def test_c27_an_answer_that_drips_for_ever_is_given_up(monkeypatch, ends):
    """Each part comes before the time-out of a read, so that the line alone never ends it."""
    monkeypatch.setattr("connector.transport.http.ANSWER_S", 0.5)
    listener = socket.create_server(("127.0.0.1", 0))

    def drip():
        for _ in range(2):
            connection, _ = listener.accept()
            with connection, suppress(OSError):
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\n" + ends + b"\r\n\r\n")
                for _ in range(150):
                    threading.Event().wait(0.05)
                    connection.sendall(b"1\r\n \r\n" if b"chunked" in ends else b" ")

    thread = threading.Thread(target=drip, daemon=True)
    thread.start()
    transport = Transport(f"http://127.0.0.1:{listener.getsockname()[1]}", attempts=1)
    began = time.monotonic()
    with pytest.raises(TryLaterError, match="no whole answer"):
        transport.send("GET", "/x", repeatable=True)
    with pytest.raises(UnknownOutcomeError):
        transport.send("POST", "/x", b"{}", repeatable=False)
    assert time.monotonic() - began < 4
    transport.close()
    listener.close()


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Len",
        b"HTTP/1.1 200 OK\r\nDate: x\r\n\r\n{}",
    ],
    ids=["headers cut", "no length"],
)
def test_an_answer_that_does_not_say_where_it_ends_is_not_whole(broken_server, raw, waits):
    address, answers, _ = broken_server
    answers.append(raw)
    transport = Transport(address, attempts=2)
    with pytest.raises(TryLaterError):
        transport.send("GET", "/x", repeatable=True)
    with pytest.raises(UnknownOutcomeError):
        transport.send("POST", "/x", b"{}", repeatable=False)
    transport.close()
