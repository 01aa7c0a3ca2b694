"""The tally program's verbs and options, as its own help lists them."""

import re

from tally_daemon import clean_environment, tally

_ENV = clean_environment("/nonexistent")


def help_of(verb):
    """The options of a verb: name or letter to what it takes as the help has it, such
    as "START:STOP[:STEP]" or "cpu|io|auto"; "" for a flag."""
    listed = tally(verb, "--help", env=_ENV).stdout.partition("\noptions")[2]
    options = {}
    for line in listed.partition("\nexamples")[0].splitlines()[1:]:
        found = re.match(r"  (?:(-\w), )?(--[\w-]+)(?: (\S+))?", line)
        letter, name, value = found.groups()
        options[name] = value or ""
        if letter:
            options[letter] = ""
    return options


VERBS = re.findall(r"^  (\w+)  ", tally("help", env=_ENV).stdout, re.MULTILINE)
OPTIONS = {verb: help_of(verb) for verb in VERBS}
