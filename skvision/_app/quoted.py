"""Arguments as one types them into a terminal."""

import re
import shlex

from skvision._contract.user_error import visible


def quoted(argument: str) -> str:
    r"""Return an argument in quotes where it needs them.

    Double quotes do on all systems. Where the shell would change something within them,
    there are single ones.

    Examples
    --------
    >>> from skvision._app.quoted import quoted
    >>> print(quoted("photos/ants"), quoted("my photos"), quoted(r"^(\w+)$"))
    photos/ants "my photos" '^(\w+)$'
    """
    text = visible(argument)
    if re.fullmatch(r"[\w./:~+=,@%\\-]+", text):
        return text
    return shlex.quote(text) if set('$`"').intersection(text) else f'"{text}"'
