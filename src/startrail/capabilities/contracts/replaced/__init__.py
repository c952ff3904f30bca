"""New versions of files: the same name came again with other bytes, and the source says what that means (``on_replace``)."""
