"""The headers that tell a client how much of its key's limits is left: on every reply to a known key.

The names with RPM, TPM and TPD are the gateway's own, the others OpenAI's, whose SDKs and tools read them. OpenAI's
``tokens`` are those of the minute where the key has such a limit, else those of the day. A limit that the key does not
have has no header. A request in flight counts with what is held for it, the one that is answered too.
"""

from collections.abc import Mapping

from sluice.accounting.counter import Counter, Limits
from sluice.accounting.periods import current_period, period_end
from sluice.accounting.windows import DAY, MINUTE, Shape, Window
from sluice.money import format_usd


def rate_limit_headers(limits: Limits, counter: Counter | None, now: float) -> Mapping[str, str]:
    """The headers for a key's limits by its counter (None: never used), at the epoch second ``now``."""
    found: dict[str, str] = {}
    tokens_named = False
    for unit, name, shape, limit, seen in (
        ("RPM", "requests", MINUTE, limits.rpm, counter and counter.requests),
        ("TPM", "tokens", MINUTE, limits.tpm, counter and counter.minute_tokens),
        ("TPD", "tokens", DAY, limits.tpd, counter and counter.day_tokens),
    ):
        if limit is None:
            continue
        window = seen.rolled(shape, shape.slot_at(now)) if seen else None
        remaining = str(max(0, limit - window.total) if window else limit)
        found[f"x-ratelimit-limit-{unit.lower()}"] = str(limit)
        found[f"x-ratelimit-remaining-{unit.lower()}"] = remaining
        if name == "tokens" and tokens_named:
            continue
        tokens_named = name == "tokens"
        found[f"x-ratelimit-limit-{name}"] = str(limit)
        found[f"x-ratelimit-remaining-{name}"] = remaining
        found[f"x-ratelimit-reset-{name}"] = duration(_until_empty(shape, window, now))
    return found | _budget_headers(limits, counter, now)


def _budget_headers(limits: Limits, counter: Counter | None, now: float) -> dict[str, str]:
    """What is left of a budget, in USD, and in what time it starts anew."""
    if limits.budget is None:
        return {}
    counted = counter.period if counter else ""
    period = current_period(limits.budget_period, now, counted)
    used = counter.used if counter and period == counted else 0
    found = {
        "x-sluice-budget-limit": format_usd(limits.budget),
        "x-sluice-budget-remaining": format_usd(max(0, limits.budget - used)),
    }
    end = period_end(period)
    return found if end is None else found | {"x-sluice-budget-reset": duration(max(0.0, end - now))}


def _until_empty(shape: Shape, window: Window | None, now: float) -> float:
    """Seconds until nothing is counted any more; what is held may yet be settled, and counts as if it were now."""
    if window is None or window.total == 0:
        return 0.0
    settled = Window(window.slot, window.now + window.held, window.earlier, window.total)
    return max(0.0, (settled.falls_to(shape, 0) or now) - now)


def duration(seconds: float) -> str:
    """Seconds in OpenAI's notation: ``250ms``, ``7s``, ``6m0s``, ``24h0m0s``."""
    milliseconds = round(seconds * 1000)
    if milliseconds < 1000:
        return f"{milliseconds}ms" if milliseconds else "0s"
    whole = round(seconds)
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes}m{rest}s"
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"
