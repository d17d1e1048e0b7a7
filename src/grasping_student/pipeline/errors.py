"""Errors that a user can mend."""


class UserError(Exception):
    """Input that a user can mend; the command line prints the message and exits with code 2.

    The message says what was given, what is valid and what to do. Anything else that escapes is a bug of ours.
    """
