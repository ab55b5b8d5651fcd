"""HTTP once, for every CRM: time-outs, retries that know what may be repeated, clear errors."""
