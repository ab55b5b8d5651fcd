"""What keeps an installation sound: fields, doctor, forgetting, retention, exports."""
