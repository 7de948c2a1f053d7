"""One small module a format: each turns a file's bytes into extracts, with places known as exact offsets.

A format is a `Format`: a name, the media type, the file suffixes it claims, a test on content, and a reader. To add one,
write a module with a `FORMAT` constant and list it in `FORMATS` (order matters: the first that recognises the content).
"""
