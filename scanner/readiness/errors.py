"""What can go wrong in a way the user can mend."""


class UsageError(Exception):
    """The command line, a path or the configuration is wrong: exit code 2.

    The message says what was wrong, where, and what to do.
    """
