"""A practice Salesforce org: REST query, collections, describe, conversion, metadata deploy."""
