"""The judge: runs question sets, measures retrieval, answers and refusals, compares with a baseline."""
