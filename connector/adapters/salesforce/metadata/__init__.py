"""What `install` puts into an org, as Salesforce's own metadata. Pure."""
