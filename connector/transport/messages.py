"""Messages to people, by whatever channel their address names; the extra `alerts` sends them."""

from __future__ import annotations

from collections.abc import Sequence

from connector.points import point


def send(addresses: Sequence[str], title: str, body: str, *, where: str) -> str | None:
    """Send to every address; gives what went wrong in words, None when nothing.

    `where` names the setting the addresses stand under, for no message repeats an address.
    """
    try:
        import apprise  # noqa: PLC0415  an extra, and slow to import
    except ImportError:
        return "alerts need the extra: pip install 'leadloop[alerts]'"
    post = apprise.Apprise()
    understood = [post.add(address) for address in addresses]
    if not all(understood):
        return f"address {understood.index(False) + 1} under `{where}:` is not understood"
    point("send.before")
    done = post.notify(title=title, body=body)
    point("send.after")
    return None if done else "an alert could not be delivered"
