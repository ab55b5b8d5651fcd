"""Whether a person may be contacted. Consent gates actions; it never changes a score."""

from __future__ import annotations

from collections.abc import Mapping

from connector.domain.record import Scalar


def may_contact(doc: Mapping[str, Scalar], policy: str) -> bool:
    """Whether the policy for a purpose allows contact.

    `policy` is `any` (always), `opt_out` (unless the person objected) or `opt_in` (only a person
    whose `opted_in` is true and who has not objected since).
    """
    if policy == "any":
        return True
    if doc.get("opted_out") is True:
        return False
    return policy == "opt_out" or doc.get("opted_in") is True
