"""The writing side: files become documents, chunks, vectors and terms in an immutable generation."""
