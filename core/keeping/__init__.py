"""Nothing is lost: backups and their restoring, the doctor, the audit log."""
