"""What people do with conversations beside asking: files of their own, exports, deletion."""
