"""Which sales region a country belongs to."""

from __future__ import annotations

from connector.domain.text import normalise

_EMEA = (
    "ad ae al am at az ba be bg bh by ch cy cz de dk dz ee eg es fi fo fr gb ge gg gi gr hr hu "
    "ie il im iq is it je jo ke kw lb li lt lu lv ly ma mc md me mk mt mu ng nl no om pl pt qa "
    "ro rs ru sa se si sk sm sn tn tr tz ua ug uk va ye za zm zw gh ci cm et rw ao mz na bw"
)
_AMER = (
    "ag ar aw bb bm bo br bs bz ca cl co cr cu cw dm do ec gd gf gp gt gy hn ht jm ky mq mx ni "
    "pa pe pr py sr sv tc tt us uy vc ve"
)
_APAC = (
    "au bd bn bt cn fj hk id in jp kg kh kr kz la lk mm mn mo mv my np nz pg ph pk sg th tj tm "
    "tw uz vn"
)
_NAMES = {
    "germany": "de", "deutschland": "de", "france": "fr", "united kingdom": "gb",
    "great britain": "gb", "england": "gb", "spain": "es", "españa": "es", "italy": "it",
    "italia": "it", "netherlands": "nl", "belgium": "be", "austria": "at", "österreich": "at",
    "switzerland": "ch", "schweiz": "ch", "sweden": "se", "norway": "no", "denmark": "dk",
    "finland": "fi", "poland": "pl", "portugal": "pt", "ireland": "ie", "israel": "il",
    "turkey": "tr", "south africa": "za", "united arab emirates": "ae", "united states": "us",
    "united states of america": "us", "usa": "us", "canada": "ca", "mexico": "mx", "brazil": "br",
    "brasil": "br", "argentina": "ar", "chile": "cl", "colombia": "co", "australia": "au",
    "new zealand": "nz", "japan": "jp", "china": "cn", "india": "in", "singapore": "sg",
    "south korea": "kr", "hong kong": "hk", "indonesia": "id", "malaysia": "my", "thailand": "th",
    "vietnam": "vn", "philippines": "ph", "taiwan": "tw",
}  # fmt: skip
_REGION = {
    code: region
    for region, codes in (("emea", _EMEA), ("amer", _AMER), ("apac", _APAC))
    for code in codes.split()
}
REGIONS = frozenset(_REGION.values())


def region_of(country: str) -> str | None:
    """Give emea, amer or apac for an ISO 3166 code or a usual name; None for any other text."""
    name = normalise(country)
    return _REGION.get(_NAMES.get(name, name))
