"""A practice HubSpot portal: objects, search, associations, properties, owners, events, forms."""
