"""How the bundled reader was made: data, negatives, training, fitting. Nothing here runs when a question is asked."""
