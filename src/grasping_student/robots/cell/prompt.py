"""Questions to the operator at the terminal."""

from __future__ import annotations

from grasping_student.pipeline.errors import UserError


def ask_at_terminal(text: str) -> str:
    """Show a text and return what a person typed.

    Raises:
        UserError: nobody can answer, because standard input is closed.
    """
    try:
        return input(text)
    except EOFError:
        raise UserError(f"nobody is there to answer, standard input is closed: {text.strip()}") from None
