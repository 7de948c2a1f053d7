"""Files that ship with the package: tiktoken's cl100k_base ranks."""
