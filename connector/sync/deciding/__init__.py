"""Behind decisions: the record that carries them, what the CRM says, nurture, partners."""
