"""Word, PowerPoint and Excel files of the XML kind (transitional and strict)."""
