"""The asking side: a question becomes passages, spans and quotes, or a refusal."""
