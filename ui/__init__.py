"""The faces: command line, browser chat and REST."""
