"""HubSpot: contacts, companies, deals, owners and what people did, on dated API paths or v3."""
