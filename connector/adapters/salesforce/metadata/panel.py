"""The score panel: a Lightning component for record pages, shown nowhere until somebody places it.

It reads fields and writes nothing; it loads nothing from elsewhere. Never seen in a live org.

Source: Lightning Web Components Developer Guide, "getRecord", "Configure a Component for Record
Pages", "lightning-formatted-date-time"; Metadata API Developer Guide, "LightningComponentBundle".
"""

from __future__ import annotations

from collections.abc import Mapping

from connector.adapters.salesforce.calls import API
from connector.adapters.salesforce.metadata.parts import Part, Tree

PANEL = "panel"
_NAME = "leadloopPanel"
_SHOWN = (
    "score", "grade", "fit", "behaviour", "reasons", "state", "do_next", "sla_due", "verdict",
    "nurture_theme", "model",
)  # fmt: skip
_HTML = """\
<template>
  <lightning-card title="Leadloop" icon-name="standard:lead">
    <template lwc:if={failed}>
      <p class="slds-var-p-horizontal_medium">
        The score is not shown to you: ask for the permission set Leadloop Rep.
      </p>
    </template>
    <template lwc:elseif={score}>
      <div class="slds-var-p-horizontal_medium">
        <p class="slds-text-heading_large">
          {score}
          <span class="slds-text-heading_medium">{grade}</span>
          <span class="slds-text-body_regular">{state}</span>
        </p>
        <p lwc:if={next}>Do next: {next}</p>
        <p lwc:if={due}>
          First contact due:
          <lightning-formatted-date-time value={due} year="numeric" month="short" day="numeric"
            hour="2-digit" minute="2-digit"></lightning-formatted-date-time>
        </p>
        <dl class="slds-dl_horizontal">
          <dt class="slds-dl_horizontal__label">Fit</dt>
          <dd class="slds-dl_horizontal__detail">
            <meter min="0" max="100" value={fit}></meter> {fit}
          </dd>
          <dt class="slds-dl_horizontal__label">Behaviour</dt>
          <dd class="slds-dl_horizontal__detail">
            <meter min="0" max="100" value={behaviour}></meter> {behaviour}
          </dd>
        </dl>
        <h3 class="slds-text-title_bold">Why</h3>
        <ul class="slds-list_dotted">
          <template for:each={reasons} for:item="reason">
            <li key={reason.key}>{reason.text}</li>
          </template>
        </ul>
        <p lwc:if={verdict}>Last verdict: {verdict}</p>
        <p lwc:if={theme}>Nurture: {theme}</p>
        <p lwc:if={model} class="slds-text-color_weak">Scored by model {model}</p>
      </div>
    </template>
    <template lwc:else>
      <p class="slds-var-p-horizontal_medium">No score yet.</p>
    </template>
  </lightning-card>
</template>
"""
_SCRIPT = """\
import {{ LightningElement, api, wire }} from 'lwc';
import {{ getRecord, getFieldValue }} from 'lightning/uiRecordApi';

const FIELDS = {fields};

export default class LeadloopPanel extends LightningElement {{
    @api recordId;
    @api objectApiName;
    record;
    failed = false;

    get names() {{
        return FIELDS[this.objectApiName] || {{}};
    }}

    get wanted() {{
        return Object.values(this.names).map((name) => `${{this.objectApiName}}.${{name}}`);
    }}

    @wire(getRecord, {{ recordId: '$recordId', optionalFields: '$wanted' }})
    take({{ data, error }}) {{
        this.record = data;
        this.failed = Boolean(error);
    }}

    value(word) {{
        const name = this.names[word];
        return name && this.record
            ? getFieldValue(this.record, `${{this.objectApiName}}.${{name}}`)
            : null;
    }}

    get score() {{
        const score = this.value('score');
        return score === null || score === undefined ? null : String(score);
    }}
    get grade() {{ return this.value('grade'); }}
    get state() {{ return (this.value('state') || '').replace(/_/g, ' '); }}
    get fit() {{ return this.value('fit'); }}
    get behaviour() {{ return this.value('behaviour'); }}
    get verdict() {{ return this.value('verdict'); }}
    get next() {{ return this.value('do_next'); }}
    get due() {{ return this.value('sla_due'); }}
    get model() {{ return this.value('model'); }}
    get theme() {{ return this.value('nurture_theme'); }}
    get reasons() {{
        return (this.value('reasons') || '')
            .split('\\n')
            .filter((text) => text)
            .map((text, key) => ({{ key, text }}));
    }}
}}
"""


def panel_parts(fields: Mapping[str, Mapping[str, str]]) -> list[Part]:
    """Spell the panel for the objects that have a score; our fields by object and our words."""
    shown = {
        source: {word: names[word] for word in _SHOWN if word in names}
        for source, names in fields.items()
        if "score" in names
    }
    if not shown:
        return []
    tree: Tree = [
        ("apiVersion", API),
        ("description", "The score of a lead or contact, and why."),
        ("isExposed", "true"),
        ("masterLabel", "Leadloop score"),
        ("targets", [("target", "lightning__RecordPage")]),
    ]
    base = f"lwc/{_NAME}/{_NAME}"
    texts = {f"{base}.html": _HTML, f"{base}.js": _SCRIPT.format(fields=_literal(shown))}
    path = f"{base}.js-meta.xml"
    return [
        Part(
            PANEL,
            "LightningComponentBundle",
            _NAME,
            "LightningComponentBundle",
            tree,
            path,
            path,
            texts=texts,
        )
    ]


def _literal(shown: Mapping[str, Mapping[str, str]]) -> str:
    """Spell the names as a literal of the script; they are API names, letters and underscores."""
    lines = [
        f"    {source}: {{ {', '.join(f'{word}: {name!r}' for word, name in names.items())} }},"
        for source, names in shown.items()
    ]
    return "\n".join(["{", *lines, "}"])
