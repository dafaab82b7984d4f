"""Turns what an operator types into values, and says what is wrong with it."""

import re
from ipaddress import AddressValueError, IPv4Address

import typer

from sluice.money import parse_usd
from sluice.plans import PLANS

SECONDS_OF = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
MAX_SECONDS = 100 * 365 * 86_400
MAX_DIGITS = 15
MAX_PORT = 65_535
_DIGITS = re.compile(r"[0-9]+", re.ASCII)
_PORT = re.compile(r"[0-9]{1,5}", re.ASCII)
_DURATION = re.compile(r"([0-9]{1,12})([smhdw])", re.ASCII)


def duration(text: str) -> int:
    """The seconds in ``90s``, ``15m``, ``1h``, ``30d`` or ``2w``; a bare ``0`` is none."""
    if text.strip() == "0":
        return 0
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise typer.BadParameter(f"{text!r} is not a duration such as 90s, 15m, 1h, 30d or 2w")
    seconds = int(match[1]) * SECONDS_OF[match[2]]
    if seconds > MAX_SECONDS:
        raise typer.BadParameter(f"{text!r} is more than a hundred years")
    return seconds


def lifetime(text: str) -> int:
    """A duration that is not nothing."""
    seconds = duration(text)
    if seconds == 0:
        raise typer.BadParameter("a key that has expired already is of no use")
    return seconds


def limit(text: str | int) -> int:
    """How many of something there may be, 1 or more; a default comes as a number already."""
    digits = str(text).strip().lstrip("0")
    if _DIGITS.fullmatch(digits) is None:
        raise typer.BadParameter(f"{text!r} is not a whole number of 1 or more")
    if len(digits) > MAX_DIGITS:
        raise typer.BadParameter(f"the number has more than {MAX_DIGITS} digits")
    return int(digits)


def port(text: str | int) -> int:
    """A port to listen on; the default comes as a number already."""
    if _PORT.fullmatch(str(text)) is None or int(text) > MAX_PORT:
        raise typer.BadParameter(f"{str(text)!r} is not a port: 0 to {MAX_PORT}")
    return int(text)


def address(text: str) -> str:
    """One IPv4 address of this machine, under which others can call it."""
    try:
        found = IPv4Address(text)
    except AddressValueError as error:
        raise typer.BadParameter(f"{text!r} is not an address such as 172.17.0.1") from error
    if found.is_unspecified:
        raise typer.BadParameter(f"{text} stands for all addresses: name the one that is to be called")
    return str(found)


def amount(text: str) -> int:
    """USD as nano-USD."""
    try:
        return parse_usd(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def plan(text: str) -> str:
    """The name of a plan."""
    if text not in PLANS:
        raise typer.BadParameter(f"{text!r} is no plan; there are {', '.join(PLANS)}")
    return text


def models(text: str) -> tuple[str, ...]:
    """Model ids, separated by commas."""
    names = tuple(dict.fromkeys(filter(None, (name.strip() for name in text.split(",")))))
    if not names:
        raise typer.BadParameter(f"{text!r} names no model", param_hint="'--models'")
    for name in names:
        if " " in name or not name.isprintable():
            raise typer.BadParameter(
                f"{name!r} is not a model id: ids have no white space, and commas between them",
                param_hint="'--models'",
            )
    return names


def label(text: str) -> str:
    """A name that a person can read, and that fits on a line."""
    if not text.strip() or len(text) > 200 or not text.isprintable():
        raise typer.BadParameter("has to be 1 to 200 printable characters")
    return text.strip()
