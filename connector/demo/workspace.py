"""The folder an admin of the practice company would have made: settings, mappings, routing."""

from __future__ import annotations

from pathlib import Path

from connector.demo.servers import Practice
from connector.demo.shipped import shipped
from connector.practice.company import words

SETTINGS = """\
# yaml-language-server: $schema=leadloop.schema.json
version: 1
store: sqlite:///./state/leadloop.db
model: model.yaml
routing: routing.yaml
stage: {stage} # observe, score, nurture, route: how far the loop may go
connections:
  - name: sf
    kind: salesforce
    mapping: mappings/salesforce.yaml
    address: {org}
    auth: {{client_id: {{file: secrets/client-id}}, client_secret: {{file: secrets/client-secret}}}}
    scope: {{exclude: {{own_domains: [{own}]}}}}
    api: {{reconcile: 30d}} # how often every id is compared
    handoff: true # sales works here
  - name: hs
    kind: hubspot
    mapping: mappings/hubspot.yaml
    address: {portal}
    auth: {{token: {{file: secrets/token}}}}
    scope: {{exclude: {{own_domains: [{own}]}}}}
    api: {{reconcile: 30d}}
write: {{max_age: 30d, limits: {{records: 40%}}}} # this company runs the loop once a week
sla: {{verdict: 170h}} # a little over a week, for the same reason
report: {{currency: EUR}}
"""
_POOLS = {"dach": range(6), "west": range(6, 14), "rest": range(14, 24)}
_GERMAN = "[de, at, ch, deutschland]"
_WEST = "[fr, nl, gb, united kingdom]"
PARTNER = "yann"
"""Who stands in the CRM for a partner firm; in this play nobody there ever answers."""
# What every company has to say of its own: the fields in which its people write why they said no,
# and until when somebody is away.
_OWN_WORDS = {
    "IsActive, as: bool}, type: {value: user}}": "IsActive, as: bool}, type: {value: user}, "
    "away_until: {from: Away_Until__c, as: moment}}",
    "# reason: Your_Field__c ": "reason: Unqualified_Reason__c ",
    "# reason: Loss_Reason__c ": "reason: Loss_Reason__c ",
}


def write_workspace(folder: Path, stage: str, org: Practice, portal: Practice) -> None:
    """Write everything `leadloop run` needs, with the stage opened that far."""
    for name in ("mappings", "secrets"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    settings = SETTINGS.format(
        stage=stage, org=org.address, portal=portal.address, own=words.OWN_DOMAIN
    )
    texts = {
        "leadloop.yaml": settings,
        "routing.yaml": routing(),
        "model.yaml": shipped("model.yaml"),
        "scenarios.yaml": shipped("scenarios.yaml"),
        "mappings/salesforce.yaml": salesforce_mapping(),
        "mappings/hubspot.yaml": hubspot_mapping(),
        "secrets/client-id": org.auth["client_id"],
        "secrets/client-secret": org.auth["client_secret"],
        "secrets/token": portal.auth["token"],
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")


def salesforce_mapping() -> str:
    """The shipped mapping, with this company's own fields for reasons."""
    text = shipped("salesforce.yaml")
    for line, ours in _OWN_WORDS.items():
        text = text.replace(line, ours)
    return text


def hubspot_mapping() -> str:
    """The shipped mapping, with the forms that give papers; what sales logs is in Salesforce."""
    text = shipped("hubspot.yaml")
    # Nobody judges leads in this portal, so when a status came about is not worth a call for fifty.
    text = "\n".join(line for line in text.split("\n") if "hs_lead_status.changed" not in line)
    papers = ", ".join(f"{asset}: download" for asset in words.ASSETS)
    other = ", ".join(f"{form}: null" for form in (*words.HAND_RAISES, "newsletter"))
    text = text.replace("Download our guide: download", papers)
    text = text.replace(
        "fields: {form: form_name,",
        f"fields: {{asset: {{from: form_name, values: {{{other}}}}}, form: form_name,",
    )
    before, _, rest = text.partition("\n  call:")
    return f"{before}\n  form:{rest.partition(chr(10) + '  form:')[2]}"


def routing() -> str:
    """Pools by country, each member with a limit; what nobody can take goes to a queue."""
    lines = ["version: 1", "precedence: [open_opportunity_owner, account_owner, last_owner]"]
    lines.append("pools:")
    for pool, places in _POOLS.items():
        lines.append(f"  {pool}:")
        lines.append("    members:")
        for place in places:
            owner = f"{words.OWNERS[place]}@{words.OWN_DOMAIN}"
            lines.append(f"      - {{owner: {owner}, capacity: {{open: 60, per_day: 2}}}}")
    lines += [
        "  south:",
        "    members:",
        f"      - owner: {PARTNER}@{words.OWN_DOMAIN}",
        "        partner: {name: South Partners, answer_within: 5d, deliver: {csv: partners}}",
        "rules:",
        "  - {name: Southern Europe, when: {country: {in: [es, it]}}, to: {pool: south}}",
        f"  - {{name: German speaking, when: {{country: {{in: {_GERMAN}}}}}, to: {{pool: dach}}}}",
        f"  - {{name: Western Europe, when: {{country: {{in: {_WEST}}}}}, to: {{pool: west}}}}",
        "fallback: {pool: rest}",
        f"overflow: {{hold: 14d, then: {{queue: {words.QUEUES[0]}}}}}",
    ]
    return "\n".join(lines) + "\n"
