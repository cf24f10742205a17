"""What may come in and what may go out: rules as data, personal data masked, every hit a finding."""
