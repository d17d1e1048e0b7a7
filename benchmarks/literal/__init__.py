"""The paper's algorithms word for word: slow, simple, and what the fast code is tested and timed against."""
